"""Curated and gold questions -> examples: candidate sentences, and which of them answer.

A curated question is asked as if it were new: it is left out of the index itself, and so is a
random half of its nearest company, because a question that nobody has thought of yet has fewer
like it.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ketqa.evaluation.gold import load_gold
from ketqa.evaluation.run import corpus_texts
from ketqa.evaluation.score import matches
from ketqa.index import READ_PASSAGES, Index
from ketqa.reader import Asked, Features, describe
from ketqa.twins import twin_key
from ketqa.types import CuratedQuestion, Hit, Sentence

FOLDS = 5
SEED = 0


@dataclass(frozen=True, slots=True)
class Example:
    """A question and n candidate sentences.

    ``features`` are those of ``describe``, (n, 6), or whatever else a reader weighs, (n, m);
    ``right``, (n,), tells which sentences answer; ``fold``, 0..4, is the same for all questions
    of a sentence.
    """

    asked: Asked
    pairs: list[tuple[Hit, Sentence]]
    features: Features
    right: NDArray[np.bool_]
    answerable: bool
    fold: int


def make_example(
    index: Index, asked: Asked, is_right: Callable[[Sentence], bool], *, answerable: bool, fold: int
) -> Example:
    """Find the candidates of a question and describe them."""
    pairs = index.candidates(index.retrieve(asked, READ_PASSAGES))
    return Example(
        asked=asked,
        pairs=pairs,
        features=describe(asked, pairs, index.engines),
        right=np.array([is_right(sentence) for _, sentence in pairs], dtype=bool),
        answerable=answerable,
        fold=fold,
    )


def gold_examples(index: Index, file: Path) -> list[Example]:
    """Return examples of a file of gold questions; they may calibrate, never train."""
    return [
        make_example(
            index,
            index.prepare(index.understand(gold.question, gold.history)),
            lambda sentence, gold=gold: any(  # type: ignore[misc]
                matches(entry.quote, sentence.text) for entry in gold.gold
            ),
            answerable=gold.expect == "evidence",
            fold=number % FOLDS,
        )
        for number, gold in enumerate(load_gold(file, corpus_texts(index)))
    ]


def curated_examples(
    index: Index, questions: Sequence[CuratedQuestion], most: int
) -> Iterator[Example]:
    """Yield examples of at most ``most`` of the given curated questions, the same every time."""
    chance = random.Random(SEED)  # noqa: S311, no secret
    company: dict[object, list[int]] = {}
    for question in index.store.all_questions():
        company.setdefault(question.span, []).append(question.number)
    for question in chance.sample(questions, min(most, len(questions))):
        others = company[question.span]
        without = {question.number, *chance.sample(others, len(others) // 2)}
        answering = set(index.store.answering([question.number])[question.number])
        yield make_example(
            index,
            index.prepare(index.understand(question.text), without=without),
            lambda sentence, answering=answering: sentence.number in answering,  # type: ignore[misc]
            answerable=question.span is not None,
            fold=_fold(index, question),
        )


def _fold(index: Index, question: CuratedQuestion) -> int:
    if question.span is None:
        return question.number % FOLDS
    text = index.store.document(question.span.doc_id).text
    return int(twin_key(text[question.span.start : question.span.end]), 16) % FOLDS
