"""A web page -> its main text, and what was set aside: menus, notices, advertisements.

trafilatura tells the main text; what it leaves out is kept beside it, so that a curator can
look. Nothing is fetched, no script is run.
"""

import codecs
import re
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

from ketqa.errors import CorpusError
from ketqa.formats.content import BLANKS, LINE_BREAK, WORD, Content, TextBuilder, stated

CHARSET = re.compile(
    rb"""<(?:meta|\?xml)[^<>]*?(?:charset|encoding)\s*=\s*["']?([\w.:-]+)""", re.IGNORECASE
)
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# A browser must find the charset within so many bytes.
HEAD = 4096
LANGUAGE = re.compile(r"[A-Za-z]{2}(?=[-_]|\Z)")
SILENT = {"script", "style", "noscript", "template", "svg", "math", "head", "iframe", "object"}
INLINE = frozenset(
    {"a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em"}
    | {"font", "i", "ins", "kbd", "label", "mark", "q", "s", "samp", "small", "span", "strike"}
    | {"strong", "sub", "sup", "time", "tt", "u", "var", "wbr"}
)
# What trafilatura's tree calls a block of words.
BLOCKS = ("head", "p", "item", "cell", "quote", "code", "ab")
# Within a block these are words of its sentences.
WITHIN = {"code", "quote"}
PARAGRAPHS = {"head", "p", "item", "cell", "ab"}


def read_html(data: bytes, file: str) -> Content:
    """Read a web page.

    Raises:
        CorpusError: It holds no main text, or is nested too deep to be read.
    """
    import trafilatura
    from lxml import etree, html

    markup, notes = _decode(data)
    try:
        tree = html.document_fromstring(markup)
        language = LANGUAGE.match(tree.get("lang") or "")
        whole = list(_blocks(tree))
        page = trafilatura.bare_extraction(
            tree,
            with_metadata=True,
            include_comments=False,
            # a date that stands anywhere in the text may be any date
            date_extraction_params={"extensive_search": False, "original_date": True},
        )
    except (etree.ParserError, RecursionError) as error:
        raise CorpusError(f"{file}: cannot be read as a web page ({error})") from None
    builder = TextBuilder()
    if page is not None and not isinstance(page, dict):
        for text, heading in _paragraphs(page.body):
            builder.add(text, heading=heading)
    text = builder.text()
    if not WORD.search(text):
        raise CorpusError(
            f"{file}: no main text was found in this page; save the article itself, or as text"
        )
    return Content(
        text,
        builder.layout(f"trafilatura {version('trafilatura')}"),
        {**_found(page), **stated(language=language and language[0].lower())},
        aside=_aside(whole, text),
        notes=notes,
    )


def _decode(data: bytes) -> tuple[str, tuple[str, ...]]:
    """Decode as a browser does: byte order mark, then what the page says, then UTF-8."""
    for mark, encoding in MARKS:
        if data.startswith(mark):
            return data.decode(encoding, "replace"), ()
    said = CHARSET.search(data[:HEAD])
    name = said[1].decode("ascii", "replace") if said else "utf-8"
    for encoding in (name, "utf-8"):
        try:
            # a browser reads Latin-1 as Windows does
            codec = codecs.lookup(encoding).name
            text = data.decode("cp1252" if codec in {"iso8859-1", "ascii"} else codec)
        except (LookupError, UnicodeDecodeError):
            continue
        if encoding == name:
            return _plain(text), ()
        return _plain(text), (f"says that it is {name}, but is UTF-8; it was read as UTF-8",)
    text = data.decode("cp1252", "replace")
    bad = text.count("\ufffd")
    note = f"is not {name}; it was read as Windows-1252" + (f", {bad} letters lost" if bad else "")
    return _plain(text), (note,)


def _plain(markup: str) -> str:
    """Leave out what no parser takes: the XML declaration, and zero bytes."""
    return re.sub(r"\A\s*<\?xml[^>]*>", "", markup).replace("\0", "")


def _paragraphs(body: Any) -> Iterator[tuple[str, bool]]:
    """Yield (words, is a heading) of each block in trafilatura's tree, in order."""
    for block in body.iter(*BLOCKS):
        if _is_within(block):
            continue
        words = "".join(_own_words(block))
        yield words, block.tag == "head"
        # words between blocks: the text after one, inside a larger block
        if block.tail and WORD.search(block.tail) and block.getparent().tag in {"body", "list"}:
            yield block.tail, False


def _own_words(block: Any) -> Iterator[str]:
    """Yield the words of a block but not those of the blocks within it."""
    yield block.text or ""
    for child in block:
        if child.tag == "lb":
            yield LINE_BREAK
        elif _is_within(child) or child.tag not in {*BLOCKS, "list", "table", "row"}:
            yield from _own_words(child)
        else:
            yield LINE_BREAK
        yield child.tail or ""


def _is_within(block: Any) -> bool:
    return block.tag in WITHIN and block.getparent().tag in PARAGRAPHS


def _blocks(tree: Any) -> Iterator[str]:
    """Yield the words of each block of the page as it came, menus and all."""
    words: list[str] = []
    for event, text in _walk(tree):
        if event == "break":
            if block := BLANKS.sub(" ", "".join(words)).strip():
                yield block
            words = []
        words.append(text)
    if block := BLANKS.sub(" ", "".join(words)).strip():
        yield block


def _walk(tree: Any) -> Iterator[tuple[str, str]]:
    """Yield ("words" or "break", text) through the page."""
    from lxml import etree

    silent = 0
    for event, element in etree.iterwalk(tree, events=("start", "end", "comment", "pi")):
        spoken = isinstance(element.tag, str)
        if spoken and element.tag in SILENT:
            silent += 1 if event == "start" else -1
        inline = not spoken or element.tag in INLINE
        text = (element.text if event == "start" and spoken else "") or ""
        if event != "start":
            text = element.tail or ""
        if not silent:
            yield ("words" if inline else "break"), text


def _aside(blocks: list[str], text: str) -> str:
    """Return the blocks whose words are not in the text, a line each."""
    kept = _words(text)
    return "\n".join(block for block in blocks if _words(block) not in kept)


def _words(text: str) -> str:
    return f" {' '.join(WORD.findall(text))} "


def _found(page: Any) -> dict[str, str]:
    url = page.url if re.match(r"https?://", page.url or "") else None
    return stated(
        title=page.title,
        author=page.author,
        publisher=page.sitename,
        published=page.date,
        url=url,
        licence=page.license,
    )
