"""How fast rows go into Milvus, and how well and how fast they are found there, by ef.

    python benchmarks/cluster.py milvus://HOST:PORT/NAME --pid PID_OF_THE_SERVER --index index
        [--rows 200000] [--write docs/benchmarks.md]

Rows are those of an index's curated questions, and beyond them perturbed copies, as in
benchmarks/scale.py; queries are questions that were held out. Recall is against brute force. What
the page has of other numbers of rows stays.
"""

import argparse
import re
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import numpy as np

from ketqa.cluster import fill
from ketqa.cluster.address import Address
from ketqa.cluster.engine import Collection, Milvus
from ketqa.dense import NEAREST, DenseIndex
from ketqa.encode import Rows
from ketqa.evaluation.page import write_part
from ketqa.manifest import PASSAGES, current_build
from ketqa.match import QUESTIONS
from scale import grow_rows, nearest

HELD_OUT, WARM = 200, 20
EFS = (64, 128, 256, 512)
HEAD = (
    "| rows | sent, s | indexed and loaded, s | memory, GB | ef | recall@10 | p50, ms | p95, ms |",
    "|---|---|---|---|---|---|---|---|",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("address", type=Address.parse)
    parser.add_argument("--index", type=Path, default=Path("index"))
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--pid", type=int, required=True)
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    kept = DenseIndex.load(current_build(options.index) / QUESTIONS)
    real = kept.rows(np.random.default_rng(0).permutation(len(kept)).tolist())
    queries, rows = real[:HELD_OUT], grow_rows(real[HELD_OUT:], options.rows)
    milvus = Milvus(options.address)
    collection = Collection(milvus, f"{options.address.collection}_measured")
    filled = f"| {len(rows):,} | {send(collection, rows)} | {memory(options.pid)} "
    truth = [nearest(rows, query) for query in queries]
    lines = [filled + search(options.address, collection.name, queries, truth, ef) for ef in EFS]
    with milvus.asked() as client:
        client.drop_collection(collection.name)
    if options.write:
        lines = [*other_sizes(options.write, len(rows)), *lines]
    told = "\n".join([*HEAD, *sorted(lines, key=size_of)])
    print(told)
    if options.write:
        write_part(options.write, "cluster", told)


def other_sizes(page: Path, size: int) -> list[str]:
    """Return the lines that a page has of other numbers of rows."""
    part = page.read_text(encoding="utf-8").partition("<!-- cluster -->")[2]
    table = part.partition("<!-- /cluster -->")[0]
    lines = re.findall(r"^\| [\d,]+ \|.*$", table, flags=re.MULTILINE)
    return [line for line in lines if size_of(line) != size]


def size_of(line: str) -> int:
    return int(line.split("|")[1].replace(",", ""))


def send(collection: Collection, rows: Rows) -> str:
    start = perf_counter()
    fill._create(collection, rows.shape[1])
    for low in range(0, len(rows), fill.BATCH):
        numbers = range(low, min(low + fill.BATCH, len(rows)))
        fill._insert(collection, PASSAGES, numbers, rows[low : numbers.stop])
    sent = perf_counter()
    fill._index(collection, len(rows))
    done = perf_counter()
    if collection.count() != len(rows):
        raise SystemExit("rows are missing")
    return f"{sent - start:.0f} | {done - sent:.0f}"


def memory(pid: int) -> str:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    kilobytes = int(re.findall(r"VmRSS:\s+(\d+)", status)[0])
    return f"{kilobytes / 1e6:.2f}"


def search(address: Address, name: str, queries: Rows, truth: list[list[int]], ef: int) -> str:
    milvus = Milvus(replace(address, ef=ef))
    rows = Collection(milvus, name).nearest(PASSAGES)
    taken, shared = [], 0
    for query in queries[:WARM]:
        rows.search(query, NEAREST)
    for query, expected in zip(queries, truth, strict=True):
        start = perf_counter()
        found = rows.search(query, NEAREST)
        taken.append((perf_counter() - start) * 1000)
        shared += len(set(found) & set(expected))
    milvus.close()
    p50, p95 = np.percentile(taken, (50, 95))
    return f"| {ef} | {shared / (NEAREST * len(queries)):.3f} | {p50:.1f} | {p95:.1f} |"


if __name__ == "__main__":
    main()
