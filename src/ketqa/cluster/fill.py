"""A build in an index folder -> its collection in Milvus, put into use in one step.

If a database keeps the documents, it has all of the build before anybody is led to it. A
collection that was begun is gone on with: what the server acknowledged is not sent again. The
one before stays, with its build, until the next is filled, for those who have it open.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial, wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

from ketqa.build import PASSAGE_TOKENS, BuildReport, build_index, silent
from ketqa.cluster.address import Address, folder_of
from ketqa.cluster.bulk import Workers, make_shards
from ketqa.cluster.copies import drop_builds, keep_build
from ketqa.cluster.engine import (
    FIRST,
    GRAPH,
    METRIC,
    NOW,
    Collection,
    Milvus,
    import_milvus,
    refill,
)
from ketqa.cluster.patience import WRITE, patiently
from ketqa.dense import DenseIndex
from ketqa.encode import Rows
from ketqa.errors import EngineAway, IndexMismatch
from ketqa.lock import building
from ketqa.manifest import PASSAGES, Manifest, current_build, pin
from ketqa.match import QUESTIONS
from ketqa.models import ModelFolder
from ketqa.parts import open_rows
from ketqa.shards import Progress

# Rows sent at once: 1.5 MB of 384 numbers each, where a server takes 64 MB.
BATCH = 1000
STAGE = "to Milvus"
# Rows that a graph takes in each second, at the least, on one core.
SLOWEST = 200
Given = ParamSpec("Given")
Got = TypeVar("Got")


def build_anywhere(
    corpus: Path,
    place: Path | Address,
    model: ModelFolder | None = None,
    *,
    tokens: int = PASSAGE_TOKENS,
    workers: Workers | None = None,
    progress: Progress = silent,
) -> BuildReport:
    """Build an index in a folder, as ``build_index``, and bring it to the servers if any.

    ``workers`` make its shards on Ray; this process makes them where None.
    """
    if workers:
        make_shards(
            corpus, folder_of(place), model, tokens=tokens, workers=workers, progress=progress
        )
    report = build_index(corpus, folder_of(place), model, tokens=tokens, progress=progress)
    filled = isinstance(place, Address) and fill(place, progress=progress)
    return replace(report, changed=report.changed or filled)


def fill(address: Address, *, batch: int = BATCH, progress: Progress = silent) -> bool:
    """Bring the build in use in a folder to its servers; returns False where it is there.

    What the database has of a build that is in use is compared, and put there anew where it is
    not the same.

    Args:
        address: The servers, the alias, the folder.
        batch: Rows sent at once.
        progress: Called with (stage, rows or files acknowledged, rows or files in all).

    Raises:
        EngineAway: A server does not answer; what it acknowledged is kept.
        IndexBusy: Another process is building or filling from this folder.
        IndexMismatch: The name is that of a collection.
    """
    milvus = Milvus(address)
    try:
        with building(address.store):
            build = current_build(address.store)
            collection = Collection(milvus, milvus.name_of(build.name))
            before = milvus.serving()
            if before == collection.name:
                return keep_build(address, build, progress, whole=True) > 0
            if before == address.collection:
                raise IndexMismatch(f"{address}: is a collection already; give another name")
            served = milvus.build_of(before) if before else None
            both = [build.name, *([served] if served else [])]
            pin(address.store, address.pin, both)
            keep_build(address, build, progress)
            _send(collection, build, batch, progress)
            _switch(collection, before)
            drop_builds(address, both)
    finally:
        milvus.close()
    return True


def _send(collection: Collection, build: Path, batch: int, progress: Progress) -> None:
    """Send what the server has not, index it, and see that all is there."""
    manifest = Manifest.load(build)
    parts = {PASSAGES: open_rows(PASSAGES, build, manifest)}
    if manifest.counts["questions"]:
        parts[QUESTIONS] = DenseIndex.load(build / QUESTIONS)
    total = sum(map(len, parts.values()))
    begun = _create(collection, len(parts[PASSAGES].centre))
    if begun:
        _index(collection, total)  # so that it can say what it has
    done = 0
    for kind, numbers in _batches(parts, batch):
        missing = sorted(set(numbers) - _found(collection, kind, numbers)) if begun else numbers
        if missing:
            _insert(collection, kind, missing, parts[kind].rows(missing))
        done += len(numbers)
        progress(STAGE, done, total)
    _index(collection, total)
    found = collection.count()
    if found != total:
        with collection.milvus.asked() as client:
            client.drop_collection(collection.name, timeout=WRITE)
        address = collection.milvus.address
        raise EngineAway(
            f"{address}: {total:,} rows were sent, {found:,} are there; {refill(address)}"
        )


def _batches(parts: Mapping[str, DenseIndex], batch: int) -> Iterator[tuple[str, range]]:
    for kind, rows in parts.items():
        for low in range(0, len(rows), batch):
            yield kind, range(low, min(low + batch, len(rows)))


def _patient(step: Callable[Given, Got]) -> Callable[Given, Got]:
    """Take a step, which may be done twice, again for ``WRITE`` seconds.

    The client tries again by itself where nothing answers; a server that was started again
    answers for a minute or so that its own parts are not there yet.
    """

    @wraps(step)
    def patient(*given: Given.args, **named: Given.kwargs) -> Got:
        return patiently(partial(step, *given, **named), WRITE)

    return patient


def _create(collection: Collection, dim: int) -> bool:
    """Make a collection with its partitions; returns True where it was begun before."""
    kinds, address = import_milvus().DataType, collection.milvus.address
    with collection.milvus.asked() as client:
        begun = bool(client.has_collection(collection.name, timeout=WRITE))
        if not begun:
            schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
            schema.add_field("number", kinds.INT64, is_primary=True)
            schema.add_field("row", kinds.FLOAT_VECTOR, dim=dim)
            client.create_collection(
                collection.name, schema=schema, num_shards=address.shards, timeout=WRITE
            )
        for kind in FIRST:
            if not client.has_partition(collection.name, kind, timeout=WRITE):
                client.create_partition(collection.name, kind, timeout=WRITE)
    return begun


@_patient
def _found(collection: Collection, kind: str, numbers: range) -> set[int]:
    """Return which of a run of numbers the server has."""
    first = FIRST[kind]
    low, high = first + numbers.start, first + numbers.stop
    with collection.milvus.asked() as client:
        rows = client.query(
            collection.name,
            filter=f"number >= {low} and number < {high}",
            output_fields=["number"],
            consistency_level=NOW,
            timeout=WRITE,
        )
    return {row["number"] - first for row in rows}


@_patient
def _insert(collection: Collection, kind: str, numbers: Sequence[int], rows: Rows) -> None:
    """Send rows and wait until the server acknowledges them; those that it has are replaced."""
    first = FIRST[kind]
    data = [{"number": first + n, "row": row} for n, row in zip(numbers, rows, strict=True)]
    with collection.milvus.asked() as client:
        client.upsert(collection.name, data, partition_name=kind, timeout=WRITE)


@_patient
def _index(collection: Collection, total: int) -> None:
    """Make the graph, and load it on as many nodes as there are replicas.

    It is loaded from nothing: rows that came while it was loaded have no graph, and of such rows
    the server does not find the nearest.
    """
    patience = WRITE + total / SLOWEST
    with collection.milvus.asked() as client:
        client.release_collection(collection.name, timeout=patience)
        client.flush(collection.name, timeout=patience)
        if not client.list_indexes(collection.name, timeout=patience):
            graph = client.prepare_index_params()
            graph.add_index("row", index_type="HNSW", metric_type=METRIC, params=GRAPH)
            client.create_index(collection.name, graph, timeout=patience)
    collection.load(patience)


def _switch(collection: Collection, before: str | None) -> None:
    """Let the alias lead to a collection, and remove all but this one and the one before."""
    milvus = collection.milvus
    with milvus.asked() as client:
        change = client.alter_alias if before else client.create_alias
        change(collection.name, milvus.address.collection, timeout=WRITE)
        for name in client.list_collections():
            if milvus.build_of(name) and name not in (collection.name, before):
                client.drop_collection(name, timeout=WRITE)
