"""Milvus servers for tests: milvus-lite, and the real one where its folder is given.

The real server listens on every interface, so it is started only where there is none but the
loopback: in a network namespace (``make cluster``).
"""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Self

# The folder with bin/milvus, as ``milvus._initialize_data_files`` unpacks it.
SERVER = os.environ.get("KETQA_MILVUS_SERVER")
# 2.3.5 starts in seconds; after it was killed, its leases must run out first.
PATIENCE = 180
PORTS = {
    "ROOTCOORD_PORT": 53100, "QUERYCOORD_PORT": 19531, "DATACOORD_PORT": 13333,
    "QUERYNODE_PORT": 21123, "INDEXNODE_PORT": 21121, "DATANODE_PORT": 21124, "PROXY_PORT": 19530,
    "METRICS_PORT": 9091,
}  # fmt: skip
CONFIG = """
etcd: {{use: {{embed: true}}, data: {{dir: {folder}/etcd}}}}
mq: {{type: rocksmq}}
rocksmq: {{path: {folder}/rocksmq, compressionTypes: [0, 0, 7, 7, 7]}}
localStorage: {{path: {folder}/data}}
common: {{storageType: local, session: {{ttl: 20}}}}
queryNode: {{segcore: {{interimIndex: {{enableIndex: false}}}}}}
"""


class Program(ABC):
    """A process of its own, whose data survive it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._begun = 0

    def start(self) -> Self:
        self.launch()
        self.wait()
        return self

    def launch(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "log").open("ab") as log:
            self._begun = log.tell()
            self._process = subprocess.Popen(
                self.command(), stdout=log, stderr=log, cwd=self.folder, env=self.environment()
            )

    def wait(self) -> None:
        """Wait until it is ready."""
        end = time.monotonic() + PATIENCE
        while not self.ready():
            assert self._process, "it was not launched"
            assert self._process.poll() is None, (self.folder / "log").read_text()[-2000:]
            assert time.monotonic() < end, f"{self.folder.name} did not come up"
            time.sleep(0.1)

    def told(self, text: str) -> bool:
        """Tell whether it has logged something since it was last launched."""
        with (self.folder / "log").open("rb") as log:
            log.seek(self._begun)
            return text.encode() in log.read()

    def kill(self) -> None:
        """End it as a power cut would: 2.3.5 takes minutes to stop when it is asked."""
        if self._process:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()

    @abstractmethod
    def command(self) -> list[str]: ...

    def environment(self) -> Mapping[str, str]:
        return os.environ

    @abstractmethod
    def ready(self) -> bool: ...


class Server(Program):
    """One process that a client connects to."""

    def __init__(self, folder: Path, port: int) -> None:
        super().__init__(folder)
        self.port = port

    def address(self, collection: str, store: Path, **given: object) -> str:
        return address_at(self.port, collection, store, **given)


def address_at(port: int, collection: str, store: Path, **given: object) -> str:
    more = "".join(f"&{name}={one}" for name, one in given.items())
    return f"milvus://127.0.0.1:{port}/{collection}?store={store}{more}"


class Lite(Server):
    """The small one, in Python."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            super().__init__(folder, free.getsockname()[1])

    def command(self) -> list[str]:
        lite = str(Path(sys.executable).with_name("milvus-lite"))
        where = ["--host", "127.0.0.1", "--port", str(self.port), "--data-dir"]
        return [lite, "server", *where, str(self.folder / "data")]

    def ready(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


class Standalone(Server):
    """The real one, 2.3.5, all its roles in one process."""

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        """Name its folder, and what is set beside ``CONFIG``, as its environment has it."""
        assert_alone()
        super().__init__(folder, PORTS["PROXY_PORT"])
        self._settings = settings or {}
        configure(folder / "configs", CONFIG.format(folder=folder))

    def command(self) -> list[str]:
        return [f"{SERVER}/bin/milvus", "run", "standalone"]

    def environment(self) -> Mapping[str, str]:
        own = environment_of(self.folder, self.folder / "configs", "STANDALONE", PORTS)
        return {**own, **self._settings}

    def ready(self) -> bool:
        return tells(PORTS["METRICS_PORT"], "healthz", "OK")


def assert_alone() -> None:
    """See that no other machine can reach what is started here."""
    interfaces = [path.name for path in Path("/sys/class/net").iterdir()]
    assert socket.if_nameindex() == [(1, "lo")], f"make cluster runs this, not {interfaces}"


def configure(folder: Path, text: str) -> None:
    folder.mkdir(parents=True)
    (folder / "milvus.yaml").write_text(text)
    (folder / "glog.conf").write_text("--logtostderr=true\n")


def environment_of(
    folder: Path, configs: Path, mode: str, ports: Mapping[str, int]
) -> Mapping[str, str]:
    """Return the environment of one process of 2.3.5."""
    return os.environ | {name: str(port) for name, port in ports.items()} | {
        "LD_LIBRARY_PATH": f"{SERVER}/bin",
        "MILVUSCONF": str(configs),
        "MILVUS_RUN_DIR": f"{folder}/run",
        "DEPLOY_MODE": mode,
    }  # fmt: skip


def tells(port: int, path: str, told: str) -> bool:
    """Tell whether a process says so over HTTP."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=2) as answer:
            return told in answer.read().decode()
    except OSError:
        return False
