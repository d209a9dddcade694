"""Rows in Milvus -> the nearest of them. The only file that knows Milvus.

A build has a collection of its own, ``NAME_v1_BUILD``, which does not change once the alias
``NAME`` leads to it. The alias alone is looked up; to switch it is one step. The schema, 1:

number  INT64, primary   a passage's number; a curated question's, plus ``QUESTIONS_FROM``
row     FLOAT_VECTOR     the row that the build folder has, to the last bit

Passages and questions lie in partitions of their own, and are searched by themselves. Nothing
else is in Milvus: texts stay in the store, and quotes are cut there.
"""

import logging
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from ketqa.cluster.address import Address
from ketqa.cluster.copies import fetch_build
from ketqa.cluster.patience import ANSWER, WRITE
from ketqa.encode import Rows
from ketqa.errors import EngineAway, IndexMismatch, IndexMissing, KetqaError
from ketqa.manifest import BUILDS, PASSAGES, current_build
from ketqa.match import QUESTIONS

if TYPE_CHECKING:
    from pymilvus import MilvusClient

VERSION = 1
QUESTIONS_FROM = 1 << 40
FIRST = {PASSAGES: 0, QUESTIONS: QUESTIONS_FROM}
BUILD = re.compile(r"[0-9a-f]{12}_[0-9a-f]{6}")
# Rows have length 1: their inner product is the cosine.
METRIC = "IP"
# A graph finds in milliseconds what takes lists longer the more rows there are. 16 links of 8
# bytes, on both sides, cost a row 256 bytes beside its 1,536; the width of the build, 200, is
# paid once. Both lie in the middle of what Malkov & Yashunin (2018) recommend.
GRAPH = {"M": 16, "efConstruction": 200}
# Seconds for seeing that it is there. A call that fails is tried again within its time, with
# pauses that grow from 10 ms to 3 s.
HEALTH = 2.0
# Seconds until another node is asked.
PAUSE = 0.05
# A server that is back is found within a second; gRPC's own pauses grow to two minutes.
RECONNECT = {
    "grpc.initial_reconnect_backoff_ms": 200,
    "grpc.max_reconnect_backoff_ms": 1000,
    "grpc.use_local_subchannel_pool": 1,
}
# A collection in use does not change, so a search need not wait for what others write.
SETTLED, NOW = "Eventually", "Strong"
Got = TypeVar("Got")


class Milvus:
    """A server, connected to when it is first asked."""

    def __init__(self, address: Address) -> None:
        """Name a server; nothing is connected yet."""
        self.address = address
        self._client: MilvusClient | None = None

    def close(self) -> None:
        """Let go of the connection."""
        if self._client:
            self._client.close()
        self._client = None

    @contextmanager
    def asked(self) -> "Iterator[MilvusClient]":
        """Give the client; what goes wrong with it becomes an error that says what to do.

        Raises:
            EngineAway: The server does not answer, or not as it should.
        """
        milvus = import_milvus()
        try:
            if self._client is None:
                self._client = milvus.MilvusClient(
                    self.address.uri,
                    token=os.environ.get("KETQA_MILVUS_TOKEN", ""),
                    timeout=ANSWER,
                    grpc_options=RECONNECT,
                )
            yield self._client
        except milvus.MilvusException as error:
            told = (str(error.message).splitlines() or ["no reason given"])[-1].strip()[-200:]
            raise EngineAway(
                f"the search engine at {self.address} does not answer as it should ({told}); "
                "see that it runs, and try again"
            ) from None

    def serving(self) -> str | None:
        """Return the collection that the alias leads to, if any."""
        alias = self.address.collection
        with self.asked() as client:
            if not client.has_collection(alias, timeout=ANSWER):
                return None
            return str(client.describe_collection(alias, timeout=ANSWER)["collection_name"])

    def name_of(self, build: str) -> str:
        """Return the collection of a build."""
        return f"{self.address.collection}_v{VERSION}_{build.replace('-', '_')}"

    def build_of(self, collection: str) -> str | None:
        """Return the build of a collection; None where it is not of this name and schema."""
        build = collection.removeprefix(self.name_of(""))
        return build.replace("_", "-") if BUILD.fullmatch(build) else None


@dataclass(frozen=True, slots=True)
class Collection:
    """The engine of one build."""

    milvus: Milvus
    name: str

    def nearest(self, kind: str) -> "MilvusRows":
        """Return the rows of the passages or of the curated questions."""
        return MilvusRows(self, kind)

    def check(self) -> None:
        """See that the server has the collection, within 2 seconds where it was there before.

        Raises:
            EngineAway: It does not answer, or has it no more.
        """
        with self.milvus.asked() as client:
            there = client.has_collection(self.name, timeout=HEALTH)
        if not there:
            raise EngineAway(f"{self.milvus.address}: {self.name} was removed; start ketqa again")

    def load(self, patience: float = WRITE) -> None:
        """Have it searched by as many nodes as there are replicas; milvus-lite forgets that."""
        with self.milvus.asked() as client:
            if client.get_load_state(self.name, timeout=ANSWER)["state"].name != "Loaded":
                replicas = self.milvus.address.replicas
                client.load_collection(self.name, replica_number=replicas, timeout=patience)

    def count(self) -> int:
        """Return how many rows the server has acknowledged and not lost."""
        with self.milvus.asked() as client:
            found = client.query(
                self.name,
                filter="",
                output_fields=["count(*)"],
                consistency_level=NOW,
                timeout=WRITE,
            )
        return int(found[0]["count(*)"])

    def close(self) -> None:
        """Let go of the connection."""
        self.milvus.close()


