"""Notices in the page's language, their numbers as links that a telephone can call."""

import re

from markupsafe import Markup, escape

from ketqa.notices import COUNTRIES, Help, help_in, notice_lines
from ketqa.types import Notice
from ketqa.web.words import Words


def notice_html(notice: Notice, country: str | None, words: Words) -> list[Markup]:
    """Return the lines of a notice, escaped, with each number of the country as a link."""
    lines = notice_lines(notice.kind, country, words.language)
    known = help_in(country)
    if known is None or notice.kind != "emergency":
        return [escape(line) for line in lines]
    numbers = sorted({known.emergency, known.crisis}, key=len, reverse=True)
    pattern = "|".join(map(re.escape, numbers))
    return [_linked(line, rf"(?<!\d)({pattern})(?!\d)") for line in lines]


def _linked(line: str, numbers: str) -> Markup:
    pieces = re.split(numbers, line)
    return Markup("").join(
        call(piece) if place % 2 else escape(piece) for place, piece in enumerate(pieces)
    )


def call(number: str) -> Markup:
    """Return a number as a link."""
    digits = re.sub(r"\D", "", number)
    return Markup('<a class="call" href="tel:{}">{}</a>').format(digits, number)


def all_help() -> list[Help]:
    """Return whom to call in each country that is known."""
    return [known for code in COUNTRIES for known in [help_in(code)] if known]
