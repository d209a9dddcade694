from pathlib import Path

import pytest

from ketqa.errors import CorpusError
from ketqa.formats.jats import read_jats
from made_files import ARTICLE


def test_an_article_gives_its_words_and_sections() -> None:
    content = read_jats(ARTICLE.encode(), "a.xml")
    assert content.text == (
        "Ketamine for migraine\n\nWe gave ketamine to 20 people.\n\nResults\n\n"
        "Pain fell by half (1). It came back.\n\nPain by day.\n\nWe thank the nurses.\n"
    )
    headings = [content.text[start:end] for start, end in content.layout.headings]
    assert headings == ["Ketamine for migraine", "Results"]
    assert content.aside == "Day 1 7\nDoe J. An older trial."


def test_an_article_says_all_that_a_citation_needs() -> None:
    assert read_jats(ARTICLE.encode(), "a.xml").found == {
        "title": "Ketamine for migraine",
        "author": "Jane Roe, The Pain Group",
        "publisher": "Journal of Pain",
        "published": "2012-03-04",
        "url": "https://doi.org/10.1000/xyz",
        "kind": "research article",
        "licence": "https://creativecommons.org/licenses/by/4.0/",
        "language": "en",
    }


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 9))
BOMB = f'<!DOCTYPE article [<!ENTITY l0 "ha">{LAUGHS}]><article><body><p>&l8;</p></body></article>'
FILE = '<!DOCTYPE article [<!ENTITY f SYSTEM "file:///etc/hostname">]><article><body><p>A &f;</p></body></article>'


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (BOMB, "a.xml: is no well-formed XML .Maximum entity amplification"),
        (FILE, "a.xml: has entities of its own, which are not expanded"),
        (ARTICLE[:900], "a.xml: is no well-formed XML"),
        ("<pmc-articleset><article/><article/></pmc-articleset>", "a.xml: holds 2 articles"),
        (
            "<article>" + "<sec>" * 1000 + "</sec>" * 1000 + "</article>",
            "no well-formed XML .*depth",
        ),
    ],
)
def test_hostile_or_broken_xml_is_told(data: str, told: str) -> None:
    with pytest.raises(CorpusError, match=told):
        read_jats(data.encode(), "a.xml")


def test_no_file_that_an_entity_names_is_opened(tmp_path: Path) -> None:
    """It is no XML, which would be told instead."""
    (tmp_path / "no.xml").write_text("<p></q>")
    data = FILE.replace("/etc/hostname", str(tmp_path / "no.xml"))
    with pytest.raises(CorpusError, match="a.xml: has entities of its own"):
        read_jats(data.encode(), "a.xml")


def test_no_dtd_is_opened(tmp_path: Path) -> None:
    """It is none, which would be told."""
    (tmp_path / "no.dtd").write_text("<!ELEMENT")
    named = f'<!DOCTYPE article SYSTEM "file://{tmp_path}/no.dtd">'
    data = f"{named}<article><body><p>A.</p></body></article>"
    assert read_jats(data.encode(), "a.xml").text == "A.\n"
