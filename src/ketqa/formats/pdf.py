"""A PDF -> its text, page by page; a page of it -> a picture, and the boxes of places on it.

pdfium tells the letters and where they stand. A PDF that holds only pictures of pages is
refused: it has no words to quote until somebody lets a program read them.
"""

import ctypes
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from math import sqrt
from threading import Lock
from typing import TYPE_CHECKING, Any

from ketqa.errors import CorpusError
from ketqa.formats.content import MOST_CHARACTERS, Content, stated
from ketqa.formats.pages import Composed, Line, compose

if TYPE_CHECKING:
    from PIL.Image import Image

# More than the longest handbooks have.
MOST_PAGES = 5_000
# With more unknown letters than this the words are guesswork.
MOST_UNKNOWN = 0.1
BOLD = 600
SAMPLE = 5
# Titles that programs write when nobody gave one.
NO_TITLE = ("microsoft word", "untitled", "powerpoint", "slide 1", "document1")
PROGRAMS = (
    ".doc",
    ".docx",
    ".pdf",
    ".indd",
    ".qxd",
    ".tex",
    ".dvi",
    ".rtf",
    ".odt",
    ".ppt",
    ".pptx",
)
NO_BREAK_SPACE = "\u00a0"
LINE_FEED, RETURN = 0xA, 0xD
# How pdfium writes a hyphen at the end of a line, and a letter that it does not know.
HYPHENS = {0x2, 0xFFFE}
UNKNOWN = {0, 0xFFFD, *range(0xD800, 0xE000)}
NAMED = 5
# A picture of a page: as wide as a phone of many dots shows, and no more than a few MB.
WIDTH, MOST_PIXELS = 1200, 4_000_000

# pdfium must not be called from two threads at once.
_pdfium = Lock()


@dataclass(frozen=True, slots=True)
class Box:
    """A place on a page: shares of its width and height, 0..1 from the top left."""

    left: float
    top: float
    right: float
    bottom: float


def read_pdf(data: bytes, file: str) -> Content:
    """Read a PDF.

    Raises:
        CorpusError: It is broken, locked, too long, or holds no words but pictures of them.
    """
    with _opened(data, file) as document:
        pages = len(document)
        if pages > MOST_PAGES:
            raise CorpusError(
                f"{file}: has {pages:,} pages, at most {MOST_PAGES:,} are read; split it"
            )
        composed, unknown = _compose(document, file)
        found = _found(document)
    if not composed.text:
        raise CorpusError(
            f"{file}: a scan: pictures of {pages:,} pages and not a word of text; let a program "
            "for text recognition (OCR) read it, and use what it writes"
        )
    if unknown > MOST_UNKNOWN * len(composed.text):
        raise CorpusError(
            f"{file}: {unknown:,} of its letters have no known meaning (its fonts do not say); "
            "let a program for text recognition (OCR) read it, and use what it writes"
        )
    empty = sorted(set(range(pages)) - {item.page for item in composed.placed})
    notes = [f"no text on {_name_pages(empty)}; are they pictures?"] if empty else []
    if unknown:
        notes.append(f"{unknown:,} letters have no known meaning and were left out")
    return Content(composed.text, composed.layout, found, composed.aside, tuple(notes))


def picture_page(
    data: bytes, file: str, page: int, text: str, places: Sequence[tuple[int, int]]
) -> tuple["Image", list[list[Box]]]:
    """Draw a page as it is printed, and find places of its text on it.

    Args:
        data: The PDF's bytes.
        file: Its name, for messages.
        page: The page, counted from 1.
        text: The part of the canonical text that is on it.
        places: Half-open places in this part.

    Returns:
        The picture, and for each place its boxes, one a printed line.

    Raises:
        CorpusError: It cannot be read, or its page does not read like the text.
    """
    with _opened(data, file) as document:
        sheet = document[page - 1]
        words = sheet.get_textpage()
        placed = list(_placed(_lines(words)[0], text, f"{file}, page {page}"))
        boxes = [
            [
                _box(sheet, words, line.letters[low:high])
                for at, line in placed
                for low, high in [(max(0, start - at), max(0, end - at))]
                if line.letters[low:high]
            ]
            for start, end in places
        ]
        width, height = sheet.get_size()
        scale = min(WIDTH / width, sqrt(MOST_PIXELS / (width * height)))
        image: Image = sheet.render(scale=scale).to_pil().convert("RGB")
    return image, boxes


@contextmanager
def _opened(data: bytes, file: str) -> Iterator[Any]:
    import pypdfium2

    with _pdfium:
        try:
            document = pypdfium2.PdfDocument(data)
        except pypdfium2.PdfiumError as error:
            locked = "password" in str(error).lower()
            reason = (
                "has a password; save it without one" if locked else "a damaged PDF; get it again"
            )
            raise CorpusError(f"{file}: {reason}") from None
        try:
            yield document
        except pypdfium2.PdfiumError as error:
            raise CorpusError(f"{file}: a damaged PDF ({error}); get it again") from None
        finally:
            document.close()


