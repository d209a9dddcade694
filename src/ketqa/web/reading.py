"""A document -> its text with quotes and headings marked; every part is a slice."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ketqa.store import Store
from ketqa.types import Document, Span

Role = Literal["text", "heading", "quote", "other", "page"]


@dataclass(frozen=True, slots=True)
class Part:
    """``text[start:end]`` of a document, and what it is.

    "quote" is the one that was opened. A "page" is empty, and stands where page ``number`` of
    the file begins.
    """

    text: str
    start: int
    end: int
    role: Role
    id: str = ""
    number: int = 0


def mark(
    document: Document, store: Store, opened: Span | None, others: Sequence[Span] = ()
) -> list[Part]:
    """Return a document in parts that join to its text.

    Args:
        document: What to read.
        store: Where its headings stand.
        opened: The quote to go to.
        others: Further quotes, marked more faintly; one that overlaps another is left out.
    """
    doc_id = document.source.id
    headings = [s.span for s in store.sentences_of(doc_id) if s.kind == "heading"]
    wanted: list[tuple[Span, Role]] = [(opened, "quote")] if opened else []
    wanted += [(span, "other") for span in others]
    wanted += [(span, "heading") for span in headings]
    chosen: list[tuple[Span, Role]] = []
    for span, role in wanted:
        if all(span.end <= taken.start or span.start >= taken.end for taken, _ in chosen):
            chosen.append((span, role))
    parts = _cut(document.text, sorted(chosen, key=lambda marked: marked[0].start))
    return list(_with_pages(parts, document.layout.pages))


def _cut(text: str, marks: Sequence[tuple[Span, Role]]) -> list[Part]:
    parts: list[Part] = []
    place = 0
    for span, role in marks:
        if span.start > place:
            parts.append(Part(text[place : span.start], place, span.start, "text"))
        name = "quote" if role == "quote" else f"at-{span.start}"
        parts.append(Part(text[span.start : span.end], span.start, span.end, role, name))
        place = span.end
    if place < len(text):
        parts.append(Part(text[place:], place, len(text), "text"))
    return parts


def _with_pages(parts: Sequence[Part], pages: Sequence[int]) -> Iterator[Part]:
    """Cut running text where a page begins; a quote is left whole, the page follows it."""
    waiting = deque(enumerate(pages, 1))
    for part in parts:
        start = part.start
        while part.role == "text" and waiting and start <= waiting[0][1] < part.end:
            number, place = waiting.popleft()
            if place > start:
                yield Part(part.text[start - part.start : place - part.start], start, place, "text")
            yield Part("", place, place, "page", f"page-{number}", number)
            start = place
        yield replace(part, text=part.text[start - part.start :], start=start)
        while waiting and waiting[0][1] < part.end:
            number, place = waiting.popleft()
            yield Part("", part.end, part.end, "page", f"page-{number}", number)
