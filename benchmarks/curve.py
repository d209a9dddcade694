"""How much the question index gives by the number of questions that each sentence has.

    python benchmarks/curve.py GOLD.jsonl ... [--index index] [--each 4 8 12]

The rest of the questions are left out when a question is asked, as are as large a share of those
that nothing answers. Without questions (0) the index is asked as one that has none.
"""

import argparse
import random
from collections import defaultdict
from collections.abc import Sequence, Set
from dataclasses import replace
from pathlib import Path

from ketqa.evaluation.figures import measure
from ketqa.evaluation.gold import GoldQuestion, load_gold
from ketqa.evaluation.report import show
from ketqa.evaluation.run import corpus_texts, run_gold
from ketqa.evaluation.score import Score, score_answer
from ketqa.index import READ_PASSAGES, Index
from ketqa.opening import Stages

FIGURES = ("quote@1", "quote@3", "full@3", "auroc")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("gold", nargs="+", type=Path)
    parser.add_argument("--index", type=Path, default=Path("index"))
    parser.add_argument("--each", type=int, nargs="*", default=[4, 8, 12])
    options = parser.parse_args()
    print("| gold | a sentence | questions | " + " | ".join(FIGURES) + " |")
    print("|---|---|---|" + "---|" * len(FIGURES))
    for file in options.gold:
        with Index.open(options.index, stages=Stages(questions=False)) as index:
            gold = load_gold(file, corpus_texts(index))
            _print(file.stem, "0", 0, run_gold(index, gold, min_confidence=0))
        with Index.open(options.index) as index:
            every = sum(1 for _ in index.store.all_questions())
            for each in options.each:
                without = left_out(index, each)
                _print(file.stem, str(each), every - len(without), ask(index, gold, without))
            _print(file.stem, "all", every, run_gold(index, gold, min_confidence=0))


def left_out(index: Index, each: int) -> Set[int]:
    """Return the curated questions beyond ``each`` a sentence, and that share of the unanswered."""
    chance = random.Random(0)  # noqa: S311, no secret
    company: dict[object, list[int]] = defaultdict(list)
    for question in index.store.all_questions():
        company[question.span].append(question.number)
    unanswered = company.pop(None, [])
    kept = [n for own in company.values() for n in chance.sample(own, min(each, len(own)))]
    answered = {number for own in company.values() for number in own}
    share = len(kept) / len(answered)
    kept += chance.sample(unanswered, round(share * len(unanswered)))
    return (answered | set(unanswered)) - set(kept)


def ask(index: Index, gold: Sequence[GoldQuestion], without: Set[int]) -> list[Score]:
    texts = corpus_texts(index)
    scores = []
    for question in gold:
        found = index.find(question.question, history=question.history)
        if not found.reply:
            asked = index.prepare(found.query, without=without)
            found = replace(found, asked=asked, hits=index.retrieve(asked, READ_PASSAGES))
        scores.append(score_answer(question, index.answer(found, min_confidence=0), texts))
    return scores


def _print(name: str, each: str, questions: int, scores: Sequence[Score]) -> None:
    figures = measure(scores)
    cells = [name, each, f"{questions:,}", *(show(figures[figure]) for figure in FIGURES)]
    print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
