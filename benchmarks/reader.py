"""Question-sentence pairs a second: the readers as shipped, beside a cross-encoder on torch.

    python benchmarks/reader.py [--index index] [--rounds 9] [--write docs/benchmarks.md]

That cross-encoder is as large as the packaged one and untaught: what it costs does not depend
on what it has learnt. The pairs are the sentences of the passages found.
"""

import argparse
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter

from ketqa.cross import CROSS_PATH, CompiledCross, compile_cross
from ketqa.evaluation.page import write_part
from ketqa.index import READ_PASSAGES, Index
from ketqa.models import find_model
from ketqa.query import Query
from ketqa.reader import read
from ketqa.rerank import DEPTH

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
    with Index.open(options.index) as index, tempfile.TemporaryDirectory() as scratch:
        table = compare(index, Path(scratch) / "cross", options.rounds)
    print(table)
    if options.write:
        write_part(options.write, "reader", table)


def compare(index: Index, compiled: Path, rounds: int) -> str:
    from sentence_transformers import CrossEncoder

    eager = CrossEncoder(str(find_model().path), num_labels=1, device="cpu")
    compile_cross(CROSS_PATH, compiled)
    cross = CompiledCross(compiled)
    cross.score(QUESTIONS[0], QUESTIONS)
    speeds: dict[str, list[float]] = {"reader": [], "cross": [], "torch": []}
    waits: list[float] = []
    for _ in range(rounds):
        for question in QUESTIONS:
            asked = index.prepare(Query(question))
            found = index.candidates(index.retrieve(asked, READ_PASSAGES))
            texts = [sentence.text for _, sentence in found]
            pairs = [(question, text) for text in texts]
            for name, run in (
                ("reader", partial(read, asked, found, index.engines)),
                ("cross", partial(cross.score, question, texts)),
                ("torch", partial(eager.predict, pairs, show_progress_bar=False)),
            ):
                speeds[name].append(len(pairs) / seconds(run))
            waits.append(1000 * seconds(partial(cross.score, question, texts[:DEPTH])))
    reader, ours, theirs = (median(found) for found in speeds.values())
    return "\n".join(
        [
            "| | pairs a second | beside eager torch |",
            "|---|---|---|",
            f"| the reader | {reader:,.0f} | {reader / theirs:,.0f} |",
            f"| the packaged cross-encoder, compiled | {ours:,.0f} | {ours / theirs:.1f} |",
            f"| a cross-encoder of that size, eager torch | {theirs:,.0f} | 1 |",
            "",
            f"{DEPTH} sentences, as many as it reads for a question: {median(waits):,.0f} ms.",
        ]
    )


def seconds(run: Callable[[], object]) -> float:
    start = perf_counter()
    run()
    return perf_counter() - start


if __name__ == "__main__":
    main()
