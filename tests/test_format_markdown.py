import pytest
from hypothesis import given
from hypothesis import strategies as st

from ketqa.formats.markdown import read_markdown
from ketqa.split import split_sentences

NOTES = """---
title: "Ketamine notes"
date: 2020-05-01
---
Ketamine for the treatment of pain
==================================

It helps. ## is no heading here.

## How long it lasted in the end

It lasted for a week.

```
# the shell's word on it
```
"""


def test_headings_are_those_of_commonmark_and_the_text_is_untouched() -> None:
    content = read_markdown(NOTES.encode(), "a.md")
    assert content.text == NOTES
    headings = [
        NOTES[start:end].split("\n", maxsplit=1)[0] for start, end in content.layout.headings
    ]
    assert headings == [
        "---",
        "Ketamine for the treatment of pain",
        "## How long it lasted in the end",
    ]
    pieces = split_sentences(content.text, "en", content.layout)
    kinds = {NOTES[piece.start : piece.end]: piece.kind for piece in pieces}
    assert kinds["How long it lasted in the end"] == "heading"
    assert [words for words, kind in kinds.items() if kind == "prose"] == [
        "It helps.",
        "## is no heading here.".removeprefix("## "),
        "It lasted for a week.",
    ]


def test_the_fields_at_its_top_are_what_it_says_of_itself() -> None:
    found = read_markdown(NOTES.encode(), "a.md").found
    assert found == {"title": "Ketamine notes", "published": "2020-05-01"}


@given(st.text(st.sampled_from("#=- aB.\n\r\t>`*1\u00a0\ufeff😀\f\u2028")))
def test_any_markdown_stays_as_it_is_with_headings_in_order(text: str) -> None:
    content = read_markdown(text.encode(), "a.md")
    assert content.text == text
    places = [place for pair in content.layout.headings for place in pair]
    assert places == sorted(places)
    assert all(0 <= place <= len(text) for place in places)
    split_sentences(text, "en", content.layout)


@pytest.mark.parametrize("text", ["Title\r\n===\r\nIt fell.", "Title\r===\rIt fell."])
def test_headings_are_found_whatever_ends_a_line(text: str) -> None:
    (place,) = read_markdown(text.encode(), "a.md").layout.headings
    assert text[slice(*place)].rstrip() == text[: text.index("It fell")].rstrip()
