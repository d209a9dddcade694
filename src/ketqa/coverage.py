"""What a corpus is made of: how many documents of which kind, how old, and what it lacks."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from ketqa.types import Source

# What stands highest as evidence in medicine, and is looked for by the names of kinds.
STRONGEST = ("guideline", "systematic review")


@dataclass(frozen=True, slots=True)
class Coverage:
    """``kinds`` come most frequent first, None for documents whose kind is not known.

    ``newest`` is the year of the newest document that states its date; ``undated`` counts those
    that do not, ``selling`` those whose publisher has a commercial interest. ``missing`` are the
    kinds of ``STRONGEST`` that no document has.
    """

    documents: int
    kinds: tuple[tuple[str | None, int], ...]
    newest: str | None
    undated: int
    selling: int
    missing: tuple[str, ...]


def cover(sources: Iterable[Source]) -> Coverage:
    """Return what these documents cover."""
    known = list(sources)
    kinds = Counter(source.kind for source in known)
    years = [source.published[:4] for source in known if source.published]
    return Coverage(
        documents=len(known),
        kinds=tuple(sorted(kinds.items(), key=lambda kind: (-kind[1], kind[0] or "~"))),
        newest=max(years, default=None),
        undated=len(known) - len(years),
        selling=sum(source.interest is not None for source in known),
        missing=tuple(
            kind for kind in STRONGEST if not any(kind in (name or "").lower() for name in kinds)
        ),
    )
