"""Teach the packaged cross-encoder, src/ketqa/crossed/: which sentence answers a question.

    python training/cross.py DATA TRIALS.jsonl --out NEW [--index index] [--share 1.0]

DATA holds the public collections by name and reader-train/; TRIALS.jsonl has questions beside
their sentences; the index, of the shipped corpus and the unadapted model, gives curated questions
with the sentences that are found for them. Question by question: a sentence that answers and
three that do not, or four that do not. SHARE takes part of the questions, for a curve. With the
outside option "none of these", as ketqa.reader; half of them take 45 minutes on two cores.
"""

import argparse
import gzip
import json
import math
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sentencex
import torch
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy
from tqdm import tqdm
from transformers import AutoTokenizer

from ketqa.adapter import TENSORS, Adapter, cut_adapter
from ketqa.encode import load_untaught
from ketqa.index import Index
from ketqa.learn.examples import curated_examples
from ketqa.learn.lesson import is_held_back
from ketqa.lexical import stems
from ketqa.models import find_model, hash_file
from ketqa.opening import Stages
from pairs import OURS, rows

GENERAL = {"clapnq": 1.0, "condqa": 1.0, "evinf": 1.0, "xquad": 1.0, "qed": 0.45, "selqa": 0.45}
# Its questions are judged on, and none of them may be taught.
KEPT = "evinf_pain_dev"
MOST_ANSWERED, MOST_UNANSWERED = 3000, 2000
WRONG, HARD, SHORTEST = 3, 8, 25
GROUPS, MAX_TOKENS, RATE, WARM_UP, RANK = 12, 72, 6e-5, 0.06, 64


@dataclass(frozen=True, slots=True)
class Group:
    """A question, the sentences that answer it, if any, and some that do not."""

    question: str
    right: list[str]
    wrong: list[str]


