"""How an index grows: build time, disk, memory, time to open and to search, by size.

    python benchmarks/scale.py FOLDER ... [--sizes 1000 10000 ...] [--questions 3]
        [--cache DIR] [--write docs/scale.json]

FOLDERs hold collections in BEIR form; their passages and sentences are real texts with real
rows. Beyond them, sizes are reached with perturbed copies: a row moved by noise of half its
length, a text with a quarter of its words exchanged for others of the collection. Each size
runs in a process of its own, for its own peak memory. Prints a Markdown table.
"""

import argparse
import json
import random
import resource
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter

import numpy as np

from ketqa.compiled import CompiledEncoder
from ketqa.dense import NEAREST, DenseIndex
from ketqa.encode import Rows, unit
from ketqa.evaluation.beir import index_collection, load_queries
from ketqa.lexical import LexicalIndex, weigh
from ketqa.manifest import ENCODER, PASSAGES, Manifest, current_build
from ketqa.parts import open_rows, open_store

SIZES = (1_000, 10_000, 100_000, 300_000, 1_000_000)
QUERIES, CHECKED, DEPTH = 300, 100, 100
NOISE, EXCHANGED = 0.5, 0.25
COLUMNS = {
    "kind": "rows of",
    "size": "texts",
    "dense_build_s": "build rows, s",
    "words_build_s": "build words, s",
    "disk_mb": "disk, MB",
    "open_ms": "open, ms",
    "dense_cold_ms": "rows p50 when first touched, ms",
    "dense_p50_ms": "rows p50, ms",
    "dense_p95_ms": "p95",
    "words_cold_ms": "words p50 when first touched, ms",
    "words_p50_ms": "words p50, ms",
    "words_p95_ms": "p95",
    "recall": "recall@10",
    "build_mb": "peak MB to build",
    "search_mb": "peak MB to search",
}


Figures = dict[str, float | str]


@dataclass(frozen=True, slots=True)
class Material:
    """Real texts with their rows, and queries with theirs."""

    texts: list[str]
    rows: Rows
    queries: list[str]
    query_rows: Rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES)
    parser.add_argument("--questions", type=int, default=3, help="for each passage")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "ketqa-scale")
    parser.add_argument("--write", type=Path, help="also write the figures here, as JSON")
    options = parser.parse_args()
    measured = [
        measure(options.folders, options.cache, kind, size * per_passage)
        for kind, per_passage in (("passages", 1), ("questions", options.questions))
        for size in options.sizes
    ]
    print(f"| {' | '.join(COLUMNS.values())} |\n|{'---|' * len(COLUMNS)}")
    for row in measured:
        print(f"| {' | '.join(shown(row[name]) for name in COLUMNS)} |")
    if options.write:
        options.write.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")


def measure(folders: list[Path], cache: Path, kind: str, size: int) -> Figures:
    """Build and search one size, each in a process of its own, so that peaks are its own."""
    with tempfile.TemporaryDirectory() as scratch:
        figures: Figures = {"kind": kind, "size": size}
        for step, given in ((build, (folders, cache, kind, size)), (search, ())):
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
                figures |= process.submit(step, Path(scratch), *given).result()
    print(json.dumps(figures), file=sys.stderr)
    return figures


def build(scratch: Path, folders: list[Path], cache: Path, kind: str, size: int) -> Figures:
    material = collect(folders, cache, kind)
    rows = grow_rows(material.rows, size)
    truth = [nearest(rows, row) for row in material.query_rows[:CHECKED]]
    start = perf_counter()
    DenseIndex.build(rows).save(scratch / "dense")
    dense_done = perf_counter()
    LexicalIndex.build(grow_texts(material.texts, size), scratch / "words")
    words_done = perf_counter()
    disk = sum(file.stat().st_size for file in scratch.rglob("*") if file.is_file())
    (scratch / "truth.json").write_text(json.dumps(truth))
    (scratch / "queries.json").write_text(json.dumps(material.queries))
    np.save(scratch / "queries.npy", material.query_rows)
    return {
        "dense_build_s": dense_done - start,
        "words_build_s": words_done - dense_done,
        "disk_mb": disk / 1e6,
        "build_mb": peak_mb(),
    }


