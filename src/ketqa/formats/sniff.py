"""The first bytes of a file and its name -> which form it has. Bytes count for more than names."""

import re

from ketqa.errors import CorpusError

ENDINGS = {
    ".txt": "text",
    ".md": "markdown",
    ".markdown": "markdown",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".pdf": "pdf",
    ".docx": "docx",
    ".xml": "jats",
    ".nxml": "jats",
    ".jsonl": "jsonl",
}
# Bytes at the very start that no text begins with, and what they tell.
OTHERS = (
    (b"\xd0\xcf\x11\xe0", "an old Office file, or one with a password; save it as .docx without"),
    (b"{\\rtf", "an RTF file; save it as .docx"),
    (b"\x89PNG", "a picture; its words cannot be read"),
    (b"\xff\xd8\xff", "a picture; its words cannot be read"),
    (b"GIF8", "a picture; its words cannot be read"),
    (b"\x1f\x8b", "a compressed file; unpack it"),
    (b"7z\xbc\xaf", "a compressed file; unpack it"),
    (b"Rar!", "a compressed file; unpack it"),
)
BOM = b"\xef\xbb\xbf"
# What may stand before the first element: declarations, comments, instructions.
PROLOGUE = re.compile(
    rb"\s*(?:<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^>\[]*(?:\[.*?\]\s*)?>)", re.DOTALL | re.IGNORECASE
)
ELEMENT = re.compile(rb"\s*<([A-Za-z][\w.:-]*)")
HEAD = 65_536
# No other form can be told from its bytes, so here the name decides.
BY_NAME = ("text", "markdown", "jsonl", "html")


def sniff(data: bytes, ending: str) -> str:
    """Return the form of a file: one of the values of ``ENDINGS``.

    Args:
        data: Its bytes.
        ending: What its name ends in, in small letters, with the dot.

    Raises:
        CorpusError: It has no form that can be read; the text says what it is instead.
    """
    head = data[:HEAD]
    for mark, kind in OTHERS:
        if head.startswith(mark):
            raise CorpusError(f"this is {kind}")
    if b"%PDF-" in head[:1024]:
        return "pdf"
    if head.startswith(b"PK\x03\x04"):
        return "docx"
    markup = _markup(head.removeprefix(BOM))
    return markup or _by_name(ending)


def _by_name(ending: str) -> str:
    """Return the form that the name says, where bytes cannot tell."""
    named = ENDINGS.get(ending)
    if named in BY_NAME:
        return named
    if named == "jats":
        raise CorpusError("this is no JATS article: its first element is not <article>")
    if named:
        raise CorpusError(f"ends in {ending}, but its bytes say otherwise; rename it, or mend it")
    raise CorpusError(f"cannot read {ending or 'files without an ending'}")


def _markup(head: bytes) -> str | None:
    """Tell HTML and JATS by their first element."""
    if not head.lstrip().startswith(b"<"):
        return None
    start = 0
    while found := PROLOGUE.match(head, start):
        if re.match(rb"\s*<!DOCTYPE\s+html", found[0], re.IGNORECASE):
            return "html"
        start = found.end()
    element = ELEMENT.match(head, start)
    name = element[1].lower().split(b":")[-1] if element else b""
    return {b"html": "html", b"article": "jats", b"pmc-articleset": "jats"}.get(name)
