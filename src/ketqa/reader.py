"""(question, passages) -> which of their sentences answer, best first.

A sentence is judged by four numbers: how near it is to the question in meaning and in
words, and how near its passage is. They are weighed by a conditional logit model with an
outside option of 0, "none of these answers" (McFadden 1974); training/reader.py makes the
weights. A trained cross-encoder can take this place: it needs only ``read``'s form.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from ketqa.dense import DenseIndex
from ketqa.encode import Rows
from ketqa.lexical import LexicalIndex
from ketqa.types import Hit, Sentence

Features = NDArray[np.float64]
FEATURES = ("sentence_meaning", "sentence_words", "passage_meaning", "passage_words")


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


@cache
def load_weights() -> dict[str, dict[str, float]]:
    """Return the trained weights of the reader and of the abstention."""
    text = files("ketqa").joinpath("weights.json").read_text(encoding="utf-8")
    weights: dict[str, dict[str, float]] = json.loads(text)
    return weights


def read(
    query: str,
    row: Rows,
    candidates: Sequence[tuple[Hit, Sentence]],
    vectors: DenseIndex,
    words: LexicalIndex,
) -> list[Reading]:
    """Rank sentences by how well they answer.

    Args:
        query: What is searched.
        row: Its encoding, (dim,), of length 1.
        candidates: Sentences, each with the passage it was found in.
        vectors: The rows of all sentences, by sentence number.
        words: The full-text index of the passages; it knows how rare a word is.

    Returns:
        One reading a sentence, best first, ties by the lower number.
    """
    if not candidates:
        return []
    weights = load_weights()["reader"]
    features = describe(query, row, candidates, vectors, words)
    logits = features @ np.array([weights[name] for name in FEATURES]) + weights["bias"]
    cosines = vectors.cosines(row, [sentence.number for _, sentence in candidates])
    readings = [
        Reading(sentence, hit, float(logit), float(cosine))
        for (hit, sentence), logit, cosine in zip(candidates, logits, cosines, strict=True)
    ]
    return sorted(readings, key=lambda reading: (-reading.logit, reading.sentence.number))


def read_in_order(
    query: str,  # noqa: ARG001, the form of read
    row: Rows,
    candidates: Sequence[tuple[Hit, Sentence]],
    vectors: DenseIndex,
    words: LexicalIndex,  # noqa: ARG001
) -> list[Reading]:
    """Rank sentences as their passages rank, and within one as they stand; see ``read``.

    What ``read`` is measured against. The logit is minus the passage's rank.
    """
    if not candidates:
        return []
    cosines = vectors.cosines(row, [sentence.number for _, sentence in candidates])
    readings = [
        Reading(sentence, hit, -float(hit.rank), float(cosine))
        for (hit, sentence), cosine in zip(candidates, cosines, strict=True)
    ]
    return sorted(readings, key=lambda reading: (-reading.logit, reading.sentence.number))


def describe(
    query: str,
    row: Rows,
    candidates: Sequence[tuple[Hit, Sentence]],
    vectors: DenseIndex,
    words: LexicalIndex,
) -> Features:
    """Return the four numbers of each sentence, (n, 4), in the order of ``FEATURES``.

    Meaning is ``DenseIndex.contrast`` for the sentence, the cosine for the passage; words
    is the BM25 score as a share of the highest that the query allows, 0..1.
    """
    most = words.best_possible(query) or 1.0
    shared = words.score_texts(query, [sentence.text for _, sentence in candidates])
    return np.column_stack(
        [
            vectors.contrast(row, [sentence.number for _, sentence in candidates]),
            np.array(shared) / most,
            [hit.dense for hit, _ in candidates],
            [hit.lexical / most for hit, _ in candidates],
        ]
    ).astype(np.float64)
