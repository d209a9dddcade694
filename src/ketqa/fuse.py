"""Rankings from several retrievers -> one ranking.

A ranking is a mapping from a text's number to its score, higher better; a text that a
retriever did not find is not in it.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

# Cormack, Clarke & Buettcher, SIGIR 2009: 60, with ranks counted from 1.
RRF_K = 60


def min_max(scores: Mapping[int, float]) -> dict[int, float]:
    """Map scores onto 0..1; where all are equal, each is 1."""
    if not scores:
        return {}
    low, high = min(scores.values()), max(scores.values())
    if low == high:
        return dict.fromkeys(scores, 1.0)
    return {number: (score - low) / (high - low) for number, score in scores.items()}


def weighted_sum(
    rankings: Sequence[Mapping[int, float]], weights: Sequence[float]
) -> dict[int, float]:
    """Add min-max-normalised scores; a text missing from a ranking gets 0 there.

    Bruch, Gai & Ingber, TOIS 2023: a convex combination beats rank fusion and needs few
    examples to set. With weights that sum to 1 the result lies in 0..1.
    """
    fused: defaultdict[int, float] = defaultdict(float)
    for ranking, weight in zip(rankings, weights, strict=True):
        for number, score in min_max(ranking).items():
            fused[number] += weight * score
    return dict(fused)


def reciprocal_rank_fusion(
    rankings: Sequence[Mapping[int, float]], *, k: int = RRF_K
) -> dict[int, float]:
    """Add ``1 / (k + rank)`` over the rankings that a text is in; larger k is flatter."""
    fused: defaultdict[int, float] = defaultdict(float)
    for ranking in rankings:
        for rank, number in enumerate(best_first(ranking), start=1):
            fused[number] += 1 / (k + rank)
    return dict(fused)


def best_first(scores: Mapping[int, float], k: int | None = None) -> list[int]:
    """Return the numbers by falling score, ties by the lower number, at most k."""
    return sorted(scores, key=lambda number: (-scores[number], number))[:k]
