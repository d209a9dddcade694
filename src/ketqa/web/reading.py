"""A document -> its text with quotes and headings marked; every part is a slice."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ketqa.store import Store
from ketqa.types import Document, Span

Role = Literal["text", "heading", "quote", "other"]


@dataclass(frozen=True, slots=True)
class Part:
    """``text[start:end]`` of a document, and what it is: "quote" is the one that was opened."""

    text: str
    start: int
    end: int
    role: Role
    id: str = ""


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
    return _cut(document.text, sorted(chosen, key=lambda marked: marked[0].start))


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
