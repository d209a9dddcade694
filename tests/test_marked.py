"""What is drawn on a page stands on the quote, and leaves the rest of the page as it is printed."""

from io import BytesIO

import pytest
from PIL import Image, ImageChops, ImageDraw

from ketqa.formats.marked import EDGE, Sheet, draw, mark, pixels
from ketqa.formats.pdf import Box, picture_page, read_pdf
from made_files import make_pdf

DATA = make_pdf(width=60)
TEXT = read_pdf(DATA, "a.pdf").text


def place(first: str, last: str) -> tuple[int, int]:
    start = TEXT.index(first)
    return start, TEXT.index(last, start) + len(last)


def test_the_boxes_of_a_quote_are_marked_and_nothing_else() -> None:
    quote, other = place("In half", "weeks."), place("Insurance", "it.")
    plain, [boxes, others] = picture_page(DATA, "a.pdf", 1, TEXT, [quote, other])
    drawn = draw(DATA, "a.pdf", Sheet(1, TEXT, quote, (other,)))
    shown = Image.open(BytesIO(drawn.png))
    assert (shown.size, shown.mode) == (plain.size, "RGB")
    assert (drawn.width, drawn.height) == plain.size
    assert drawn.top == boxes[0].top
    changed = (
        ImageChops.difference(plain, shown).convert("L").point(lambda level: 255 * (level > 0))
    )
    for box in (*boxes, *others):
        left, top, right, bottom = pixels(box, plain.size)
        area = (left, top, right + 1, bottom + 1)
        # ink stays as black as it is, the paper around it does not
        assert changed.crop(area).histogram()[255] > 0.6 * (right + 1 - left) * (bottom + 1 - top)
        changed.paste(0, area)
    assert changed.getbbox() is None
    assert len(boxes) == 2


def test_a_quote_has_an_outline_and_another_one_has_dashes() -> None:
    paper = Image.new("RGB", (400, 400), "white")
    shown = mark(
        paper, [Box(0.25, 0.25, 0.5, 0.3), Box(0.1, 0.3, 0.4, 0.35)], [Box(0.1, 0.8, 0.5, 0.9)]
    )
    rows = {y: [shown.getpixel((x, y)) == EDGE for x in range(400)] for y in (96, 364)}
    assert [x for x, inked in enumerate(rows[96]) if inked] == list(range(96, 205))
    assert rows[364][36:46] == [True] * 10
    assert rows[364][46:54] == [False] * 8
    # the two lines of the quote have one outline: none between them
    assert [shown.getpixel((x, 120)) == EDGE for x in range(110, 150)] == [False] * 40


def test_a_quote_at_the_edge_of_a_page_is_outlined_there_too() -> None:
    shown = mark(Image.new("RGB", (50, 50), "white"), [Box(0, 0, 1, 1)], [])
    assert [shown.getpixel(at) for at in ((0, 0), (49, 0), (0, 49), (49, 49))] == [EDGE] * 4
    assert shown.getpixel((25, 25)) != EDGE


def test_a_page_without_quotes_is_as_it_is_printed() -> None:
    drawn = draw(DATA, "a.pdf", Sheet(1, TEXT))
    plain, _ = picture_page(DATA, "a.pdf", 1, TEXT, [])
    assert drawn.top is None
    assert Image.open(BytesIO(drawn.png)).tobytes() == plain.tobytes()


@pytest.mark.parametrize("turned", [90, 180])
def test_on_a_turned_page_the_marks_are_turned_with_it(turned: int) -> None:
    import pypdfium2

    document = pypdfium2.PdfDocument(DATA)
    document[0].set_rotation(turned)
    made = BytesIO()
    document.save(made)
    text = read_pdf(made.getvalue(), "a.pdf").text
    start = text.index("Tell")
    image, [boxes] = picture_page(made.getvalue(), "a.pdf", 1, text, [(start, start + 40)])
    for box in boxes:
        left, top, right, bottom = pixels(box, image.size)
        blank = image.copy()
        ImageDraw.Draw(blank).rectangle((left, top, right, bottom), fill="white")
        # there was ink where the words are
        assert ImageChops.difference(image, blank).getbbox() is not None
