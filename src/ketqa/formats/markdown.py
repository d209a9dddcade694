"""Markdown: the text is left as it is; where its headings stand is told beside it."""

import re
from collections.abc import Iterator
from importlib.metadata import version

from ketqa.formats.content import Content, stated
from ketqa.formats.text import decode
from ketqa.types import Layout

# Fields between two lines of dashes at the very top: "title: Ketamine".
FRONT = re.compile(r"\ufeff?---[ \t]*\r?\n(.*?)^(?:---|\.\.\.)[ \t]*\r?$", re.DOTALL | re.MULTILINE)
FIELD = re.compile(r"^([A-Za-z_]+)[ \t]*:([^\r\n]*)", re.MULTILINE)
LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")
MOST_FRONT = 20_000


def read_markdown(data: bytes, file: str) -> Content:
    """Read a Markdown file: its headings are those that CommonMark sees.

    Raises:
        CorpusError: It is not UTF-8 text.
    """
    text = decode(data, file)
    front = FRONT.match(text, 0, MOST_FRONT)
    headings = [front.span()] if front else []
    headings += _headings(text, front.end() if front else 0)
    layout = Layout(f"markdown-it-py {version('markdown-it-py')}", headings=tuple(headings))
    return Content(text, layout, _fields(front[1]) if front else {})


def _headings(text: str, start: int) -> Iterator[tuple[int, int]]:
    """Yield the places of headings, markers and underlines included."""
    from markdown_it import MarkdownIt

    # As markdown-it counts lines; a form feed ends none.
    lines = [match.span() for match in LINE.finditer(text, start)]
    for token in MarkdownIt("commonmark").disable("inline").parse(text[start:]):
        if token.type == "heading_open" and token.map:
            first, last = token.map
            yield lines[first][0], lines[last - 1][1]


def _fields(front: str) -> dict[str, str]:
    given = {name.lower(): value.strip().strip("\"'") for name, value in FIELD.findall(front)}
    return stated(
        title=given.get("title"),
        author=given.get("author"),
        publisher=given.get("publisher"),
        published=given.get("date") or given.get("published"),
        url=given.get("url"),
        language=given.get("lang") or given.get("language"),
        licence=given.get("license") or given.get("licence"),
    )
