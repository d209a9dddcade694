"""What does each way of understanding a question earn, and what does it cost?

    python benchmarks/understanding.py GOLD.jsonl ... [--index index] [--curated 100]

Asks gold questions, and curated ones of each voice and language as if they were new: their own
entry and a random half of its company left out, and once more without the question index.
Prints the share answered among the first three quotes with each kind of change and without it,
and the milliseconds that understanding adds to a question.
"""

import argparse
import random
from collections.abc import Sequence, Set
from pathlib import Path
from time import perf_counter

import numpy as np

from ketqa.evaluation.gold import GoldQuestion, load_gold
from ketqa.evaluation.run import corpus_texts, run_gold
from ketqa.index import Index
from ketqa.opening import Stages
from ketqa.query import Query
from ketqa.understand import CHANGES

FIRST = 3
Asking = Sequence[tuple[str, Set[int], Set[int]]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("gold", nargs="*", type=Path)
    parser.add_argument("--index", type=Path, default=Path("index"))
    parser.add_argument("--curated", type=int, default=100, help="of each voice and language")
    options = parser.parse_args()
    with Index.open(options.index) as opened:
        texts = corpus_texts(opened)
    gold = [question for file in options.gold for question in load_gold(file, texts)]
    answerable = [question for question in gold if question.expect == "evidence"]
    print("| questions | without | asked | changed | quote@3 without | with | better | worse |")
    print("|---|---|---|---|---|---|---|---|")
    if answerable:
        compare_gold(options.index, answerable)
    for questions in (True, False):
        compare_curated(options.index, options.curated, questions=questions)
    if gold:
        print(f"\nadded ms: {added_ms(options.index, [question.question for question in gold])}")


def compare_gold(index: Path, questions: Sequence[GoldQuestion]) -> None:
    with Index.open(index) as opened:
        scores = run_gold(opened, questions)
    right = [score.rank is not None and score.rank <= FIRST for score in scores]
    for kind in sorted(CHANGES):
        with Index.open(index, stages=Stages(changes=CHANGES - {kind})) as opened:
            without = [
                score.rank is not None and score.rank <= FIRST
                for score in run_gold(opened, questions)
            ]
        changed = sum(any(c.kind == kind for c in score.answer.changes) for score in scores)
        show("gold", kind, changed, without, right)


def compare_curated(index: Path, most: int, *, questions: bool) -> None:
    name = "curated" if questions else "curated, no question index"
    with Index.open(index, stages=Stages(questions=questions)) as opened:
        for group, asking in draw(opened, most).items():
            right, changes = ask(opened, asking)
            for kind in sorted({kind for made in changes for kind in made}):
                stages = Stages(questions=questions, changes=CHANGES - {kind})
                with Index.open(index, stages=stages) as other:
                    without, _ = ask(other, asking)
                changed = sum(kind in made for made in changes)
                show(f"{name}: {group}", kind, changed, without, right)


def draw(index: Index, most: int) -> dict[str, list[tuple[str, Set[int], Set[int]]]]:
    """Return (question, sentences that answer it, entries to leave out) by voice or language."""
    chosen = random.Random(0)  # noqa: S311, no secret
    questions = list(index.store.all_questions())
    answering = index.store.answering([question.number for question in questions])
    company: dict[tuple[int, ...], list[int]] = {}
    for question in questions:
        company.setdefault(tuple(answering[question.number]), []).append(question.number)
    chosen.shuffle(questions)
    groups: dict[str, list[tuple[str, Set[int], Set[int]]]] = {}
    for question in questions:
        sentences = tuple(answering[question.number])
        name = question.language if question.language != "en" else question.voice or "lay"
        group = groups.setdefault(name, [])
        if sentences and len(group) < most:
            beside = company[sentences]
            half = chosen.sample(beside, len(beside) // 2)
            group.append((question.text, set(sentences), {question.number, *half}))
    return dict(sorted(groups.items()))


def ask(index: Index, asking: Asking) -> tuple[list[bool], list[Set[str]]]:
    right: list[bool] = []
    changes: list[Set[str]] = []
    for text, sentences, without in asking:
        query = index.understand(text)
        asked = index.prepare(query, without=without)
        best = index.read(asked)[:FIRST]
        right.append(any(reading.sentence.number in sentences for reading in best))
        changes.append({change.kind for change in query.changes})
    return right, changes


def show(name: str, kind: str, changed: int, without: list[bool], right: list[bool]) -> None:
    better = sum(after and not before for before, after in zip(without, right, strict=True))
    worse = sum(before and not after for before, after in zip(without, right, strict=True))
    print(
        f"| {name} | {kind} | {len(right)} | {changed} | {np.mean(without):.3f} | "
        f"{np.mean(right):.3f} | {better} | {worse} |",
        flush=True,
    )


def added_ms(index: Path, questions: list[str]) -> str:
    """Return p50 and p95 of the rules themselves, and of the second encoding that they ask for."""
    rules, encoding = [], []
    with Index.open(index) as opened:
        for text in questions * 2:  # the first time round, files are read
            start = perf_counter()
            query = opened.understand(text)
            rules.append((perf_counter() - start) * 1000)
            start = perf_counter()
            opened.prepare(Query(query.text))
            plain = perf_counter() - start
            start = perf_counter()
            opened.prepare(query)
            encoding.append((perf_counter() - start - plain) * 1000 if query.translated else 0.0)
    half = len(questions)
    parts = (("rules", rules[half:]), ("encoding again", encoding[half:]))
    return ", ".join(
        f"{name} p50 {np.percentile(ms, 50):.2f}, p95 {np.percentile(ms, 95):.2f}"
        for name, ms in parts
    )


if __name__ == "__main__":
    main()
