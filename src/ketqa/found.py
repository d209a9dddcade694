"""What a search found for a question, before anything is read."""

from dataclasses import dataclass

from ketqa.query import Query
from ketqa.reader import Asked
from ketqa.types import Hit, Notice


@dataclass(frozen=True, slots=True)
class Found:
    """A question halfway: its query, the passages that match it, best first.

    ``reply`` is what is said to a message that is no question; then ``hits`` is empty.
    ``took`` is the search's time in seconds.
    """

    question: str
    query: Query
    asked: Asked
    hits: list[Hit]
    notices: tuple[Notice, ...]
    reply: str | None
    took: float

    def timings_ms(self, read: float) -> dict[str, float]:
        """Return the milliseconds of each stage, with a reading that took so many seconds."""
        seconds = {"search": self.took, "read": read, "total": self.took + read}
        return {stage: time * 1000 for stage, time in seconds.items()}