def search(scratch: Path) -> Figures:
    queries = json.loads((scratch / "queries.json").read_text())
    rows = np.load(scratch / "queries.npy")
    start = perf_counter()
    dense = DenseIndex.load(scratch / "dense")
    words = LexicalIndex.load(scratch / "words")
    figures: Figures = {"open_ms": (perf_counter() - start) * 1000}
    truth = json.loads((scratch / "truth.json").read_text())
    found = [dense.search(row, NEAREST).keys() for row in rows[:CHECKED]]
    shared = [len(ours & set(right)) for ours, right in zip(found, truth, strict=True)]
    figures["recall"] = sum(shared) / (CHECKED * NEAREST)
    for name, searches in (
        ("dense", [partial(dense.search, row, DEPTH) for row in rows]),
        ("words", [partial(words.search, weigh(query), DEPTH) for query in queries]),
    ):
        figures |= {f"{name}_cold_ms": times(name, searches)[f"{name}_p50_ms"]}
        figures |= times(name, searches)
    return figures | {"search_mb": peak_mb()}


def times(name: str, searches: Sequence[Callable[[], object]]) -> Figures:
    taken = []
    for one in searches:
        start = perf_counter()
        one()
        taken.append((perf_counter() - start) * 1000)
    p50, p95 = np.percentile(taken, (50, 95))
    return {f"{name}_p50_ms": float(p50), f"{name}_p95_ms": float(p95)}


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def collect(folders: list[Path], cache: Path, kind: str) -> Material:
    """Return passages, or queries in their place, with rows from the collections' indexes."""
    texts: list[str] = []
    parts: list[Rows] = []
    queries: list[str] = []
    found = [current_build(index_collection(folder, cache)) for folder in folders]
    encoder = CompiledEncoder(found[0] / ENCODER)
    for folder, build in zip(folders, found, strict=True):
        asked = [query.text for query in load_queries(folder)]
        queries += asked[: QUERIES // len(folders)]
        if kind == "questions":
            rest = asked[QUERIES // len(folders) :]
            texts += rest
            parts.append(encoder.encode_queries(rest))
            continue
        manifest = Manifest.load(build)
        with open_store(build, manifest) as store:
            texts += [store.passage(n).text for n in range(store.counts()["passages"])]
        dense = open_rows(PASSAGES, build, manifest)
        parts.append(dense.rows(range(len(dense))))
    return Material(texts, np.vstack(parts), queries, encoder.encode_queries(queries))


def grow_rows(rows: Rows, size: int) -> Rows:
    noise = np.random.default_rng(0)
    grown = np.empty((size, rows.shape[1]), np.float32)
    for low in range(0, size, len(rows)):
        part = rows[: size - low]
        if low:
            spread = noise.standard_normal(part.shape, dtype=np.float32)
            part = unit(part + spread * (NOISE / rows.shape[1] ** 0.5))
        grown[low : low + len(part)] = part
    return grown


def grow_texts(texts: list[str], size: int) -> Iterator[str]:
    choose = random.Random(0)  # noqa: S311, no secret
    words = [word for text in texts for word in text.split()]
    for number in range(size):
        text = texts[number % len(texts)]
        if number < len(texts):
            yield text
        else:
            yield " ".join(
                choose.choice(words) if choose.random() < EXCHANGED else word
                for word in text.split()
            )


def nearest(rows: Rows, query: Rows) -> list[int]:
    numbers: list[int] = np.argpartition(-(rows @ query), NEAREST)[:NEAREST].tolist()
    return numbers


def shown(value: float | str) -> str:
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"  # noqa: PLR2004, three digits


if __name__ == "__main__":
    main()
