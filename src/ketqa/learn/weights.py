"""Examples -> the reader's and the abstention's weights, and how well they do held out."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from ketqa.abstain import SIGNALS, signals
from ketqa.index import Index
from ketqa.learn.examples import FOLDS, Example
from ketqa.reader import FEATURES, Reading
from ketqa.twins import twin_key

Floats = NDArray[np.float64]
Table = dict[str, dict[str, float]]
RIDGE = 1e-3
QUOTES = 5
# Turning away more answerable questions than this helps nobody.
LEAST_ANSWERED = 0.92
# The signals used without curated questions, and with them.
UNKNOWN = "unknown"
PLAIN = ("logit", "cosine", UNKNOWN)
CURATED = ("cosine", "answered", "unanswered")


def fit_weights(examples: Sequence[Example], calibration: Sequence[Example], index: Index) -> Table:
    """Fit all weights of one index.

    Args:
        examples: What the reader and the abstention are fitted on.
        calibration: What sets the calibration and the thresholds; may be the same.
        index: Where both were made.
    """
    reader = fit_reader(examples)
    rest = fit_confidence(examples, calibration, reader, index)
    return {"reader": named(("bias", *FEATURES), reader), **rest}


def fit_confidence(
    examples: Sequence[Example], calibration: Sequence[Example], reader: Floats, index: Index
) -> Table:
    """Fit everything but the reader; the arguments are those of ``fit_weights``."""
    abstain = _calibrate(fit_abstention(examples, reader, index), calibration, reader, index)
    return {
        "abstain": named(("bias", *SIGNALS), abstain),
        "quote": _fit_quotes(calibration, reader, abstain, index),
        "thresholds": _thresholds(calibration, reader, abstain, index),
    }


def fit_reader(examples: Sequence[Example]) -> Floats:
    """Fit the conditional logit; returns (1 + features,), the bias first."""
    usable = [example for example in examples if example.right.any() or not example.answerable]
    share = len(usable) / (
        2 * np.array([sum(e.answerable == kind for e in usable) for kind in (False, True)])
    )
    scale = np.concatenate([example.features for example in usable]).std(axis=0)
    scale[scale == 0] = 1.0

    def loss(weights: Floats) -> tuple[float, Floats]:
        total = RIDGE * len(usable) * float(weights[1:] @ weights[1:])
        slope = 2 * RIDGE * len(usable) * weights
        slope[0] = 0.0
        for example in usable:
            design = np.column_stack([np.ones(len(example.features)), example.features / scale])
            # (candidates + 1,): the last is "none of these", with logit 0
            logits = np.append(design @ weights, 0.0)
            odds = np.exp(logits - logits.max())
            odds /= odds.sum()
            right = np.append(example.right, not example.answerable)
            mass = odds[right].sum()
            weight = share[int(example.answerable)]
            total -= weight * np.log(mass)
            pull = odds - np.where(right, odds / mass, 0)
            slope += weight * (pull[:-1] @ design)
        return total, slope

    # nearness in any respect must never count against a sentence
    bounds = [(None, None), *[(0.0, None)] * len(scale)]
    start = np.zeros(1 + len(scale))
    fitted = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    return np.append(fitted[0], fitted[1:] / scale)


def fit_abstention(examples: Sequence[Example], reader: Floats, index: Index) -> Floats:
    """Fit the logistic regression over the signals; returns (1 + signals,), the bias first.

    Where there are curated questions, those tell more than the reader's own score and than
    words that the corpus never uses, which any question in another language has. Such words must
    never speak for an answer: where they would, they are left out.
    """
    rows, answerable = signal_rows(examples, reader, index)
    used = CURATED if rows[:, -1].any() else PLAIN
    weights = _regress(rows, answerable, used)
    if weights[1 + SIGNALS.index(UNKNOWN)] > 0:
        weights = _regress(rows, answerable, [name for name in used if name != UNKNOWN])
    return weights


def _regress(rows: Floats, answerable: NDArray[np.bool_], used: Sequence[str]) -> Floats:
    columns = [SIGNALS.index(name) for name in used]
    spread = rows[:, columns].std(axis=0)
    spread[spread == 0] = 1.0
    model = LogisticRegression(class_weight="balanced").fit(rows[:, columns] / spread, answerable)
    weights = np.zeros(1 + len(SIGNALS))
    weights[0] = model.intercept_[0]
    weights[[1 + at for at in columns]] = model.coef_[0] / spread
    return weights


def signal_rows(
    examples: Sequence[Example], reader: Floats, index: Index
) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the signals of each example, (n, signals), and which are answerable, (n,)."""
    rows = []
    for example in examples:
        logits = logits_of(example, reader)
        numbers = [sentence.number for _, sentence in example.pairs]
        cosines = index.engines.sentences.cosines(example.asked.row, numbers)
        readings = [
            Reading(sentence, hit, float(logit), float(cosine))
            for (hit, sentence), logit, cosine in zip(example.pairs, logits, cosines, strict=True)
        ]
        found = signals(example.asked, readings, index.engines.words)
        rows.append([found[name] for name in SIGNALS])
    return np.array(rows), np.array([example.answerable for example in examples])


