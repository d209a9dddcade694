"""A Word file -> its paragraphs and headings, in order.

python-docx opens the file and knows its styles; the walk through the paragraphs is our own, so
that tables, content controls, text boxes and insertions are not lost. Deleted words stay out,
heads and feet of pages are set aside.
"""

import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from io import BytesIO
from typing import Any

from ketqa.errors import CorpusError
from ketqa.formats.content import BLANKS, LINE_BREAK, Content, TextBuilder, stated

# Unpacked, a long book with its pictures stays below this; a bomb does not.
MOST_UNPACKED = 512 << 20
# The words of a book of a thousand pages are some 20 MiB of markup.
MOST_MARKUP = 64 << 20
MOST_PARTS = 10_000
W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
# Words in these were deleted, moved away, or are there a second time.
LEFT_OUT = {f"{W}del", f"{W}moveFrom", FALLBACK}
LETTERS = {
    f"{W}tab": " ",
    f"{W}br": LINE_BREAK,
    f"{W}cr": LINE_BREAK,
    f"{W}noBreakHyphen": "\u2011",
}
HEADING = re.compile(r"(heading \d|title|subtitle)\Z", re.IGNORECASE)
LANGUAGE = re.compile(r"[A-Za-z]{2}(?=[-_]|\Z)")
# Names that programs put there when nobody gave one.
NO_TITLE = re.compile(
    r"(word document|document\d*|untitled|microsoft word.*|.*\.docx?)\Z", re.IGNORECASE
)
NO_AUTHOR = {"python-docx", "unknown", "user", "admin", "microsoft office user"}


def read_docx(data: bytes, file: str) -> Content:
    """Read a Word file.

    Raises:
        CorpusError: It is broken, no Word file, or unpacks to more than a book holds.
    """
    _check_package(data, file)
    import docx
    from docx.opc.exceptions import PackageNotFoundError
    from lxml.etree import XMLSyntaxError

    try:
        document = docx.Document(BytesIO(data))
        named = _named_styles(document)
        builder = TextBuilder()
        for paragraph in _paragraphs(document.element.body):
            builder.add(_words(paragraph), heading=_is_heading(paragraph, named))
        for words in _notes(document):
            builder.add(words)
        aside = "\n".join(_margins(document))
        found = _found(document)
    except (
        PackageNotFoundError,
        XMLSyntaxError,
        zipfile.BadZipFile,
        zlib.error,
        # parts that are missing, or are something else than their names say
        AttributeError,
        EOFError,
        LookupError,
        RuntimeError,
        TypeError,
        ValueError,
    ) as error:
        reason = str(error) or type(error).__name__
        raise CorpusError(f"{file}: a damaged Word file ({reason}); save it again") from None
    return Content(
        builder.text(), builder.layout(f"python-docx {version('python-docx')}"), found, aside
    )


def _check_package(data: bytes, file: str) -> None:
    try:
        with zipfile.ZipFile(BytesIO(data)) as package:
            parts = package.infolist()
    except (zipfile.BadZipFile, ValueError) as error:
        raise CorpusError(f"{file}: a damaged Word file ({error}); get it again") from None
    if not any(part.filename == "word/document.xml" for part in parts):
        raise CorpusError(f"{file}: a ZIP archive, but no Word file; unpack it")
    markup = sum(part.file_size for part in parts if part.filename.endswith((".xml", ".rels")))
    unpacked = sum(part.file_size for part in parts)
    if unpacked > MOST_UNPACKED or markup > MOST_MARKUP or len(parts) > MOST_PARTS:
        raise CorpusError(
            f"{file}: {len(data):,} bytes unpack to {unpacked:,} in {len(parts):,} parts; no Word "
            "file that people write does"
        )
    if any(part.flag_bits & 1 for part in parts):
        raise CorpusError(f"{file}: has a password; save it without one")


def _named_styles(document: Any) -> dict[str, str]:
    """Return the name of each style, or of the heading that it is made from, by its id."""
    named: dict[str, str] = {}
    for style in document.styles:
        base, names = style, []
        # a style may, wrongly, be made from itself
        while base is not None and base.name not in names:
            names.append(base.name or "")
            base = getattr(base, "base_style", None)
        named[style.style_id] = next((name for name in names if HEADING.match(name)), names[0])
    return named


def _is_heading(paragraph: Any, named: dict[str, str]) -> bool:
    properties = paragraph.find(f"{W}pPr")
    if properties is None:
        return False
    style, level = properties.find(f"{W}pStyle"), properties.find(f"{W}outlineLvl")
    by_level = level is not None and level.get(f"{W}val", "9") < "9"
    name = named.get(style.get(f"{W}val"), "") if style is not None else ""
    return by_level or HEADING.match(name) is not None


def _paragraphs(body: Any) -> Iterator[Any]:
    """Yield all paragraphs in order: in tables, controls and text boxes too."""
    for paragraph in body.iter(f"{W}p"):
        if not any(above.tag in LEFT_OUT for above in paragraph.iterancestors()):
            yield paragraph


def _words(paragraph: Any) -> str:
    return "".join(_pieces(paragraph))


def _pieces(element: Any) -> Iterator[str]:
    """Yield the words of a paragraph, without those of the paragraphs in its text boxes."""
    for child in element:
        if child.tag == f"{W}t":
            yield child.text or ""
        elif child.tag in LETTERS:
            yield LETTERS[child.tag]
        elif child.tag not in LEFT_OUT and child.tag not in {f"{W}p", f"{W}pPr", f"{W}rPr"}:
            yield from _pieces(child)


def _notes(document: Any) -> Iterator[str]:
    """Yield the paragraphs of footnotes and endnotes."""
    from docx.oxml import parse_xml

    for part in document.part.package.iter_parts():
        if str(part.partname) in {"/word/footnotes.xml", "/word/endnotes.xml"}:
            for paragraph in _paragraphs(parse_xml(part.blob)):
                yield _words(paragraph)


def _margins(document: Any) -> Iterator[str]:
    """Yield the words of the heads and feet of pages, each once."""
    parts = (part for part in document.part.package.iter_parts() if _is_margin(part))
    words = (_words(paragraph) for part in parts for paragraph in _paragraphs(part.element))
    return _each_once(BLANKS.sub(" ", text).strip() for text in words)


def _is_margin(part: Any) -> bool:
    return re.match(r"/word/(header|footer)\d*\.xml\Z", str(part.partname)) is not None


def _each_once(texts: Iterable[str]) -> Iterator[str]:
    return iter(dict.fromkeys(text for text in texts if text))


def _found(document: Any) -> dict[str, str]:
    """Return what the file's properties state; when it was saved is not when it was published."""
    properties = document.core_properties
    title, author = properties.title.strip(), properties.author.strip()
    language = LANGUAGE.match(properties.language)
    return stated(
        title=None if NO_TITLE.match(title) else title,
        author=None if author.lower() in NO_AUTHOR else author,
        language=language and language[0].lower(),
    )
