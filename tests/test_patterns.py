"""No regular expression takes long over any text: four times the text, some four times as long."""

import ast
import re
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from time import thread_time
from typing import Any

import pytest

from hostile_texts import hostile_texts
from test_project import modules

# At the first lengths, what doubles with each letter is noticed before it takes for ever.
FIRST = (20, 26, 32)
SHORT, LONG = 2048, 8192
# Seconds of computing: what grows as its text does takes about a millisecond for a long one.
MOST = 0.006
# Four times is growth in step, sixteen that of a square.
GROWTH = 8.0
METHODS = ("match", "fullmatch", "search", "findall", "finditer", "sub", "split")
Use = tuple[str, re.Pattern[Any]]


def patterns() -> dict[str, Use]:
    """Return every expression of the package as it is used, by its place and the use."""
    found: dict[str, Use] = {}
    for name, path in sorted(modules().items()):
        named = vars(import_module(f"ketqa.{name}".rstrip(".")))
        for owner, node in calls(path):
            first = node.args[0] if node.args else None
            method = getattr(node.func, "attr", "")
            pattern = named.get(owner)
            if owner == "re" and isinstance(first, ast.Constant):
                pattern = re.compile(first.value)
            if isinstance(pattern, re.Pattern) and method in METHODS:
                place = str(node.lineno) if owner == "re" else owner
                found[f"{name}:{place}.{method}"] = method, pattern
        used = {place.rsplit(".", 1)[0] for place in found}
        for key, pattern in named.items():  # those that are handed on
            if isinstance(pattern, re.Pattern) and f"{name}:{key}" not in used:
                found[f"{name}:{key}.search"] = "search", pattern
    return found


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        called = node.func if isinstance(node, ast.Call) else None
        if isinstance(node, ast.Call) and isinstance(called, ast.Attribute):
            yield getattr(called.value, "id", ""), node


PATTERNS = patterns()


def work(method: str, pattern: re.Pattern[Any]) -> Callable[[str], object]:
    """Return what uses an expression up to its last match."""

    def do(text: str) -> object:
        given = text.encode() if isinstance(pattern.pattern, bytes) else text
        if method == "sub":
            return pattern.sub(given[:0], given)
        found = getattr(pattern, method)(given)
        return list(found) if method == "finditer" else found

    return do


def seconds(do: Callable[[str], object], text: str) -> float:
    start = thread_time()
    do(text)
    return thread_time() - start


def slow_text(method: str, pattern: re.Pattern[Any]) -> str:
    """Return how a text begins and ends that takes longer the longer it is; empty if none does."""
    do = work(method, pattern)
    for length in FIRST:
        for text in hostile_texts(pattern, length):
            if seconds(do, text) > MOST and min(seconds(do, text) for _ in range(3)) > MOST:
                return text
    for short, long in zip(*(hostile_texts(pattern, n) for n in (SHORT, LONG)), strict=True):
        if seconds(do, long) > MOST:
            took = [min(seconds(do, text) for _ in range(3)) for text in (short, long)]
            if took[1] > MOST and took[1] > GROWTH * took[0]:
                return f"{long[:20]} ... {long[-20:]}"
    return ""


def test_every_expression_that_has_a_name_is_tried() -> None:
    named = {
        f"{name}:{key}"
        for name in modules()
        for key, value in vars(import_module(f"ketqa.{name}".rstrip("."))).items()
        if isinstance(value, re.Pattern)
    }
    tried = {name.rsplit(".", 1)[0] for name in PATTERNS}
    assert named <= tried | {"formats.sniff:PROLOGUE"}
    assert len(PATTERNS) > 100


@pytest.mark.parametrize("name", PATTERNS)
def test_no_text_takes_an_expression_long(name: str) -> None:
    assert slow_text(*PATTERNS[name]) == ""


@pytest.mark.parametrize("expression", [r"(a+)+\Z", r"\s+\Z", r"[^?]+[?]+", r"<!--.*?-->|x+y"])
def test_an_expression_that_takes_long_is_noticed(expression: str) -> None:
    assert slow_text("search", re.compile(expression, re.DOTALL))
