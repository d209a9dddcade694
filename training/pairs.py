"""Put together question-and-text pairs of other people's documents, for ``ketqa adapt --pairs``.

    python training/pairs.py DATA TRIALS.jsonl --out pairs.jsonl

DATA holds the public collections by name, each with corpus.jsonl, and reader-train/; the
questions of training/questions.jsonl name their sentences there by document and offsets.
TRIALS.jsonl has questions beside their sentences.
"""

import argparse
import gzip
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

OURS = Path(__file__).parent / "questions.jsonl"
GENERAL = ("clapnq", "selqa", "qed")
MOST_GENERAL = 2000

Pair = tuple[str, str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("data", type=Path)
    parser.add_argument("trials", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    pairs = [*written(options.data), *trials(options.trials)]
    for name in GENERAL:
        pairs += general(options.data / "reader-train" / f"{name}.jsonl.gz")
    with options.out.open("w", encoding="utf-8") as out:
        for question, text in pairs:
            out.write(json.dumps({"question": question, "text": text}, ensure_ascii=False) + "\n")
    print(f"{options.out}: {len(pairs)} pairs")


def written(data: Path) -> Iterator[Pair]:
    """Yield the questions of training/questions.jsonl with the sentences they name."""
    texts: dict[tuple[str, str], str] = {}
    for row in rows(OURS):
        if (row["set"], row["doc"]) not in texts:
            corpus = rows(data / row["set"] / "corpus.jsonl")
            texts |= {(row["set"], str(document["_id"])): document["text"] for document in corpus}
        sentence = texts[row["set"], row["doc"]][row["start"] : row["end"]]
        yield from ((question, sentence) for question in row["questions"])


def trials(file: Path) -> Iterator[Pair]:
    for row in rows(file):
        yield from ((question, row["sentence"]) for question in row["questions"])


def general(file: Path) -> list[Pair]:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        found = [json.loads(line) for line in lines]
    pairs = [(row["question"], row["sentence"]) for row in found if row["label"] == 1]
    return random.Random(0).sample(pairs, min(MOST_GENERAL, len(pairs)))  # noqa: S311, no secret


def rows(file: Path) -> Iterator[dict[str, Any]]:
    with file.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


if __name__ == "__main__":
    main()
