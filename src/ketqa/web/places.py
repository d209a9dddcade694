"""What a request names -> a document, and a place in it; or a refusal that says why."""

from typing import Annotated

from fastapi import HTTPException, Query

from ketqa.store import Store
from ketqa.types import Document, Span
from ketqa.web.words import LANGUAGES

Language = Annotated[str, Query(pattern="^(" + "|".join(LANGUAGES) + ")$")]
Also = Annotated[list[str] | None, Query()]


def find_document(store: Store, doc_id: str) -> Document:
    """Return a document, or refuse with 404."""
    try:
        return store.document(doc_id)
    except KeyError:
        raise HTTPException(404, f"no document {doc_id}") from None


def read_span(document: Document, start: int | None, end: int | None) -> Span | None:
    """Return a place; None where none is named. Refuse one outside of the text with 422."""
    if start is None or end is None:
        return None
    if not 0 <= start < end <= len(document.text):
        raise HTTPException(422, f"it has characters 0 to {len(document.text)}")
    return Span(document.source.id, start, end)


def read_spans(document: Document, also: Also) -> list[Span]:
    """Return further places, each written start-end."""
    found = [read_span(document, *_pair(text)) for text in also or []]
    return [span for span in found if span]


def _pair(text: str) -> tuple[int, int]:
    try:
        start, end = map(int, text.split("-"))
    except ValueError:
        raise HTTPException(422, f"{text!r} is not start-end") from None
    return start, end
