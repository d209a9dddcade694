"""A folder of good and hostile files: the good are read, each bad one is named with its reason."""

import os
import re
import sqlite3
import sys
from pathlib import Path

import pytest

from conftest import ROOT, TopicEncoder, write_corpus
from ketqa import files
from ketqa.build import build_index
from ketqa.corpus import load_corpus, read_corpus
from ketqa.errors import CorpusError
from ketqa.files import Skipped, read_folder
from ketqa.formats import read_content
from ketqa.formats.content import Content
from ketqa.index import Index
from ketqa.manifest import Manifest, current_build
from ketqa.verify import verify_index
from made_files import ARTICLE, PAGE, make_blank_pages, make_bomb, make_docx, make_pdf, make_scan

HOSTILE = {
    "bomb.docx": (make_bomb(600), r"bomb.docx: [\d,]+ bytes unpack to 629,145,608 in 2 parts; no"),
    "long.pdf": (make_blank_pages(10_000), "long.pdf: has 10,000 pages, at most 5,000 are read"),
    "half.pdf": (make_pdf()[:600], "half.pdf: a damaged PDF; get it again"),
    "half.docx": (make_docx()[:900], "half.docx: a damaged Word file .*; get it again"),
    "scan.pdf": (make_scan(), "scan.pdf: a scan: pictures of 2 pages and not a word of text"),
    "words.pdf": (b"Only words.", "words.pdf: ends in .pdf, but its bytes say otherwise; rename"),
    "old.doc": (b"\xd0\xcf\x11\xe0\xa1\xb1", "old.doc: this is an old Office file"),
    "photo.txt": (b"\x89PNG\r\n\x1a\n", "photo.txt: this is a picture"),
    "latin.txt": ("Médecin".encode("latin-1"), "latin.txt: byte 1: 0xe9 is not UTF-8"),
    "void.txt": (b"", "void.txt: is empty"),
    "dots.txt": (b"...\n", "dots.txt: holds no words"),
    "feed.xml": (b"<?xml version='1.0'?><rss/>", "feed.xml: this is no JATS article"),
    "data.csv": (b"a,b\n", "data.csv: cannot read .csv"),
}
GOOD = {
    "leaflet.pdf": make_pdf(),
    "report.docx": make_docx(),
    "page.html": PAGE.encode(),
    "article.nxml": ARTICLE.encode(),
    "notes.md": b"# Notes\n\nIt fell by half.\n",
    "plain.txt": b"It fell by half.\n",
    "many.jsonl": b'{"_id": "1", "text": "It fell by half."}\n{"_id": "2", "text": "It came back."}\n{',
    "really-html.txt": PAGE.encode(),
    "really-pdf": make_pdf(),
}


def fill(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def test_good_files_are_read_whatever_lies_beside_them(tmp_path: Path) -> None:
    hostile = {name: data for name, (data, _) in HOSTILE.items()}
    corpus = read_corpus(fill(tmp_path / "corpus", GOOD | hostile))
    ids = [document.source.id for document in corpus.documents]
    assert ids == sorted([*(set(GOOD) - {"many.jsonl"}), "many.jsonl#1", "many.jsonl#2"])
    reasons = {skipped.file: skipped.reason for skipped in corpus.skipped}
    assert reasons.pop("many.jsonl").startswith("many.jsonl: line 3: not JSON")
    assert reasons.keys() == HOSTILE.keys()


def test_only_what_is_decoded_and_nothing_more_is_read_outside_the_sandbox(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside: list[str] = []

    def read(data: bytes, file: str, form: str) -> tuple[list[Content], list[str]]:
        outside.append(form)
        return read_content(data, file, form)

    monkeypatch.setattr(files, "read_content", read)
    assert len(list(read_folder(fill(tmp_path / "corpus", GOOD)))) == len(GOOD)
    assert sorted(outside) == ["jsonl", "text"]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_told_in_one_line(tmp_path: Path, name: str) -> None:
    data, told = HOSTILE[name]
    (skipped,) = read_folder(fill(tmp_path / "corpus", {name: data}))
    assert isinstance(skipped, Skipped)
    assert re.match(told, skipped.reason)
    assert "\n" not in skipped.reason


@pytest.mark.parametrize("name", ["bomb.docx", "long.pdf", "scan.pdf", "words.pdf", "half.pdf"])
def test_the_page_on_documents_tells_the_same_words(tmp_path: Path, name: str) -> None:
    (skipped,) = read_folder(fill(tmp_path / "corpus", {name: HOSTILE[name][0]}))
    assert isinstance(skipped, Skipped)
    words = re.sub(r"^[\d,]+ bytes", "... bytes", skipped.reason.removeprefix(f"{name}: "))
    assert f"`{words}`" in (ROOT / "docs" / "corpus.md").read_text(encoding="utf-8")


def test_a_gigabyte_in_one_line_is_told_without_reading_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "read_bytes", lambda path: pytest.fail(f"{path} is read"))
    folder = fill(tmp_path / "corpus", {"line.txt": b"word"})
    os.truncate(folder / "line.txt", 1 << 30)
    (skipped,) = read_folder(folder)
    assert isinstance(skipped, Skipped)
    assert skipped.reason == (
        "line.txt: has 1,073,741,824 bytes, at most 64 MiB are read of such a file; split it"
    )


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    folder = fill(tmp_path / "corpus", {})
    os.mkfifo(folder / "pipe.txt")
    (skipped,) = read_folder(folder)
    assert skipped == Skipped("pipe.txt", "pipe.txt: is no plain file")


def test_a_folder_of_unreadable_files_alone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="none of 1 files can be read; .*a.txt: is empty"):
        load_corpus(write_corpus(tmp_path / "corpus", {"a.txt": ""}))


