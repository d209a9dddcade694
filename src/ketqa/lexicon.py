"""A question -> words that mean the same and that the corpus uses.

Three kinds are added: the long form of an abbreviation and the reverse, the term for an
everyday word, the English for a word of another language. They come from lexicons/, from a
corpus's own lexicon.toml, and from the abbreviations that its documents define. A word of the
question is never taken away.
"""

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from ketqa.errors import CorpusError
from ketqa.lexical import root
from ketqa.models import hash_file
from ketqa.shipped import read_shipped
from ketqa.spelling import is_right
from ketqa.types import Change

LEXICON = "lexicon.toml"
# Those that have words in lexicons/, beside English.
LANGUAGES = ("de", "es", "fr", "it", "pt")
WORD = re.compile(r"[^\W_]+")
FIELDS = {"short", "long", "near", "cased"}
Kind = Literal["abbreviation", "lay", "language"]
Known = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Entry:
    """What is added for a phrase.

    ``near`` are roots of which one must stand in the question too, unless there are none;
    ``cased`` asks for the phrase's own capitals.
    """

    phrase: str
    added: str
    kind: Kind
    near: frozenset[str] = frozenset()
    cased: bool = False


class Lexicon:
    """Entries by the roots of their phrases' words."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        """Sort entries; of two for the same phrase both hold, unless they add the same."""
        self._entries: dict[tuple[str, ...], list[Entry]] = {}
        seen = set()
        for entry in entries:
            roots = _roots(entry.phrase)
            if (roots, _roots(entry.added)) not in seen:
                seen.add((roots, _roots(entry.added)))
                self._entries.setdefault(roots, []).append(entry)
        self._longest = max(map(len, self._entries), default=0)

    def expand(self, text: str, known: Known) -> list[Change]:
        """Return what to add to a question, each with the words that it is added for.

        Args:
            text: The question.
            known: Tells whether the corpus uses a word; what it does not use is not added.
        """
        words = list(WORD.finditer(text))
        roots = [root(word.group()) for word in words]
        found: list[Change] = []
        place = 0
        while place < len(words):
            length, entries = self._longest_at(roots, place)
            typed = text[words[place].start() : words[place + length - 1].end()]
            for entry in entries:
                added = " ".join(word for word in entry.added.split() if known(word))
                if added and _fits(entry, typed, roots) and not _stands(added, roots):
                    found.append(Change(entry.kind, typed, added))
            place += length
        return found

    def _longest_at(self, roots: Sequence[str], place: int) -> tuple[int, Sequence[Entry]]:
        for length in range(min(self._longest, len(roots) - place), 0, -1):
            entries = self._entries.get(tuple(roots[place : place + length]))
            if entries:
                return length, entries
        return 1, ()


def load_lexicon(own: Path, defined: Mapping[str, str]) -> Lexicon:
    """Return the English lexicon for a corpus.

    Args:
        own: The corpus's lexicon.toml, which need not be there.
        defined: The long form of each abbreviation that the documents define.

    Raises:
        CorpusError: The corpus's lexicon is not of the form.
    """
    table = read_lexicon(own) if own.exists() else {}
    forms = [
        {"short": short, "long": long, "cased": is_right(short.lower())}
        for short, long in defined.items()
    ]
    forms += [*_shipped("en")["abbreviation"], *table.get("abbreviation", [])]
    return Lexicon(
        [
            *(entry for form in forms for entry in _both_ways(form)),
            *_words("lay", {**_shipped("en")["lay"], **table.get("lay", {})}),
        ]
    )


@cache
def language_lexicon(language: str) -> Lexicon:
    """Return the English for the words of another language, ISO 639-1; empty for most."""
    return Lexicon(_words("language", _shipped(language) if language in LANGUAGES else {}))


def read_lexicon(file: Path) -> dict[str, Any]:
    """Read and check a corpus's lexicon.toml; docs/corpus.md tells its form.

    Raises:
        CorpusError: It is not of the form.
    """
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise CorpusError(f"{file}: cannot be read: {error}") from None
    for name in sorted(table.keys() - {"abbreviation", "lay"}):
        raise CorpusError(f"{file}: unknown table {name!r}; there are abbreviation and lay")
    forms, lay = table.get("abbreviation", []), table.get("lay", {})
    if not isinstance(forms, list) or not isinstance(lay, dict):
        raise CorpusError(f"{file}: write [[abbreviation]] for each abbreviation, and one [lay]")
    for form in forms:
        _check_form(form, file)
    for word, meant in lay.items():
        if not isinstance(meant, str):
            raise CorpusError(f"{file}: {word!r} must be given as text, not {meant!r}")
        if not _roots(word):
            raise CorpusError(f"{file}: {word!r} has no word in it")
    return table


def _check_form(form: Any, file: Path) -> None:  # noqa: ANN401, whatever stands in the file
    texts = isinstance(form, dict) and {"short", "long"} <= form.keys() <= FIELDS
    if not texts or not all(isinstance(form[name], str) for name in ("short", "long")):
        raise CorpusError(f"{file}: an abbreviation must have short and long, not {form!r}")
    near = form.get("near", [])
    if not isinstance(near, list) or not all(isinstance(word, str) for word in near):
        raise CorpusError(f"{file}: near must be a list of words, not {near!r}")
    if not _roots(form["short"]) or not _roots(form["long"]):
        raise CorpusError(f"{file}: there are no words in {form!r}")


def hash_lexicon(folder: Path) -> dict[str, str]:
    """Return the sha256 of a corpus's lexicon.toml, by its name, if there is one.

    Raises:
        CorpusError: It is not of the form.
    """
    file = folder / LEXICON
    if not file.exists():
        return {}
    read_lexicon(file)
    return {LEXICON: hash_file(file)}


def _both_ways(form: Mapping[str, Any]) -> Iterator[Entry]:
    short, long = form["short"], form["long"]
    near = frozenset(map(root, form.get("near", ())))
    yield Entry(short, long, "abbreviation", near, cased=form.get("cased", False))
    if len(long.split()) > 1:  # a single word is clear, and its short form mostly is not
        yield Entry(long, short, "abbreviation")


def _words(kind: Kind, table: Mapping[str, str]) -> list[Entry]:
    return [Entry(word, meant, kind) for word, meant in table.items()]


def _roots(text: str) -> tuple[str, ...]:
    return tuple(root(word) for word in WORD.findall(text))


def _fits(entry: Entry, typed: str, roots: Sequence[str]) -> bool:
    if entry.cased and typed != entry.phrase:
        return False
    return not entry.near or not entry.near.isdisjoint(roots)


def _stands(added: str, roots: Sequence[str]) -> bool:
    return set(_roots(added)) <= set(roots)


@cache
def _shipped(language: str) -> dict[str, Any]:
    return tomllib.loads(read_shipped(f"lexicons/{language}.toml").decode())
