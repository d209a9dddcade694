"""The real Milvus 2.3.5 as eight processes, each of which a test can kill.

etcd keeps what they know of each other. In the place of a log service stands the mock broker
inside librdkafka, which keeps the last 5 MB of a topic and forgets the rest: rows must come at a
pace, and nothing here says how a real log behaves. What they save lies in one folder.
"""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from milvus import (
    PORTS,
    SERVER,
    Program,
    address_at,
    assert_alone,
    configure,
    environment_of,
    tells,
)

ETCD = os.environ.get("KETQA_ETCD") or shutil.which("etcd")
ETCD_PORT = 2379
COORDINATORS = ("rootcoord", "datacoord", "querycoord")
WORKERS = ("datanode", "indexnode", "querynode-1", "querynode-2")
NODES = (*COORDINATORS, *WORKERS, "proxy")
CONFIG = """
etcd: {{endpoints: "127.0.0.1:{etcd}"}}
mq: {{type: kafka}}
kafka: {{brokerList: "{broker}"}}
localStorage: {{path: {folder}/data}}
common: {{storageType: local, session: {{ttl: 20}}}}
queryNode: {{segcore: {{interimIndex: {{enableIndex: false}}}}}}
proxy: {{replicaSelectionPolicy: round_robin}}
"""


class Etcd(Program):
    """What the nodes find each other by."""

    def command(self) -> list[str]:
        assert ETCD, "etcd is not installed; make cluster brings it"
        at = f"http://127.0.0.1:{ETCD_PORT}"
        clients = ["--listen-client-urls", at, "--advertise-client-urls", at]
        peers = ["--listen-peer-urls", f"http://127.0.0.1:{ETCD_PORT + 1}"]
        return [ETCD, "--data-dir", str(self.folder / "data"), *clients, *peers]

    def ready(self) -> bool:
        return tells(ETCD_PORT, "health", "true")


class Node(Program):
    """One role of Milvus in a process of its own."""

    def __init__(self, folder: Path, configs: Path) -> None:
        """Name its folder by its role, with a number where it is one of several."""
        super().__init__(folder)
        self._configs = configs
        self._role, _, number = folder.name.partition("-")
        self._health = PORTS["METRICS_PORT"] + NODES.index(folder.name)
        self._ports = PORTS | {"METRICS_PORT": self._health}
        if number:
            self._ports["QUERYNODE_PORT"] += 1000 * int(number)

    def command(self) -> list[str]:
        return [f"{SERVER}/bin/milvus", "run", self._role]

    def environment(self) -> Mapping[str, str]:
        return environment_of(self.folder, self._configs, "CLUSTER", self._ports)

    def ready(self) -> bool:
        return tells(self._health, "healthz", "OK")


class Cluster:
    """All of them; ``nodes`` by their names."""

    def __init__(self, folder: Path, broker: str) -> None:
        configs = folder / "configs"
        configure(configs, CONFIG.format(folder=folder, broker=broker, etcd=ETCD_PORT))
        self.etcd = Etcd(folder / "etcd")
        self.nodes = {name: Node(folder / name, configs) for name in NODES}

    def address(self, collection: str, store: Path, **numbers: int) -> str:
        return address_at(PORTS["PROXY_PORT"], collection, store, **numbers)


@contextmanager
def cluster_in(folder: Path) -> Iterator[Cluster]:
    """Start them all; each waits for those that it needs."""
    assert_alone()
    with broker() as address, ExitStack() as stack:
        cluster = Cluster(folder, address)
        stack.enter_context(cluster.etcd)
        for node in cluster.nodes.values():
            stack.callback(node.kill)
            node.launch()
        for node in cluster.nodes.values():
            node.wait()
        yield cluster


@contextmanager
def broker() -> Iterator[str]:
    """Start the mock broker; yields its address."""
    from confluent_kafka import Producer

    # it listens as long as this is kept
    kept = Producer({"test.mock.num.brokers": 1, "log_level": 3})
    (found,) = kept.list_topics(timeout=10).brokers.values()
    yield f"{found.host}:{found.port}"
    kept.flush()
