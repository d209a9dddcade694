"""A turn of a chat -> the query that is searched. What was searched is always shown.

A question that leans on the one before it ("and how long did that last?") is searched
together with it, and with what came before that where it names no subject either; any other
stands alone. Misspelt words are searched as the corpus spells them, and words that mean the same
are added. Each change is told, and ``as_typed`` undoes them all.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ketqa.errors import QuestionError
from ketqa.types import Change, ChangeKind

# Room for a rambling account of somebody's pain, and far beyond what an encoder reads.
MAX_CHARACTERS = 2000
# Not text: control characters other than tab and line ends, lone surrogates.
BINARY = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
# A question of so few words names no subject of its own.
SHORT = 3
# How many questions back a subject is looked for.
DEEPEST = 8
LEANS = re.compile(
    r"^\W*(?:and|or|but|so|then|why|what about|how about|what else|who says)\b"
    r"|\b(?:it|its|they|them|their|those|these|this|he|she|his|her)\b",
    re.IGNORECASE,
)

# (as typed, as meant) for each misspelt word of a text
Spelling = Callable[[str], Sequence[tuple[str, str]]]
# what to add to a text
Expansion = Callable[[str], Sequence[Change]]


@dataclass(frozen=True, slots=True)
class Query:
    """What is searched, and what was changed to get there, in order."""

    text: str
    changes: tuple[Change, ...] = ()

    @property
    def added(self) -> str:
        """The words that were added, each once."""
        return self._after("abbreviation", "lay", "language")

    @property
    def translated(self) -> str:
        """Those of them that an English encoder needs: it knows everyday words by itself."""
        return self._after("abbreviation", "language")

    def _after(self, *kinds: ChangeKind) -> str:
        words = " ".join(change.after for change in self.changes if change.kind in kinds)
        return " ".join(dict.fromkeys(words.split()))


def unchanged(text: str) -> tuple[()]:  # noqa: ARG001, stands in for both of these
    """Find no misspelt word, and add nothing."""
    return ()


def check_question(question: str) -> str:
    """Return the question without outer white space.

    Raises:
        QuestionError: It is empty, too long, or not text.
    """
    if BINARY.search(question):
        raise QuestionError("this question holds bytes that are not text; type it in words")
    stripped = question.strip()
    if not any(unicodedata.category(character)[0] in "LN" for character in stripped):
        raise QuestionError("there is no question; type what you want to know, in your own words")
    if len(stripped) > MAX_CHARACTERS:
        raise QuestionError(
            f"this question has {len(stripped):,} characters; "
            f"ask in at most {MAX_CHARACTERS:,}, one thing at a time"
        )
    return stripped


def build_query(
    question: str,
    history: Sequence[str] = (),
    spell: Spelling = unchanged,
    expand: Expansion = unchanged,
) -> Query:
    """Return the query for a question.

    Args:
        question: In the person's own words.
        history: The earlier questions of its chat, oldest first.
        spell: Returns (as typed, as meant) for each misspelt word of a text.
        expand: Returns what to add to a text, once it is spelt and stands alone.

    Raises:
        QuestionError: A question is empty, too long, or not text.
    """
    text = check_question(question)
    meant = spell(text)
    changes = [Change("spelling", *pair) for pair in meant]
    text = _respelt(text, meant)
    if history and _leans(text):
        before = " ".join(_respelt(turn, spell(turn)) for turn in _subject(history))
        if len(before) + len(text) < MAX_CHARACTERS:
            changes.append(Change("follow-up", text, f"{before} {text}"))
            text = f"{before} {text}"
    return Query(text, (*changes, *expand(text)))


def _subject(history: Sequence[str]) -> Sequence[str]:
    """Return the last question, and those before it as long as it is too short for a subject."""
    turns = [check_question(turn) for turn in history[-DEEPEST:]]
    spoken = [number for number, turn in enumerate(turns) if len(turn.split()) > SHORT]
    return turns[spoken[-1] if spoken else 0 :]


def _respelt(text: str, pairs: Sequence[tuple[str, str]]) -> str:
    for typed, meant in pairs:
        text = re.sub(rf"\b{re.escape(typed)}\b", meant, text)
    return text


def _leans(question: str) -> bool:
    return len(question.split()) <= SHORT or LEANS.search(question) is not None
