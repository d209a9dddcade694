"""JSONL in BEIR form: each line is a document, ``{"_id", "title", "text", "metadata"}``.

The canonical text of a document is its ``text``, as JSON spells it.
"""

import hashlib
import json
import re
from collections.abc import Container, Mapping
from typing import Any

from ketqa.errors import CorpusError
from ketqa.formats.content import STATED, Content, stated
from ketqa.types import Layout

# So many bad lines are told one by one; a file may have millions.
TOLD = 5
# Stored by no database and shown by no browser as they are.
HALF = re.compile("[\0\ud800-\udfff]")
# Letters that a label before the title may have, blanks included.
LABEL = 10


def read_jsonl(data: bytes, file: str) -> tuple[list[Content], list[str]]:
    """Read the documents of a file, and say which lines are none.

    Raises:
        CorpusError: Not one line is a document.
    """
    found: dict[str, Content] = {}
    wrong: list[str] = []
    for number, line in enumerate(data.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            content = _document(line, found)
        except CorpusError as error:
            wrong.append(f"{file}: line {number}: {error}")
        else:
            found[str(content.part)] = content
    if not found:
        raise CorpusError(
            f'{file}: no line is a document, {{"_id": "...", "title": "...", "text": "..."}}'
            + (f"; {wrong[0]}" if wrong else "")
        )
    if len(wrong) > TOLD:
        wrong[TOLD:] = [f"{file}: {len(wrong) - TOLD:,} more lines are no documents"]
    return list(found.values()), wrong


def _document(line: bytes, known: Container[str]) -> Content:
    try:
        row = json.loads(line)
    except RecursionError:
        raise CorpusError("nested too deep") from None
    except ValueError as error:
        raise CorpusError(f"not JSON in UTF-8 ({error})") from None
    if not isinstance(row, dict):
        raise CorpusError("must be an object in braces")
    name, text = row.get("_id"), row.get("text")
    if not isinstance(name, str | int) or not str(name).strip() or not isinstance(text, str):
        raise CorpusError("must have an _id and a text")
    if str(name) in known:
        raise CorpusError(f"a second document with the _id {name!r}")
    found = _fields(row)
    if any(HALF.search(said) for said in (text, str(name), *found.values())):
        raise CorpusError("half a character (a lone surrogate), or a zero byte; take it out")
    return Content(
        text,
        Layout(headings=_title_line(text, found.get("title", ""))),
        found,
        part=str(name),
        sha256=hashlib.sha256(line.removesuffix(b"\r")).hexdigest(),
    )


def _title_line(text: str, title: str) -> tuple[tuple[int, int], ...]:
    """Return the place of the first line where it is the title, perhaps after "Title:"."""
    line = text.partition("\n")[0]
    is_title = title and line.rstrip().endswith(title) and len(line) <= len(title) + LABEL
    return ((0, len(line)),) if is_title else ()


def _fields(row: Mapping[str, Any]) -> dict[str, str]:
    extra = row.get("metadata")
    given = {**extra, **row} if isinstance(extra, dict) else row
    fields = {name: given.get(name) for name in STATED}
    return stated(**{name: value for name, value in fields.items() if isinstance(value, str)})
