"""What an update costs beside the build from nothing, in one run.

    python benchmarks/updates.py FOLDER ... [--passages 1000000] [--write docs/benchmarks.md]

FOLDERs hold collections in BEIR form. Their texts are put together, five by five, to documents
of some ten passages; beyond them, copies with a quarter of their words exchanged. Rows are
drawn, not encoded: what is measured is everything but the encoder, which an update asks for new
texts alone. Then 100 passages are added, as ten documents that stand together and as ten that
are spread over the whole corpus; one is changed, one deleted, and one moved.
"""

import argparse
import hashlib
import random
import resource
import tempfile
from collections.abc import Callable, Iterator, Sequence
from itertools import count, islice
from pathlib import Path
from time import perf_counter

import numpy as np

from ketqa.build import build_index
from ketqa.encode import Rows, unit
from ketqa.evaluation.beir import load_documents, load_queries
from ketqa.evaluation.page import write_part
from ketqa.index import Index
from ketqa.manifest import SHARDS, current_build
from ketqa.models import ModelFolder
from ketqa.types import Document, Source

DIM, POOL, TOPICS, SPREAD = 384, 50_000, 2_000, 0.7
TEXTS, PER_DOCUMENT, EXCHANGED, ADDED = 5, 10, 0.25, 10
QUERIES, DEPTH = 200, 100
MODEL = ModelFolder("drawn rows", Path("drawn"), "0" * 64)


class DrawnRows:
    """Stands in for a model: a text's row is drawn by its hash from rows around topics."""

    max_tokens = 254
    family = "drawn"

    def __init__(self) -> None:
        draw = np.random.default_rng(0)
        topics = draw.standard_normal((TOPICS, DIM), dtype=np.float32)
        around = draw.standard_normal((POOL, DIM), dtype=np.float32)
        self._rows = unit(topics[draw.integers(TOPICS, size=POOL)] + SPREAD * around)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return about the tokens of each text."""
        return [len(text) // 4 + 1 for text in texts]

    def encode_texts(self, texts: Sequence[str]) -> Rows:
        """Return (n, dim) float32, rows of length 1."""
        drawn = [hashlib.blake2b(text.encode(), digest_size=8).digest() for text in texts]
        numbers = np.array([int.from_bytes(one) for one in drawn], dtype=np.uint64)
        near, far = self._rows[numbers % POOL], self._rows[numbers // POOL % POOL]
        return unit(near + far * np.float32(0.25))

    def encode_queries(self, queries: Sequence[str]) -> Rows:
        """Return rows as of texts."""
        return self.encode_texts(queries)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--passages", type=int, default=1_000_000)
    parser.add_argument("--write", type=Path, help="put the table into this Markdown file")
    options = parser.parse_args()
    texts = [document.text for folder in options.folders for document in load_documents(folder)]
    asked = [query.text for folder in options.folders for query in load_queries(folder)]
    documents = sorted(
        islice(grow(texts), options.passages // PER_DOCUMENT), key=lambda one: one.source.id
    )
    with tempfile.TemporaryDirectory() as scratch:
        rows = list(measure(documents, Path(scratch)))
        searched = search(Path(scratch), asked[:QUERIES])
    table = render(rows, searched)
    print(table)
    if options.write:
        write_part(options.write, "updates", table)


def grow(texts: Sequence[str]) -> Iterator[Document]:
    """Yield documents without end, those after the collections' own with words exchanged."""
    choose = random.Random(0)  # noqa: S311, no secret
    words = [word for text in texts for word in text.split()]
    for number in count():
        parts = [texts[(number * TEXTS + part) % len(texts)] for part in range(TEXTS)]
        if number * TEXTS >= len(texts):
            parts = [
                " ".join(
                    choose.choice(words) if choose.random() < EXCHANGED else word
                    for word in text.split()
                )
                for text in parts
            ]
        yield made(f"{choose.getrandbits(32):08x}.txt", "\n\n".join(parts))


def made(name: str, text: str) -> Document:
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    return Document(Source(name, name, sha256, name), text)


def measure(documents: list[Document], index: Path) -> Iterator[tuple[str, float, int, int]]:
    """Yield what was done, its seconds, passages in all, and shards made."""
    encoder = DrawnRows()
    spare = documents[:: max(1, len(documents) // ADDED)][:ADDED]
    one_of, gone, elsewhere = (documents[len(documents) * n // 4] for n in (1, 2, 3))

    def together(one: Document, number: int) -> Document:
        return made(f"{one_of.source.id}-{number:02}", f"New {number}. {one.text}")

    def spread(one: Document, number: int) -> Document:
        return made(f"{one.source.id}-more", f"Newer {number}. {one.text}")

    changed = made(one_of.source.id, f"Changed. {one_of.text}")
    moved = made("zz-moved.txt", elsewhere.text)
    steps: list[tuple[str, Callable[[list[Document]], list[Document]]]] = [
        ("build from nothing", lambda all_: all_),
        ("add 100, together", lambda all_: [*all_, *map(together, spare, range(ADDED))]),
        ("add 100, spread", lambda all_: [*all_, *map(spread, spare, range(ADDED))]),
        ("change a document", lambda all_: [changed if one == one_of else one for one in all_]),
        ("delete a document", lambda all_: [one for one in all_ if one != gone]),
        ("move a document", lambda all_: [moved if one == elsewhere else one for one in all_]),
        ("nothing to do", lambda all_: all_),
    ]
    before: set[int] = set()
    for name, step in steps:
        documents_now = sorted(step(documents), key=lambda one: one.source.id)
        start = perf_counter()
        report = build_index(documents_now, index, MODEL, encoder=encoder)
        seconds = perf_counter() - start
        shards = {file.stat().st_ino for file in current_build(index).glob(f"{SHARDS}/*/*.sqlite")}
        yield name, seconds, report.counts["passages"], len(shards - before)
        documents, before = documents_now, shards


def search(index: Path, queries: Sequence[str]) -> dict[str, float]:
    """Open the index and search it; returns milliseconds and MB."""
    start = perf_counter()
    with Index(current_build(index), DrawnRows()) as opened:
        figures = {"open, ms": (perf_counter() - start) * 1000}
        taken = []
        for query in queries:
            start = perf_counter()
            opened.search(query, DEPTH)
            taken.append((perf_counter() - start) * 1000)
        figures["search p50, ms"], figures["p95"] = map(float, np.percentile(taken, (50, 95)))
    disk = sum(file.stat().st_size for file in current_build(index).rglob("*") if file.is_file())
    figures["disk, MB, each link counted"] = disk / 1e6
    figures["peak of the whole run, MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    return figures


def render(rows: Sequence[tuple[str, float, int, int]], searched: dict[str, float]) -> str:
    whole = rows[0][1]
    lines = ["| | seconds | share | passages | shards made |", "|---|---|---|---|---|"]
    lines += [
        f"| {name} | {seconds:.1f} | {seconds / whole:.1%} | {passages:,} | {shards} |"
        for name, seconds, passages, shards in rows
    ]
    told = "; ".join(f"{name} {value:,.0f}" for name, value in searched.items())
    return "\n".join([*lines, "", f"Then: {told}."])


if __name__ == "__main__":
    main()
