"""A file of gold questions -> checked records.

One JSON object a line: what a person would type, whether the corpus answers it, and every
sentence that does. tests/gold/README.md has the form.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ketqa.errors import GoldFileError

Expect = Literal["evidence", "no_evidence"]
FIELDS = {"id", "question", "history", "expect", "notice", "gold", "tags"}
NOTICES = ("none", "advice", "emergency")
TAGS = frozenset(
    {
        *(
            "factoid",
            "number",
            "who",
            "when",
            "mechanism",
            "safety",
            "side-effects",
            "dose",
            "route",
        ),
        *("insurance-cost", "regulation", "comparison", "multi-source", "conflict", "list"),
        *("lay-words", "abbreviation", "typo", "negation", "follow-up", "near-miss", "off-topic"),
        *("advice", "emergency", "other-language", "several"),
    }
)
FULL, PART = 2, 1


@dataclass(frozen=True, slots=True)
class GoldQuote:
    """A sentence that answers: fully (grade 2) or in part (grade 1)."""

    source: str
    quote: str
    grade: int


@dataclass(frozen=True, slots=True)
class GoldQuestion:
    """A question, and everything in the corpus that answers it."""

    id: str
    question: str
    history: tuple[str, ...]
    expect: Expect
    notice: str
    gold: tuple[GoldQuote, ...]
    tags: tuple[str, ...]


def load_gold(file: Path, texts: Mapping[str, str]) -> list[GoldQuestion]:
    """Read and check a gold file.

    Args:
        file: JSON Lines, UTF-8.
        texts: The corpus: each document's text by its file name.

    Raises:
        GoldFileError: A line is not of the form, or a quote is not in its document any
            more; the text names the line.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise GoldFileError(f"{file}: cannot be read: {error}") from None
    questions: list[GoldQuestion] = []
    seen: dict[object, int] = {}
    # not splitlines(): JSON may have U+2028 and its like within a text
    for number, line in enumerate(text.removesuffix("\n").split("\n") if text else (), start=1):
        where = f"{file}: line {number}"
        question = parse_gold(line, where, texts)
        for key in (question.id, (squash(question.question), question.history)):
            if key in seen:
                raise GoldFileError(f"{where}: the same id or question stands in line {seen[key]}")
            seen[key] = number
        questions.append(question)
    if not questions:
        raise GoldFileError(f"{file}: holds no questions")
    return questions


def parse_gold(line: str, where: str, texts: Mapping[str, str]) -> GoldQuestion:
    """Read one line; see ``load_gold``."""
    try:
        row: dict[str, Any] = json.loads(line)
        missing = FIELDS - row.keys()
    except (ValueError, AttributeError, RecursionError) as error:
        raise GoldFileError(f"{where}: is not a JSON object: {error}") from None
    if missing:
        raise GoldFileError(f"{where}: the field {min(missing)!r} is missing")
    for name in ("gold", "history", "tags"):
        if not isinstance(row[name], list):
            raise GoldFileError(f"{where}: {name!r} must be a list")
    try:
        gold = tuple(GoldQuote(e["source"], e["quote"], e.get("grade", FULL)) for e in row["gold"])
    except (KeyError, TypeError, AttributeError):
        raise GoldFileError(f"{where}: an entry of 'gold' must have source and quote") from None
    for entry in gold:
        _check_quote(entry, where, texts)
    question = GoldQuestion(
        str(row["id"]),
        str(row["question"]),
        tuple(map(str, row["history"])),
        row["expect"],
        row["notice"],
        gold,
        tuple(map(str, row["tags"])),
    )
    _check_question(question, where)
    return question


def _check_quote(entry: GoldQuote, where: str, texts: Mapping[str, str]) -> None:
    if not isinstance(entry.source, str) or not isinstance(entry.quote, str):
        raise GoldFileError(f"{where}: source and quote of 'gold' must be text")
    if entry.source not in texts:
        raise GoldFileError(f"{where}: the corpus has no document {entry.source!r}")
    if not entry.quote.strip() or entry.quote not in texts[entry.source]:
        raise GoldFileError(
            f"{where}: not in {entry.source} (any more): {entry.quote[:60]!r}; "
            "correct the quote, or bring the document back"
        )
    if entry.grade not in (PART, FULL):
        raise GoldFileError(f"{where}: a grade must be {PART} or {FULL}, not {entry.grade!r}")


def _check_question(question: GoldQuestion, where: str) -> None:
    problem = next((text for wrong, text in _rules(question) if wrong), None)
    if problem:
        raise GoldFileError(f"{where}: {problem}")


def _rules(question: GoldQuestion) -> tuple[tuple[bool, str], ...]:
    tags = set(question.tags)
    sources = {entry.source for entry in question.gold}
    unknown = sorted(tags - TAGS)
    return (
        (not question.question.strip(), "the question is empty"),
        (question.expect not in ("evidence", "no_evidence"), "expect: evidence or no_evidence"),
        (question.notice not in NOTICES, f"notice must be one of {', '.join(NOTICES)}"),
        ((question.expect == "evidence") != bool(question.gold), "expect and gold disagree"),
        (not tags, "there are no tags"),
        (bool(unknown), f"unknown tags: {', '.join(unknown)}"),
        (("follow-up" in tags) != bool(question.history), "tag follow-up and history disagree"),
        (("multi-source" in tags) != (len(sources) > 1), "tag multi-source and gold disagree"),
        (
            question.expect == "no_evidence" and not tags & {"near-miss", "off-topic"},
            "what nothing answers is near-miss or off-topic",
        ),
    )


def squash(text: str) -> str:
    """Fold what may differ between two writings of the same words: quotes, blanks, case."""
    straight = text.translate(str.maketrans("’‘“”\u00a0", "''\"\" "))
    return re.sub(r"\s+", " ", straight).strip().lower()


def fingerprint(questions: list[GoldQuestion]) -> str:
    """Return a hash of what is asked and expected, 64 hexadecimal digits."""
    return hashlib.sha256(repr(questions).encode()).hexdigest()
