"""Why a quote was chosen: where each stage put it."""

from dataclasses import dataclass

from ketqa.found import Found
from ketqa.types import Evidence


@dataclass(frozen=True, slots=True)
class Why:
    """Ranks from 1 among the ``of`` passages that were read.

    ``meaning`` is the rank of the quote's passage by meaning, ``words`` by words shared with the
    query, None where it shares none; ``passage`` by all together. ``quote`` is the rank of the
    quote's best sentence by the reader.
    """

    of: int
    meaning: int
    words: int | None
    passage: int
    quote: int


def explain(found: Found, item: Evidence) -> Why | None:
    """Return why a quote stands in the answer to what was found; None if it was not from there."""
    hit = next((hit for hit in found.hits if hit.passage.number == item.passage.number), None)
    if hit is None:
        return None
    return Why(
        of=len(found.hits),
        meaning=1 + sum(other.dense > hit.dense for other in found.hits),
        words=1 + sum(other.lexical > hit.lexical for other in found.hits) if hit.lexical else None,
        passage=hit.rank,
        quote=item.rank,
    )
