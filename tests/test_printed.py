"""A page is shown from the file that was indexed, and from no other."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import TopicEncoder
from ketqa.build import build_index
from ketqa.errors import PageNotShown
from ketqa.formats.marked import Picture
from ketqa.formats.sandbox import Sandbox
from ketqa.index import Index
from ketqa.manifest import current_build, recorded_corpus
from ketqa.printed import Printed
from ketqa.types import Document, Span
from made_files import LEAFLET, make_pdf

FILE = "leaflet.pdf"


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / FILE).write_bytes(make_pdf([LEAFLET[:1], LEAFLET[1:]]))
    return folder


@pytest.fixture
def document(corpus: Path, tmp_path: Path) -> Iterator[Document]:
    build_index(corpus, tmp_path / "index", encoder=TopicEncoder())
    with Index(current_build(tmp_path / "index"), TopicEncoder()) as index:
        yield index.store.document(FILE)


def quote(document: Document, words: str) -> Span:
    start = document.text.index(words)
    return Span(FILE, start, start + len(words))


def test_an_index_remembers_the_folder_of_its_documents(
    document: Document, corpus: Path, tmp_path: Path
) -> None:
    assert recorded_corpus(tmp_path / "index") == corpus
    moved = corpus.rename(tmp_path / "mov\u00e9d")
    assert not build_index(moved, tmp_path / "index", encoder=TopicEncoder()).changed
    assert recorded_corpus(tmp_path / "index") == moved
    assert recorded_corpus(tmp_path) is None


def test_a_page_is_drawn_once_and_a_quote_is_marked_on_its_own_page(
    document: Document, corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed, span = Printed(corpus), quote(document, "It then came back.")
    second = printed.draw(document, 2, span)
    assert second.png.startswith(b"\x89PNG")
    assert second.top == pytest.approx(0.05, abs=0.01)  # below the margin and the heading
    assert printed.draw(document, 1, span).top is None
    monkeypatch.setattr(Sandbox, "draw", lambda *_: pytest.fail("drawn again"))
    assert printed.draw(document, 2, span) is second


def test_further_quotes_are_marked_unless_they_overlap(document: Document, corpus: Path) -> None:
    printed, span = Printed(corpus), quote(document, "It then came back.")
    alone = printed.draw(document, 2, span)
    assert printed.draw(document, 2, span, [span, quote(document, "Do not drive")]).png == alone.png
    assert printed.draw(document, 2, span, [quote(document, "One infusion")]).png != alone.png


@pytest.mark.parametrize("before", [True, False], ids=["drawn before", "not drawn before"])
def test_a_file_that_has_changed_is_not_shown(
    document: Document, corpus: Path, before: bool
) -> None:
    printed = Printed(corpus)
    printed.check(document)
    if before:
        printed.draw(document, 1, None)
    data = (corpus / FILE).read_bytes()
    (corpus / FILE).write_bytes(data + b"\n")
    for show in (lambda: printed.draw(document, 1, None), lambda: printed.check(document)):
        with pytest.raises(PageNotShown, match="leaflet.pdf: is not the file that was") as told:
            show()
        assert told.value.reason == "changed"
    (corpus / FILE).write_bytes(data)
    assert isinstance(printed.draw(document, 1, None), Picture)


@pytest.mark.parametrize("place", ["nothing", "link", "pipe"])
def test_only_a_plain_file_in_the_folder_is_opened(
    document: Document, corpus: Path, tmp_path: Path, place: str
) -> None:
    kept = (corpus / FILE).rename(tmp_path / FILE)
    if place == "link":
        (corpus / FILE).symlink_to(kept)
    elif place == "pipe":
        os.mkfifo(corpus / FILE)
    with pytest.raises(PageNotShown) as told:
        Printed(corpus).draw(document, 1, None)
    assert told.value.reason == "gone"


def test_a_page_that_takes_too_long_is_given_up(
    document: Document, corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ketqa.printed.SECONDS", 0.01)
    with pytest.raises(PageNotShown, match=re.escape("took more than 0.01 seconds")) as told:
        Printed(corpus).draw(document, 1, None)
    assert told.value.reason == "undrawn"
