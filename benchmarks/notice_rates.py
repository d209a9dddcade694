"""How often is a notice given where it is needed, and where it is not?

    python benchmarks/notice_rates.py LABELLED.jsonl ... [--harmless QUERIES.jsonl ...]
        [--texts QUERIES.jsonl] [--index index]

LABELLED has {"question", "notice"} a line, and maybe "half"; or "_id" for a question whose
text stands under it in ``--texts``. QUERIES has {"text"} a line, none of which needs a notice.
Prints a Markdown table, and milliseconds a message, its encoding left out, since a question
needs that anyway.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import perf_counter

import numpy as np

from ketqa.index import Index
from ketqa.notices import Kind
from ketqa.query import Query

Row = Mapping[str, str]
KINDS: tuple[Kind, ...] = ("emergency", "advice")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("labelled", nargs="+", type=Path)
    parser.add_argument("--harmless", nargs="+", type=Path, default=[])
    parser.add_argument("--texts", type=Path, help="for labels without their questions")
    parser.add_argument("--index", type=Path, default=Path("index"), help="for its encoder")
    options = parser.parse_args()
    with Index.open(options.index) as index:
        texts = {row["_id"]: row["text"] for row in read(options.texts)} if options.texts else {}
        labelled = {file.stem: complete(read(file), texts) for file in options.labelled}
        show_rates(index, labelled, options.harmless)


def complete(rows: Sequence[Row], texts: Mapping[str, str]) -> list[Row]:
    return [row if "question" in row else {**row, "question": texts[row["_id"]]} for row in rows]


def show_rates(
    index: Index, labelled: Mapping[str, Sequence[Row]], harmless: Sequence[Path]
) -> None:
    print(
        "| set | messages | kind | recall | precision | false alarms |\n|---|---|---|---|---|---|"
    )
    times: list[float] = []
    for name, rows in labelled.items():
        said = [timed(index, row["question"], times) for row in rows]
        halves = sorted({row.get("half", "") for row in rows})
        for half in halves + ["all"] * (len(halves) > 1):
            part = [at for at, row in enumerate(rows) if half in (row.get("half", ""), "all")]
            wanted = [rows[at]["notice"] for at in part]
            for kind in KINDS:
                show(f"{name} {half}".strip(), kind, [said[at] for at in part], wanted)
    for file in harmless:
        said = [timed(index, row["text"], times) for row in read(file)]
        for kind in KINDS:
            alarms = said.count(kind) / len(said)
            print(f"| {file.parent.name} | {len(said)} | {kind} | | | {alarms:.3f} |")
    print(f"\nms a message: p50 {np.percentile(times, 50):.2f}, p95 {np.percentile(times, 95):.2f}")


def show(name: str, kind: Kind, said: Sequence[str | None], wanted: Sequence[str]) -> None:
    both = sum(a == b == kind for a, b in zip(said, wanted, strict=True))
    given, needed = said.count(kind), wanted.count(kind)
    alarms = (given - both) / (len(said) - needed)
    print(
        f"| {name} | {len(said)} | {kind} | {both / max(1, needed):.3f} | "
        f"{both / max(1, given):.3f} | {alarms:.3f} |"
    )


def timed(index: Index, message: str, times: list[float]) -> str | None:
    asked = index.prepare(Query(message))
    start = perf_counter()
    kind = index.classify(message, asked)
    times.append((perf_counter() - start) * 1000)
    return kind


def read(file: Path) -> list[Row]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


if __name__ == "__main__":
    main()
