"""The page's words, its addresses, the documents it marks, what it says of a corpus."""

import re
import tomllib
from pathlib import Path
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import ROOT
from ketqa.coverage import cover
from ketqa.index import Index
from ketqa.notices import notice_lines
from ketqa.present import STANDING
from ketqa.types import Layout, Notice, Source, Span
from ketqa.web.context import around, next_sentence
from ketqa.web.notices import notice_html
from ketqa.web.reading import Part, mark
from ketqa.web.turns import Turn, history, read_address, write_address
from ketqa.web.words import LANGUAGES, Words

WEB = ROOT / "src" / "ketqa" / "web"


def entries(table: dict[str, object], name: str = "") -> dict[str, dict[str, str]]:
    if set(LANGUAGES) <= set(table):
        own = {name: {code: str(table[code]) for code in LANGUAGES}}
        rest = {key: value for key, value in table.items() if key not in LANGUAGES}
    else:
        own, rest = {}, table
    for key, value in rest.items():
        assert isinstance(value, dict), f"{name}.{key}"
        own |= entries(value, f"{name}.{key}".lstrip("."))
    return own


def test_every_word_is_there_in_four_languages_with_the_same_gaps() -> None:
    words = entries(tomllib.loads((WEB / "words.toml").read_text(encoding="utf-8")))
    assert len(words) > 150
    for key, texts in words.items():
        gaps = {
            frozenset(name for _, name, _, _ in Formatter().parse(text) if name)
            for text in texts.values()
        }
        assert len(gaps) == 1, key
        assert all(text.strip() for text in texts.values()), key


def test_every_word_is_used_and_every_word_used_is_there() -> None:
    words = entries(tomllib.loads((WEB / "words.toml").read_text(encoding="utf-8")))
    code = "".join(
        path.read_text(encoding="utf-8")
        for path in [*WEB.rglob("*.py"), *WEB.rglob("*.html"), *WEB.rglob("*.js")]
    )
    built = (
        "kind.",
        "interest.",
        "field_",
        "said_by_",
        "feedback_",
        "no_",
        "example_",
        "printed_",
        "verdict_",
        "sure_",
    )
    for key in words:
        plain = key.removesuffix(".one")
        assert (
            plain.startswith(built)
            or re.search(rf"""["']{plain}["']""", code)
            or plain in ("emergency_label", "advice_label")
        ), key


def test_the_page_and_the_command_line_say_the_same() -> None:
    assert Words("en")("standing") == STANDING


def test_numbers_are_written_as_the_language_does() -> None:
    assert Words("en").count("quote", 1200) == "1,200 quotes"
    assert Words("de").count("quote", 1200) == "1.200 Zitate"
    assert Words("fr").count("quote", 1) == "1 citation"
    assert Words("es").curated("kind", "clinic page") == "página de una clínica"
    assert Words("es").curated("kind", "leaflet") == "leaflet"


@given(
    st.lists(
        st.tuples(st.text(min_size=1).filter(str.strip), st.booleans()), min_size=1, max_size=5
    )
)
def test_an_address_is_read_as_it_was_written(pairs: list[tuple[str, bool]]) -> None:
    turns = [Turn(text.strip(), typed) for text, typed in pairs]
    turns = [
        turn for turn in turns if turn.question.encode("utf-8", "ignore").decode() == turn.question
    ]
    assert read_address(write_address(turns)) == turns


def test_what_an_address_holds_besides_is_left_out() -> None:
    assert read_address("?lang=de&q=a&part=2&x=b&q=") == [Turn("a"), Turn("b", as_typed=True)]
    assert read_address("") == []


def test_greetings_are_no_part_of_what_was_asked() -> None:
    assert history([Turn("Hello!"), Turn("Does it help? Does insurance pay for it?")]) == [
        "Does it help?", "Does insurance pay for it?",
    ]  # fmt: skip


def test_a_corpus_is_told_by_its_kinds_dates_and_gaps() -> None:
    found = cover(
        [
            Source("a", "a", "0", "A", kind="blog", published="2016-11-22", interest="sells it"),
            Source("b", "b", "0", "B", kind="blog"),
            Source("c", "c", "0", "C", kind="Clinical guideline", published="2012"),
        ]
    )
    assert (found.documents, found.kinds) == (3, (("blog", 2), ("Clinical guideline", 1)))
    assert (found.newest, found.undated, found.selling) == ("2016", 1, 1)
    assert found.missing == ("systematic review",)


@pytest.mark.model
def test_every_source_is_listed_without_its_text(index: Index) -> None:
    listed = index.store.sources()
    assert listed == [index.store.document(doc_id).source for doc_id in index.store.document_ids()]


@pytest.mark.model
def test_a_marked_document_joins_to_its_text(index: Index) -> None:
    doc_id = "mind-peace-clinics-ketamine-for-migraines.txt"
    document = index.store.document(doc_id)
    opened, other, overlapping = (
        Span(doc_id, *place) for place in ((100, 150), (300, 350), (140, 310))
    )
    parts = mark(document, index.store, opened, [other, overlapping, opened])
    assert "".join(part.text for part in parts) == document.text
    roles = {(part.start, part.end): part.role for part in parts if part.role in ("quote", "other")}
    assert roles == {(100, 150): "quote", (300, 350): "other"}


@pytest.mark.model
def test_pages_begin_where_the_file_says_and_never_cut_a_quote(index: Index) -> None:
    doc_id = "medpage-today-stubborn-migraines.txt"
    document = index.store.document(doc_id)
    laid = type(document)(document.source, document.text, Layout(pages=(0, 120, 500, 600)))
    parts = mark(laid, index.store, Span(doc_id, 480, 520))
    assert "".join(part.text for part in parts) == document.text
    assert [part.number for part in parts if part.role == "page"] == [1, 2, 3, 4]
    quote = next(part for part in parts if part.role == "quote")
    assert isinstance(quote, Part)
    assert (quote.start, quote.end) == (480, 520)


@pytest.mark.model
def test_context_grows_by_whole_sentences(index: Index) -> None:
    item = index.ask("How long did relief last?").evidence[0]
    text = index.store.document(item.span.doc_id).text
    span = around(index.store, item)
    assert text[span.start : span.end].startswith("All patients reported")
    more = next_sentence(index.store, span, "before")
    assert more is not None
    assert more.end == span.start
    assert text[more.start : more.end].startswith("In 2012, Anitescu")
    first = Span(item.span.doc_id, 0, 5)
    assert next_sentence(index.store, first, "before") is None


def test_every_static_file_names_no_other_host() -> None:
    for path in (WEB / "static").iterdir():
        assert not re.search(
            r"https?://(?!www\.w3\.org/2000/svg)", Path(path).read_text(encoding="utf-8")
        )


def test_notices_say_the_same_in_every_language_and_numbers_can_be_called() -> None:
    for language in LANGUAGES:
        lines = notice_lines("emergency", "GB", language)
        assert len(lines) == 3
        assert "999" in lines[0]
        html = "".join(notice_html(Notice("emergency", ""), "GB", Words(language)))
        assert '<a class="call" href="tel:999">999</a>' in html
        assert '<a class="call" href="tel:116123">116 123</a>' in html
        assert "tel:" not in "".join(notice_html(Notice("advice", ""), "GB", Words(language)))
        assert "{" not in "".join(notice_lines("emergency", None, language))
    german, english = (notice_lines("advice", language=language) for language in ("de", "en"))
    assert german != english
    assert notice_lines("advice", language="it") == english
