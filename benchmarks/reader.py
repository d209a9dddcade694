"""Question-sentence pairs a second: the reader as shipped, beside a cross-encoder on torch.

    python benchmarks/reader.py [--index index] [--rounds 9] [--write docs/benchmarks.md]

The cross-encoder is as large as the packaged embedding model and untaught: what it would cost
does not depend on what it has learnt. The pairs are the sentences of the passages found.
"""

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter

from ketqa.evaluation.page import write_part
from ketqa.index import READ_PASSAGES, Index
from ketqa.models import find_model
from ketqa.query import Query
from ketqa.reader import read

QUESTIONS = (
    "How long did relief last?",
    "What schedule drug is ketamine?",
    "Can I drive after an infusion?",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--index", default="index")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--write", type=Path, help="put the table into this Markdown file")
    options = parser.parse_args()
    with Index.open(options.index) as index:
        table = compare(index, options.rounds)
    print(table)
    if options.write:
        write_part(options.write, "reader", table)


def compare(index: Index, rounds: int) -> str:
    from sentence_transformers import CrossEncoder

    eager = CrossEncoder(str(find_model().path), num_labels=1, device="cpu")
    speeds: dict[str, list[float]] = {"shipped": [], "torch": []}
    for _ in range(rounds):
        for question in QUESTIONS:
            asked = index.prepare(Query(question))
            found = index.candidates(index.retrieve(asked, READ_PASSAGES))
            pairs = [(question, sentence.text) for _, sentence in found]
            shipped = seconds(partial(read, asked, found, index.engines))
            torch = seconds(partial(eager.predict, pairs, show_progress_bar=False))
            speeds["shipped"].append(len(pairs) / shipped)
            speeds["torch"].append(len(pairs) / torch)
    ours, theirs = median(speeds["shipped"]), median(speeds["torch"])
    return "\n".join(
        [
            "| reader | pairs a second |",
            "|---|---|",
            f"| as shipped | {ours:,.0f} |",
            f"| a cross-encoder, eager torch | {theirs:,.0f} |",
            f"| ratio | {ours / theirs:,.0f} |",
        ]
    )


def seconds(run: Callable[[], object]) -> float:
    start = perf_counter()
    run()
    return perf_counter() - start


if __name__ == "__main__":
    main()
