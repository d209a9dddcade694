"""Scores of many questions -> figures, each with an interval.

A figure is None where no question bears on it. Rates lie in 0..1. Intervals are 95%
percentile bootstraps over questions (Efron & Tibshirani 1993), the same every time.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from ketqa.evaluation.score import Score

Floats = NDArray[np.float64]
Scores = Sequence[Score]
RESAMPLES = 500
BINS = 10


@dataclass(frozen=True, slots=True)
class Figure:
    """A value and its 95% interval."""

    value: float | None
    low: float | None = None
    high: float | None = None


def quote_at(k: int) -> Callable[[Scores], float | None]:
    """Share of answerable questions with a right quote among the first k."""
    return lambda scores: _mean([_within(s.rank, k) for s in scores if s.answerable])


def full_at(k: int) -> Callable[[Scores], float | None]:
    """The same, counting only sentences that answer fully."""
    return lambda scores: _mean(
        [_within(s.full_rank, k) for s in scores if any(e.grade == 2 for e in s.gold.gold)]  # noqa: PLR2004, grade 2 is full
    )


def reciprocal_rank(scores: Scores) -> float | None:
    """Mean of 1 / rank of the first right quote."""
    return _mean([1 / s.rank if s.rank else 0.0 for s in scores if s.answerable])


def source_coverage(scores: Scores) -> float | None:
    """Mean share of the gold sources found, of questions that several sources answer."""
    several = [s for s in scores if len({entry.source for entry in s.gold.gold}) > 1]
    return _mean([s.covered or 0.0 for s in several])


def auroc(scores: Scores) -> float | None:
    """Chance that an answerable question has a higher confidence than another."""
    truth, confidence = _confidence(scores)
    return float(roc_auc_score(truth, confidence)) if 0 < truth.sum() < len(truth) else None


def risk_coverage_area(scores: Scores) -> float | None:
    """Area under the risk-coverage curve; lower is better (Geifman et al., ICLR 2019)."""
    risk = risk_coverage(scores)[1]
    return float(risk.mean()) if len(risk) else None


def risk_coverage(scores: Scores) -> tuple[Floats, Floats]:
    """Return (coverage, risk), surest question first.

    Risk is the share of questions so far whose first quote is not right, be it that another
    sentence answers or that none does.
    """
    order = sorted(scores, key=lambda s: (-s.answer.confidence, s.gold.id))
    wrong = np.array([s.rank != 1 for s in order], dtype=np.float64)
    counts = np.arange(1, len(wrong) + 1)
    return counts / max(1, len(wrong)), np.cumsum(wrong) / counts


def calibration_error(scores: Scores) -> float | None:
    """Expected calibration error of ``confidence``, over ten bins of equal width."""
    rows = reliability(scores)
    total = sum(count for _, _, count in rows)
    return sum(abs(said - true) * count for said, true, count in rows) / total if total else None


def reliability(scores: Scores) -> list[tuple[float, float, int]]:
    """Return (mean confidence, share answerable, questions) of each bin that is not empty."""
    truth, confidence = _confidence(scores)
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    return [
        (
            float(confidence[bins == b].mean()),
            float(truth[bins == b].mean()),
            int((bins == b).sum()),
        )
        for b in range(BINS)
        if (bins == b).any()
    ]


def answered(scores: Scores) -> float | None:
    """Share of answerable questions that are answered."""
    return _mean([s.answered for s in scores if s.answerable])


def falsely_answered(scores: Scores) -> float | None:
    """Share of other questions that are answered all the same; lower is better."""
    return _mean([s.answered for s in scores if not s.answerable])


def notice_rate(
    kind: Literal["emergency", "advice"], side: Literal["recall", "precision"]
) -> Callable[[Scores], float | None]:
    """How many wanted notices are given, or how many given ones are wanted."""

    def rate(scores: Scores) -> float | None:
        given = [any(n.kind == kind for n in s.answer.notices) for s in scores]
        wanted = [s.gold.notice == kind for s in scores]
        base, other = (wanted, given) if side == "recall" else (given, wanted)
        return _mean([o for b, o in zip(base, other, strict=True) if b])

    return rate


def verbatim(scores: Scores) -> float | None:
    """Share of quotes that equal their slice of the document; must be 1."""
    total = sum(len(s.answer.evidence) for s in scores)
    return sum(s.verbatim for s in scores) / total if total else None


def repeated(scores: Scores) -> float | None:
    """Share of quotes that say the words of an earlier one; lower is better."""
    total = sum(len(s.answer.evidence) for s in scores)
    return sum(s.repeated for s in scores) / total if total else None


def quote_length(scores: Scores) -> float | None:
    """Mean characters of the first three quotes."""
    return _mean([len(item.quote) for s in scores for item in s.answer.evidence[:3]])


def latency(percentile: int) -> Callable[[Scores], float | None]:
    """Milliseconds within which this per cent of the answers came."""
    return lambda scores: (
        float(np.percentile([s.answer.timings_ms["total"] for s in scores], percentile))
        if scores
        else None
    )


FIGURES: dict[str, Callable[[Scores], float | None]] = {
    **{f"quote@{k}": quote_at(k) for k in (1, 3, 5)},
    **{f"full@{k}": full_at(k) for k in (1, 3, 5)},
    "rr": reciprocal_rank,
    "sources": source_coverage,
    "auroc": auroc,
    "aurc": risk_coverage_area,
    "ece": calibration_error,
    "answered": answered,
    "false": falsely_answered,
    "emergency_recall": notice_rate("emergency", "recall"),
    "emergency_precision": notice_rate("emergency", "precision"),
    "advice_recall": notice_rate("advice", "recall"),
    "advice_precision": notice_rate("advice", "precision"),
    "verbatim": verbatim,
    "repeated": repeated,
    "chars": quote_length,
    "p50_ms": latency(50),
    "p95_ms": latency(95),
}
LOWER_IS_BETTER = frozenset({"aurc", "ece", "false", "repeated", "chars", "p50_ms", "p95_ms"})
# What is shown for each tag, whose questions are few.
TAG_FIGURES = ("quote@1", "quote@3", "full@3", "auroc", "answered", "false")


def measure(scores: Scores) -> dict[str, Figure]:
    """Return every figure with its interval."""
    draws = np.random.default_rng(0).integers(0, len(scores), (RESAMPLES, len(scores)))
    samples = [[scores[at] for at in draw] for draw in draws]
    return {name: _figure(compute, scores, samples) for name, compute in FIGURES.items()}


def measure_tags(scores: Scores) -> dict[str, dict[str, float | None]]:
    """Return the chief figures of each tag, and how many questions have it."""
    tags = sorted({tag for s in scores for tag in s.gold.tags})
    table: dict[str, dict[str, float | None]] = {}
    for tag in tags:
        chosen = [s for s in scores if tag in s.gold.tags]
        table[tag] = {"questions": float(len(chosen))}
        table[tag] |= {name: FIGURES[name](chosen) for name in TAG_FIGURES}
    return table


def _figure(
    compute: Callable[[Scores], float | None], scores: Scores, samples: Sequence[Scores]
) -> Figure:
    value = compute(scores)
    if value is None:
        return Figure(None)
    drawn = [found for sample in samples if (found := compute(sample)) is not None]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Figure(value, float(low), float(high))


def _within(rank: int | None, k: int) -> bool:
    return rank is not None and rank <= k


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _confidence(scores: Scores) -> tuple[NDArray[np.int_], Floats]:
    # rounded as answers in JSON are, so that both give the same figures
    confidence = np.array([round(s.answer.confidence, 4) for s in scores])
    return np.array([int(s.answerable) for s in scores]), confidence
