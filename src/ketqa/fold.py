"""Text -> the same words in one form, with the way back to where they stand.

Folded texts are equal where two people who copied the same sentence would call it the same:
whatever its case, its quotation marks, dashes, ligatures, spaces and line ends, with soft hyphens
or without, its words broken at the end of a line or whole. What changes the meaning is kept: 10⁵
does not become 105, nor ½ a 1 and a 2.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from ketqa.hyphens import join_broken, left_out

SINGLE, DOUBLE = "'‘’‚‛‹›ʼ′`´", '"“”„‟«»″'
MINUS = "\u2212"
# Zero-width spaces, joiners, byte order marks: they part no words.
INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff"
# Variation selectors and the grapheme joiner: seen by nobody, yet no format characters.
UNSEEN = {*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0), 0x034F}
# Compatibility forms that say something else than the plain letters and digits.
TELLING = ("<super>", "<sub>", "<fraction>", "<circle>")
SPACES = re.compile(" {2,}")


class _Folded(dict[int, str]):
    """Each character's folded form, worked out when it is first met."""

    def __missing__(self, code: int) -> str:
        self[code] = folded = _fold_character(chr(code))
        return folded


def _fold_character(character: str) -> str:
    if character == MINUS or unicodedata.category(character) == "Pd":
        return "-"
    if character.isspace():
        return " "
    if unicodedata.category(character) == "Cf" or ord(character) in UNSEEN:
        return ""
    tag = unicodedata.decomposition(character)
    if tag.startswith(TELLING) or "0020" in tag:  # ¨ and ¸ are no spaces with an accent
        return character
    lower = unicodedata.normalize("NFKD", character).casefold()
    return unicodedata.normalize("NFKD", lower)


_TABLE = _Folded(dict.fromkeys(map(ord, SINGLE), "'") | dict.fromkeys(map(ord, DOUBLE), '"'))


def fold(text: str) -> str:
    """Return a text's folded form, without outer spaces."""
    return _fold(text).strip()


def _fold(text: str) -> str:
    """Fold a text; accents come in their one order, which moves no letter."""
    folded = join_broken(text).translate(_TABLE)
    return SPACES.sub(" ", unicodedata.normalize("NFD", folded))


@dataclass(frozen=True, slots=True)
class FoldedText:
    """A folded text that knows where it came from.

    ``starts[i]`` is the place in the text of the character that gave ``folded[i]``, in code
    points; they never fall.
    """

    text: str
    folded: str
    starts: list[int]

    @classmethod
    def of(cls, text: str) -> "FoldedText":
        """Fold a text; outer spaces stay."""
        starts: list[int] = []
        before = ""
        gone = {place for start, end in left_out(text) for place in range(start, end)}
        for place, character in enumerate(text):
            for part in "" if place in gone else _TABLE[ord(character)]:
                if not part == before == " ":
                    starts.append(place)
                before = part
        return cls(text, _fold(text), starts)

    def find(self, folded: str) -> Iterator[tuple[int, int]]:
        """Yield each place of the text, half open, whose folded form is the one given.

        Only whole characters count: neither half a ligature nor a letter without its accent.
        """
        at = self.folded.find(folded)
        while at >= 0:
            end = at + len(folded)
            if self._is_edge(at) and self._is_edge(end):
                yield self.starts[at], self.starts[end - 1] + 1
            at = self.folded.find(folded, at + 1)

    def _is_edge(self, at: int) -> bool:
        """Tell whether a character of the text begins at a place of the folded form."""
        if at in (0, len(self.folded)):
            return True
        return self.starts[at] != self.starts[at - 1] and not unicodedata.combining(self.folded[at])
