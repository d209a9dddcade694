import hashlib
import logging
from pathlib import Path

import pytest

from conftest import CORPUS, write_corpus
from ketqa.corpus import load_corpus
from ketqa.errors import CorpusError


def with_sources(folder: Path, sources: str) -> Path:
    write_corpus(folder, {"a.txt": "Pain fell.", "sources.toml": sources})
    return folder


def test_the_shipped_documents_are_the_ones_sources_toml_describes() -> None:
    documents = load_corpus(CORPUS)
    assert len(documents) == 5
    for document in documents:
        data = (CORPUS / document.source.file).read_bytes()
        assert hashlib.sha256(data).hexdigest() == document.source.sha256
        assert document.text.encode() == data


def test_what_a_shipped_document_states_of_itself_stands_in_it() -> None:
    for document in load_corpus(CORPUS):
        for field in ("title", "publisher", "author"):
            value = getattr(document.source, field)
            if value and document.source.said_by[field] == "document":
                assert value in document.text


def test_a_clinic_that_sells_the_treatment_is_named_as_such() -> None:
    sources = {d.source.file: d.source for d in load_corpus(CORPUS)}
    assert (
        sources["mind-peace-clinics-ketamine-for-migraines.txt"].interest
        == "sells ketamine treatment"
    )


def test_a_folder_without_sources_is_read_in_silence(
    four_documents: Path, caplog: pytest.LogCaptureFixture
) -> None:
    documents = load_corpus(four_documents)
    assert [d.source.file for d in documents] == ["cost.txt", "dose.txt", "pain.txt", "sleep.txt"]
    assert documents[0].source.title == "cost"
    assert documents[0].source.said_by == {"title": "file"}
    assert caplog.text == ""


def test_a_file_without_an_entry_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = with_sources(tmp_path, '[[source]]\nfile = "a.txt"\n')
    write_corpus(folder, {"b.txt": "More."})
    with caplog.at_level(logging.WARNING):
        assert len(load_corpus(folder)) == 2
    assert "b.txt: no entry in sources.toml" in caplog.text


def test_files_of_other_forms_are_named_and_left_out(
    four_documents: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_corpus(four_documents, {"scan.pdf": "%PDF", ".hidden.txt": "x", "README.md": "about"})
    assert len(load_corpus(four_documents)) == 4
    assert "left out: scan.pdf: ends in .pdf, but its bytes say otherwise" in caplog.text
    assert "hidden" not in caplog.text


def test_a_link_out_of_the_folder_is_left_out(
    four_documents: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "secret.txt").write_text("A secret.")
    (four_documents / "link.txt").symlink_to(tmp_path / "secret.txt")
    assert "link.txt" not in [d.source.file for d in load_corpus(four_documents)]
    assert "left out: link.txt: a link that leads out of the folder" in caplog.text


@pytest.mark.parametrize(
    ("sources", "told"),
    [
        ('[[source]]\nfile = "a.txt"\nsha256 = "00"', r"a.txt: its sha256 is .*but sources.toml says 00"),
        ('[[source]]\nfile = "a.txt"\nauthr = "X"', r"entry 1 \(a.txt\): unknown field 'authr'"),
        ('[[source]]\nfile = "a.txt"\nauthor = ""', r"'author' must be text; leave it out"),
        ('[[source]]\ntitle = "X"', r"entry 1 \(without file\): the field 'file' is missing"),
        ('[[source]]\nfile = "b.txt"', r"no such file: b.txt; correct the entry"),
        ('[[source]]\nfile = "a.txt"\n[[source]]\nfile = "a.txt"', r"a second entry for a.txt"),
        ('[[source]]\nfile = "a.txt"\npublished = "last year"', r"must be YYYY, YYYY-MM or"),
        ('[[source]]\nfile = "a.txt"\nurl = "javascript:1"', r"must begin with http"),
        ('[[source]]\nfile = "a.txt"\n[source.said_by]\ntitle = "curator"', r"said_by names 'title'"),
        ('[[source]]\nfile = "a.txt"\nkind = "x"\n[source.said_by]\nkind = "me"', r"not 'me'"),
        ("[[source]\n", r"sources.toml: .*line 1"),
        ("[other]\n", r"unknown table 'other'"),
    ],
)  # fmt: skip
def test_a_mistake_in_sources_toml_is_told_with_its_cure(
    tmp_path: Path, sources: str, told: str
) -> None:
    with pytest.raises(CorpusError, match=told):
        load_corpus(with_sources(tmp_path, sources))


def test_a_missing_or_empty_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="nowhere: no such folder"):
        load_corpus(tmp_path / "nowhere")
    with pytest.raises(CorpusError, match="no documents; put files in it that end in .txt, .md"):
        load_corpus(tmp_path)