def test_what_a_document_says_of_itself_is_used_and_marked(tmp_path: Path) -> None:
    (document,) = load_corpus(fill(tmp_path / "corpus", {"page.html": PAGE.encode()}))
    source = document.source
    assert (source.title, source.author, source.published) == (
        "A leaflet",
        "Jane Roe",
        "2021-03-04",
    )
    assert set(source.said_by.values()) == {"document"}


def test_sources_toml_counts_for_more_than_the_document(tmp_path: Path) -> None:
    entry = '[[source]]\nfile = "page.html"\ntitle = "Leaflet on ketamine"\n[source.said_by]\ntitle = "curator"\n'
    folder = fill(tmp_path / "corpus", {"page.html": PAGE.encode(), "sources.toml": entry.encode()})
    (document,) = load_corpus(folder)
    assert document.source.title == "Leaflet on ketamine"
    assert document.source.said_by["title"] == "curator"
    assert document.source.author == "Jane Roe"


def test_a_date_or_address_that_cannot_be_shown_is_not_stated(tmp_path: Path) -> None:
    row = (
        b'{"_id": "1", "text": "It fell.", "published": "last year", "url": "javascript:alert(1)"}'
    )
    (document,) = load_corpus(fill(tmp_path / "corpus", {"c.jsonl": row}))
    assert (document.source.published, document.source.url) == (None, None)
    assert document.source.said_by == {"title": "file"}
    assert document.source.title == "1"


def test_an_entry_describes_all_documents_of_a_file_or_one(tmp_path: Path) -> None:
    entries = (
        '[[source]]\nfile = "many.jsonl"\nlicence = "CC BY 4.0"\n'
        '[[source]]\nfile = "many.jsonl#2"\ntitle = "The second"\n'
    )
    files = {"many.jsonl": GOOD["many.jsonl"], "sources.toml": entries.encode()}
    first, second = load_corpus(fill(tmp_path / "corpus", files))
    assert (first.source.title, first.source.licence) == ("1", "CC BY 4.0")
    assert (second.source.title, second.source.licence) == ("The second", "CC BY 4.0")


def test_a_file_of_many_documents_must_be_the_one_that_was_described(tmp_path: Path) -> None:
    entry = b'[[source]]\nfile = "many.jsonl"\nsha256 = "00"\n'
    folder = fill(tmp_path / "corpus", {"many.jsonl": GOOD["many.jsonl"], "sources.toml": entry})
    with pytest.raises(CorpusError, match="many.jsonl: its sha256 is .*but sources.toml says 00"):
        load_corpus(folder)


@pytest.mark.model
def test_quotes_of_every_form_are_slices_with_their_page(tmp_path: Path) -> None:
    kept = {name: GOOD[name] for name in ("report.docx", "article.nxml")}
    pages = [
        [("", "Nothing is said here.")],
        [("", "The whole price of one infusion is 400 dollars.")],
    ]
    folder = fill(tmp_path / "corpus", {**kept, "price.pdf": make_pdf(pages)})
    texts = {document.source.id: document for document in load_corpus(folder)}
    with Index.build(folder, tmp_path / "index") as index:
        answer = index.ask("How much is the price of an infusion?", min_confidence=0, k=10)
    assert {item.source.file for item in answer.evidence} == texts.keys()
    for item in answer.evidence:
        document = texts[item.source.file]
        assert item.quote == document.text[item.span.start : item.span.end]
        assert item.page == document.layout.page(item.span.start)
    price = next(item for item in answer.evidence if item.source.file == "price.pdf")
    assert (price.quote, price.page) == ("The whole price of one infusion is 400 dollars.", 2)
    assert [check.problem for check in verify_index(tmp_path / "index", folder)] == [""] * 6
    pages[1] = [("", "The whole price of one infusion is 900 dollars.")]
    (folder / "price.pdf").write_bytes(make_pdf(pages))
    problems = [check.problem for check in verify_index(tmp_path / "index", folder)]
    assert problems[-1] == "price.pdf: has changed; update with: ketqa index"


def test_a_stored_text_that_a_file_does_not_hold_is_noticed(tmp_path: Path) -> None:
    folder = fill(tmp_path / "corpus", {name: GOOD[name] for name in ("leaflet.pdf", "many.jsonl")})
    build_index(folder, tmp_path / "index", encoder=TopicEncoder())
    assert [check.problem for check in verify_index(tmp_path / "index", folder)] == [""] * 6
    build = current_build(tmp_path / "index")
    manifest = Manifest.load(build)
    (shard,) = manifest.shards(build)
    with sqlite3.connect(shard / "corpus.sqlite") as connection:
        connection.execute("UPDATE document SET text = replace(text, '400', '900')")
    connection.close()
    Manifest.of_build(manifest.recipe, manifest.counts, build).save(build)
    problems = [check.problem for check in verify_index(tmp_path / "index", folder)]
    assert problems[-1].startswith("leaflet.pdf: its stored text was changed")


def test_a_library_that_is_not_installed_is_named_with_the_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pypdfium2", None)
    with pytest.raises(
        CorpusError, match=r"a.pdf: reading it needs pypdfium2; .*'ketqa\[formats\]'"
    ):
        read_content(make_pdf(), "a.pdf", "pdf")
