"""How much should curated questions count in finding passages?

    python benchmarks/questions.py GOLD.jsonl [--index index]

Prints, for every share, how often a passage that holds a gold sentence comes first, and among
the first three.
"""

import argparse
from pathlib import Path

import numpy as np

from ketqa import retrieve
from ketqa.evaluation.gold import GoldQuestion, load_gold
from ketqa.evaluation.run import corpus_texts
from ketqa.index import Index
from ketqa.reader import Asked

SHARES = [step / 10 for step in range(10)]
DEPTH = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("gold", type=Path)
    parser.add_argument("--index", type=Path, default=Path("index"))
    options = parser.parse_args()
    with Index.open(options.index) as index:
        questions = [q for q in load_gold(options.gold, corpus_texts(index)) if q.gold]
        asked = [index.prepare(index.understand(q.question, q.history)) for q in questions]
        for share in SHARES:
            retrieve.QUESTION_WEIGHT = share
            ranks = np.array([rank(index, *pair) for pair in zip(questions, asked, strict=True)])
            print(
                f"{share:.1f}  first {(ranks == 1).mean():.3f}  "
                f"first three {(ranks <= 3).mean():.3f}  rr {(1 / ranks).mean():.3f}"  # noqa: PLR2004
            )


def rank(index: Index, question: GoldQuestion, asked: Asked) -> float:
    """Return the rank of the first passage with a gold sentence; infinite where none has."""
    for hit in index.retrieve(asked, DEPTH):
        if any(entry.quote in hit.passage.text for entry in question.gold):
            return hit.rank
    return float("inf")


if __name__ == "__main__":
    main()
