"""The signals of all stages -> a calibrated probability that the corpus answers.

Logistic regressions over a few numbers that mean the same in every corpus. training/weights.py
fits them, and sets the two thresholds.
"""

from collections.abc import Mapping, Sequence
from math import exp

from ketqa.lexical import LexicalIndex, Terms
from ketqa.reader import Asked, Reading, Weights
from ketqa.types import Status

SIGNALS = ("logit", "cosine", "unknown", "answered", "unanswered")


def signals(asked: Asked, readings: Sequence[Reading], words: LexicalIndex) -> dict[str, float]:
    """Return what tells an answerable question from another.

    ``logit`` is the best sentence's, ``cosine`` the highest of any sentence, ``unknown``
    the share of the question's words, by their weight, that the corpus never uses;
    ``answered`` and ``unanswered`` are the cosines of the nearest curated questions.
    """
    matches = asked.matches
    return {
        "logit": max((reading.logit for reading in readings), default=-10.0),
        "cosine": max((reading.cosine for reading in readings), default=-1.0),
        "unknown": _unknown_share(asked.terms, words),
        "answered": matches.answered,
        "unanswered": matches.unanswered.cosine if matches.unanswered else matches.floor,
    }


def answer_probability(numbers: Mapping[str, float], weights: Weights) -> float:
    """Return the probability, 0..1, that the corpus answers, from its ``signals``."""
    trained = weights["abstain"]
    weighed = (trained.get(name, 0.0) * numbers[name] for name in SIGNALS)
    return _sigmoid(trained["bias"] + sum(weighed))


def quote_probability(confidence: float, behind: float, weights: Weights) -> float:
    """Return the probability that one quote answers.

    Args:
        confidence: That the corpus answers at all, 0..1.
        behind: How far the quote's logit lies below the best one's, 0 or more.
        weights: The trained numbers.
    """
    trained = weights["quote"]
    best = _sigmoid(
        trained["bias"] + trained["confidence"] * confidence + trained["behind"] * behind
    )
    return min(confidence, best)


def decide(confidence: float, weights: Weights, *, min_confidence: float | None = None) -> Status:
    """Return the status for a confidence.

    Args:
        confidence: That the corpus answers, 0..1.
        weights: The trained numbers, with the shipped thresholds.
        min_confidence: Replaces the threshold for "evidence"; 0 always quotes.
    """
    thresholds = weights["thresholds"]
    if confidence >= (thresholds["evidence"] if min_confidence is None else min_confidence):
        return "evidence"
    return "related" if confidence >= thresholds["related"] else "no_evidence"


def _unknown_share(terms: Terms, words: LexicalIndex) -> float:
    weights = {stem: weight * words.idf(stem) for stem, weight in terms.items()}
    total = sum(weights.values())
    if not total:
        return 1.0
    never = words.idf("")  # the empty stem is in no text
    return sum(weights[stem] for stem in terms if words.idf(stem) == never) / total


def _sigmoid(x: float) -> float:
    return 1 / (1 + exp(-x)) if x >= 0 else exp(x) / (1 + exp(x))
