"""The quotes of an answer -> two that differ on what was asked: a number, a dose, a yes or no.

Only what is sure is told: the question asks for just that, both quotes say it of the same thing,
in the same unit, and it is not the same. No votes are counted; both may be right.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from ketqa.lexical import stems
from ketqa.types import Answer, Evidence

NUMBER = r"\d+(?:\.\d+)?"
# What a question asks for, and what says it: the last group is the unit.
MEASURES = (
    (
        re.compile(r"\b(?:how long|how many (?:days|weeks|months)|duration|last)\b", re.IGNORECASE),
        re.compile(
            rf"({NUMBER}(?:\s*(?:-|–|to)\s*{NUMBER})?)[\s-]+(day|week|month)s?\b", re.IGNORECASE
        ),
    ),
    (
        re.compile(r"\b(?:dos(?:e|es|age)|how much ketamine|mg)\b", re.IGNORECASE),
        re.compile(rf"({NUMBER}(?:\s*(?:-|–|to)\s*{NUMBER})?)\s*(mg/kg/hr|mg/kg|mg)(?![\w/])"),
    ),
    (
        re.compile(
            r"\b(?:how many|what (?:share|percentage|proportion)|how often)\b", re.IGNORECASE
        ),
        re.compile(rf"({NUMBER})\s*(%)"),
    ),
)
YES_OR_NO = re.compile(
    r"^\W*(?:is|are|was|were|does|do|did|has|have|can|will)\b|\bapproved\b", re.IGNORECASE
)
NEGATED = re.compile(r"\b(?:not|never|n’t|n't|refuses?d?)\b", re.IGNORECASE)
# So many words at most lie between a number, or a not, and what it is said of.
NEAR_WORDS, AFTER_NOT = 8, 3
# Only the first quotes are compared.
COMPARED = 4


@dataclass(frozen=True, slots=True)
class Difference:
    """Two quotes, and for each the part that differs, as offsets into the quote."""

    first: Evidence
    second: Evidence
    first_part: tuple[int, int]
    second_part: tuple[int, int]


def find_difference(answer: Answer) -> Difference | None:
    """Return the best two quotes of an answer that surely differ, if any do."""
    items = [item for item in answer.evidence[:COMPARED] if item.source.language == "en"]
    for finder in (_numbers, _yes_and_no):
        for first, second in combinations(items, 2):
            found = next(finder(answer.query, first.quote, second.quote), None)
            if found:
                return Difference(first, second, *found)
    return None


Parts = tuple[tuple[int, int], tuple[int, int]]


def _numbers(question: str, first: str, second: str) -> Iterator[Parts]:
    """Yield the numbers that differ: each quote has one such, near a word of the question."""
    topic = set(stems(question))
    for asks, says in MEASURES:
        if not asks.search(question):
            continue
        here, there = (_near_topic(says, quote, topic) for quote in (first, second))
        if len(here) == len(there) == 1 and here[0][2] & there[0][2]:
            (one, unit, _), (other, other_unit, _) = here[0], there[0]
            if unit == other_unit and _plain(one) != _plain(other):
                yield one.span(), other.span()


def _near_topic(
    says: re.Pattern[str], quote: str, topic: set[str]
) -> list[tuple[re.Match[str], str, set[str]]]:
    """Return the measures in a quote, each with its unit and the question's words near it."""
    found = []
    for match in says.finditer(quote):
        before = quote[: match.start()].split()[-NEAR_WORDS:]
        after = quote[match.end() :].split()[:NEAR_WORDS]
        near = topic & set(stems(" ".join([*before, *after])))
        if near:
            found.append((match, match[2].lower(), near))
    return found


def _plain(match: re.Match[str]) -> str:
    return re.sub(r"\s|–|to", "", match[1])


def _yes_and_no(question: str, first: str, second: str) -> Iterator[Parts]:
    """Yield a verb of the question that one quote denies and the other has without any not."""
    if not YES_OR_NO.search(question):
        return
    topic = set(stems(question))
    for here, there, turned in ((first, second, False), (second, first, True)):
        if NEGATED.search(there):
            continue
        for verb, denied in _denied(here, topic):
            plain = _words_of(verb, there)
            shared = topic & set(stems(here)) & set(stems(there))
            if plain and len(shared) >= AFTER_NOT:
                yield (plain[0], denied) if turned else (denied, plain[0])


def _denied(quote: str, topic: set[str]) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield each word of the question that a not stands close before, with the place of both."""
    for negation in NEGATED.finditer(quote):
        for word in list(re.finditer(r"\w+", quote[negation.end() :]))[:AFTER_NOT]:
            stem = stems(word[0])
            if stem and stem[0] in topic:
                yield stem[0], (negation.start(), negation.end() + word.end())
                break


def _words_of(stem: str, quote: str) -> Sequence[tuple[int, int]]:
    return [word.span() for word in re.finditer(r"\w+", quote) if stems(word[0]) == [stem]]
