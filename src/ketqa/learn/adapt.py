"""Fine-tune an embedding model for a corpus on its curated questions.

Contrastive: a question and its sentence, or two questions of one sentence, are drawn together
and everything else in the batch is pushed away (InfoNCE, van den Oord et al. 2018), near-misses
that the documents do not answer among it. Part of the questions is held back: the model that
finds their sentences best is kept. Only the encoder's layers move, not the word vectors.
"""

import json
import random
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ketqa.adapter import TENSORS, Adapter, cut_adapter
from ketqa.encode import load_model
from ketqa.learn.lesson import Lesson
from ketqa.models import ModelFolder, hash_file
from ketqa.shards import Progress

if TYPE_CHECKING:
    from torch import Tensor

SEED = 0
PASSES, BATCH, NEAR_MISSES, OTHERS = 3, 64, 24, 16
RATE, WARM_UP, SCALE, DROPOUT, LARGEST_STEP = 1e-4, 0.1, 20.0, 0.05, 1.0
# Texts of like length go through the model together, in this many groups a batch.
GROUPS = 6
MAX_TOKENS = 96
CHECKS = 8
RANK = 64

# A SentenceTransformer; only ketqa.encode knows the library.
Model = Any


@dataclass(frozen=True, slots=True)
class Adapted:
    """What came of it: held-back questions whose sentence is found first, 0..1."""

    before: float
    after: float
    steps: int


def adapt(
    base: ModelFolder,
    lesson: Lesson,
    out: Path,
    documents: Sequence[str],
    *,
    passes: float = PASSES,
    progress: Progress,
) -> Adapted:
    """Train, and write the adapter into a new folder.

    Args:
        base: The model to start from.
        lesson: What to teach.
        out: The folder; must not exist.
        documents: The sha256 of the documents it is for.
        passes: How often each question is drawn, on average.
        progress: Called with (stage, steps done, steps in all).
    """
    import torch

    torch.manual_seed(SEED)
    model = load_model(base.path)
    before = {name: weight.detach().clone() for name, weight in _weights(model).items()}
    model.train()
    steps = max(1, int(passes * lesson.size / BATCH))
    found = _train(model, lesson, steps, progress)
    out.mkdir(parents=True)
    model.cpu()
    cut_adapter(before, _weights(model), RANK, out / TENSORS)
    Adapter(base.name, base.sha256, tuple(sorted(documents)), hash_file(out / TENSORS)).save(out)
    _write_modules(base.path, out)
    return found


