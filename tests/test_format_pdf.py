import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ketqa.errors import CorpusError
from ketqa.formats.pdf import MOST_PIXELS, picture_page, read_pdf
from ketqa.split import split_sentences
from made_files import LEAFLET, make_blank_pages, make_pdf, make_scan

LONG = (
    "Ketamine is an anaesthetic, and nurses measured every hour how much relief it gave to people. "
)


def sentences(data: bytes) -> list[tuple[str, str, int | None]]:
    content = read_pdf(data, "a.pdf")
    return [
        (piece.kind, content.text[piece.start : piece.end], content.layout.page(piece.start))
        for piece in split_sentences(content.text, "en", content.layout)
    ]


def test_a_pdf_gives_its_sentences_its_headings_and_what_it_says_of_itself() -> None:
    content = read_pdf(make_pdf(), "a.pdf")
    assert content.text.startswith("Before you take it\n\nTell your doctor if you have high")
    assert [content.text[start:end] for start, end in content.layout.headings] == [
        heading for heading, _ in LEAFLET
    ]
    assert content.found == {"title": "A leaflet", "author": "A. Writer"}
    assert re.fullmatch(r"pypdfium2 [\d.]+", content.layout.reader or "")


def test_a_sentence_on_the_second_page_is_on_page_2() -> None:
    found = sentences(make_pdf([LEAFLET[:1], LEAFLET[1:]]))
    pages = {words: page for _, words, page in found}
    assert pages["Do not drive that day."] == 1
    assert pages["It then came back."] == 2


def test_a_sentence_stays_whole_across_lines_and_pages() -> None:
    cut = LONG.strip().removesuffix(" to people.")
    found = sentences(make_pdf([[("", LONG + cut)], [("", "to people.")]], width=90))
    prose = [" ".join(words.split()) for kind, words, _ in found if kind == "prose"]
    assert prose == [LONG.strip(), LONG.strip()]


def test_lines_wider_than_any_typed_line_are_still_joined() -> None:
    from fpdf import FPDF

    pdf = FPDF(orientation="landscape")
    pdf.add_page()
    pdf.set_font("helvetica", size=9)
    pdf.multi_cell(w=0, text="It began in spring. " + LONG * 4)
    found = sentences(bytes(pdf.output()))
    assert max(len(line) for line in read_pdf(bytes(pdf.output()), "a.pdf").text.split("\n")) > 150
    assert [" ".join(words.split()) for _, words, _ in found] == [
        "It began in spring.",
        *[LONG.strip()] * 4,
    ]


def test_a_word_in_another_font_does_not_end_a_paragraph() -> None:
    from fpdf import FPDF

    pdf = FPDF()
    pdf.add_page()
    pdf.set_font("helvetica", size=11)
    for size, words in (
        (11, LONG),
        (8, "the dose of 0.5 mg a day for every person "),
        (11, "helped. "),
    ) * 3:
        pdf.set_font("courier" if size == 8 else "helvetica", size=size)
        pdf.write(text=words)
    found = sentences(bytes(pdf.output()))
    assert [kind for kind, _, _ in found] == ["prose"] * 6


def test_a_word_broken_at_the_end_of_a_line_keeps_its_hyphen_in_the_text() -> None:
    text = read_pdf(make_pdf([[("", "It is an anaes\u00adthetic.")]], width=28), "a.pdf").text
    assert text == "It is an anaes-\nthetic.\n"


def test_running_heads_are_set_aside_and_kept_beside_the_text() -> None:
    days = ("Monday", "Tuesday", "Wednesday", "Thursday")
    pages = [[("", f"The pain fell on {day}, and it stayed away for a while.")] for day in days]
    content = read_pdf(make_pdf(pages, head="Ketamine leaflet, page"), "a.pdf")
    assert "leaflet" not in content.text
    assert content.text.count("The pain fell on") == 4
    assert content.aside.split("\n") == [f"Ketamine leaflet, page {n}" for n in (1, 2, 3, 4)]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (make_scan(), "a.pdf: a scan: pictures of 2 pages and not a word of text; .*OCR"),
        (make_pdf()[:600], "a.pdf: a damaged PDF"),
        (make_blank_pages(10_000), "a.pdf: has 10,000 pages, at most 5,000 are read; split it"),
    ],
)
def test_a_pdf_that_cannot_be_quoted_is_told(data: bytes, told: str) -> None:
    with pytest.raises(CorpusError, match=told):
        read_pdf(data, "a.pdf")


