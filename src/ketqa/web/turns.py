"""A chat <-> the page's address: ``?q=first&q=second``, with ``x`` for words searched as typed.

The address is the chat's only record: it can be shared, kept by the browser, and gone back to.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from ketqa.talk import reply_to, split_questions

# The page answers so many of an address's questions, the last ones.
MOST_TURNS = 30


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a chat, and whether exactly its words are searched."""

    question: str
    as_typed: bool = False


def read_address(search: str) -> list[Turn]:
    """Return the turns of an address's query, ``?q=...``; whatever else it holds is left out."""
    pairs = parse_qsl(search.removeprefix("?"), keep_blank_values=False)
    turns = [Turn(value.strip(), name == "x") for name, value in pairs if name in ("q", "x")]
    return [turn for turn in turns if turn.question][-MOST_TURNS:]


def write_address(turns: Sequence[Turn]) -> str:
    """Return the query of the address that brings these turns again."""
    return "?" + urlencode([("x" if turn.as_typed else "q", turn.question) for turn in turns])


def history(turns: Sequence[Turn]) -> list[str]:
    """Return the questions of earlier turns, without greetings and the like, oldest first."""
    asked: list[str] = []
    for turn in turns:
        for part in split_questions(turn.question):
            if reply_to(part, follows=bool(asked)) is None:
                asked.append(part)
    return asked
