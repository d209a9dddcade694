"""The printed lines of pages -> a text with paragraphs and headings, running heads set aside.

A line is kept as it was printed, with its hyphen; lines of a paragraph are parted by a line
feed, paragraphs by an empty line.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from ketqa.formats.content import WORD
from ketqa.types import Layout

# So many lines at the top and at the bottom of a page may be running heads or page numbers.
EDGE = 2
# They are, when they stand on this share of the pages: right and left pages may differ.
ON_PAGES = 0.3
FEWEST_PAGES = 3
# Points within which lines of different pages count as equally high.
SAME_HEIGHT = 4
# A paragraph begins where the room between two lines grows by this share of the letters' size.
MORE_ROOM = 0.35
# Letters that differ less have the same size.
SAME_SIZE = 0.08
HEADING_WORDS = 25
STOP = re.compile(r"[.!?…:;,][\"'”’»)\]\d]*\s*\Z")
DIGITS = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Line:
    """A printed line: each letter with its number on the page, and the box around them.

    The box is in points from the lower left corner; ``size`` is that of the letters, in points.
    """

    text: str
    letters: tuple[int, ...]
    left: float
    bottom: float
    right: float
    top: float
    size: float
    bold: bool


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a line begins in the text, and the page, counted from 0, that it is on."""

    start: int
    page: int
    line: Line


@dataclass(frozen=True, slots=True)
class Composed:
    """The text of all pages, with the place of each of its lines, and what was set aside."""

    text: str
    layout: Layout
    placed: tuple[Placed, ...]
    aside: str


def compose(pages: Sequence[Sequence[Line]], reader: str) -> Composed:
    """Put the lines of all pages together."""
    heads = _running_heads(pages)
    kept = [
        (page, line)
        for page, lines in enumerate(pages)
        for number, line in enumerate(lines)
        if number not in heads[page]
    ]
    aside = [
        lines[number].text for lines, gone in zip(pages, heads, strict=True) for number in gone
    ]
    room = _usual_room(kept)
    parts: list[str] = []
    placed: list[Placed] = []
    length = 0
    for number, (page, line) in enumerate(kept):
        if number:
            part = _parting(kept[number - 1], (page, line), room)
            parts.append(part)
            length += len(part)
        placed.append(Placed(length, page, line))
        parts.append(line.text)
        length += len(line.text)
    text = "".join(parts) + "\n" if parts else ""
    layout = Layout(
        reader=reader,
        pages=tuple(_page_starts(placed, len(pages), len(text))),
        headings=tuple(_headings(text, placed)),
        wrapped=True,
    )
    return Composed(text, layout, tuple(placed), "\n".join(dict.fromkeys(aside)))


def _running_heads(pages: Sequence[Sequence[Line]]) -> list[list[int]]:
    """Return, for each page, the numbers of its lines that stand on many pages."""
    edges = [_edges(lines) for lines in pages]
    counted = Counter(
        key
        for lines, edge in zip(pages, edges, strict=True)
        for key in {_key(lines[number]) for number in edge}
    )
    least = max(FEWEST_PAGES, ON_PAGES * len(pages))
    return [
        [number for number in edge if counted[_key(lines[number])] >= least]
        for lines, edge in zip(pages, edges, strict=True)
    ]


def _edges(lines: Sequence[Line]) -> list[int]:
    """Return the numbers of the highest and lowest lines of a page, in order."""
    by_height = sorted(range(len(lines)), key=lambda number: -lines[number].top)
    return sorted({*by_height[:EDGE], *by_height[-EDGE:]})


def _key(line: Line) -> tuple[str, int]:
    """Return what running heads share: their words, but for numbers, and their height."""
    return DIGITS.sub("#", line.text).casefold().strip(), round(line.bottom / SAME_HEIGHT)


def _usual_room(kept: Sequence[tuple[int, Line]]) -> float:
    """Return the usual room between two lines as a share of the letters' size."""
    rooms = [
        (above.bottom - below.top) / above.size
        for (page, above), (next_page, below) in pairwise(kept)
        if page == next_page and below.top < above.top and _alike(above, below)
    ]
    return median(rooms) if rooms else 0.0


def _alike(line: Line, other: Line) -> bool:
    return line.bold == other.bold and abs(line.size - other.size) <= SAME_SIZE * line.size


def _parting(before: tuple[int, Line], after: tuple[int, Line], room: float) -> str:
    """Return what stands between two lines: a line feed, or an empty line."""
    (page, above), (next_page, below) = before, after
    if above.text.endswith("-"):
        return "\n"
    if not _alike(above, below):
        return "\n\n"
    if page != next_page or below.top > above.top:
        return "\n\n" if STOP.search(above.text) else "\n"
    wide = (above.bottom - below.top) / above.size > room + MORE_ROOM
    return "\n\n" if wide else "\n"


def _page_starts(placed: Sequence[Placed], pages: int, end: int) -> Iterator[int]:
    """Yield where each page begins; one without a line begins where the next does."""
    first: dict[int, int] = {}
    for item in placed:
        first.setdefault(item.page, item.start)
    starts = [first.get(page) for page in range(pages)]
    following = end
    for number in range(pages - 1, -1, -1):
        start = starts[number]
        following = following if start is None else start
        starts[number] = following
    yield from (0 if number == 0 else start or 0 for number, start in enumerate(starts))


def _headings(text: str, placed: Sequence[Placed]) -> Iterator[tuple[int, int]]:
    """Yield the places of paragraphs in larger or bold letters that end without a full stop."""
    letters: Counter[float] = Counter()
    for item in placed:
        letters[round(item.line.size, 1)] += len(item.line.text)
    body = letters.most_common(1)[0][0] if letters else 0.0
    for paragraph in _paragraphs(text, placed):
        start, end = paragraph[0].start, paragraph[-1].start + len(paragraph[-1].line.text)
        words = text[start:end]
        large = all(item.line.size > body * (1 + SAME_SIZE) for item in paragraph)
        bold = all(item.line.bold for item in paragraph)
        short = len(WORD.findall(words)) <= HEADING_WORDS
        if (large or bold) and short and not STOP.search(words):
            yield start, end


def _paragraphs(text: str, placed: Sequence[Placed]) -> Iterator[list[Placed]]:
    paragraph: list[Placed] = []
    for item in placed:
        if paragraph and text[item.start - 2 : item.start] == "\n\n":
            yield paragraph
            paragraph = []
        paragraph.append(item)
    if paragraph:
        yield paragraph
