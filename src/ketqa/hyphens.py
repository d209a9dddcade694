"""Words that were broken at the end of a printed line, joined in the copy that is searched.

The text itself keeps its hyphen and its line break; only what is encoded, counted and
compared is joined.
"""

import re
from collections.abc import Iterator

BROKEN = re.compile(r"(\b[^\W\d_]+)-[ \t]*\r?\n[ \t]*(?=[a-zß-öø-ÿ])")
# First parts that keep their hyphen wherever they stand ("long-term", "double-blind"), and that
# no syllable of another word looks like.
KEPT = frozenset(
    {"dose", "double", "evidence", "five", "follow", "four", "half", "high", "long", "low", "non"}
    | {"open", "patient", "placebo", "self", "short", "single", "six", "three", "treatment", "two"}
    | {"well", "year"}
)


def left_out(text: str) -> Iterator[tuple[int, int]]:
    """Yield the places, half open, that ``join_broken`` leaves out."""
    for match in BROKEN.finditer(text) if "-" in text else ():
        yield match.start() + len(_join(match)), match.end()


def join_broken(text: str) -> str:
    """Return a copy with "treat-", line break, "ment" as "treatment"."""
    return BROKEN.sub(_join, text) if "-" in text else text


def _join(match: re.Match[str]) -> str:
    first: str = match[1]
    return f"{first}-" if first.lower() in KEPT else first
