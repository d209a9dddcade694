"""Write a gold question by hand: the person asks, and picks the sentences that answer."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from ketqa.errors import GoldFileError
from ketqa.evaluation.gold import TAGS, parse_gold
from ketqa.index import Index
from ketqa.types import Evidence

CANDIDATES = 20


Ask = Callable[[str], str]


def add_question(index: Index, file: Path, texts: Mapping[str, str], ask: Ask = input) -> None:
    """Ask for a question, show candidate quotes, and append one valid line.

    Nothing is written unless the line is of the form.
    """
    question = ask("Question: ")
    history = [turn for turn in ask("Earlier questions, split by |: ").split("|") if turn.strip()]
    _annotate(index, file, texts, question, history, ask)


def review_feedback(
    index: Index, file: Path, texts: Mapping[str, str], feedback: Path, ask: Ask = input
) -> None:
    """Go through questions that people sent feedback on, and add those worth keeping.

    ``feedback`` has one JSON object a line with ``question`` and, where there were any,
    ``history`` and a ``comment``.
    """
    for number, line in enumerate(feedback.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            row = json.loads(line)
            question, history = str(row["question"]), list(row.get("history", []))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise GoldFileError(f"{feedback}: line {number}: has no question") from None
        print(f"{question}\n{row.get('comment', '')}")
        if ask("Add it? y or n [n]: ") == "y":
            _annotate(index, file, texts, question, history, ask)


def _annotate(
    index: Index,
    file: Path,
    texts: Mapping[str, str],
    question: str,
    history: list[str],
    ask: Ask,
) -> None:
    found = index.ask(question, history=history, k=CANDIDATES, min_confidence=0).evidence
    for item in found:
        print(f"{item.rank:3} {item.source.file}\n    {item.quote}")
    full = _pick(found, ask("Numbers that answer fully, with blanks between (none: just Enter): "))
    part = _pick(found, ask("Numbers that answer in part: "))
    row = {
        "id": ask("Id, such as own-101: "),
        "question": question,
        "history": history,
        "expect": "evidence" if full or part else "no_evidence",
        "notice": ask("Notice: none, advice or emergency [none]: ") or "none",
        "gold": [
            {"source": item.source.file, "quote": item.quote, "grade": grade}
            for grade, items in ((2, full), (1, part))
            for item in items
        ],
        "tags": ask(f"Tags, with blanks between ({', '.join(sorted(TAGS))}): ").split(),
    }
    line = json.dumps(row, ensure_ascii=False)
    parse_gold(line, "this question", texts)
    with file.open("a", encoding="utf-8") as lines:
        lines.write(f"{line}\n")


def _pick(found: tuple[Evidence, ...], answer: str) -> list[Evidence]:
    try:
        return [next(item for item in found if item.rank == int(n)) for n in answer.split()]
    except (ValueError, StopIteration):
        raise GoldFileError(
            f"{answer!r}: give numbers from the list; nothing was written"
        ) from None
