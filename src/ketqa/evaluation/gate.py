"""Keep what was reached: compare a run with a committed baseline."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ketqa.errors import GoldFileError
from ketqa.evaluation.figures import FIGURES, LOWER_IS_BETTER
from ketqa.evaluation.gold import fingerprint
from ketqa.evaluation.score import Score

# How far each figure may fall. One question of 69 is .0145: one may flip, two may not.
TOLERANCE = {
    "quote@1": 0.015,
    "quote@3": 0.015,
    "quote@5": 0.015,
    "full@3": 0.015,
    "rr": 0.01,
    "auroc": 0.01,
    "answered": 0.015,
    "false": 0.035,
    "ece": 0.02,
    "verbatim": 0.0,
    "repeated": 0.0,
}


MAKE_ONE = "make one with: ketqa eval GOLD --write-baseline"


@dataclass(frozen=True, slots=True)
class Fall:
    """A figure below its baseline by more than it may be, and the questions that got worse."""

    figure: str
    baseline: float
    now: float | None
    questions: tuple[str, ...]


def make_baseline(scores: Sequence[Score]) -> dict[str, Any]:
    """Return what to commit: figures, tolerances, and what each question gave."""
    return {
        "gold": fingerprint([score.gold for score in scores]),
        "index": scores[0].answer.index,
        "figures": {name: _rounded(name, scores) for name in TOLERANCE},
        "tolerance": TOLERANCE,
        "questions": {score.gold.id: _outcome(score) for score in scores},
    }


def load_baseline(file: Path) -> dict[str, Any]:
    """Read a baseline.

    Raises:
        GoldFileError: There is none, or it is not of the form.
    """
    try:
        table: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        wanting = {"gold", "figures", "tolerance", "questions"} - table.keys()
    except (OSError, ValueError, AttributeError) as error:
        raise GoldFileError(f"{file}: no baseline ({error}); {MAKE_ONE} {file}") from None
    if wanting:
        raise GoldFileError(f"{file}: lacks {min(wanting)!r}; {MAKE_ONE} {file}")
    return table


def find_falls(scores: Sequence[Score], baseline: Mapping[str, Any]) -> list[Fall]:
    """Return every figure that fell by more than its tolerance.

    Raises:
        GoldFileError: The baseline is of other gold questions.
    """
    if baseline["gold"] != fingerprint([score.gold for score in scores]):
        raise GoldFileError(
            "the gold questions are not those of the baseline; look at the figures, then make "
            "a new one with --write-baseline"
        )
    worse = tuple(
        score.gold.id
        for score in scores
        if _worth(_outcome(score), score)
        < _worth(tuple(baseline["questions"][score.gold.id]), score)
    )
    return [
        Fall(name, before, now, worse)
        for name, before in baseline["figures"].items()
        for now in [_rounded(name, scores)]
        if before is not None and _loss(name, before, now) > baseline["tolerance"][name] + 1e-9
    ]


def _loss(name: str, before: float, now: float | None) -> float:
    if now is None:
        return float("inf")
    return now - before if name in LOWER_IS_BETTER else before - now


def _rounded(name: str, scores: Sequence[Score]) -> float | None:
    value = FIGURES[name](scores)
    return None if value is None else round(value, 4)


def _outcome(score: Score) -> tuple[int | None, str]:
    return score.rank, score.answer.status


def _worth(outcome: tuple[int | None, str], score: Score) -> float:
    """Return how good an outcome is for this question; only comparisons count."""
    rank, status = outcome
    if score.answerable:
        return (1.0 / int(rank) if rank else 0.0) + (status == "evidence")
    return -float(status == "evidence")
