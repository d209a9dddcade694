"""Is each curated question of use, and is it in the right place?

Round trip: a question is asked as if its own entry were not there. If its sentence is not among
the first few, either the entry is wrong or nothing else in the index means the same.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ketqa.index import Index
from ketqa.query import Query
from ketqa.reader import Asked, Reading
from ketqa.twins import twin_key
from ketqa.types import CuratedQuestion

FIRST = 3
# Cosines: above the first, two questions say the same; above the second, an unanswered
# question may well be answered.
SAME, SUSPICIOUS = 0.95, 0.9
# Log odds by which another sentence must fit better before the entry is called misplaced.
FITS_BETTER = 2.0

Trouble = Literal["lost", "misplaced", "duplicate", "answered"]
MEANING: Mapping[Trouble, str] = {
    "lost": "does not find its sentence without its own entry",
    "misplaced": "fits another sentence better",
    "duplicate": "says the same as another question",
    "answered": "stands as unanswered, yet is like one that is answered",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """A question to look at, what may be wrong, and the text that it is about."""

    question: CuratedQuestion
    trouble: Trouble
    about: str


@dataclass(frozen=True, slots=True)
class Checked:
    """One question's round trip: ``rank`` of its sentence from 1, None where it has none."""

    question: CuratedQuestion
    rank: int | None
    findings: tuple[Finding, ...]


def check_questions(index: Index, questions: Sequence[CuratedQuestion]) -> Iterator[Checked]:
    """Check questions one by one, each as if it were not in the index."""
    for question in questions:
        asked = index.prepare(Query(question.text), without={question.number})
        if question.span is None:
            yield Checked(question, None, tuple(_look_for_answers(question, asked, index)))
        else:
            yield _round_trip(question, asked, index)


def _round_trip(question: CuratedQuestion, asked: Asked, index: Index) -> Checked:
    right = set(index.store.answering([question.number])[question.number])
    readings = index.read(asked)
    ranks: dict[str, int] = {}
    for reading in readings:
        ranks.setdefault(twin_key(reading.sentence.text), len(ranks) + 1)
    own = next((reading for reading in readings if reading.sentence.number in right), None)
    rank = ranks[twin_key(own.sentence.text)] if own else len(ranks) + 1
    findings = [*_misplaced(question, readings, own, rank), *_duplicate(question, asked, index)]
    return Checked(question, rank, tuple(findings))


def _misplaced(
    question: CuratedQuestion, readings: Sequence[Reading], own: Reading | None, rank: int
) -> Iterator[Finding]:
    best = readings[0] if readings else None
    if best and (own is None or best.logit - own.logit > FITS_BETTER):
        yield Finding(question, "misplaced", best.sentence.text)
    elif rank > FIRST:
        yield Finding(question, "lost", best.sentence.text if best else "")


def _duplicate(question: CuratedQuestion, asked: Asked, index: Index) -> Iterator[Finding]:
    best = max(asked.matches.meaning.values(), key=lambda match: match.cosine, default=None)
    if best and best.cosine >= SAME:
        yield Finding(question, "duplicate", index.store.question(best.question).text)


def _look_for_answers(question: CuratedQuestion, asked: Asked, index: Index) -> Iterator[Finding]:
    best = max(asked.matches.meaning.values(), key=lambda match: match.cosine, default=None)
    if best and best.cosine >= SUSPICIOUS:
        yield Finding(question, "answered", index.store.question(best.question).text)
    nearest = asked.matches.unanswered
    if nearest and nearest.cosine >= SAME:
        yield Finding(question, "duplicate", index.store.question(nearest.question).text)
