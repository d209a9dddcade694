"""How often both sides of a question on which the sources differ are among the first five quotes.

    python benchmarks/sides.py tests/gold/dev.jsonl tests/gold/own.jsonl [--index index]

tests/gold/sides.jsonl says which gold sentences of a question stand on which side, by their
number, counted from 0; what stands on neither is left out.
"""

import argparse
import json
from pathlib import Path

from ketqa.evaluation.gold import GoldQuestion, load_gold
from ketqa.evaluation.run import corpus_texts, run_gold
from ketqa.evaluation.score import Score, matches
from ketqa.index import Index

SIDES = Path(__file__).parents[1] / "tests/gold/sides.jsonl"
FIRST = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("gold", nargs="+", type=Path)
    parser.add_argument("--index", type=Path, default=Path("index"))
    options = parser.parse_args()
    sides = load_sides()
    with Index.open(options.index) as index:
        texts = corpus_texts(index)
        gold = [question for file in options.gold for question in load_gold(file, texts)]
        scores = run_gold(index, [question for question in gold if question.id in sides])
    shown = [both_shown(score, sides[score.gold.id]) for score in scores]
    print(f"{sum(shown)} of {len(shown)} questions: {sum(shown) / len(shown):.3f}")
    for score, both in zip(scores, shown, strict=True):
        if not both:
            print(f"one side only: {score.gold.id} {score.gold.question}")


def load_sides() -> dict[str, list[list[int]]]:
    lines = SIDES.read_text(encoding="utf-8").splitlines()
    return {row["id"]: row["sides"] for row in map(json.loads, lines)}


def both_shown(score: Score, sides: list[list[int]]) -> bool:
    return all(any(_is_shown(score.gold, at, score) for at in side) for side in sides)


def _is_shown(gold: GoldQuestion, at: int, score: Score) -> bool:
    return any(matches(gold.gold[at].quote, item.quote) for item in score.answer.evidence[:FIRST])


if __name__ == "__main__":
    main()
