"""Texts -> the abbreviations that they define, such as "chronic migraine (CM)".

The method of Schwartz & Hearst, Pacific Symposium on Biocomputing 2003: the letters of the
short form are looked for from the right in the words before the bracket, and the first of them
must begin a word.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping

BRACKET = re.compile(r"\(([^()\n]{2,40}?)(?:[;,][^()\n]*)?\)")
SHORT = re.compile(r"[^\W_][\w/&.+-]{1,9}$")
WORDS_BEFORE = 12


# How often each long form stands for each short form.
Definitions = Mapping[str, Mapping[str, int]]


def count_definitions(texts: Iterable[str]) -> Definitions:
    """Return how often texts define each short form as each long form, in lower case."""
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for text in texts:
        for short, long in find_definitions(text):
            found[short][long.lower()] += 1
    return found


def find_abbreviations(definitions: Iterable[Definitions]) -> Mapping[str, str]:
    """Return the long form that most often stands for each short form."""
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for part in definitions:
        for short, longs in part.items():
            found[short].update(longs)
    return {
        short: min(longs, key=lambda long: (-longs[long], long))
        for short, longs in sorted(found.items())
    }


def find_definitions(text: str) -> Iterator[tuple[str, str]]:
    """Yield (short form, long form) of each definition of a text, in order."""
    for match in BRACKET.finditer(text):
        short = match.group(1).strip()
        if not SHORT.match(short) or not any(letter.isupper() for letter in short):
            continue
        words = text[: match.start()].rsplit("\n", 1)[-1].split()
        most = min(len(short) + 5, len(short) * 2, WORDS_BEFORE)
        long = _long_form(short, " ".join(words[-most:]))
        if long:
            yield short, long


def _long_form(short: str, before: str) -> str | None:
    place = len(before)
    for number, letter in reversed(list(enumerate(short.lower()))):
        if not letter.isalnum():
            continue
        place = _rightmost(letter, before.lower(), place, starts_word=number == 0)
        if place < 0:
            return None
    long = before[place:]
    # "migraine (M)" and the like define nothing, and a sentence is no name
    if len(long) <= len(short) or short in long.split() or re.search(r"[()]|[.?!:;]\s", long):
        return None
    return long


def _rightmost(letter: str, text: str, end: int, *, starts_word: bool) -> int:
    """Return where the letter last stands before a place; -1 where it does not."""
    place = text.rfind(letter, 0, end)
    while starts_word and place > 0 and text[place - 1].isalnum():
        place = text.rfind(letter, 0, place)
    return place
