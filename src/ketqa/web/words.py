"""The page's own words in four languages; all stand in words.toml."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

# In the order in which they are offered, each by its own name.
LANGUAGES = {"en": "English", "es": "Español", "de": "Deutsch", "fr": "Français"}
# What stands between the thousands.
THOUSANDS = {"en": ",", "es": ".", "de": ".", "fr": "\u202f"}


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one language, by their keys."""

    language: str

    def __call__(self, key: str, **values: object) -> str:
        """Return some words, with values put in; numbers are written as the language does."""
        shown = {name: self.number(value) for name, value in values.items()}
        return str(_table()[key][self.language]).format(**shown)

    def count(self, noun: str, number: int) -> str:
        """Return a number with its noun: ``1 quote``, ``1,200 quotes``."""
        table = _table()[noun]
        words = table["one"] if number == 1 else table
        return str(words[self.language]).format(n=self.number(number))

    def number(self, value: object) -> object:
        """Return a whole number with its thousands set apart; anything else as it is."""
        if not isinstance(value, int):
            return value
        return f"{value:,}".replace(",", THOUSANDS[self.language])

    def curated(self, field: str, text: str) -> str:
        """Return what a curator wrote in a field, kind or interest, in this language if known."""
        known: dict[str, str] = _table()[field].get(text, {})
        return known.get(self.language, text)

    def all(self, *keys: str) -> dict[str, str]:
        """Return the words of some keys, nothing put in, for the page's own script."""
        return {key: str(_table()[key][self.language]) for key in keys}


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(files("ketqa.web").joinpath("words.toml").read_text(encoding="utf-8"))
