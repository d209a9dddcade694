import hashlib
import json

import pytest

from ketqa.errors import CorpusError
from ketqa.formats.jsonl import read_jsonl

GOOD = '{"_id": "7", "title": "A trial", "text": "Pain fell.\\r\\nIt came back.", "metadata": {"url": "https://example.org/7"}}'


def test_each_line_is_a_document_with_its_own_hash() -> None:
    (content,), wrong = read_jsonl(f"{GOOD}\r\n\n".encode(), "c.jsonl")
    assert content.text == "Pain fell.\r\nIt came back."
    assert content.part == "7"
    assert content.found == {"title": "A trial", "url": "https://example.org/7"}
    assert content.sha256 == hashlib.sha256(GOOD.encode()).hexdigest()
    assert wrong == []


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("TITLE: a trial of pain\nIt fell.", ((0, 22),)),
        ("a trial of pain\nIt fell.", ((0, 15),)),
        ("It fell in a whole year of a trial of pain\n", ()),
        ("It fell.", ()),
    ],
)
def test_the_title_at_the_head_of_a_text_is_a_heading(
    text: str, places: tuple[tuple[int, int], ...]
) -> None:
    row = json.dumps({"_id": "7", "title": "a trial of pain", "text": text})
    ((content,), _) = read_jsonl(row.encode(), "c.jsonl")
    assert content.layout.headings == places


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", "c.jsonl: line 2: not JSON in UTF-8"),
        ("[1]", "line 2: must be an object in braces"),
        ('{"_id": "8"}', "line 2: must have an _id and a text"),
        (GOOD, "line 2: a second document with the _id '7'"),
        ('{"_id": "8", "text": "\\ud800"}', "line 2: half a character"),
        ("[" * 100_000, "line 2: nested too deep"),
        ('{"_id": "8", "text": "x", "n": 1' + "0" * 5000 + "}", "line 2: not JSON"),
    ],
)  # fmt: skip
def test_a_bad_line_is_told_and_the_others_are_read(line: str, told: str) -> None:
    contents, wrong = read_jsonl(f"{GOOD}\n{line}".encode(), "c.jsonl")
    assert [content.part for content in contents] == ["7"]
    assert len(wrong) == 1
    assert told in wrong[0]


def test_many_bad_lines_are_counted() -> None:
    _, wrong = read_jsonl("\n".join([GOOD, *["{"] * 1000]).encode(), "c.jsonl")
    assert len(wrong) == 6
    assert wrong[-1] == "c.jsonl: 995 more lines are no documents"


def test_a_file_of_other_objects_is_told() -> None:
    rows = "\n".join(json.dumps({"question": "Why?"}) for _ in range(3))
    with pytest.raises(CorpusError, match="c.jsonl: no line is a document, .*line 1: must have"):
        read_jsonl(rows.encode(), "c.jsonl")
