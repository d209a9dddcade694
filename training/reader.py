"""Make src/ketqa/weights.json: the weights of the sentence reader and of the abstention.

    python training/reader.py QUESTIONS_FOLDER GOLD.jsonl [--index index] [--out FILE]

QUESTIONS_FOLDER holds seeds.jsonl (questions and the sentence that answers each) and
unanswered.jsonl (questions that the documents do not answer). GOLD.jsonl sets only the
calibration (two numbers) and the two thresholds; no weight is fitted on it.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from ketqa.abstain import SIGNALS, signals
from ketqa.index import READ_PASSAGES, Index
from ketqa.query import build_query
from ketqa.reader import FEATURES, Reading, describe
from ketqa.twins import twin_key
from ketqa.types import Hit, Sentence

Floats = NDArray[np.float64]
FOLDS = 5
RIDGE = 1e-3
QUOTES = 5
# Turning away more than a quarter of the answerable questions helps nobody.
LEAST_ANSWERED = 0.75


@dataclass
class Example:
    """A question, the candidate sentences with their features, and which of them answer."""

    query: str
    row: NDArray[np.float32]
    pairs: list[tuple[Hit, Sentence]]
    features: Floats
    right: NDArray[np.bool_]
    answerable: bool
    fold: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("questions", type=Path)
    parser.add_argument("gold", type=Path)
    parser.add_argument("--index", type=Path, default=Path("index"))
    parser.add_argument("--out", type=Path, default=Path("src/ketqa/weights.json"))
    options = parser.parse_args()
    index = Index.open(options.index)
    examples = read_answered(options.questions / "seeds.jsonl", index)
    examples += read_unanswered(options.questions / "unanswered.jsonl", index)
    gold = read_gold(options.gold, index)

    print_cross_validation(examples)
    weights = fit_reader(examples)
    print(f"gold quote@1/3: {quote_at(gold, weights, 1):.3f} {quote_at(gold, weights, 3):.3f}")
    abstain = fit_abstention(examples, weights, index)
    abstain, thresholds = calibrate(gold, weights, abstain, index)
    table = {
        "reader": named(("bias", *FEATURES), weights),
        "abstain": named(("bias", *SIGNALS), abstain),
        "quote": fit_quotes(gold, weights, abstain, index),
        "thresholds": thresholds,
    }
    options.out.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    print(options.out.read_text(encoding="utf-8"))


def read_answered(file: Path, index: Index) -> list[Example]:
    """Read seeds.jsonl; a fold holds all questions of a sentence and of its twins."""
    examples = []
    texts = {doc_id: index.store.document(doc_id).text for doc_id in index.store.document_ids()}
    for number, line in enumerate(file.open(encoding="utf-8")):
        entry = json.loads(line)
        quote = entry["quote"]
        if not any(text[entry["start"] : entry["end"]] == quote for text in texts.values()):
            raise SystemExit(f"{file}: line {number + 1}: not in any document: {quote!r}")
        fold = int(twin_key(quote), 16) % FOLDS
        examples += [make_example(index, q, [quote], True, fold) for q in entry["questions"]]
    return examples


def read_unanswered(file: Path, index: Index) -> list[Example]:
    return [
        make_example(index, json.loads(line)["question"], [], False, number % FOLDS)
        for number, line in enumerate(file.open(encoding="utf-8"))
    ]


def read_gold(file: Path, index: Index) -> list[Example]:
    examples = []
    for number, line in enumerate(file.open(encoding="utf-8")):
        entry = json.loads(line)
        query = build_query(entry["question"], entry["history"])
        quotes = [gold["quote"] for gold in entry["gold"]]
        examples.append(make_example(index, query, quotes, bool(quotes), number % FOLDS))
    return examples


def make_example(
    index: Index, query: str, quotes: Sequence[str], answerable: bool, fold: int
) -> Example:
    row = index.encode(query)
    hits = index.retrieve(query, row, READ_PASSAGES)
    pairs = index.candidates(hits)
    features = describe(query, row, pairs, index.sentence_vectors, index.words)
    right = np.array([any(holds(quote, s.text) for quote in quotes) for _, s in pairs])
    return Example(query, row, pairs, features, right, answerable, fold)


def holds(quote: str, sentence: str) -> bool:
    """Tell whether a sentence is the gold quote, or one of the sentences of it."""
    return sentence in quote or quote in sentence or twin_key(quote) == twin_key(sentence)


def fit_reader(examples: Sequence[Example]) -> Floats:
    """Fit the conditional logit; returns (1 + features,), the bias first."""
    usable = [example for example in examples if example.right.any() or not example.answerable]
    share = len(usable) / (
        2 * np.array([sum(e.answerable == kind for e in usable) for kind in (False, True)])
    )
    stacked = np.concatenate([example.features for example in usable])
    scale = stacked.std(axis=0)

    def loss(weights: Floats) -> tuple[float, Floats]:
        total, slope = (
            RIDGE * len(usable) * float(weights[1:] @ weights[1:]),
            np.zeros_like(weights),
        )
        slope[1:] = 2 * RIDGE * len(usable) * weights[1:]
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

    start = np.zeros(1 + len(FEATURES))
    fitted = minimize(loss, start, jac=True, method="L-BFGS-B").x
    return np.append(fitted[0], fitted[1:] / scale)


def logits_of(example: Example, weights: Floats) -> Floats:
    logits: Floats = weights[0] + example.features @ weights[1:]
    return logits


def quote_at(examples: Sequence[Example], weights: Floats, k: int) -> float:
    """Return the share of answerable questions with a right sentence in the first k."""
    found = []
    for example in examples:
        if not example.answerable:
            continue
        order = np.argsort(-logits_of(example, weights), kind="stable")
        seen: list[str] = []
        hit = False
        for at in order:
            key = twin_key(example.pairs[at][1].text)
            if key in seen:
                continue
            seen.append(key)
            hit = hit or bool(example.right[at])
            if len(seen) == k:
                break
        found.append(hit)
    return float(np.mean(found))


def print_cross_validation(examples: Sequence[Example]) -> None:
    ones, threes = [], []
    for fold in range(FOLDS):
        weights = fit_reader([example for example in examples if example.fold != fold])
        held = [example for example in examples if example.fold == fold]
        ones.append(quote_at(held, weights, 1))
        threes.append(quote_at(held, weights, 3))
    print(f"questions, {FOLDS}-fold: quote@1 {np.mean(ones):.3f} quote@3 {np.mean(threes):.3f}")


def signal_row(example: Example, weights: Floats, index: Index) -> list[float]:
    logits = logits_of(example, weights)
    cosines = index.sentence_vectors.cosines(example.row, [s.number for _, s in example.pairs])
    readings = [
        Reading(sentence, hit, float(logit), float(cosine))
        for (hit, sentence), logit, cosine in zip(example.pairs, logits, cosines, strict=True)
    ]
    numbers = signals(example.query, readings, index.words)
    return [numbers[name] for name in SIGNALS]


def fit_abstention(examples: Sequence[Example], weights: Floats, index: Index) -> Floats:
    rows = np.array([signal_row(example, weights, index) for example in examples])
    answerable = np.array([example.answerable for example in examples])
    model = LogisticRegression(class_weight="balanced").fit(rows, answerable)
    auroc = roc_auc_score(answerable, model.decision_function(rows))
    print(f"abstention, on its own questions: AUROC {auroc:.3f}")
    return np.append(model.intercept_, model.coef_[0])


def calibrate(
    gold: Sequence[Example], weights: Floats, abstain: Floats, index: Index
) -> tuple[Floats, dict[str, float]]:
    """Platt-scale the abstention on the gold questions, and set the thresholds there."""
    rows = np.array([signal_row(example, weights, index) for example in gold])
    answerable = np.array([example.answerable for example in gold])
    odds = abstain[0] + rows @ abstain[1:]
    print(f"abstention, on gold: AUROC {roc_auc_score(answerable, odds):.3f}")
    platt = LogisticRegression(C=1e6).fit(odds[:, None], answerable)
    slope, shift = float(platt.coef_[0, 0]), float(platt.intercept_[0])
    scaled = abstain * slope
    scaled[0] += shift
    confidence = 1 / (1 + np.exp(-(scaled[0] + rows @ scaled[1:])))
    best = choose_threshold(confidence, answerable)
    answered = (confidence[answerable] >= best).mean()
    false = (confidence[~answerable] >= best).mean()
    print(f"threshold {best:.3f}: answered {answered:.3f}, false {false:.3f}")
    low = min(best, float(np.quantile(confidence[answerable], 0.02)))
    return scaled, {"evidence": round(best, 4), "related": round(low, 4)}


def choose_threshold(confidence: Floats, answerable: NDArray[np.bool_]) -> float:
    """Return the highest cut that still answers enough; the rest are shown as related."""
    return float(np.quantile(confidence[answerable], 1 - LEAST_ANSWERED, method="lower"))


def fit_quotes(
    gold: Sequence[Example], weights: Floats, abstain: Floats, index: Index
) -> dict[str, float]:
    """Fit how likely a quote is right, given the confidence and how far it is behind."""
    rows, right = [], []
    for example in gold:
        logits = logits_of(example, weights)
        odds = abstain[0] + np.array(signal_row(example, weights, index)) @ abstain[1:]
        for at in np.argsort(-logits, kind="stable")[:QUOTES]:
            rows.append([1 / (1 + np.exp(-odds)), logits.max() - logits[at]])
            right.append(bool(example.right[at]))
    model = LogisticRegression(C=1e3).fit(np.array(rows), np.array(right))
    return named(("bias", "confidence", "behind"), np.append(model.intercept_, model.coef_[0]))


def named(names: Sequence[str], values: Sequence[float] | Floats) -> dict[str, Any]:
    return {name: round(float(value), 4) for name, value in zip(names, values, strict=True)}


if __name__ == "__main__":
    main()