def test_a_locked_pdf_is_told() -> None:
    from fpdf import FPDF

    pdf = FPDF()
    pdf.set_encryption(owner_password="owner", user_password="user")  # noqa: S106
    pdf.add_page()
    with pytest.raises(CorpusError, match="has a password; save it without one"):
        read_pdf(bytes(pdf.output()), "a.pdf")


def test_a_page_without_text_among_others_is_noted() -> None:
    content = read_pdf(make_pdf([LEAFLET[:1], [], LEAFLET[1:]]), "a.pdf")
    assert content.notes == ("no text on page 2; are they pictures?",)
    assert content.layout.pages[1] == content.layout.pages[2] == content.text.index("How long")


def test_a_title_that_a_program_wrote_is_no_title() -> None:
    found = read_pdf(make_pdf(title="Microsoft Word - leaflet_final2.docx"), "a.pdf").found
    assert found == {"author": "A. Writer"}


def test_the_boxes_of_a_sentence_lie_where_it_is_printed() -> None:
    data = make_pdf(width=60)
    text = read_pdf(data, "a.pdf").text
    place = text.index("Tell"), text.index("Do not drive")
    _, [found, none] = picture_page(data, "a.pdf", 1, text, [place, (0, 0)])
    assert len(found) == len(text[slice(*place)].rstrip().split("\n")) == 2
    assert none == []
    left = 10 / 210  # fpdf's margin on A4, in mm
    assert [box.left for box in found] == pytest.approx([left, left], abs=0.01)
    assert all(box.right <= 70 / 210 for box in found)
    assert found[0].top < found[0].bottom <= found[1].bottom < 0.2


def test_a_page_can_be_shown_as_a_picture() -> None:
    image, _ = picture_page(make_pdf(), "a.pdf", 1, "", [])
    assert image.size == (1200, 1698)
    assert min(image.convert("L").tobytes()) < 50
    assert max(image.convert("L").tobytes()) == 255


def test_a_very_long_page_is_drawn_smaller() -> None:
    from fpdf import FPDF

    pdf = FPDF(format=(50, 3000))
    pdf.add_page()
    image, _ = picture_page(bytes(pdf.output()), "a.pdf", 1, "", [])
    assert 0.99 * MOST_PIXELS < image.width * image.height < 1.02 * MOST_PIXELS


def test_a_running_head_is_no_part_of_the_lines_that_are_found() -> None:
    days = ("Monday", "Tuesday", "Wednesday", "Thursday")
    pages = [[("", f"The pain fell on {day}, and it stayed away.")] for day in days]
    data = make_pdf(pages, head="The pain fell, page")
    content = read_pdf(data, "a.pdf")
    start, end = content.layout.pages[1], content.layout.pages[2]
    _, [[box]] = picture_page(data, "a.pdf", 2, content.text[start:end], [(0, 10)])
    assert box.top > 15 / 297  # below the head, which takes 6 mm after a margin of 10


def test_a_page_that_reads_otherwise_is_not_marked() -> None:
    with pytest.raises(CorpusError, match="a.pdf, page 1: reads otherwise than it did"):
        picture_page(make_pdf(), "a.pdf", 1, "Before you took it\n", [])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text("aB .-'(é½", min_size=1, max_size=400), min_size=1, max_size=4))
def test_every_place_of_any_pdf_has_its_page_and_its_boxes(paragraphs: list[str]) -> None:
    data = make_pdf([[("", words)] for words in paragraphs], width=50)
    try:
        content = read_pdf(data, "a.pdf")
    except CorpusError as error:
        assert "a scan" in str(error)  # noqa: PT017, blanks alone
        return
    assert read_pdf(data, "a.pdf") == content
    assert len(content.layout.pages) == len(paragraphs)
    assert sorted(content.layout.pages) == list(content.layout.pages)
    for piece in split_sentences(content.text, "en", content.layout):
        page = content.layout.page(piece.start) or 0
        low, high = [*content.layout.pages, len(content.text)][page - 1 : page + 1]
        place = piece.start - low, min(piece.end, high) - low
        _, [boxes] = picture_page(data, "a.pdf", page, content.text[low:high], [place])
        assert boxes
