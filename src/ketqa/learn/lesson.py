"""A corpus's curated questions -> what an encoder is taught, and what is held back."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ketqa.errors import CorpusError
from ketqa.jsonl import read_rows
from ketqa.twins import twin_key
from ketqa.types import CuratedQuestion, Document

HELD_BACK = 0.1
LEAST_QUESTIONS = 20


@dataclass(frozen=True, slots=True)
class Lesson:
    """What is taught: each sentence's questions, what nothing answers, other people's pairs.

    ``held`` are questions that are not taught, with the number of their sentence.
    """

    sentences: Sequence[str]
    questions: Sequence[Sequence[str]]
    near_misses: Sequence[str]
    pairs: Sequence[tuple[str, str]]
    held: Sequence[tuple[str, int]]

    @property
    def size(self) -> int:
        """The number of questions taught."""
        return sum(len(questions) for questions in self.questions)


def is_held_back(text: str) -> bool:
    """Tell whether a curated question is kept out of the training; the same every time."""
    return random.Random(text).random() < HELD_BACK  # noqa: S311, no secret


def make_lesson(
    documents: Mapping[str, Document],
    questions: Sequence[CuratedQuestion],
    pairs: Sequence[tuple[str, str]] = (),
) -> Lesson:
    """Sort curated questions by the sentence they belong to; ``documents`` are by id.

    Raises:
        CorpusError: There are too few questions to learn from.
    """
    sentences: dict[str, str] = {}
    taught: dict[str, list[str]] = {}
    held: list[tuple[str, str]] = []
    for question in questions:
        if question.span is None:
            continue
        span = question.span
        sentence = documents[span.doc_id].text[span.start : span.end]
        key = twin_key(sentence)
        sentences.setdefault(key, sentence)
        if is_held_back(question.text) and taught.get(key):
            held.append((question.text, key))
        else:
            taught.setdefault(key, []).append(question.text)
    if sum(map(len, taught.values())) < LEAST_QUESTIONS:
        raise CorpusError(
            f"adapting needs at least {LEAST_QUESTIONS} curated questions; "
            "write some into questions.jsonl (docs/questions.md)"
        )
    numbers = {key: number for number, key in enumerate(sentences)}
    return Lesson(
        sentences=list(sentences.values()),
        questions=[taught[key] for key in sentences],
        near_misses=[q.text for q in questions if not q.span and not is_held_back(q.text)],
        pairs=pairs,
        held=[(text, numbers[key]) for text, key in held],
    )


def load_pairs(file: Path) -> list[tuple[str, str]]:
    """Read other people's questions, each with a text that answers it.

    Raises:
        CorpusError: A line is not ``{"question": "...", "text": "..."}``.
    """
    pairs = []
    for row, where in read_rows(file, CorpusError):
        if not all(isinstance(row.get(name), str) for name in ("question", "text")):
            raise CorpusError(f'{where}: must be {{"question": "...", "text": "..."}}')
        pairs.append((row["question"], row["text"]))
    return pairs