def _train(model: Model, lesson: Lesson, steps: int, progress: Progress) -> Adapted:
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    model.to(device)
    trained = _prepare(model)
    optimizer = torch.optim.AdamW(trained, lr=RATE, weight_decay=0.01)
    warm = max(1, int(steps * WARM_UP))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1.0, (step + 1) / warm) * (1 - step / steps)
    )
    start = best = _found_first(model, lesson)
    kept = {name: weight.detach().clone() for name, weight in _weights(model).items()}
    every = max(1, steps // CHECKS)
    for step, batch in enumerate(_batches(lesson, steps), start=1):
        loss = _loss(model, batch)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(trained, LARGEST_STEP)
        optimizer.step()
        schedule.step()
        progress("adapting", step, steps)
        if step % every == 0 or step == steps:
            now = _found_first(model, lesson)
            if now >= best:
                best = now
                kept = {name: weight.detach().clone() for name, weight in _weights(model).items()}
    _transformer(model).load_state_dict(kept, strict=False)
    return Adapted(start, best, steps)


def _weights(model: Model) -> "Mapping[str, Tensor]":
    return dict(_transformer(model).named_parameters())


def _transformer(model: Model) -> Any:  # noqa: ANN401, any architecture
    return model[0].auto_model


def _prepare(model: Model) -> "list[Tensor]":
    """Let the encoder's layers move, and nothing else; return what moves."""
    import torch

    transformer = _transformer(model)
    for weight in transformer.parameters():
        weight.requires_grad_(False)
    for module in transformer.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = DROPOUT
    trained = list(transformer.encoder.parameters())
    for weight in trained:
        weight.requires_grad_(True)
    return trained


@dataclass(frozen=True, slots=True)
class _Batch:
    """Anchors and what belongs to each, in order; and texts that belong to none."""

    anchors: list[str]
    partners: list[str]
    strangers: list[str]


def _batches(lesson: Lesson, steps: int) -> Iterator[_Batch]:
    chance = random.Random(SEED)  # noqa: S311, no secret
    numbers = range(len(lesson.sentences))
    sizes = [len(questions) for questions in lesson.questions]
    for _ in range(steps):
        # no sentence twice in a batch: its questions would be pushed apart
        drawn = list(dict.fromkeys(chance.choices(numbers, weights=sizes, k=2 * BATCH)))[:BATCH]
        pairs = [_draw(lesson, number, chance) for number in drawn]
        pairs += chance.sample(lesson.pairs, min(OTHERS, len(lesson.pairs)))
        misses = min(NEAR_MISSES, len(lesson.near_misses))
        yield _Batch(
            [anchor for anchor, _ in pairs],
            [partner for _, partner in pairs],
            chance.sample(lesson.near_misses, misses),
        )


def _draw(lesson: Lesson, number: int, chance: random.Random) -> tuple[str, str]:
    question = chance.choice(lesson.questions[number])
    other = chance.choice(lesson.questions[number])
    sentence = lesson.sentences[number]
    return question, sentence if other == question or chance.random() < 0.5 else other  # noqa: PLR2004, a coin


def _loss(model: Model, batch: _Batch) -> "Tensor":
    """Symmetric cross-entropy over cosines; strangers are wrong answers to every anchor."""
    import torch

    rows = _encode(model, batch.anchors + batch.partners + batch.strangers)
    n = len(batch.anchors)
    anchors, partners, others = rows[:n], rows[n : 2 * n], rows[n:]
    truth = torch.arange(n, device=rows.device)
    forward = torch.nn.functional.cross_entropy(SCALE * anchors @ others.T, truth)
    backward = torch.nn.functional.cross_entropy(SCALE * partners @ anchors.T, truth)
    return (forward + backward) / 2


def _encode(model: Model, texts: list[str]) -> "Tensor":
    """Return (n, dim) rows of length 1 with their gradients."""
    import torch

    order = sorted(range(len(texts)), key=lambda at: len(texts[at]))
    step = -(-len(texts) // GROUPS)
    parts = []
    for low in range(0, len(texts), step):
        tokens = model.tokenizer(
            [texts[at] for at in order[low : low + step]],
            padding=True,
            truncation=True,
            max_length=MAX_TOKENS,
            return_tensors="pt",
        ).to(model.device)
        with torch.autocast(model.device.type, dtype=torch.bfloat16):
            rows = model(dict(tokens))["sentence_embedding"]
        parts.append(torch.nn.functional.normalize(rows.float(), dim=1))
    return torch.cat(parts)[torch.tensor(order).argsort()]


def _found_first(model: Model, lesson: Lesson) -> float:
    """Return the share of held-back questions whose sentence lies nearest."""
    import torch

    if not lesson.held:
        return 0.0
    model.eval()
    with torch.no_grad():
        sentences = _encode(model, list(lesson.sentences))
        questions = torch.cat(
            [
                _encode(model, [text for text, _ in lesson.held[low : low + 8 * BATCH]])
                for low in range(0, len(lesson.held), 8 * BATCH)
            ]
        )
        nearest = (questions @ sentences.T).argmax(dim=1).cpu().numpy()
    model.train()
    return float(np.mean(nearest == [number for _, number in lesson.held]))


def _write_modules(base: Path, out: Path) -> None:
    rows = json.loads((base / "modules.json").read_text(encoding="utf-8"))
    rows[0]["type"] = "ketqa.encode.AdaptedTransformer"
    (out / "modules.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    for row in rows[1:]:
        if (base / row["path"]).is_dir():
            shutil.copytree(base / row["path"], out / row["path"])
