"""An answer -> its quotes, each with all that is known of it, for a framework's metadata."""

from collections.abc import Iterator
from typing import Any

from ketqa.types import Answer, Evidence


def quotes_of(answer: Answer, *, related: bool) -> Iterator[tuple[Evidence, dict[str, Any]]]:
    """Yield each quote with its JSON, less the quote itself, and with the answer's status.

    Args:
        answer: What was answered.
        related: Whether to yield, where nothing answers, what lies nearest.
    """
    for item in answer.evidence or (answer.related if related else ()):
        about = {**item.to_dict(), "status": answer.status, "index": answer.index}
        about.pop("quote")
        yield item, about


def quote_id(item: Evidence) -> str:
    """Return the same name for the same place: its document, start and end."""
    return f"{item.span.doc_id}:{item.span.start}-{item.span.end}"
