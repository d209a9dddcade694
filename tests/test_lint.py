from pathlib import Path

import pytest

from conftest import CORPUS, write_corpus
from ketqa.cli import main
from ketqa.lint import lint_corpus
from made_files import PAGE

LONG = " ".join(
    f"On day {day} the pain was {day % 7} of ten, and {day} people slept." for day in range(60)
)
DATED = '[[source]]\nfile = "{}"\npublished = "2020"\n'


def found(folder: Path) -> list[tuple[str, str, str]]:
    return [(finding.kind, finding.file, finding.text) for finding in lint_corpus(folder)]


def test_a_text_that_is_there_twice_or_nearly_is_named_with_the_first(tmp_path: Path) -> None:
    files = {
        "a.txt": LONG,
        "b.txt": LONG.replace("On day", "on   DAY"),
        "c.txt": LONG.replace("day 7 ", "day seven "),
        "d.txt": LONG.replace("pain", "mood").replace("people slept", "nurses came"),
    }
    told = [item for item in found(write_corpus(tmp_path, files)) if item[0] == "duplicate"]
    assert told[0] == ("duplicate", "b.txt", "has the same words as a.txt; take one of them out")
    assert told[1][:2] == ("duplicate", "c.txt")
    assert "with a.txt; is one of them enough?" in told[1][2]
    assert len(told) == 2


def test_tiny_and_undated_and_unreadable_files_are_named(tmp_path: Path) -> None:
    folder = write_corpus(
        tmp_path,
        {
            "a.txt": "It fell by half.",
            "b.txt": LONG,
            "c.txt": "",
            "sources.toml": DATED.format("b.txt"),
        },
    )
    assert found(folder) == [
        ("tiny", "a.txt", "holds 4 words only; is it whole?"),
        (
            "undated",
            "a.txt",
            "no date is known; say in sources.toml when it was published, if it says so",
        ),
        ("unreadable", "c.txt", "c.txt: is empty"),
    ]


def test_letters_that_were_decoded_wrongly_are_shown_in_their_place(tmp_path: Path) -> None:
    broken = LONG.replace("slept", "“slept”").encode().decode("cp1252", "ignore")
    entry = DATED.format("a.txt")
    ((kind, file, text),) = found(write_corpus(tmp_path, {"a.txt": broken, "sources.toml": entry}))
    assert (kind, file) == ("letters", "a.txt")
    assert f"at character {broken.index('â€')}" in text
    assert "for “" in text


@pytest.mark.parametrize(
    "sentence",
    [
        "Après trois semaines, la douleur était revenue chez la moitié des patients. ",
        "It fell by half (†p<0.05, ††p<0.01, as compared to the time before it). ",
    ],
)
def test_letters_of_other_languages_and_signs_are_no_mistake(tmp_path: Path, sentence: str) -> None:
    text = sentence * 9
    folder = write_corpus(tmp_path, {"a.txt": text, "sources.toml": DATED.format("a.txt")})
    assert found(folder) == []


def test_what_sources_toml_and_the_document_say_otherwise_is_named(tmp_path: Path) -> None:
    entry = '[[source]]\nfile = "page.html"\nauthor = "John Doe"\npublished = "2999"\n[source.said_by]\npublished = "curator"\n'
    told = list(found(write_corpus(tmp_path, {"page.html": PAGE, "sources.toml": entry})))
    assert told == [
        ("contradiction", "page.html", "is dated 2999, which is to come"),
        (
            "contradiction",
            "page.html",
            "sources.toml says that its author is 'John Doe', the document says 'Jane Roe'",
        ),
    ]


def test_two_documents_of_one_address_must_agree(tmp_path: Path) -> None:
    files = {
        "a.html": PAGE,
        "b.html": PAGE.replace("2021-03-04", "2022-03-04").replace("dizzy", "tired"),
    }
    told = [
        text for kind, file, text in found(write_corpus(tmp_path, files)) if kind == "contradiction"
    ]
    assert told == [
        "has the address of a.html, but the published '2022-03-04' and not '2021-03-04'"
    ]


def test_a_page_that_is_mostly_set_aside_is_named(tmp_path: Path) -> None:
    menu = "".join(f"<li><a href='/{n}'>Treatment number {n} of ours</a></li>" for n in range(60))
    folder = write_corpus(tmp_path, {"a.html": PAGE.replace("<nav><ul>", f"<nav><ul>{menu}")})
    ((kind, _, text),) = found(folder)
    assert kind == "aside"
    assert text.endswith("look at them with: ketqa corpus show a.html")


def test_the_shipped_corpus_has_four_documents_without_a_date(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["corpus", "lint", "--corpus", str(CORPUS)]) == 0
    out, err = capsys.readouterr()
    assert err == "4 undated\n"
    assert len(out.splitlines()) == 4
