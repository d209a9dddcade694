"""Texts that a regular expression may take long over, made from the expression itself."""

import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

# Nodes of an expression, as Python's own parser for them has them: nothing has types there.
Node = Any

codes: Any = import_module("re._constants")
parser: Any = import_module("re._parser")
# Tried with every expression, whatever it looks for.
COMMON = (
    "a", "A", "1", " ", "\n", "\t", "\r\n", "_", "-", ".", ",", "'", '"', "\\", "/", ":", "<", ">",
    "&", "(", ")", "[", "{", "*", "#", "|", "=", "?", "!", "é", "a ", " a", "a.", ". ", "a-", "a\n",
    "A.", "A. ", "1.", "1 ", "<a", "<!--", "<a ", "\n\n", " \n", "a, ", "\u00a0", "-\n", "a-\n",
)  # fmt: skip
# Gaps within a text; at its beginning another branch of an expression may take them.
WITHIN = tuple(("a", unit) for unit in COMMON if unit.isspace())
# After the long run: nothing, and what lets the expression fail at its very end.
ENDS = ("", "\x00")
MOST_TIMES = 3


def hostile_texts(pattern: re.Pattern[Any], length: int) -> Iterator[str]:
    """Yield texts of about so many letters: each run that the expression may repeat, repeated.

    Before the run stands what the expression wants before it, and after it what may spoil it.
    """
    parsed = parser.parse(_text_of(pattern), pattern.flags)
    anywhere = (("", unit) for unit in COMMON)
    for start, unit in dict.fromkeys([*_runs(parsed, ""), *anywhere, *WITHIN]):
        if unit:
            for end in ENDS:
                yield start + unit * (length // len(unit)) + end


def _text_of(pattern: re.Pattern[Any]) -> str:
    raw = pattern.pattern
    return raw.decode("latin-1") if isinstance(raw, bytes) else str(raw)


def _runs(parsed: Node, before: str) -> Iterator[tuple[str, str]]:
    """Yield (what comes before, what is repeated) for every repetition of an expression."""
    for code, value in parsed:
        if code in (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT):
            low, high, body = value
            for sample in _samples(body):
                if high > MOST_TIMES:
                    yield before, sample
                    yield "", before + sample
            yield from _runs(body, before)
            before += _sample(body) * max(low, 1)
        else:
            for inner in _inner(code, value):
                yield from _runs(inner, before)
            before += _sample([(code, value)])
    yield from (("", before), ("", f"{before} "))


def _inner(code: Node, value: Node) -> list[Node]:
    if code is codes.SUBPATTERN:
        return [value[3]]
    if code is codes.BRANCH:
        return list(value[1])
    if code in (codes.ASSERT, codes.ASSERT_NOT):
        return [value[1]]
    return [value] if code is codes.ATOMIC_GROUP else []


def _samples(parsed: Node) -> Iterator[str]:
    """Yield what an expression matches: with the first of its branches, the second, ..."""
    for choice in range(MOST_TIMES):
        yield _sample(parsed, choice)


def _sample(parsed: Node, choice: int = 0) -> str:
    return "".join(_one(code, value, choice) for code, value in parsed)


def _one(code: Node, value: Node, choice: int) -> str:
    if code is codes.LITERAL:
        return chr(value)
    if code in (codes.ANY, codes.NOT_LITERAL):
        return "a" if value != ord("a") else "b"
    if code is codes.IN:
        return _member(value, choice)
    if code is codes.BRANCH:
        return _sample(value[1][choice % len(value[1])], choice)
    if code in (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT):
        return _sample(value[2], choice) * max(int(value[0]), 1)
    return "".join(_sample(inner, choice) for inner in _inner(code, value)[:1])


CATEGORIES = {
    codes.CATEGORY_DIGIT: "1", codes.CATEGORY_SPACE: " ", codes.CATEGORY_WORD: "a",
    codes.CATEGORY_NOT_DIGIT: "a", codes.CATEGORY_NOT_SPACE: "a", codes.CATEGORY_NOT_WORD: ".",
}  # fmt: skip


def _member(items: Node, choice: int) -> str:
    """Return a letter of a set, another one for another choice."""
    if items[0][0] is codes.NEGATE:
        shunned = re.compile("[" + "".join(map(_written, items[1:])) + "]")
        return next(letter for letter in "a 1.<\n\x00" if not shunned.match(letter))
    code, value = items[choice % len(items)]
    if code is codes.LITERAL:
        return chr(value)
    return chr(value[0]) if code is codes.RANGE else CATEGORIES[value]


def _written(item: Node) -> str:
    code, value = item
    if code is codes.LITERAL:
        return re.escape(chr(value))
    if code is codes.RANGE:
        return f"{re.escape(chr(value[0]))}-{re.escape(chr(value[1]))}"
    sign = {"DIGIT": "d", "SPACE": "s", "WORD": "w"}
    name = str(value).removeprefix("CATEGORY_")
    return "\\" + (sign[name[4:]].upper() if name.startswith("NOT_") else sign[name])
