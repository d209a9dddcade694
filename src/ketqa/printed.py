"""A document -> its pages as they are printed, as long as its file is the one that was indexed.

The file is found by what the index recorded of it, and drawn in a process of its own.
"""

from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from ketqa.errors import CorpusError, PageNotShown
from ketqa.files import read_bytes
from ketqa.formats import MOST_BYTES
from ketqa.formats.marked import Picture, Sheet
from ketqa.formats.sandbox import Sandbox
from ketqa.types import Document, Span

# A page takes a tenth of a second; somebody waits for it.
SECONDS = 10.0
# Pictures that are kept, of some hundred KB each.
KEPT = 16
# When a file was last written to, in nanoseconds, and its size: while these stay, so does it.
Stamp = tuple[int, int]


class Printed:
    """Draws pages of the documents in a folder; safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        """Say where the documents lie."""
        self._folder = folder
        self._drawn = lru_cache(maxsize=KEPT)(self._draw)
        self._same = lru_cache(maxsize=1024)(self._is_same)

    def check(self, document: Document) -> None:
        """See whether a document's file is the one that was indexed.

        Raises:
            PageNotShown: It is not.
        """
        source = document.source
        self._same(source.file, source.sha256, self._stamp(source.file))

    def draw(
        self, document: Document, page: int, quote: Span | None, others: Sequence[Span] = ()
    ) -> Picture:
        """Draw a page, counted from 1, with a quote marked and others more faintly.

        Raises:
            PageNotShown: The file is gone or another one now, or its page cannot be drawn.
        """
        source, sheet = document.source, _sheet(document, page, quote, others)
        return self._drawn(source.file, source.sha256, sheet, self._stamp(source.file))

    def _draw(self, file: str, expected: str, sheet: Sheet, _: Stamp) -> Picture:
        data = self._read(file, expected)
        try:
            with Sandbox(SECONDS) as sandbox:
                return sandbox.draw(data, file, sheet)
        except CorpusError as error:
            raise PageNotShown("undrawn", str(error)) from None

    def _is_same(self, file: str, expected: str, _: Stamp) -> bool:
        return bool(self._read(file, expected))

    def _read(self, file: str, expected: str) -> bytes:
        try:
            data = read_bytes(self._folder, file, MOST_BYTES["pdf"])
        except CorpusError as error:
            raise PageNotShown("gone", str(error)) from None
        if sha256(data).hexdigest() != expected:
            raise PageNotShown("changed", f"{file}: is not the file that was indexed")
        return data

    def _stamp(self, file: str) -> Stamp:
        try:
            status = (self._folder / file).stat()
        except OSError as error:
            raise PageNotShown("gone", f"{file}: cannot be read: {error.strerror}") from None
        return status.st_mtime_ns, status.st_size


def _sheet(document: Document, page: int, quote: Span | None, others: Sequence[Span]) -> Sheet:
    """Return a page with the places on it, counted from where its text begins."""
    bounds = [*document.layout.pages, len(document.text)]
    low, high = bounds[page - 1], bounds[page]
    places = [
        (max(span.start, low) - low, min(span.end, high) - low) if span else (0, 0)
        for span in (quote, *others)
    ]
    first, *rest = [(start, end) if start < end else None for start, end in places]
    shown = tuple(place for place in rest if place and not _overlap(place, first))
    return Sheet(page, document.text[low:high], first, shown)


def _overlap(place: tuple[int, int], other: tuple[int, int] | None) -> bool:
    return other is not None and place[0] < other[1] and other[0] < place[1]
