"""The words of a notice, and whom to call in which country; all in help.toml."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from ketqa.notices.classify import Kind
from ketqa.types import Notice


@dataclass(frozen=True, slots=True)
class Help:
    """Whom to call in a country: for an ambulance, and for somebody to talk to."""

    country: str
    emergency: str
    crisis: str


def notice_for(kind: Kind, country: str | None = None) -> Notice:
    """Return the notice of a kind, with the numbers of a country (ISO 3166-1) where it is known."""
    return Notice(kind, " ".join(notice_lines(kind, country)))


def notice_lines(kind: Kind, country: str | None = None, language: str = "en") -> tuple[str, ...]:
    """Return the words of a notice, what to do first in the first line.

    Args:
        kind: What it is about.
        country: Whose numbers it names, ISO 3166-1; none where it is not known.
        language: Which language it speaks, ISO 639-1; English where it has no words for it.
    """
    every = _table()["words"]
    words = every.get(language, every["en"])
    if kind == "advice":
        return (words["advice"],)
    known = help_in(country)
    emergency = known.emergency if known else words["unknown_emergency"]
    crisis = known.crisis if known else words["unknown_crisis"]
    call = words["emergency"].format(emergency=emergency)
    talk = words["crisis"].format(crisis=crisis)
    return (call, words["emergency_more"], talk)


def help_in(country: str | None) -> Help | None:
    """Return whom to call in a country, ISO 3166-1; None where it is not known."""
    code = (country or "").upper()
    known = _table()["countries"].get(code)
    return Help(code, known["emergency"], known["crisis"]) if known else None


@cache
def _table() -> dict[str, Any]:
    text = files("ketqa.notices").joinpath("help.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


COUNTRIES = tuple(sorted(_table()["countries"]))
