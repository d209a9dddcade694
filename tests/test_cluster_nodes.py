"""Milvus as eight processes, with each row on two query nodes, one of which is killed.

The whole suite of the engines runs here too, on this one. Nothing is shown of a real log service,
of object storage, or of several hosts: see tests/milvus_nodes.py.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from ketqa.cli import main
from ketqa.cluster.address import Address
from ketqa.cluster.engine import Milvus
from ketqa.cluster.fill import fill
from ketqa.errors import EngineAway, KetqaError
from ketqa.index import Index
from milvus import SERVER
from milvus_nodes import Cluster, Node, cluster_in
from test_cluster import (  # noqa: F401, collected here again, for this engine
    ASKED,
    measure,
    opened,
    test_a_plain_question_is_answered_word_for_word,
    test_every_promise_is_kept,
    test_passages_come_best_first_and_as_many_as_are_asked_for,
    test_the_nearest_rows_are_those_of_brute_force,
    test_the_same_question_gets_the_same_quotes,
    test_threads_that_ask_at_once_get_what_one_gets,
)

pytestmark = [
    pytest.mark.model,
    pytest.mark.skipif(not SERVER, reason="the server is not here; make cluster brings it"),
]
log = logging.getLogger(__name__)

# What the mock broker takes: 150 KB at once, and time to hand them on.
AT_ONCE, PAUSE = 100, 0.2
THREADS, ENOUGH = 4, 100
# What a node logs when it is let show what it has loaded; nothing that a client can ask tells it.
SHOWN = "Update readable segment version"
# A node that is dead is given up after 20 seconds; then another must load what it held.
PATIENCE = 150
Quotes = tuple[str, ...]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster_in(tmp_path_factory.mktemp("nodes")) as started:
        yield started


@pytest.fixture(scope="module")
def place(cluster: Cluster, small_index: Path) -> str:
    """Where the small index is opened: each row on two nodes."""
    address = cluster.address("spread", small_index, replicas=2)
    fill(Address.parse(address), batch=AT_ONCE, progress=lambda *_: time.sleep(PAUSE))
    return address


def test_the_command_finds_every_row_on_two_nodes(
    place: str, small_index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus = str(small_index.parent / "corpus")
    assert main(["index", "--corpus", corpus, "--index", place]) == 0
    assert "nothing changed" in capsys.readouterr().out
    assert len(nodes_that_hold_all(place)) == 2


def nodes_that_hold_all(place: str) -> set[int]:
    """Return the nodes each of which holds every row and can be asked for them."""
    milvus = Milvus(Address.parse(place))
    name = milvus.serving()
    with milvus.asked() as client:
        replicas = client.describe_replica(name)
        segments = client.list_loaded_segments(name)
    milvus.close()
    leading = {shard.shard_leader for replica in replicas for shard in replica.shards}
    alone = {node for replica in replicas if len(replica.group_nodes) == 1 for node in replica.group_nodes}  # fmt: skip
    return leading.intersection(alone, *(segment.node_ids for segment in segments))


@dataclass
class Asking:
    """What several threads asked, again and again, and what came of it."""

    expected: Mapping[str, Quotes]
    seconds: list[float] = field(default_factory=list)
    failed: Counter[str] = field(default_factory=Counter)
    over: threading.Event = field(default_factory=threading.Event)

    def ask(self, index: Index) -> None:
        while not self.over.is_set():
            for question, quotes in self.expected.items():
                start = time.monotonic()
                try:
                    if quotes_of(index, question) != quotes:
                        self.failed["other quotes"] += 1
                except KetqaError as error:
                    self.failed[str(error)] += 1
                self.seconds.append(time.monotonic() - start)

    def until(self, done: Callable[[], bool], told: str) -> None:
        """Go on asking until something is so, and ``ENOUGH`` were asked; then tell how it went."""
        first, failed, start = len(self.seconds), self.failed.total(), time.monotonic()
        while not (len(self.seconds) >= first + ENOUGH and done()):
            assert time.monotonic() < start + PATIENCE, f"{told}: {self.failed}"
            time.sleep(1)
        asked, slowest = len(self.seconds) - first, max(self.seconds[first:])
        log.info(
            "%s: %.0f s, %d questions asked, %d failed, the slowest took %.2f s",
            told, time.monotonic() - start, asked, self.failed.total() - failed, slowest,
        )  # fmt: skip


def quotes_of(index: Index, question: str) -> Quotes:
    return tuple(item.quote for item in index.ask(question, min_confidence=0).evidence)


@contextmanager
def asking(index: Index, expected: Mapping[str, Quotes]) -> Iterator[Asking]:
    asked = Asking(expected)
    threads = [threading.Thread(target=asked.ask, args=[index]) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    try:
        yield asked
    finally:
        asked.over.set()
        for thread in threads:
            thread.join()


def test_no_question_fails_while_one_node_and_then_the_other_is_killed_and_comes_back(
    cluster: Cluster,
    place: str,
    opened: Index,  # noqa: F811
    measure: Index,  # noqa: F811
) -> None:
    expected = {question: quotes_of(measure, question) for question, _ in ASKED}
    with asking(opened, expected) as asked:
        asked.until(lambda: True, "two query nodes")
        for name in ("querynode-1", "querynode-2"):
            before = nodes_that_hold_all(place)
            cluster.nodes[name].kill()
            asked.until(lambda: True, f"{name} was killed")
            cluster.nodes[name].start()
            asked.until(
                partial(comes_back, cluster.nodes[name], place, before), f"{name} was started again"
            )
    assert asked.failed == Counter()


def comes_back(node: Node, place: str, before: set[int]) -> bool:
    """Tell whether one of two nodes was replaced, and the new one may show what it has loaded."""
    try:
        now = nodes_that_hold_all(place)
    except EngineAway:  # a replica with no node at all cannot be described
        return False
    return len(now) == 2 and len(now & before) == 1 and node.told(SHOWN)