@dataclass(frozen=True, slots=True)
class MilvusRows:
    """The rows of one partition; text i is row i."""

    collection: Collection
    kind: str

    def search(self, query: Rows, k: int) -> dict[int, float]:
        """Return the cosines of the k nearest texts, for a (dim,) query of length 1.

        Raises:
            EngineAway: The server does not answer, or has none.
        """
        found = self._until(1, partial(self._search, query, k))
        return dict(sorted(found.items(), key=lambda one: (-one[1], one[0])))

    def cosines(self, query: Rows, numbers: Sequence[int]) -> Rows:
        """Return the cosines of the given texts, (len(numbers),).

        Raises:
            EngineAway: The server does not answer.
        """
        if not numbers:
            return np.empty(0, np.float32)
        return np.asarray(self.rows(numbers) @ query, dtype=np.float32)

    def rows(self, numbers: Sequence[int]) -> Rows:
        """Return the rows of the given texts, (len(numbers), dim).

        Raises:
            EngineAway: The server does not answer, or has not all of them.
        """
        found = self._until(len(set(numbers)), partial(self._get, numbers))
        return np.array([found[number] for number in numbers], np.float32)

    def _until(self, least: int, look: Callable[[], dict[int, Got]]) -> dict[int, Got]:
        """Look again, for ``ANSWER`` seconds, while it fails or fewer rows come than there must be.

        Of two nodes that hold each row, one that was started again is asked some seconds before it
        may show what it has loaded; until then it refuses or has nothing, and the other is asked.
        """
        end = monotonic() + ANSWER
        while True:
            try:
                found = look()
                if len(found) >= least:
                    return found
                missed = self._gone(least - len(found))
            except EngineAway as error:
                missed = error
            if monotonic() > end:
                raise missed
            sleep(PAUSE)

    def _gone(self, rows: int) -> EngineAway:
        address = self.collection.milvus.address
        return EngineAway(f"{address}: {rows} of its rows are gone; {refill(address)}")

    def _search(self, query: Rows, k: int) -> dict[int, float]:
        milvus = self.collection.milvus
        with milvus.asked() as client:
            (hits,) = client.search(
                self.collection.name,
                data=[query],
                anns_field="row",
                limit=k,
                partition_names=[self.kind],
                search_params={"metric_type": METRIC, "params": {"ef": max(k, milvus.address.ef)}},
                output_fields=["number"],
                consistency_level=SETTLED,
                timeout=ANSWER,
            )
        numbers = [number - FIRST[self.kind] for number in hits.ids]
        return dict(zip(numbers, hits.distances, strict=True))

    def _get(self, numbers: Sequence[int]) -> dict[int, Rows]:
        first = FIRST[self.kind]
        with self.collection.milvus.asked() as client:
            found = client.get(
                self.collection.name,
                ids=[first + number for number in numbers],
                output_fields=["row"],
                consistency_level=SETTLED,
                timeout=ANSWER,
            )
        return {one["number"] - first: one["row"] for one in found}


def open_place(place: Path | Address) -> tuple[Path, Collection | None]:
    """Return the build folder that is in use, and its engine where that is not this process.

    A build that is not in an address's folder comes from its database, if it names one.

    Raises:
        IndexMissing: There is no index.
        IndexDamaged: ``CURRENT`` names a build that is not there; a file in the database is not
            the one that was put there.
        IndexMismatch: What the address leads to is not from this store, or of another schema.
        EngineAway: A server does not answer.
    """
    if isinstance(place, Path):
        return current_build(place), None
    milvus = Milvus(place)
    name = milvus.serving()
    if name is None:
        raise IndexMissing(f"{place}: no index there; build one: ketqa index --index {place}")
    build = place.store / BUILDS / (milvus.build_of(name) or "none")
    if not build.is_dir() and place.documents and milvus.build_of(name):
        fetch_build(place, build.name)
    if not build.is_dir():
        raise IndexMismatch(
            f"{place}: leads to {name}, whose build is not in the folder {place.store}; name its "
            f"own with {place}?store=FOLDER, or {refill(place)}"
        )
    collection = Collection(milvus, name)
    collection.load()
    return build, collection


def refill(address: Address) -> str:
    """Return how to fill a collection again."""
    return f"fill it again: ketqa index --index {address}"


def import_milvus() -> Any:  # noqa: ANN401, a module
    """Import the client, without its own log: what goes wrong is raised, and told once.

    Raises:
        KetqaError: It is not installed.
    """
    try:
        import pymilvus
    except ModuleNotFoundError as error:
        raise KetqaError(
            f"Milvus needs {error.name}; install it with: pip install 'ketqa[cluster]'"
        ) from None
    logging.getLogger("pymilvus").setLevel(logging.CRITICAL)
    return pymilvus
