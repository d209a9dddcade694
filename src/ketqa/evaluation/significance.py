"""Is a difference between two settings on the same questions more than chance?"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ketqa.evaluation.score import Score

RESAMPLES = 10_000
# What can be compared question by question: the value of one question.
PAIRED: dict[str, Callable[[Score], float]] = {
    "quote@1": lambda s: float(s.rank == 1),
    "quote@3": lambda s: float(s.rank is not None and s.rank <= 3),  # noqa: PLR2004
    "rr": lambda s: 1 / s.rank if s.rank else 0.0,
}


@dataclass(frozen=True, slots=True)
class Difference:
    """How much better the second setting is than the first on one figure.

    ``low`` and ``high`` bound the difference with 95%; ``p`` is corrected for the number of
    comparisons made.
    """

    first: str
    second: str
    figure: str
    change: float
    low: float
    high: float
    p: float
    wins: tuple[str, ...]
    losses: tuple[str, ...]


def compare(runs: Mapping[str, Sequence[Score]]) -> list[Difference]:
    """Compare every later setting with the first one, on the answerable questions.

    Paired bootstrap intervals; p by a paired permutation test (random sign flips), Holm
    1979 over all comparisons. Smucker, Allan & Carterette (CIKM 2007) recommend both.
    """
    names = list(runs)
    rows: list[Difference] = []
    for second in names[1:]:
        pairs = [(a, b) for a, b in zip(runs[names[0]], runs[second], strict=True) if a.answerable]
        rows += [_difference(names[0], second, figure, pairs) for figure in PAIRED]
    corrected = holm([row.p for row in rows])
    return [replace(row, p=p) for row, p in zip(rows, corrected, strict=True)]


@dataclass(frozen=True, slots=True)
class Paired:
    """A mean change with its 95% interval, and the chance of one so large if there were none."""

    change: float
    low: float
    high: float
    p: float


def paired_difference(changes: NDArray[np.float64]) -> Paired:
    """Return the mean of (n,) changes, one a question: bootstrap interval, permutation p."""
    low, high = _interval(changes)
    return Paired(float(changes.mean()), low, high, _permutation_p(changes))


def _difference(
    first: str, second: str, figure: str, pairs: Sequence[tuple[Score, Score]]
) -> Difference:
    value = PAIRED[figure]
    changes = np.array([value(b) - value(a) for a, b in pairs])
    found = paired_difference(changes)
    return Difference(
        first,
        second,
        figure,
        found.change,
        found.low,
        found.high,
        found.p,
        tuple(a.gold.id for (a, _), change in zip(pairs, changes, strict=True) if change > 0),
        tuple(a.gold.id for (a, _), change in zip(pairs, changes, strict=True) if change < 0),
    )


def _interval(changes: NDArray[np.float64]) -> tuple[float, float]:
    if np.ptp(changes) == 0:
        return float(changes[0]), float(changes[0])
    found = stats.bootstrap(
        (changes,), np.mean, n_resamples=RESAMPLES, method="percentile", rng=0
    ).confidence_interval
    return float(found.low), float(found.high)


def _permutation_p(changes: NDArray[np.float64]) -> float:
    if not changes.any():
        return 1.0
    test = stats.permutation_test(
        (changes,), np.mean, permutation_type="samples", n_resamples=RESAMPLES, rng=0
    )
    return float(test.pvalue)


def holm(ps: Sequence[float]) -> list[float]:
    """Return p values corrected for the number of tests (Holm 1979), in the same order."""
    order = sorted(range(len(ps)), key=lambda at: ps[at])
    corrected = [0.0] * len(ps)
    highest = 0.0
    for place, at in enumerate(order):
        highest = max(highest, min(1.0, (len(ps) - place) * ps[at]))
        corrected[at] = highest
    return corrected
