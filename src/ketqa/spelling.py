"""Misspelt words of a question -> the words of the corpus that were meant.

A word is left alone where it is right anywhere: in the corpus, among symspellpy's 82,000
English words, in medical.txt (medicines and medical terms); and where it looks like a name, an
abbreviation, or a number. So a medicine is never made into another: both are right. A message
in another language is left alone too.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Self

from rapidfuzz import process
from rapidfuzz.distance import OSA

from ketqa.errors import IndexDamaged
from ketqa.shipped import read_shipped

WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
# Shorter words have too many neighbours.
SHORTEST, LONG = 4, 8
# A word that stands in fewer curated questions may be a misspelling itself.
LEAST_QUESTIONS = 3
MOST_WORDS = 200_000
# Small words that tell English from the languages beside it.
ENGLISH = frozenset(
    re.findall(
        r"\w+",
        """the and of to in is it that for was with are as be this have from at but not what can
        does do did how why when who will would if my your i they we you he she on or an has""",
    )
)
FOREIGN = frozenset(
    re.findall(
        r"\w+",
        """el la los las un una que de del en con por para es son como mi se lo le les des du est
        et une pour dans avec sur qui je il elle nous der die das und ist ein eine nicht mit für
        von zu den dem ich wie kann bei o os um uma não com do da no na e lo gli di che per non
        sono è al ma ha ce cette quel quelle wird werden sind""",
    )
)


class Speller:
    """The words of a corpus, and how often each stands there."""

    def __init__(self, counts: Mapping[str, int]) -> None:
        """Sort the words of a corpus, in lower case with their counts, by first letters."""
        self._counts = counts
        self._by_letter: dict[str, list[str]] = {}
        for word in counts:
            self._by_letter.setdefault(word[0], []).append(word)

    @classmethod
    def load(cls, file: Path) -> Self:
        """Read what ``save_words`` wrote.

        Raises:
            IndexDamaged: It cannot be read.
        """
        return cls(load_counts(file))

    def correct(self, text: str) -> list[tuple[str, str]]:
        """Return (as typed, as meant) for each misspelt word of a text, in order."""
        shouted = text.isupper()
        found: list[tuple[str, str]] = []
        if _is_foreign(text):
            return found
        for match in WORD.finditer(text):
            typed = match.group()
            if not shouted and (typed[1:] != typed[1:].lower() or _is_name(text, match.start())):
                continue
            meant = self._meant(typed.lower().replace("’", "'").removesuffix("'s"))
            if meant:
                found.append((typed, meant))
        return found

    def knows_all(self, text: str) -> bool:
        """Tell whether every word of a text is right, or stands in the corpus."""
        words = (match.group().lower().replace("’", "'") for match in WORD.finditer(text))
        return all(word in self._counts or is_right(word) for word in words)

    def _meant(self, word: str) -> str | None:
        if len(word) < SHORTEST or word in self._counts:
            return None
        if word in _right() or word.replace("or", "our") in _right():
            return None
        limit = 1 if len(word) < LONG else 2
        near = process.extract(
            word,
            self._by_letter.get(word[0], ()),
            scorer=OSA.distance,
            score_cutoff=limit,
            limit=None,
        )
        if not near:
            return None
        best = min(near, key=lambda one: (one[1], -self._counts[one[0]], one[0]))
        return str(best[0])


def is_right(word: str) -> bool:
    """Tell whether a word in lower case is an English word, a medical term or a medicine."""
    return word in _right()


def count_words(texts: Iterable[str]) -> Counter[str]:
    """Return how often each word, in lower case, stands in texts."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(map(str.lower, WORD.findall(text)))
    return counts


def save_counts(file: Path, counts: Mapping[str, int]) -> None:
    """Write words and their counts, the most frequent first."""
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    file.write_text("".join(f"{word} {count}\n" for word, count in ordered), encoding="utf-8")


def load_counts(file: Path) -> dict[str, int]:
    """Read what ``save_counts`` wrote.

    Raises:
        IndexDamaged: It cannot be read.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
        return {word: int(count) for word, count in map(str.split, lines)}
    except (OSError, ValueError) as error:
        raise IndexDamaged(f"{file}: cannot be read ({error})") from None


def save_words(file: Path, counts: Mapping[str, int], questions: Iterable[str]) -> None:
    """Write the words of a corpus, from their counts in passages, and of curated questions."""
    asked = Counter(word for text in questions for word in {w.lower() for w in WORD.findall(text)})
    both = Counter(counts)
    both.update({word: n for word, n in asked.items() if n >= LEAST_QUESTIONS})
    ordered = sorted(both.items(), key=lambda pair: (-pair[1], pair[0]))[:MOST_WORDS]
    save_counts(file, dict(ordered))


def _is_name(text: str, start: int) -> bool:
    """Tell whether the word at a place has a capital that the start of a sentence explains not."""
    before = text[:start].rstrip()
    return text[start].isupper() and bool(before) and before[-1] not in '.?!:"“('


def _is_foreign(text: str) -> bool:
    words = [word.lower() for word in WORD.findall(text)]
    return sum(word in FOREIGN for word in words) > sum(word in ENGLISH for word in words)


@cache
def _right() -> frozenset[str]:
    english = files("symspellpy").joinpath("frequency_dictionary_en_82_765.txt")
    words = {line.split()[0] for line in english.read_text(encoding="utf-8-sig").splitlines()}
    words |= set(read_shipped("medical.txt").decode().split())
    return frozenset(words | {word.replace("'", "") for word in words})
