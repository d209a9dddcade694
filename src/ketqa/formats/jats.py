"""A journal article in JATS XML, as PubMed Central has it -> its words and what it says of itself.

Title, abstract and sections are the text; tables and the list of references are set aside. No
entity is expanded, no DTD and no network is read.
"""

import re
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

from ketqa.errors import CorpusError
from ketqa.formats.content import BLANKS, Content, TextBuilder, stated

XLINK = "{http://www.w3.org/1999/xlink}href"
XML_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
# Blocks of words, and what is set aside: rows of numbers, other people's titles.
BLOCKS = {"p", "title", "article-title", "subtitle", "label", "term", "attrib", "preformat"}
HEADINGS = {"title", "article-title", "subtitle", "label"}
ASIDE = {"ref-list", "table", "table-wrap-foot"}
# Formulas a second time, and what was never words.
SILENT = {"tex-math", "object-id", "graphic", "media", "inline-graphic"}
LANGUAGE = re.compile(r"[A-Za-z]{2}(?=[-_]|\Z)")


def read_jats(data: bytes, file: str) -> Content:
    """Read an article.

    Raises:
        CorpusError: It is no well-formed XML, or has entities of its own.
    """
    from lxml import etree

    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_pis=True,
        remove_comments=True,
    )  # fmt: skip
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise CorpusError(f"{file}: is no well-formed XML ({error.msg})") from None
    entity = next(root.iter(etree.Entity), None)
    inner = root.getroottree().docinfo.internalDTD
    if entity is not None or (inner is not None and any(inner.iterentities())):
        raise CorpusError(
            f"{file}: has entities of its own, which are not expanded; save it without them"
        )
    articles = list(root.iter("{*}article"))
    if len(articles) != 1:
        raise CorpusError(f"{file}: holds {len(articles)} articles; put each into its own file")
    _forget_namespaces(articles[0])
    return _content(articles[0])


def _forget_namespaces(article: Any) -> None:
    from lxml import etree

    for element in article.iter(etree.Element):
        element.tag = etree.QName(element).localname


def _content(article: Any) -> Content:
    builder = TextBuilder()
    for place in ("front/article-meta/title-group", "front/article-meta/abstract", "body", "back"):
        for element in article.findall(place):
            for block in _blocks(element):
                builder.add("".join(_words(block)), heading=block.tag in HEADINGS)
    aside = (
        BLANKS.sub(" ", " ".join(element.itertext())).strip()
        for element in article.iter(*ASIDE)
        if not any(above.tag in ASIDE for above in element.iterancestors())
    )
    layout = builder.layout(f"lxml {version('lxml')}")
    return Content(builder.text(), layout, _found(article), "\n".join(filter(None, aside)))


def _blocks(element: Any) -> Iterator[Any]:
    """Yield the blocks of words in order; a block within a block follows it."""
    if element.tag in ASIDE or element.tag in SILENT:
        return
    if element.tag in BLOCKS:
        yield element
    for child in element:
        yield from _blocks(child)


def _words(block: Any) -> Iterator[str]:
    """Yield the words of a block, without those of the blocks within it."""
    yield block.text or ""
    for child in block:
        if child.tag in BLOCKS or child.tag in ASIDE or child.tag == "list":
            yield " "
        elif child.tag not in SILENT:
            yield from _words(child)
        yield child.tail or ""


def _found(article: Any) -> dict[str, str]:
    meta = article.find("front/article-meta")
    if meta is None:
        return {}
    doi = meta.findtext("article-id[@pub-id-type='doi']")
    language = LANGUAGE.match(article.get(XML_LANGUAGE) or "")
    journal = article.find("front/journal-meta")
    names = meta.findall("contrib-group/contrib[@contrib-type='author']")
    return stated(
        title=_all_words(meta.find("title-group/article-title")),
        author=", ".join(filter(None, map(_name, names))),
        publisher=_all_words(journal.find(".//journal-title")) if journal is not None else None,
        published=_published(meta),
        url=f"https://doi.org/{doi.strip()}" if doi else None,
        kind=(article.get("article-type") or "article").replace("-", " "),
        licence=_licence(meta),
        language=language and language[0].lower(),
    )


def _all_words(element: Any) -> str | None:
    return None if element is None else "".join(_words(element))


def _name(contributor: Any) -> str:
    given, family = (contributor.findtext(f"name/{part}") for part in ("given-names", "surname"))
    whole = f"{given or ''} {family or ''}".strip()
    return whole or (_all_words(contributor.find("collab")) or "").strip()


def _published(meta: Any) -> str | None:
    """Return the earliest date that the article came out, as exact as it is given."""
    dates = [
        "-".join(_number(date, part, size) for part, size in _parts(date))
        for date in meta.findall("pub-date")
    ]
    known = sorted(date for date in dates if date)
    # "2012" comes before "2012-03-01", but says less of the same year
    year = known[0][:4] if known else None
    return next((date for date in known if date[:4] == year != date), year)


def _parts(date: Any) -> list[tuple[str, int]]:
    """Return the parts of a date that are given, down to the first that is not."""
    given: list[tuple[str, int]] = []
    for part, size in (("year", 4), ("month", 2), ("day", 2)):
        if not (date.findtext(part) or "").strip().isdecimal():
            break
        given.append((part, size))
    return given


def _number(date: Any, part: str, size: int) -> str:
    return str(date.findtext(part).strip().zfill(size))


def _licence(meta: Any) -> str | None:
    """Return the licence's address where there is one, else its words."""
    licence = meta.find("permissions/license")
    if licence is None:
        return None
    inner = licence.find(".//license_ref")
    address = licence.get(XLINK) or (inner.text if inner is not None else None)
    return address or " ".join(licence.itertext())
