"""The signals of all stages -> a calibrated probability that the corpus answers.

Logistic regressions over a few numbers that mean the same in every corpus. training/reader.py
fits them, and sets the two thresholds.
"""

from collections.abc import Sequence
from math import exp
from typing import Literal

from ketqa.lexical import LexicalIndex, stems
from ketqa.reader import Reading, load_weights
from ketqa.types import Status

SIGNALS = ("logit", "cosine", "unknown")
Threshold = Literal["evidence", "related"]


def signals(query: str, readings: Sequence[Reading], words: LexicalIndex) -> dict[str, float]:
    """Return what tells an answerable question from another.

    ``logit`` is the best sentence's, ``cosine`` the highest of any sentence, ``unknown``
    the share of the question's words, by their weight, that the corpus never uses.
    """
    return {
        "logit": max((reading.logit for reading in readings), default=-10.0),
        "cosine": max((reading.cosine for reading in readings), default=-1.0),
        "unknown": _unknown_share(query, words),
    }


def answer_probability(numbers: dict[str, float]) -> float:
    """Return the probability, 0..1, that the corpus answers, from its ``signals``."""
    weights = load_weights()["abstain"]
    return _sigmoid(weights["bias"] + sum(weights[name] * numbers[name] for name in SIGNALS))


def quote_probability(confidence: float, behind: float) -> float:
    """Return the probability that one quote answers.

    Args:
        confidence: That the corpus answers at all, 0..1.
        behind: How far the quote's logit lies below the best one's, 0 or more.
    """
    weights = load_weights()["quote"]
    best = _sigmoid(
        weights["bias"] + weights["confidence"] * confidence + weights["behind"] * behind
    )
    return min(confidence, best)


def decide(confidence: float, *, min_confidence: float | None = None) -> Status:
    """Return the status for a confidence.

    Args:
        confidence: That the corpus answers, 0..1.
        min_confidence: Replaces the shipped threshold for "evidence"; 0 always quotes.
    """
    thresholds = load_weights()["thresholds"]
    if confidence >= (thresholds["evidence"] if min_confidence is None else min_confidence):
        return "evidence"
    return "related" if confidence >= thresholds["related"] else "no_evidence"


def _unknown_share(query: str, words: LexicalIndex) -> float:
    weights = {stem: words.idf(stem) for stem in stems(query)}
    total = sum(weights.values())
    if not total:
        return 1.0
    never = words.idf("")  # the empty stem is in no text
    return sum(weight for weight in weights.values() if weight == never) / total


def _sigmoid(x: float) -> float:
    return 1 / (1 + exp(-x)) if x >= 0 else exp(x) / (1 + exp(x))
