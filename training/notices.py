"""Make src/ketqa/weights/notices.npz: which messages need a notice.

    python training/notices.py [--out FILE]

Taught on training/notices.jsonl (messages written for it), and on curated questions, training
questions and their near-misses as messages that need none.
"""

import argparse
import json
import random
import re
import tomllib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, hstack, vstack
from sklearn.linear_model import LogisticRegression

from ketqa.compiled import load_encoder
from ketqa.encode import Rows
from ketqa.models import ADAPTED, DEFAULT_MODEL, find_model
from ketqa.notices.classify import BUCKETS, KINDS, features, fold

ROOT = Path(__file__).parent.parent
MOST, WEIGHT, STRENGTH = 6000, 0.25, 10.0
# Curated questions about the writer's own case may well be advice: they teach nothing here.
PERSONAL = re.compile(
    r"\b(should|can|could|may|shall) (i|my|we|he|she)\b|\bsafe for (me|my)|\bfor me\b"
    r"|\bmy (wife|husband|son|daughter|mum|mom|dad|child|kid|doctor)\b"
    r"|\b(puedo|debo|mi|je|ma|mon|ich|posso|minha?|meu|mia|mio)\b|\bmein",
    re.IGNORECASE,
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, default=ROOT / "src/ketqa/weights/notices.npz")
    options = parser.parse_args()
    rows = read(ROOT / "training/notices.jsonl")
    others = harmless() + small_talk()
    texts = [row["question"] for row in rows] + others
    labels = [KINDS.index(None if row["notice"] == "none" else row["notice"]) for row in rows]
    labels += [0] * len(others)
    shares = [1.0] * len(rows) + [WEIGHT] * len(others)
    runs = table(texts)
    joined = [hstack([runs, encode(texts, name)]) for name in (DEFAULT_MODEL, ADAPTED)]
    stored: dict[str, Any] = {}
    for kind, columns, times in (("runs", runs, 1), ("rows", vstack(joined), 2)):
        model = LogisticRegression(C=STRENGTH, max_iter=3000)
        model.fit(columns.tocsr(), labels * times, sample_weight=shares * times)
        stored[kind] = model.coef_.astype(np.float16)
        stored[f"{kind}_bias"] = model.intercept_
    np.savez_compressed(options.out, **stored)
    print(f"{options.out}: taught on {len(rows)} messages and {len(others)} questions")


def encode(texts: list[str], model: str) -> Rows:
    with TemporaryDirectory() as scratch:
        return load_encoder(find_model(model), Path(scratch, "encoder")).encode_queries(texts)


def table(texts: list[str]) -> csr_matrix:
    rows = [features(fold(text)) for text in texts]
    starts = np.cumsum([0, *(len(buckets) for buckets, _ in rows)])
    buckets = np.concatenate([row[0] for row in rows])
    values = np.concatenate([row[1] for row in rows])
    return csr_matrix((values, buckets, starts), shape=(len(texts), 2 * BUCKETS))


def harmless() -> list[str]:
    curated = [q for row in read(ROOT / "corpus/questions.jsonl") for q in row["questions"]]
    written = [
        q
        for row in read(ROOT / "training/questions.jsonl")
        for q in (*row["questions"], *row["near"])
    ]
    found = [text for text in curated + written if not PERSONAL.search(text)]
    return random.Random(0).sample(found, MOST)  # noqa: S311, no secret


def small_talk() -> list[str]:
    table = tomllib.loads((ROOT / "src/ketqa/talk.toml").read_text(encoding="utf-8"))
    return [text for part in table.values() for text in part.get("phrases", ()) if text != "help"]


def read(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


if __name__ == "__main__":
    main()
