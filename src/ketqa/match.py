"""A question -> the curated questions that it resembles, and the sentences they point to."""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from ketqa.dense import Nearest
from ketqa.encode import Rows
from ketqa.lexical import LexicalIndex, Terms
from ketqa.store import Store

# How many curated questions are looked at, by meaning and by words.
DEPTH = 200
QUESTIONS, QUESTION_WORDS = "questions", "question_words"


@dataclass(frozen=True, slots=True)
class Match:
    """A curated question that was found: its number and its cosine, -1..1."""

    question: int
    cosine: float


@dataclass(frozen=True, slots=True)
class Matches:
    """The curated questions found for one question.

    ``meaning`` is the best match of each sentence that has one; ``words`` the best BM25 score
    of each sentence's questions, as a share of the highest that the question allows, 0..1.
    ``floor`` is the lowest cosine found: no question that was left out lies nearer.
    """

    meaning: Mapping[int, Match]
    words: Mapping[int, float]
    unanswered: Match | None
    floor: float

    @property
    def answered(self) -> float:
        """The cosine of the nearest question that a sentence answers."""
        return max((match.cosine for match in self.meaning.values()), default=self.floor)

    def closeness(self, sentence: int) -> float:
        """Return the cosine of a sentence's nearest question.

        A sentence without one is taken to have one that was just not found, so that it is
        neither favoured nor shut out.
        """
        match = self.meaning.get(sentence)
        return match.cosine if match else self.floor


NO_MATCHES = Matches({}, {}, None, floor=0.0)


class QuestionIndex:
    """Search over the curated questions."""

    def __init__(self, vectors: Nearest, words: LexicalIndex, store: Store) -> None:
        """Join the questions' rows and words with the store that knows what answers them."""
        self._vectors = vectors
        self._words = words
        self._store = store

    @classmethod
    def load(cls, build: Path, vectors: Nearest, store: Store) -> Self:
        """Open the folder of the questions' words in a build."""
        return cls(vectors, LexicalIndex.load(build / QUESTION_WORDS), store)

    def match(self, terms: Terms, row: Rows, *, without: Set[int] = frozenset()) -> Matches:
        """Find the curated questions nearest to a query.

        Args:
            terms: What is searched, by words.
            row: Its encoding, (dim,), of length 1.
            without: Questions to leave out, so that one can be asked as if it were new.
        """
        near = _leave_out(self._vectors.search(row, DEPTH + len(without)), without)
        shared = _leave_out(self._words.search(terms, DEPTH + len(without)), without)
        most = self._words.best_possible(terms) or 1.0
        answering = self._store.answering([*near, *(n for n in shared if n not in near)])
        meaning: dict[int, Match] = {}
        unanswered = None
        for number, cosine in near.items():  # nearest first
            if not answering[number]:
                unanswered = unanswered or Match(number, cosine)
            for sentence in answering[number]:
                meaning.setdefault(sentence, Match(number, cosine))
        words: dict[int, float] = {}
        for number, score in shared.items():  # best first
            for sentence in answering[number]:
                words.setdefault(sentence, score / most)
        return Matches(meaning, words, unanswered, floor=min(near.values(), default=0.0))


def _leave_out(scores: Mapping[int, float], without: Set[int]) -> dict[int, float]:
    """Return the best of the scores, without some numbers."""
    left = [number for number in scores if number not in without]
    return {number: scores[number] for number in left[:DEPTH]}
