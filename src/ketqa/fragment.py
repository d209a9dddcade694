"""A quote -> the link that opens a web page with its words marked, checked before it is given.

Text fragments, ``#:~:text=prefix-,start,end,-suffix``, are defined at
https://wicg.github.io/scroll-to-text-fragment/. A browser marks the first place that matches, so
a fragment is given only if nothing else in the stored text matches it.
"""

import re
from urllib.parse import quote as url_quote

from ketqa.types import Span

# Words at either end of a long quote, and of what stands around it.
END_WORDS, AROUND_WORDS = 6, 4
# A quote of up to so many words is written out.
SHORT = 2 * END_WORDS


def text_fragment(text: str, span: Span) -> str | None:
    """Return the fragment that marks ``text[start:end]`` and nothing else, or None.

    Args:
        text: The document's.
        span: The quote's place.
    """
    quote = text[span.start : span.end].split()
    if len(quote) <= SHORT:
        ends = [" ".join(quote)]
    else:
        ends = [" ".join(quote[:END_WORDS]), " ".join(quote[-END_WORDS:])]
    prefix = " ".join(_line(text[: span.start], -1).split()[-AROUND_WORDS:])
    suffix = " ".join(_line(text[span.end :], 0).split()[:AROUND_WORDS])
    for before, after in (("", ""), (prefix, ""), ("", suffix), (prefix, suffix)):
        if _places(text, before, ends, after) == [(span.start, span.end)]:
            parts = [f"{_escape(before)}-"] if before else []
            parts += [_escape(end) for end in ends]
            parts += [f"-{_escape(after)}"] if after else []
            return ":~:text=" + ",".join(parts)
    return None


def _line(text: str, which: int) -> str:
    """Return the first (0) or last (-1) line: what stands around is matched within a block."""
    return re.split(r"[\r\n]", text)[which]


def _places(text: str, before: str, ends: list[str], after: str) -> list[tuple[int, int]]:
    """Return each place that a browser could take the fragment to mean, letter case ignored."""
    core = _words(ends[0])
    if len(ends) > 1:
        core += ".*?" + _words(ends[1])
    pattern = _words(before) + (r"\s*" if before else "") + f"({core})"
    if after:
        pattern += r"\s*" + _words(after)
    found = re.finditer(f"(?={pattern})", text, re.IGNORECASE | re.DOTALL)
    return [match.span(1) for match in found]


def _words(text: str) -> str:
    return r"\s+".join(map(re.escape, text.split()))


def _escape(text: str) -> str:
    """Percent-encode, and the dash too, which has a meaning of its own here."""
    return url_quote(text, safe="").replace("-", "%2D")
