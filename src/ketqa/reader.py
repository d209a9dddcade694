"""(question, passages) -> which of their sentences answer, best first.

A sentence is judged by how near it is to the question in meaning and in words, how near its
passage is, and how near the questions are that a curator wrote for it. The numbers are weighed
by a conditional logit model with an outside option of 0, "none of these answers" (McFadden
1974); training/weights.py makes the weights.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ketqa.adapter import READER_WEIGHTS
from ketqa.dense import DenseIndex
from ketqa.encode import Rows
from ketqa.errors import ModelError
from ketqa.lexical import LexicalIndex, Terms
from ketqa.match import Matches
from ketqa.shipped import read_shipped
from ketqa.types import Hit, Sentence

Features = NDArray[np.float64]
FEATURES = (
    "sentence_meaning",
    "sentence_words",
    "passage_meaning",
    "passage_words",
    "question_meaning",
    "question_words",
)
# Trained numbers by stage and name.
Weights = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Asked:
    """A query, its (dim,) row of length 1, its words, the curated questions that it resembles."""

    query: str
    row: Rows
    terms: Terms
    matches: Matches


@dataclass(frozen=True, slots=True)
class Engines:
    """What a corpus's sentences are judged with: their rows, its words, the weights."""

    sentences: DenseIndex
    words: LexicalIndex
    weights: Weights


@dataclass(frozen=True, slots=True)
class Reading:
    """A sentence and how well it answers.

    ``logit`` is the log odds against "none of these"; ``cosine``, -1..1, is the plain
    closeness of sentence and question.
    """

    sentence: Sentence
    hit: Hit
    logit: float
    cosine: float


class Reader(Protocol):
    """What ranks sentences: ``read``, or what takes its place."""

    def __call__(
        self, asked: Asked, candidates: Sequence[tuple[Hit, Sentence]], engines: Engines
    ) -> list[Reading]:
        """Return one reading a sentence, best first."""
        ...


@cache
def load_weights(name: str) -> Weights:
    """Return trained weights by name.

    "questions" is for a corpus with curated questions, "plain" for one without, "fused" for one
    without where the cross-encoder takes part.
    """
    weights: Weights = json.loads(read_shipped(f"weights/{name}.json"))
    return weights


def load_own_weights(model: Path) -> Weights | None:
    """Return the weights that an adapted model brings with it, if it does.

    Raises:
        ModelError: They cannot be read.
    """
    file = model / READER_WEIGHTS
    if not file.exists():
        return None
    try:
        weights: Weights = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ModelError(f"{file}: cannot be read ({error}); make it again: ketqa adapt") from None
    return weights


def read(
    asked: Asked, candidates: Sequence[tuple[Hit, Sentence]], engines: Engines
) -> list[Reading]:
    """Rank sentences by how well they answer.

    Args:
        asked: What is searched.
        candidates: Sentences, each with the passage it was found in.
        engines: The corpus's.

    Returns:
        One reading a sentence, best first, ties by the lower number.
    """
    if not candidates:
        return []
    weights = engines.weights["reader"]
    weighed = [weights.get(name, 0.0) for name in FEATURES]
    logits = describe(asked, candidates, engines) @ np.array(weighed) + weights["bias"]
    return _readings(asked, candidates, engines, logits)


def read_in_order(
    asked: Asked, candidates: Sequence[tuple[Hit, Sentence]], engines: Engines
) -> list[Reading]:
    """Rank sentences as their passages rank, and within one as they stand; see ``read``.

    What ``read`` is measured against. The logit is minus the passage's rank.
    """
    if not candidates:
        return []
    ranks = np.array([-float(hit.rank) for hit, _ in candidates])
    return _readings(asked, candidates, engines, ranks)


def describe(
    asked: Asked, candidates: Sequence[tuple[Hit, Sentence]], engines: Engines
) -> Features:
    """Return the numbers of each sentence, (n, 6), in the order of ``FEATURES``.

    Meaning is ``DenseIndex.contrast`` for the sentence, the cosine for the passage and for the
    nearest curated question; words is the BM25 score as a share of the highest that the query
    allows, 0..1.
    """
    sentences = [sentence for _, sentence in candidates]
    most = engines.words.best_possible(asked.terms) or 1.0
    shared = engines.words.score_texts(asked.terms, [sentence.text for sentence in sentences])
    matches = asked.matches
    return np.column_stack(
        [
            engines.sentences.contrast(asked.row, [sentence.number for sentence in sentences]),
            np.array(shared) / most,
            [hit.dense for hit, _ in candidates],
            [hit.lexical / most for hit, _ in candidates],
            [matches.closeness(sentence.number) for sentence in sentences],
            [matches.words.get(sentence.number, 0.0) for sentence in sentences],
        ]
    ).astype(np.float64)


def _readings(
    asked: Asked,
    candidates: Sequence[tuple[Hit, Sentence]],
    engines: Engines,
    logits: NDArray[np.float64],
) -> list[Reading]:
    numbers = [sentence.number for _, sentence in candidates]
    cosines = engines.sentences.cosines(asked.row, numbers)
    readings = [
        Reading(sentence, hit, float(logit), float(cosine))
        for (hit, sentence), logit, cosine in zip(candidates, logits, cosines, strict=True)
    ]
    return sorted(readings, key=lambda reading: (-reading.logit, reading.sentence.number))