def cross_validate(examples: Sequence[Example], index: Index) -> dict[str, float]:
    """Return quote@1, quote@3 and AUROC, means over folds that were held out in turn."""
    found: list[tuple[float, float, float]] = []
    for fold in range(FOLDS):
        fitted_on = [example for example in examples if example.fold != fold]
        held = [example for example in examples if example.fold == fold]
        reader = fit_reader(fitted_on)
        abstain = fit_abstention(fitted_on, reader, index)
        rows, answerable = signal_rows(held, reader, index)
        auroc = float(roc_auc_score(answerable, rows @ abstain[1:]))
        found.append((quote_at(held, reader, 1), quote_at(held, reader, 3), auroc))
    means = np.mean(found, axis=0)
    return dict(zip(("quote@1", "quote@3", "auroc"), map(float, means), strict=True))


def quote_at(examples: Sequence[Example], reader: Floats, k: int) -> float:
    """Return the share of answerable questions with a right sentence in the first k."""
    found = []
    for example in examples:
        if example.answerable:
            keys: dict[str, bool] = {}
            for at in np.argsort(-logits_of(example, reader), kind="stable"):
                keys.setdefault(twin_key(example.pairs[at][1].text), bool(example.right[at]))
            found.append(any(list(keys.values())[:k]))
    return float(np.mean(found))


def logits_of(example: Example, reader: Floats) -> Floats:
    """Return the reader's logits, (n,)."""
    logits: Floats = reader[0] + example.features @ reader[1:]
    return logits


def _confidence(
    examples: Sequence[Example], reader: Floats, abstain: Floats, index: Index
) -> tuple[Floats, NDArray[np.bool_]]:
    rows, answerable = signal_rows(examples, reader, index)
    return 1 / (1 + np.exp(-(abstain[0] + rows @ abstain[1:]))), answerable


def _calibrate(
    abstain: Floats, calibration: Sequence[Example], reader: Floats, index: Index
) -> Floats:
    """Scale the abstention's log odds to probabilities (Platt 1999)."""
    rows, answerable = signal_rows(calibration, reader, index)
    odds = abstain[0] + rows @ abstain[1:]
    platt = LogisticRegression(C=1e3).fit(odds[:, None], answerable)
    scaled: Floats = abstain * float(platt.coef_[0, 0])
    scaled[0] += float(platt.intercept_[0])
    return scaled


def _thresholds(
    calibration: Sequence[Example], reader: Floats, abstain: Floats, index: Index
) -> dict[str, float]:
    """Return the highest cut that still answers enough; below it some are shown as related."""
    confidence, answerable = _confidence(calibration, reader, abstain, index)
    cut = float(np.quantile(confidence[answerable], 1 - LEAST_ANSWERED, method="lower"))
    low = min(cut, float(np.quantile(confidence[answerable], 0.02)))
    return {"evidence": _round_down(cut), "related": _round_down(low)}


def _round_down(confidence: float) -> float:
    """Round to four digits, so that the question that a threshold was set by still passes."""
    return math.floor(confidence * 1e4) / 1e4


def _fit_quotes(
    calibration: Sequence[Example], reader: Floats, abstain: Floats, index: Index
) -> dict[str, float]:
    """Fit how likely a quote is right, given the confidence and how far it is behind."""
    confidence, _ = _confidence(calibration, reader, abstain, index)
    rows, right = [], []
    for example, sure in zip(calibration, confidence, strict=True):
        logits = logits_of(example, reader)
        for at in np.argsort(-logits, kind="stable")[:QUOTES]:
            rows.append([sure, logits.max() - logits[at]])
            right.append(bool(example.right[at]))
    model = LogisticRegression(C=1e3).fit(np.array(rows), np.array(right))
    return named(("bias", "confidence", "behind"), np.append(model.intercept_, model.coef_[0]))


def named(names: Sequence[str], values: Floats) -> dict[str, float]:
    """Return numbers by their names, rounded to four digits."""
    return {name: round(float(value), 4) for name, value in zip(names, values, strict=True)}
