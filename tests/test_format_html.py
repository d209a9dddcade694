import pytest

from ketqa.errors import CorpusError
from ketqa.formats.html import read_html
from ketqa.split import split_sentences
from made_files import PAGE


def test_a_web_page_gives_its_main_text_and_says_what_was_set_aside() -> None:
    content = read_html(PAGE.encode(), "a.html")
    assert content.text == (
        "A leaflet\n\n"
        "Ketamine is an anaesthetic that doctors use. It helped 3 < 5 people.\n\n"
        "How long it lasts\n\n"
        "In half of the people the relief lasted for three weeks. It then came back.\n\n"
        "It can make you dizzy.\n\nIt can raise your blood pressure.\n\n"
        "Ask your doctor before you take anything. This page is no advice for you alone.\n"
    )
    assert content.aside.split("\n") == [
        "Home",
        "About our clinic",
        "We use cookies to improve your experience.",
        "Copyright 2024 Pain Clinic. All rights reserved.",
    ]


def test_a_web_page_says_who_published_it_and_when() -> None:
    assert read_html(PAGE.encode(), "a.html").found == {
        "title": "A leaflet",
        "author": "Jane Roe",
        "publisher": "Pain Clinic",
        "published": "2021-03-04",
        "url": "https://example.org/leaflet",
        "language": "en",
    }


def test_a_date_somewhere_in_the_text_is_not_taken_for_the_day_of_publishing() -> None:
    page = PAGE.replace(
        '<meta property="article:published_time" content="2021-03-04T10:00:00Z">', ""
    )
    page = page.replace("people.", "people. The trial began on 5 May 2014.")
    assert "published" not in read_html(page.encode(), "a.html").found


def test_headings_are_the_page_s_own_and_sentences_stay_whole() -> None:
    content = read_html(PAGE.encode(), "a.html")
    headings = [content.text[start:end] for start, end in content.layout.headings]
    assert headings == ["A leaflet", "How long it lasts"]
    pieces = split_sentences(content.text, "en", content.layout)
    kinds = {content.text[piece.start : piece.end]: piece.kind for piece in pieces}
    assert kinds["How long it lasts"] == "heading"
    assert kinds["Ketamine is an anaesthetic that doctors use."] == "prose"
    assert kinds["In half of the people the relief lasted for three weeks."] == "prose"


def test_code_and_quotations_within_a_sentence_stay_in_it() -> None:
    page = PAGE.replace(
        "doctors</a> use", "doctors</a> call <code>C13H16ClNO</code>, or <q>a help</q>, at times"
    )
    text = read_html(page.encode(), "a.html").text
    assert "an anaesthetic that doctors call C13H16ClNO, or a help, at times." in text


def test_the_same_page_gives_the_same_text_whatever_was_read_before() -> None:
    first = read_html(PAGE.encode(), "a.html")
    read_html(PAGE.replace("three weeks", "two days").encode(), "b.html")
    assert read_html(PAGE.encode(), "a.html") == first


@pytest.mark.parametrize(
    ("data", "letter", "notes"),
    [
        (PAGE.replace("doctors</a>", "médecins</a>").encode(), "é", ()),
        (
            PAGE.replace("utf-8", "iso-8859-1").replace("doctors</a>", "“médecins”</a>").encode("cp1252"),
            "“médecins”",
            (),
        ),
        (
            PAGE.replace("doctors</a>", "médecins</a>").encode("cp1252"),
            "é",
            ("is not utf-8; it was read as Windows-1252",),
        ),
        (
            PAGE.replace('"utf-8"', '"shift_jis"').replace("doctors</a>", "médecins ☃</a>").encode(),
            "☃",
            ("says that it is shift_jis, but is UTF-8; it was read as UTF-8",),
        ),
    ],
)  # fmt: skip
def test_letters_are_decoded_as_a_browser_does_and_mending_is_noted(
    data: bytes, letter: str, notes: tuple[str, ...]
) -> None:
    content = read_html(data, "a.html")
    assert letter in content.text
    assert content.notes == notes


@pytest.mark.parametrize(
    "page",
    [
        "<html><body><script>var words = 'many words here';</script></body></html>",
        "<!DOCTYPE html><html></html>",
        "<!DOCTYPE html>" + "<div>" * 100_000,
    ],
)
def test_a_page_without_a_text_is_told(page: str) -> None:
    with pytest.raises(CorpusError, match="a.html: (no main text was found|cannot be read as)"):
        read_html(page.encode(), "a.html")
