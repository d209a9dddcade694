"""Damage every file of an index, again and again: is it told, or is every quote right?

    python tests/damage.py --times 2000 --seed 0

Each time one file is changed as a failing disk changes it, a bit, a block, its end, and its
times are left as they were. ``verify`` must name the file; and whoever opens the index and asks
must be told, or get quotes that are slices of the documents. A stand-in encodes, for the speed.
"""

import argparse
import json
import os
import random
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from conftest import FOUR_DOCUMENTS, TopicEncoder, write_corpus
from ketqa.build import build_index
from ketqa.errors import KetqaError
from ketqa.index import Index
from ketqa.manifest import CURRENT, Manifest, current_build
from ketqa.models import ModelFolder
from ketqa.types import Answer
from ketqa.verify import verify_index

TOPICS = ModelFolder("topics", Path("topics"), "0" * 64)
QUESTIONS = ("What was the dose?", "Did the pain come back?", "Who pays the cost of sleep?")
CURATED = {
    "pain.txt": ("Pain fell by half.", ["Did it help with pain?", "How much less pain?"]),
    "cost.txt": ("The cost is high.", ["What is the cost?", "Is it costly?"]),
}
BLOCK = 512


@dataclass(frozen=True, slots=True)
class Damage:
    """What was done to a file, and where."""

    kind: str
    at: int

    def __call__(self, data: bytes) -> bytes:
        """Return what is left of a file."""
        if self.kind == "bit":
            return data[: self.at] + bytes([data[self.at] ^ 1 << self.at % 8]) + data[self.at + 1 :]
        if self.kind == "block":
            zeros = bytes(min(BLOCK, len(data) - self.at))
            return data[: self.at] + zeros + data[self.at + BLOCK :]
        return data[: self.at] if self.kind == "end" else data + b"x" * BLOCK


def make_index(folder: Path) -> Path:
    """Build a small index with curated questions; returns its folder."""
    corpus = write_corpus(folder / "corpus", FOUR_DOCUMENTS)
    rows = [
        {
            "file": file, "start": FOUR_DOCUMENTS[file].index(quote),
            "end": FOUR_DOCUMENTS[file].index(quote) + len(quote),
            "quote": quote, "questions": questions,
        }
        for file, (quote, questions) in CURATED.items()
    ]  # fmt: skip
    (corpus / "questions.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    build_index(corpus, folder / "index", TOPICS, tokens=8, encoder=TopicEncoder())
    return folder / "index"


def files_of(index: Path) -> list[Path]:
    """Return every file that an index is read from."""
    build = current_build(index)
    inside = (path for path in sorted(build.rglob("*")) if path.is_file())
    return [index / CURRENT, *(path for path in inside if path.suffix != ".lock")]


def outcome(index: Path, texts: Mapping[str, str] = FOUR_DOCUMENTS) -> str:
    """Open an index of texts as ``Index.open`` does, and ask it; returns what came of it."""
    try:
        build = current_build(index)
        Manifest.load(build).check_files(build, quick=True)
        with Index(build, TopicEncoder()) as opened:
            answers = [opened.ask(question, min_confidence=0) for question in QUESTIONS]
    except KetqaError:
        return "told"
    return "right" if all(is_right(answer, texts) for answer in answers) else "a wrong quote"


def is_right(answer: Answer, texts: Mapping[str, str]) -> bool:
    """Tell whether every quote is a slice of its document."""
    return bool(answer.evidence) and all(
        texts[item.source.file][item.span.start : item.span.end] == item.quote
        for item in answer.evidence
    )


def damaged(file: Path, damage: Damage, look: Callable[[], str]) -> str:
    """Look at an index while one of its files is damaged, times left as they were."""
    data, times = file.read_bytes(), file.stat()
    try:
        file.write_bytes(damage(data))
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
        return look()
    finally:
        file.write_bytes(data)
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))


def try_damage(index: Path, times: int, seed: int) -> Counter[str]:
    """Damage files of an index, each in its turn; returns what came of it, by kind of damage.

    Raises:
        AssertionError: A quote was wrong, or ``verify`` did not notice; with file and damage.
    """
    chance = random.Random(seed)
    files, came = files_of(index), Counter[str]()
    for number in range(times):
        file = files[number % len(files)]
        kind = chance.choice(["bit", "bit", "block", "end", "more"])
        damage = Damage(kind, chance.randrange(max(1, file.stat().st_size)))
        changed = damage(file.read_bytes()) != file.read_bytes()
        came[damaged(file, damage, lambda: outcome(index))] += 1
        noticed = damaged(file, damage, lambda: problem(index))
        assert not changed or file.name in noticed, f"{file}: {damage}: verify said {noticed!r}"
        assert not came["a wrong quote"], f"{file}: {damage}"
    return came


def problem(index: Path) -> str:
    """Return what ``ketqa verify`` says is wrong."""
    return " ".join(check.problem for check in verify_index(index, None))


def main() -> int:
    """Damage an index as often as is asked for, and tell what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        came = try_damage(make_index(Path(folder)), options.times, options.seed)
    told = ", ".join(f"{count:,} {what}" for what, count in came.most_common())
    sys.stdout.write(f"{options.times:,} damages, seed {options.seed}: {told}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
