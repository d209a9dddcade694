"""A PostgreSQL server for tests, where one is installed; it listens on the loopback alone."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import psycopg

USER, PASSWORD = "ketqa", "for tests alone"
PATIENCE = 60


def find_programs() -> Path | None:
    """Return the folder of initdb and postgres; Debian has one for each version."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda one: len(str(one)))
    path = shutil.which("initdb", path=os.pathsep.join([*map(str, [one.parent for one in found[-1:]]), os.environ["PATH"]]))  # fmt: skip
    return Path(path).parent if path else None


def why_not() -> str:
    """Say why it cannot run here; empty where it can."""
    if find_programs() is None:
        return "PostgreSQL is not installed"
    if os.getuid() != 0:
        return ""
    try:
        account = pwd.getpwnam("postgres")
    except KeyError:
        return "PostgreSQL does not run as root, and there is no user postgres"
    mapped = [
        map(int, line.split()) for line in Path("/proc/self/uid_map").read_text().splitlines()
    ]
    if not any(first <= account.pw_uid < first + count for first, _, count in mapped):
        return "PostgreSQL does not run as root, and in this namespace there is nobody else"
    return ""


class Postgres:
    """A server in a process of its own, whose data survive it."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="ketqa-postgres-")
        self.folder = Path(self._folder.name)
        self._process: subprocess.Popen[bytes] | None = None
        # it refuses to run as root
        self._as: dict[str, Any] = {"cwd": "/", "env": os.environ | {"LC_ALL": "C"}}
        if os.getuid() == 0:
            account = pwd.getpwnam("postgres")
            os.chown(self.folder, account.pw_uid, account.pw_gid)
            self._as |= {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    def address(self, database: str, user: str = USER, more: str = "") -> str:
        """Return what ``documents=`` takes."""
        return quote(f"postgresql://{user}@127.0.0.1:{self.port}/{database}{more}", safe="")

    def make(self, database: str) -> str:
        """Make a database; returns its address."""
        self.say(f"CREATE DATABASE {database}")
        return self.address(database)

    def say(self, query: str, database: str = "postgres") -> Any:  # noqa: ANN401, rows
        """Run a statement; returns its rows, if any."""
        with self._connect(database) as connection:
            found = connection.execute(query.encode())
            return found.fetchall() if found.description else None

    def start(self) -> Self:
        data = self.folder / "data"
        if not data.exists():
            self._init(data)
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._program("postgres")), "-D", str(data), "-h", "127.0.0.1",
                 "-p", str(self.port), "-k", ""],
                stdout=log, stderr=log, **self._as,
            )  # fmt: skip
        end = time.monotonic() + PATIENCE
        while not self._ready():
            assert self._process.poll() is None, (self.folder / "log").read_text()[-2000:]
            assert time.monotonic() < end, "the server did not come up"
            time.sleep(0.05)
        return self

    def kill(self) -> None:
        """End it with its children, by their ids, as a power cut would."""
        if self._process:
            pid = self._process.pid
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            self._process.send_signal(signal.SIGKILL)
            for child in children:
                try:
                    os.kill(int(child), signal.SIGKILL)
                except ProcessLookupError:
                    continue
            self._process.wait()
            self._process = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._folder.cleanup()

    def _init(self, data: Path) -> None:
        secret = self.folder / "password"
        secret.write_text(PASSWORD)
        subprocess.run(
            [str(self._program("initdb")), "-D", str(data), "-U", USER, "--pwfile", str(secret),
             "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"],
            check=True, capture_output=True, **self._as,
        )  # fmt: skip

    def _program(self, name: str) -> Path:
        folder = find_programs()
        assert folder
        return folder / name

    def _connect(self, database: str) -> psycopg.Connection:
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user=USER, password=PASSWORD, dbname=database,
            autocommit=True, connect_timeout=5,
        )  # fmt: skip

    def _ready(self) -> bool:
        try:
            self._connect("postgres").close()
        except psycopg.OperationalError:
            return False
        return True
