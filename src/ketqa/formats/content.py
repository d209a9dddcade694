"""What a file holds once it is read: a canonical text, its places, and what it says of itself."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ketqa.types import Layout

WORD = re.compile(r"\w+")
BLANKS = re.compile(r"[ \t\r\n\f\v]+")
# What a document may say of itself, by the names of the fields of ``Source``.
STATED = ("title", "publisher", "author", "published", "url", "kind", "language", "licence")
# More is no article and no book, and would keep a small machine busy for hours.
MOST_CHARACTERS = 20_000_000


@dataclass(frozen=True, slots=True)
class Content:
    """One document as it was read.

    ``found`` are the fields of ``STATED`` that it states. ``aside`` holds the words of the file
    that are no part of the text (menus, running heads, lists of references). ``notes`` say what
    a curator should know, a sentence each. ``part`` names one of several documents in a file,
    and ``sha256`` is then of its own bytes.
    """

    text: str
    layout: Layout = field(default_factory=Layout)
    found: Mapping[str, str] = field(default_factory=dict)
    aside: str = ""
    notes: tuple[str, ...] = ()
    part: str | None = None
    sha256: str | None = None


class TextBuilder:
    """Puts a text together from paragraphs, and remembers where the headings are.

    Paragraphs are parted by an empty line; white space within one is a single blank, no-break
    spaces stay.
    """

    def __init__(self) -> None:
        """Begin with an empty text."""
        self._parts: list[str] = []
        self._length = 0
        self._headings: list[tuple[int, int]] = []

    def add(self, text: str, *, heading: bool = False) -> None:
        """Add a paragraph; nothing happens where it has no words."""
        lines = [BLANKS.sub(" ", line).strip(" ") for line in text.split(LINE_BREAK)]
        paragraph = "\n".join(line for line in lines if line)
        if not paragraph:
            return
        gap = "\n\n" if self._parts else ""
        start = self._length + len(gap)
        self._length = start + len(paragraph)
        self._parts += [gap, paragraph]
        if heading:
            self._headings.append((start, self._length))

    def text(self) -> str:
        """Return the text, with a line feed at its end."""
        return "".join(self._parts) + "\n" if self._parts else ""

    def layout(self, reader: str) -> Layout:
        """Return the layout of the text, as read by this library."""
        return Layout(reader=reader, headings=tuple(self._headings))


# Stands for a line break that the document asks for, as other white space is only typed.
LINE_BREAK = "\x0b"


def stated(**fields: str | None) -> dict[str, str]:
    """Return the fields that hold anything, white space collapsed, without zero bytes."""
    plain = {name: (value or "").replace("\0", "") for name, value in fields.items()}
    found = {name: BLANKS.sub(" ", value).strip() for name, value in plain.items()}
    return {name: value for name, value in found.items() if value}
