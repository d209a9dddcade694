"""What stands around a quote, sentence by sentence: always slices of the document."""

from typing import Literal

from ketqa.store import Store
from ketqa.types import Evidence, Span

Side = Literal["before", "after"]
# A neighbour of more characters than this is not shown unasked.
MOST = 800


def around(store: Store, item: Evidence) -> Span:
    """Return the quote with a sentence of its passage on either side, where one is there."""
    spans = [sentence.span for sentence in store.sentences(item.passage.number)]
    start = max((span.start for span in spans if span.end <= item.span.start), default=None)
    end = min((span.end for span in spans if span.start >= item.span.end), default=None)
    return Span(
        item.span.doc_id,
        item.span.start if start is None or item.span.start - start > MOST else start,
        item.span.end if end is None or end - item.span.end > MOST else end,
    )


def next_sentence(store: Store, span: Span, side: Side) -> Span | None:
    """Return the slice from a span to the far end of its neighbouring sentence, if it has one.

    Raises:
        KeyError: There is no such document.
    """
    document = store.document(span.doc_id)
    sentences = [sentence.span for sentence in store.sentences_of(document.source.id)]
    if side == "before":
        starts = [other.start for other in sentences if other.end <= span.start]
        return Span(span.doc_id, starts[-1], span.start) if starts else None
    ends = [other.end for other in sentences if other.start >= span.end]
    return Span(span.doc_id, span.end, ends[0]) if ends else None
