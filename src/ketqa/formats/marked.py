"""A page of a PDF -> a picture with quotes marked on it, by lines as well as by colour."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from ketqa.formats.pdf import Box, picture_page

if TYPE_CHECKING:
    from PIL.Image import Image

Pixels = tuple[int, int, int, int]
# As on the page: what is quoted, and its edge; a tint lets the letters show through.
TINT, FAINT, EDGE = (253, 237, 176), (243, 236, 214), (168, 123, 0)
# In pixels: the room around letters, the outline, and the dashes below a further quote.
ROOM, LINE, DASH = 4, 3, 9


@dataclass(frozen=True, slots=True)
class Sheet:
    """A page, counted from 1, the part of the text on it, and half-open places in this part.

    ``quote`` is outlined, ``others`` are marked more faintly.
    """

    number: int
    text: str
    quote: tuple[int, int] | None = None
    others: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG, its size in pixels, and where the quote begins on it.

    ``top`` is a share of the height, from the top; None where no quote is on the page.
    """

    png: bytes
    width: int
    height: int
    top: float | None


def draw(data: bytes, file: str, sheet: Sheet) -> Picture:
    """Draw a page of a PDF with its quotes marked.

    Raises:
        CorpusError: It cannot be read, or its page does not read like the text.
    """
    places = [*([sheet.quote] if sheet.quote else []), *sheet.others]
    image, found = picture_page(data, file, sheet.number, sheet.text, places)
    quote = found[0] if sheet.quote else []
    others = [box for boxes in (found[1:] if sheet.quote else found) for box in boxes]
    image = mark(image, quote, others)
    png = BytesIO()
    image.save(png, "PNG")
    top = min((box.top for box in quote), default=None)
    return Picture(png.getvalue(), *image.size, top)


def mark(image: "Image", quote: Sequence[Box], others: Sequence[Box]) -> "Image":
    """Return a picture with a quote tinted and outlined, and others tinted and underlined.

    Nothing changes outside ``pixels`` of the boxes.
    """
    from PIL import Image, ImageChops, ImageDraw, ImageFilter

    tint = Image.new("RGB", image.size, "white")
    area = Image.new("L", image.size)
    faint = [pixels(box, image.size) for box in others]
    strong = [pixels(box, image.size) for box in quote]
    for place in faint:
        ImageDraw.Draw(tint).rectangle(place, fill=FAINT)
    for place in strong:
        ImageDraw.Draw(tint).rectangle(place, fill=TINT)
        ImageDraw.Draw(area).rectangle(place, fill="white")
    marked = ImageChops.multiply(image, tint)
    for place in faint:
        _underline(marked, place)
    bounds = area.getbbox()
    if bounds:
        # with a rim of nothing, so that what touches the edge of the page has its line there too
        whole = Image.new("L", (area.width + 2 * LINE, area.height + 2 * LINE))
        whole.paste(area, (LINE, LINE))
        left, top, right, bottom = bounds
        around = whole.crop((left, top, right + 2 * LINE, bottom + 2 * LINE))
        outline = ImageChops.subtract(around, around.filter(ImageFilter.MinFilter(2 * LINE + 1)))
        marked.paste(EDGE, (left - LINE, top - LINE), outline)
    return marked


def pixels(box: Box, size: tuple[int, int]) -> Pixels:
    """Return the pixels of a box with some room: left, top, right, bottom, all within it."""
    width, height = size
    return (
        max(0, int(box.left * width) - ROOM),
        max(0, int(box.top * height) - ROOM),
        min(width - 1, int(box.right * width) + ROOM),
        min(height - 1, int(box.bottom * height) + ROOM),
    )


def _underline(image: "Image", place: Pixels) -> None:
    from PIL import ImageDraw

    left, _, right, bottom = place
    pen = ImageDraw.Draw(image)
    for start in range(left, right + 1, 2 * DASH):
        pen.rectangle((start, bottom - 1, min(start + DASH, right), bottom), fill=EDGE)