def _compose(document: Any, file: str) -> tuple[Composed, int]:
    """Return the text of all pages, and how many letters have no known meaning."""
    pages: list[list[Line]] = []
    unknown = length = 0
    for page in document:
        words = page.get_textpage()
        lines, lost = _lines(words)
        pages.append(lines)
        unknown += lost
        length += sum(len(line.text) for line in lines)
        words.close()
        page.close()
        if length > MOST_CHARACTERS:
            raise CorpusError(f"{file}: holds more than {MOST_CHARACTERS:,} characters; split it")
    return compose(pages, f"pypdfium2 {version('pypdfium2')}"), unknown


def _lines(page: Any) -> tuple[list[Line], int]:
    """Return the printed lines of a page, and how many letters have no known meaning."""
    from pypdfium2 import raw

    lines: list[Line] = []
    text: list[str] = []
    letters: list[int] = []
    unknown = 0
    count = page.count_chars()
    for number in range(count + 1):
        code = raw.FPDFText_GetUnicode(page.raw, number) if number < count else LINE_FEED
        if code in UNKNOWN:
            unknown += 1
        elif code not in {LINE_FEED, RETURN}:
            text.append("-" if code in HYPHENS else _letter(code))
            letters.append(number)
        if (code == LINE_FEED or code in HYPHENS) and text:
            lines += _line(page, "".join(text), letters)
            text, letters = [], []
    return lines, unknown


def _letter(code: int) -> str:
    letter = chr(code)
    return letter if letter.isprintable() or letter == NO_BREAK_SPACE else " "


def _line(page: Any, text: str, letters: list[int]) -> Iterator[Line]:
    """Yield the line without blanks at its ends, or nothing where it is blank."""
    from pypdfium2 import raw

    low, high = len(text) - len(text.lstrip()), len(text.rstrip())
    if low >= high:
        return
    inked = [number for number, letter in zip(letters, text, strict=True) if letter != " "]
    # letters all along the line: a word of another font or size in it changes nothing
    sample = [inked[share * (len(inked) - 1) // (SAMPLE - 1)] for share in range(SAMPLE)]
    ends = [_rectangle(page, number) for number in (inked[0], inked[-1])]
    yield Line(
        text=text[low:high],
        letters=tuple(letters[low:high]),
        left=min(end[0] for end in ends),
        bottom=min(end[1] for end in ends),
        right=max(end[2] for end in ends),
        top=max(end[3] for end in ends),
        size=max(1.0, *(raw.FPDFText_GetFontSize(page.raw, number) for number in sample)),
        bold=all(raw.FPDFText_GetFontWeight(page.raw, number) >= BOLD for number in sample),
    )


def _rectangle(page: Any, letter: int) -> tuple[float, float, float, float]:
    """Return (left, bottom, right, top) of a letter with the room above and below it, in points."""
    box = page.get_charbox(letter, loose=True)
    return (box[0], box[1], box[2], box[3])


def _placed(lines: Sequence[Line], text: str, where: str) -> Iterator[tuple[int, Line]]:
    """Yield the printed lines that a page's text is made of, with where they begin in it.

    Running heads are printed and no part of the text.
    """
    printed = iter(lines)
    start = 0
    for words in text.split("\n"):
        if words:
            line = next((line for line in printed if line.text == words), None)
            if line is None:
                raise CorpusError(f"{where}: reads otherwise than it did; run: ketqa index")
            yield start, line
        start += len(words) + 1


def _box(sheet: Any, words: Any, letters: Sequence[int]) -> Box:
    """Return the box around neighbouring letters of a line."""
    from pypdfium2 import raw

    sides = [_rectangle(words, number) for number in letters]
    x, y = ctypes.c_int(), ctypes.c_int()
    corners = []
    # in steps of a hundred-thousandth, turned as the page is turned
    fine = 100_000
    for left, height in (
        (min(s[0] for s in sides), min(s[1] for s in sides)),
        (max(s[2] for s in sides), max(s[3] for s in sides)),
    ):
        raw.FPDF_PageToDevice(sheet.raw, 0, 0, fine, fine, 0, left, height, x, y)
        corners.append((x.value / fine, y.value / fine))
    (one, two), (three, four) = corners
    return Box(min(one, three), min(two, four), max(one, three), max(two, four))


def _found(document: Any) -> dict[str, str]:
    """Return what the file's properties state; when it was made is not when it was published."""
    title, author = _property(document, "Title"), _property(document, "Author")
    named = not title.lower().startswith(NO_TITLE) and not title.lower().endswith(PROGRAMS)
    return stated(title=title if named else None, author=author)


def _property(document: Any, name: str) -> str:
    """Return a property; nothing where it holds half a character."""
    try:
        return str(document.get_metadata_value(name)).strip()
    except UnicodeDecodeError:
        return ""


def _name_pages(numbers: list[int]) -> str:
    """Name pages, given from 0, as people count them: "pages 1, 2 and 5 more"."""
    names = [str(number + 1) for number in numbers[:NAMED]]
    more = f" and {len(numbers) - NAMED:,} more" if len(numbers) > NAMED else ""
    return f"page{'s' if len(numbers) > 1 else ''} {', '.join(names)}{more}"
