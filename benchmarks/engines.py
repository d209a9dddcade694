"""Do engines that search the same rows find the same, and give the same answers?

    python benchmarks/engines.py milvus://HOST:PORT/NAME?store=index ... --write docs/cluster.md

All addresses have one folder for a store. Each is asked the same questions as the folder alone,
and searched for the same rows as brute force. The questions are curated ones of the index,
evenly spread, each without its first word, so that none is found as it stands.
"""

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from ketqa.cluster.address import Address
from ketqa.cluster.engine import Milvus, open_place
from ketqa.encode import Rows
from ketqa.evaluation.page import write_part
from ketqa.index import Index
from ketqa.manifest import Manifest
from ketqa.match import QUESTIONS
from ketqa.parts import Here

NEAREST = 10
HEAD = (
    "| searched by | same quotes | confidences differ by | nearest 10 found | cosines differ by "
    "| question p50, ms | p95 |",
    "|---|---|---|---|---|---|---|",
)
Answers = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Found:
    """What an engine answered, and found of the true nearest rows; milliseconds a question."""

    answers: Answers
    recall: float
    cosines: float
    times: list[float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("addresses", nargs="+", type=Address.parse)
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    (folder,) = {address.store for address in options.addresses}
    asked = choose_questions(folder, options.questions)
    expected = ask(folder, asked)
    lines = [row(name_of(one), ask(one, asked), expected) for one in options.addresses]
    # once more: the first of all waits for the disk, and for servers that were just filled
    told = "\n".join([*HEAD, row("FAISS", ask(folder, asked), expected), *lines])
    print(told)
    if options.write:
        write_part(options.write, "engines", told)


def choose_questions(folder: Path, count: int) -> list[str]:
    with Index.open(folder) as index:
        texts = [one.text for one in index.store.all_questions()]
    return [text.partition(" ")[2] for text in texts[:: max(len(texts) // count, 1)]][:count]


def name_of(address: Address) -> str:
    """Return what a server calls itself, and how many nodes hold each row."""
    milvus = Milvus(address)
    with milvus.asked() as client:
        version = client.get_server_version()
    milvus.close()
    nodes = f", {address.replicas} nodes with each row" if address.replicas > 1 else ""
    return f"Milvus {version.removeprefix('v')}{nodes}"


def ask(place: Path | Address, asked: Sequence[str]) -> Found:
    """Ask each question, and search for its row among those of the curated questions."""
    build, engine = open_place(place)
    here = Here(build, Manifest.load(build)).nearest(QUESTIONS)
    nearest, rows = (engine.nearest(QUESTIONS) if engine else here), here.rows(range(len(here)))
    answers, times, shared, differences = [], [], 0, [0.0]
    with Index.open(place) as index:
        for question in asked:
            start = perf_counter()
            answers.append(index.ask(question, min_confidence=0).to_dict())
            times.append((perf_counter() - start) * 1000)
            row = index.prepare(index.understand(question)).row
            found, cosines = nearest.search(row, NEAREST), rows @ row
            shared += count_shared(found, cosines)
            differences += [abs(found[one] - float(cosines[one])) for one in found]
    if engine:
        engine.close()
    return Found(answers, shared / (NEAREST * len(asked)), max(differences), times)


def count_shared(found: Iterable[int], cosines: Rows) -> int:
    """Return how many are as near as the last of the true nearest; what is equally near is one."""
    least = np.sort(cosines)[-NEAREST] - 1e-5
    return sum(bool(cosines[one] >= least) for one in found)


def row(name: str, found: Found, expected: Found) -> str:
    pairs = list(zip(found.answers, expected.answers, strict=True))
    same = sum(places(one) == places(other) for one, other in pairs)
    differ = max(
        abs(this["confidence"] - that["confidence"])
        for one, other in pairs
        for this, that in zip([one, *one["evidence"]], [other, *other["evidence"]], strict=False)
    )
    p50, p95 = np.percentile(found.times, (50, 95))
    return (
        f"| {name} | {same} of {len(pairs)} | {differ:.1g} | {found.recall:.3f} "
        f"| {found.cosines:.1g} | {p50:.0f} | {p95:.0f} |"
    )


def places(answer: dict[str, Any]) -> list[tuple[str, int, int, str]]:
    """Return where the quotes of an answer are, in order, and what they say."""
    return [
        (one["source"]["file"], one["span"]["start"], one["span"]["end"], one["quote"])
        for one in answer["evidence"]
    ]


if __name__ == "__main__":
    main()
