import zipfile
from io import BytesIO

import docx
import pytest
from docx.enum.style import WD_STYLE_TYPE
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from hypothesis import given, settings
from hypothesis import strategies as st

from ketqa.errors import CorpusError
from ketqa.formats.docx import read_docx
from ketqa.split import split_sentences
from made_files import LEAFLET, make_bomb, make_docx

WORDS = "aB.!?\"'()<&é½\u00a0\u200bİßﬁ😀"


def test_a_word_file_gives_its_paragraphs_headings_and_properties() -> None:
    content = read_docx(make_docx(), "a.docx")
    assert content.text == "\n\n".join(part for pair in LEAFLET for part in pair) + "\n"
    assert [content.text[start:end] for start, end in content.layout.headings] == [
        heading for heading, _ in LEAFLET
    ]
    assert content.found == {"title": "A leaflet", "author": "A. Writer"}


def test_tables_controls_insertions_and_footers_are_not_lost() -> None:
    document = docx.Document()
    table = document.add_table(1, 2)
    table.cell(0, 0).text = "The dose was low."
    table.cell(0, 1).text = "It helped."
    paragraph = document.add_paragraph("Pain fell")
    for inner in (
        "<w:ins><w:r><w:t> by half</w:t></w:r></w:ins>",
        "<w:del><w:r><w:delText> a little</w:delText><w:t> a little</w:t></w:r></w:del>",
        "<w:r><w:t>.</w:t></w:r>",
    ):
        parsed = parse_xml(inner.replace(">", f" {nsdecls('w')}>", 1))
        paragraph._p.append(parsed)
    control = "<w:p><w:r><w:t>It came back.</w:t></w:r></w:p>"
    document.element.body.insert(
        0, parse_xml(f"<w:sdt {nsdecls('w')}><w:sdtContent>{control}</w:sdtContent></w:sdt>")
    )
    document.sections[0].footer.paragraphs[0].text = "Pain Clinic, page 1"
    made = BytesIO()
    document.save(made)
    content = read_docx(made.getvalue(), "a.docx")
    assert content.text == (
        "It came back.\n\nThe dose was low.\n\nIt helped.\n\nPain fell by half.\n"
    )
    assert content.aside == "Pain Clinic, page 1"


def test_a_style_made_from_a_heading_is_a_heading() -> None:
    document = docx.Document()
    style = document.styles.add_style("House style", WD_STYLE_TYPE.PARAGRAPH)
    style.base_style = document.styles["Heading 2"]
    document.add_paragraph("The dose was lowered on every day of the trial", style)
    made = BytesIO()
    document.save(made)
    content = read_docx(made.getvalue(), "a.docx")
    assert content.layout.headings == ((0, len(content.text) - 1),)
    assert split_sentences(content.text, "en", content.layout)[0].kind == "heading"


def test_a_bomb_is_told_before_it_is_unpacked() -> None:
    data = make_bomb(600)
    assert len(data) < 1_000_000
    with pytest.raises(CorpusError, match=r"a.docx: [\d,]+ bytes unpack to 629,145,608 in 2 parts"):
        read_docx(data, "a.docx")


@pytest.mark.parametrize("limit", ["MOST_UNPACKED", "MOST_MARKUP", "MOST_PARTS"])
def test_one_count_that_is_too_great_is_enough(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"ketqa.formats.docx.{limit}", 3)
    with pytest.raises(CorpusError, match=r"a.docx: [\d,]+ bytes unpack to [\d,]+ in \d+ parts"):
        read_docx(make_docx(), "a.docx")


def without(data: bytes, name: str) -> bytes:
    made = BytesIO()
    with zipfile.ZipFile(BytesIO(data)) as old, zipfile.ZipFile(made, "w") as new:
        for part in old.namelist():
            if part != name:
                new.writestr(part, old.read(part))
    return made.getvalue()


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (make_docx()[:2000], "a.docx: a damaged Word file .*get it again"),
        (without(make_docx(), "word/document.xml"), "a.docx: a ZIP archive, but no Word file"),
        (without(make_docx(), "_rels/.rels"), "a.docx: a damaged Word file .*save it again"),
        (without(make_docx(), "[Content_Types].xml"), "a.docx: a damaged Word file"),
    ],
)
def test_a_damaged_word_file_is_told(data: bytes, told: str) -> None:
    with pytest.raises(CorpusError, match=told):
        read_docx(data, "a.docx")


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(WORDS, min_size=1, max_size=30), max_size=5))
def test_any_words_come_back_as_they_were_typed(paragraphs: list[str]) -> None:
    document = docx.Document()
    for words in paragraphs:
        document.add_paragraph(words)
    made = BytesIO()
    document.save(made)
    expected = "\n\n".join(words for words in paragraphs)
    assert read_docx(made.getvalue(), "a.docx").text.removesuffix("\n") == expected