@dataclass(frozen=True, slots=True)
class Draw:
    """A question and some sentences; the first answers it, where ``answered``."""

    question: str
    sentences: Sequence[str]
    answered: bool


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("data", type=Path)
    parser.add_argument("trials", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--index", type=Path, default=Path("index"))
    parser.add_argument("--share", type=float, default=1.0)
    options = parser.parse_args()
    groups = [
        *general(options.data),
        *written(options.data),
        *trials(options.trials),
        *curated(options.index),
    ]
    chance = random.Random(0)  # noqa: S311, no secret
    drawn = [draw(group, chance) for group in groups if chance.random() < options.share]
    print(f"{len(groups)} questions, {len(drawn)} taught")
    teach([one for one in drawn if len(one.sentences) > 1], options.out, chance)


def general(data: Path) -> Iterator[Group]:
    """Yield the questions of reader-train/, but those that are judged on."""
    kept = {row["text"] for row in rows(data / KEPT / "queries.jsonl")}
    chance = random.Random(0)  # noqa: S311, no secret
    for name, share in GENERAL.items():
        questions: dict[str, Group] = {}
        with gzip.open(data / "reader-train" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
            for row in map(json.loads, lines):
                group = questions.setdefault(row["qid"], Group(row["question"], [], []))
                (group.right if row["label"] else group.wrong).append(row["sentence"])
        for group in questions.values():
            if group.question not in kept and chance.random() < share:
                yield group


def written(data: Path) -> Iterator[Group]:
    """Yield the questions of training/questions.jsonl, near-misses among them."""
    texts: dict[tuple[str, str], str] = {}
    sentences: dict[tuple[str, str], list[str]] = {}
    for row in rows(OURS):
        key = (row["set"], row["doc"])
        if key not in texts:
            corpus = rows(data / row["set"] / "corpus.jsonl")
            texts |= {(row["set"], str(document["_id"])): document["text"] for document in corpus}
        if key not in sentences:
            pieces = (piece.strip() for piece in sentencex.segment("en", texts[key]))
            sentences[key] = [piece for piece in pieces if len(piece) > SHORTEST]
        right = texts[key][row["start"] : row["end"]]
        for question in row["questions"]:
            yield Group(question, [right], look_alikes(question, sentences[key], right))
        for question in row["near"]:
            yield Group(question, [], [right, *look_alikes(question, sentences[key], right)])


def trials(file: Path) -> Iterator[Group]:
    """Yield questions on trial reports, against the other sentences that have questions."""
    by_document: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows(file):
        by_document[row.get("doc_id") or row.get("doc") or ""].append(row)
    for found in by_document.values():
        sentences = [row["sentence"] for row in found]
        for row in found:
            for question in row["questions"]:
                wrong = look_alikes(question, sentences, row["sentence"])
                yield Group(question, [row["sentence"]], wrong)


def look_alikes(question: str, sentences: Sequence[str], right: str) -> list[str]:
    """Return the sentences, but the right one, that share most words with a question."""
    asked = set(stems(question))

    def shared(sentence: str) -> float:
        words = set(stems(sentence))
        return len(asked & words) / math.sqrt(1 + len(words))

    others = [sentence for sentence in sentences if sentence != right]
    return sorted(others, key=shared, reverse=True)[:HARD]


def curated(folder: Path) -> Iterator[Group]:
    """Yield curated questions but a tenth, with the sentences that are found for them."""
    with Index.open(folder, stages=Stages(questions=False)) as index:
        english = [
            question
            for question in index.store.all_questions()
            if question.language == "en" and not is_held_back(question.text)
        ]
        for answered, most in ((True, MOST_ANSWERED), (False, MOST_UNANSWERED)):
            chosen = [question for question in english if bool(question.span) == answered]
            for example in curated_examples(index, chosen, most):
                order = example.features[:, 0].argsort()[::-1]
                right = [example.pairs[at][1].text for at in order if example.right[at]]
                wrong = [example.pairs[at][1].text for at in order if not example.right[at]]
                if right or not answered:
                    yield Group(example.asked.query, right, wrong[:HARD])


def draw(group: Group, chance: random.Random) -> Draw:
    right = [chance.choice(group.right)] if group.right else []
    most = min(WRONG + 1 - len(right), len(group.wrong))
    return Draw(group.question, [*right, *chance.sample(group.wrong, most)], bool(right))


def teach(drawn: list[Draw], out: Path, chance: random.Random) -> None:
    """Train in one pass, and write what changed as an adapter of the packaged model."""
    torch.manual_seed(0)
    base = find_model()
    tokenizer = AutoTokenizer.from_pretrained(base.path)
    model = load_untaught(base.path)
    model.get_submodule("bert.embeddings").requires_grad_(requires_grad=False)
    before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    # like lengths together, so that little is padded
    drawn.sort(key=lambda one: max(map(len, one.sentences)) + 60 * chance.random())
    batches = [drawn[low : low + GROUPS] for low in range(0, len(drawn), GROUPS)]
    chance.shuffle(batches)
    moving = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(moving, lr=RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: min(1, (step + 1) / (WARM_UP * len(batches))) * (1 - step / len(batches)),
    )
    model.train()
    for batch in tqdm(batches, desc="teaching"):
        loss = loss_of(model, tokenizer, batch)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(moving, 1.0)
        optimizer.step()
        schedule.step()
    out.mkdir(parents=True)
    after = {name: weight.detach() for name, weight in model.named_parameters()}
    cut_adapter(before, after, RANK, out / TENSORS)
    Adapter(base.name, base.sha256, (), hash_file(out / TENSORS)).save(out)


def loss_of(model: torch.nn.Module, tokenizer: Any, batch: Sequence[Draw]) -> torch.Tensor:  # noqa: ANN401
    """Return how wrong it is pair by pair, and among a question's sentences and none of them."""
    asked = [one.question for one in batch for _ in one.sentences]
    texts = [text for one in batch for text in one.sentences]
    tokens = tokenizer(
        asked, texts, padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt"
    )
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = model(**tokens).logits[:, 0].float()
    truth = [float(one.answered and at == 0) for one in batch for at in range(len(one.sentences))]
    loss = binary_cross_entropy_with_logits(logits, torch.tensor(truth))
    none = torch.zeros(1)
    for one, mine in zip(batch, logits.split([len(one.sentences) for one in batch]), strict=True):
        right = torch.tensor([0 if one.answered else len(mine)])
        loss = loss + cross_entropy(torch.cat([mine, none])[None], right) / len(batch)
    return loss


if __name__ == "__main__":
    main()
