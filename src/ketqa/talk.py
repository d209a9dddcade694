"""Messages that are no question, or several: greetings, other languages, two things at once.

What is said to them stands in talk.toml.
"""

import re
import tomllib
from collections.abc import Collection
from functools import cache
from importlib.resources import files
from typing import Any

from ketqa.language import identify
from ketqa.notices.classify import fold

KINDS = ("hello", "thanks", "about", "unclear")
# Below this probability nothing is said about a message's language.
SURE = 0.5
# A question, with whatever was said before it; or what is said after the last.
PIECE = re.compile(r"[^?？]+[?？]*")
LEAST_WORDS, MOST_QUESTIONS = 3, 5


def reply_to(message: str, *, follows: bool) -> str | None:
    """Return what to say to a greeting, to thanks, and the like; None to a question.

    Args:
        message: The whole message; only one that is nothing else counts.
        follows: Whether a question came before it: then "why?" is clear.
    """
    said = re.sub(r"[^\w ]+", "", fold(message)).strip()
    kinds = KINDS[:-1] if follows else KINDS
    return next((_table()[kind]["reply"] for kind in kinds if said in _phrases(kind)), None)


def language_reply(message: str, served: Collection[str]) -> str | None:
    """Return what to say, in its own language, to a message that cannot be searched.

    Args:
        message: What was asked.
        served: The languages that can be searched, ISO 639-1.
    """
    language, probability = identify(message)
    words = _table()["language"].get(language)
    if language in served or probability < SURE or words is None:
        return None
    names = [_table()["names"].get(code, code) for code in sorted(served)]
    return str(words.format(languages=", ".join(names)))


def split_questions(message: str) -> list[str]:
    """Return the questions of a message, each with what was said before it, at most 5.

    A message of one question, or of none, is left whole; so is one of more than 5.
    """
    pieces = PIECE.findall(message)
    rest = pieces.pop() if pieces and pieces[-1][-1] not in "?？" else ""
    parts = [part.strip() for part in pieces]
    short = any(len(part.split()) < LEAST_WORDS for part in parts)
    if not 1 < len(parts) <= MOST_QUESTIONS or short or len(rest.split()) >= LEAST_WORDS:
        return [message]
    return parts


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(files("ketqa").joinpath("talk.toml").read_text(encoding="utf-8"))


@cache
def _phrases(kind: str) -> frozenset[str]:
    return frozenset(_table()[kind]["phrases"])
