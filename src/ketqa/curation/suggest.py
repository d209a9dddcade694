"""Where a corpus's curated questions are thin."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ketqa.errors import CorpusError
from ketqa.index import Index
from ketqa.jsonl import read_rows
from ketqa.twins import twin_key
from ketqa.types import Sentence


@dataclass(frozen=True, slots=True)
class Thin:
    """A sentence, and how many curated questions it has."""

    sentence: Sentence
    questions: int


def thin_sentences(index: Index, enough: int) -> list[Thin]:
    """Return the prose sentences with fewer than ``enough`` questions, fewest first.

    Of sentences in the same words, the first stands for all.
    """
    counts = index.store.question_counts()
    seen: dict[str, Thin] = {}
    for sentence in index.store.all_sentences():
        if sentence.kind == "prose":
            thin = Thin(sentence, counts.get(sentence.number, 0))
            seen.setdefault(twin_key(sentence.text), thin)
    found = [thin for thin in seen.values() if thin.questions < enough]
    return sorted(found, key=lambda thin: (thin.questions, thin.sentence.number))


def unmet_searches(log: Path, least: int) -> list[tuple[str, int]]:
    """Return what was asked at least ``least`` times in vain, most often first.

    Args:
        log: What ``ketqa serve --log-questions`` wrote.
        least: How often.

    Raises:
        CorpusError: The file cannot be read, or is no such log.
    """
    asked: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for question, status in _read_log(log):
        if status != "evidence":
            key = twin_key(question)
            asked.setdefault(key, question)
            counts[key] += 1
    return [(asked[key], times) for key, times in counts.most_common() if times >= least]


def _read_log(log: Path) -> Iterator[tuple[str, str]]:
    for row, where in read_rows(log, CorpusError):
        if not all(isinstance(row.get(name), str) for name in ("question", "status")):
            raise CorpusError(f"{where}: is no line of this log")
        yield row["question"], row["status"]
