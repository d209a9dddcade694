"""The words of a notice, and whom to call in which country; all in help.toml."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from ketqa.notices.classify import Kind
from ketqa.types import Notice


def notice_for(kind: Kind, country: str | None = None) -> Notice:
    """Return the notice of a kind, with the numbers of a country (ISO 3166-1) where it is known."""
    table = _table()
    words = table["words"]
    if kind == "advice":
        return Notice("advice", words["advice"])
    known = table["countries"].get((country or "").upper(), {})
    call = words["emergency"].format(emergency=known.get("emergency", words["unknown_emergency"]))
    talk = words["crisis"].format(crisis=known.get("crisis", words["unknown_crisis"]))
    return Notice("emergency", f"{call} {words['emergency_more']} {talk}")


@cache
def _table() -> dict[str, Any]:
    text = files("ketqa.notices").joinpath("help.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


COUNTRIES = tuple(sorted(_table()["countries"]))
