"""A text -> where the documents have it, word for word, or that they do not.

Contiguous text only: nothing is pieced together. In a corpus of up to ``SCANNED`` passages
every document is looked through; in a larger one the full-text engine first finds the
documents that have the text's rarest words near each other, and only those are looked through.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ketqa.errors import QuestionError
from ketqa.fold import INVISIBLE, FoldedText, fold
from ketqa.lexical import LexicalIndex, stems
from ketqa.query import BINARY
from ketqa.store import Store
from ketqa.types import VERSION, Document, Source, Span, place, source_dict

# A shorter text stands in many places by chance; a longer one is no quotation.
SHORTEST, LONGEST = 12, 10_000
MOST_PLACES = 20
# Up to so many passages, folding every text takes less than half a second on one core.
SCANNED = 3_000
# How many of its rarest words must stand near each other, and how few passages are enough.
RAREST, FEW = 4, 50
# A passage has more characters than this, or is one of very few that have not.
PASSAGE_CHARACTERS = 100
# A place inside a word or a number: in|effective, 0|.5, 0.|5, non|-responders, mg|/kg.
INSIDE = re.compile(
    r"(?<=\w)(?=\w)|(?<=\d)(?=[.,]\d)|(?<=\d[.,])(?=\d)|(?<=\w)(?=['’‐‑/-]\w)|(?<=\w['’‐‑/-])(?=\w)"
)
# What is not seen inside a word: soft hyphens, and hyphens at the end of a line.
UNSEEN = re.compile(rf"[\u00ad{INVISIBLE}]+|-[ \t]*\r?\n[ \t]*")

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Place:
    """One place of a text that was looked up.

    ``quote`` is what stands there, the document's own slice. ``whole_words`` is False where it
    begins or ends inside a word or a number: there it may say the opposite of its document.
    """

    match: Literal["exact", "equal"]
    span: Span
    quote: str
    source: Source
    whole_words: bool

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "match": self.match,
            "quote": self.quote,
            "span": place(self.span),
            "source": source_dict(self.source),
            "whole_words": self.whole_words,
        }


@dataclass(frozen=True, slots=True)
class Lookup:
    """What became of a text that was looked up.

    ``places`` has the exact places before the others, each in the order of the documents;
    ``more`` tells that there are more of them.
    """

    text: str
    places: tuple[Place, ...]
    more: bool
    searched: Mapping[str, int]
    index: str

    @property
    def status(self) -> Literal["exact", "equal", "absent"]:
        """Exact, character for character; equal after folding (``ketqa.fold``); or absent."""
        return self.places[0].match if self.places else "absent"

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, of the version it names."""
        return {
            "text": self.text,
            "status": self.status,
            "places": [found.to_dict() for found in self.places],
            "more": self.more,
            "searched": dict(self.searched),
            "index": self.index,
            "version": VERSION,
        }


def check_quote(text: str) -> str:
    """Return a text that can be looked up, without outer white space.

    Raises:
        QuestionError: It is too short, too long, or not text.
    """
    if BINARY.search(text):
        raise QuestionError("this quotation holds bytes that are not text; copy its words alone")
    stripped, length = text.strip(), len(fold(text))
    if length < SHORTEST:
        raise QuestionError(
            f"this quotation has {length} characters; give at least {SHORTEST}, "
            "a shorter one stands in many places by chance"
        )
    if len(stripped) > LONGEST:
        raise QuestionError(
            f"this quotation has {len(stripped):,} characters; give at most {LONGEST:,}"
        )
    return stripped


def find_places(text: str, store: Store, words: LexicalIndex) -> list[Place]:
    """Return up to ``MOST_PLACES`` + 1 places of a text, the exact ones first.

    Raises:
        QuestionError: It has only words that stand almost everywhere in a large corpus.
    """
    folded = fold(text)
    exact: list[Place] = []
    equal: list[Place] = []
    for doc_id in candidates(text, store, words):
        document = store.document(doc_id)
        exact += islice(_exact_places(text, document), MOST_PLACES + 1 - len(exact))
        if len(exact) > MOST_PLACES:
            break
        equal += islice(_equal_places(text, folded, document), MOST_PLACES + 1 - len(equal))
    return [*exact, *equal][: MOST_PLACES + 1]


def candidates(text: str, store: Store, words: LexicalIndex) -> Iterable[str]:
    """Return the ids of the documents that may have a text, in order.

    Raises:
        QuestionError: It has only words that stand almost everywhere in a large corpus.
    """
    if len(words) <= SCANNED:
        return store.document_ids()
    rare = _rarest(text, words)
    if not rare:
        raise QuestionError(
            "this quotation has only words that stand almost everywhere; give more of it"
        )
    reach = len(text) // PASSAGE_CHARACTERS + 1
    near = words.having(rare[0])
    for stem in rare[1:]:
        if len(near) <= FEW:
            break
        near = _within(near, words.having(stem), reach)
    return store.documents_of(near.tolist())


def _rarest(text: str, words: LexicalIndex) -> list[str]:
    """Return the rarest stems of the words that are certainly whole, the rarest first.

    The first and the last word may be cut; they count only where there is no other.
    """
    inner = stems(" ".join(text.split()[1:-1])) or stems(text)
    return sorted(set(inner), key=lambda stem: (-words.idf(stem), stem))[:RAREST]


def _within(numbers: Numbers, others: Numbers, reach: int) -> Numbers:
    """Return those of sorted numbers that have another one at most ``reach`` away."""
    after = np.searchsorted(others, numbers - reach)
    kept: Numbers = numbers[
        (after < len(others)) & (np.append(others, 0)[after] <= numbers + reach)
    ]
    return kept


def _exact_places(text: str, document: Document) -> Iterator[Place]:
    at = document.text.find(text)
    while at >= 0:
        yield _place("exact", document, at, at + len(text))
        at = document.text.find(text, at + 1)


def _equal_places(text: str, folded: str, document: Document) -> Iterator[Place]:
    if folded not in fold(document.text):
        return
    for start, end in FoldedText.of(document.text).find(folded):
        if document.text[start:end] != text:
            yield _place("equal", document, start, end)


def _place(match: Literal["exact", "equal"], document: Document, start: int, end: int) -> Place:
    text = document.text
    return Place(
        match=match,
        span=Span(document.source.id, start, end),
        quote=text[start:end],
        source=document.source,
        whole_words=not (_is_inside(text, start) or _is_inside(text, end)),
    )


def _is_inside(text: str, at: int) -> bool:
    """Tell whether a place lies inside a word or a number."""
    before = UNSEEN.sub("", text[max(0, at - 8) : at])
    after = UNSEEN.sub("", text[at : at + 8])
    return INSIDE.match(before + after, len(before)) is not None
