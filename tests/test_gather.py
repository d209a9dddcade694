"""Adding files to a corpus, and showing how they are read."""

from pathlib import Path

import pytest

from conftest import write_corpus
from ketqa.cli import main
from made_files import PAGE, make_pdf


@pytest.fixture
def given(tmp_path: Path) -> Path:
    folder = write_corpus(
        tmp_path / "given", {"page.html": PAGE, "sub/void.txt": "", "x.csv": "a,b"}
    )
    (folder / "sub" / "leaflet.pdf").write_bytes(make_pdf())
    return folder


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main(["corpus", *map(str, arguments)])
    return code, *capsys.readouterr()


def test_a_folder_is_added_with_what_was_found(
    given: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus = tmp_path / "corpus"
    code, out, err = run(capsys, "add", given, "--corpus", corpus)
    assert code == 0
    assert "page.html: added\n  title: A leaflet\n  author: Jane Roe\n" in out
    assert "  published: 2021-03-04\n" in out
    assert "sub/leaflet.pdf: added\n" in out
    assert "1 page, 3 headings" in out
    assert f"2 files added; now run: ketqa index --corpus {corpus}" in out
    assert "left out: 2 files" in err
    assert "sub/void.txt: is empty" in err
    assert "x.csv: cannot read .csv" in err
    assert (corpus / "page.html").read_text() == PAGE
    assert sorted(path.name for path in corpus.rglob("*") if path.is_file()) == [
        "leaflet.pdf",
        "page.html",
    ]


def test_another_file_of_the_same_name_is_never_overwritten(
    given: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus = write_corpus(tmp_path / "corpus", {"page.html": "<html>Mine.</html>"})
    code, out, err = run(capsys, "add", given / "page.html", "--corpus", corpus)
    assert code == 1
    assert out == ""
    assert f"page.html: {corpus / 'page.html'} is another file; rename one of them" in err
    assert (corpus / "page.html").read_text() == "<html>Mine.</html>"


def test_the_same_file_added_twice_is_there_once(
    given: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus = tmp_path / "corpus"
    run(capsys, "add", given / "page.html", "--corpus", corpus)
    code, out, _ = run(capsys, "add", given / "page.html", "--corpus", corpus)
    assert code == 0
    assert out.startswith("page.html: is there already")


def test_a_corpus_is_not_added_to_itself(given: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "add", given, "--corpus", given / "corpus")
    assert code == 1
    assert "is part of" in err
    assert run(capsys, "add", given / "nothing", "--corpus", given / "corpus")[0] == 1


def test_what_was_set_aside_can_be_seen(given: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "show", "page.html", "--corpus", given)
    assert code == 0
    assert "  Author: Jane Roe (the document says so)\n" in out
    assert "  Kind: not stated\n" in out
    assert "    We use cookies to improve your experience.\n" in out


def test_the_text_of_a_document_is_printed_as_it_is_quoted(
    given: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from ketqa.formats.html import read_html

    _, out, _ = run(capsys, "show", "page.html", "--text", "--corpus", given)
    assert out == read_html(PAGE.encode(), "page.html").text


def test_all_documents_are_listed_and_a_missing_one_is_told(
    given: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, out, err = run(capsys, "show", "--corpus", given)
    assert [line.split(": ")[0] for line in out.splitlines()] == ["page.html", "sub/leaflet.pdf"]
    assert "left out: x.csv: cannot read .csv" in err
    assert run(capsys, "show", "gone.txt", "--corpus", given)[0] == 1
