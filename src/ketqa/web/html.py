"""Answers and documents -> HTML. All text is escaped; a quote is never read as markup."""

from collections.abc import Sequence
from functools import cache
from urllib.parse import quote as url_quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from ketqa import present
from ketqa.types import Answer, Document, Evidence, Span

Titles = Sequence[tuple[str, str]]


def render_answer(answer: Answer, titles: Titles, *, heading: bool = False) -> str:
    """Return the cards of an answer, or, where there are none, the documents to read.

    ``titles`` has (file, title) of each document to name; ``heading`` puts the question above
    them, where a message holds several. Every quote is one element whose
    text content is the slice of its document, and which says where it stands:
    ``data-file``, ``data-start``, ``data-end``.
    """
    template = _templates().get_template("answer.html")
    items = answer.evidence or answer.related
    return template.render(answer=answer, items=items, titles=titles, heading=heading)


def render_question(question: str) -> str:
    """Return a question as it was typed; the chat would read it as HTML."""
    return _templates().get_template("question.html").render(question=question)


def render_error(text: str) -> str:
    """Return what to show instead of an answer."""
    return _templates().get_template("error.html").render(text=text)


def render_intro(titles: Titles, documents: int) -> str:
    """Return the head of the page; ``titles`` may name fewer than all ``documents``."""
    return _templates().get_template("intro.html").render(titles=titles, documents=documents)


def render_document(document: Document, marked: Span | None) -> str:
    """Return a whole page with a document's text, and the span marked where one is given."""
    text = document.text
    start, end = (marked.start, marked.end) if marked else (len(text), len(text))
    template = _templates().get_template("document.html")
    return template.render(
        source=document.source,
        before=text[:start],
        quote=text[start:end],
        after=text[end:],
        start=start,
        end=end,
        css=Markup(stylesheet()),  # noqa: S704, our own file
    )


@cache
def stylesheet() -> str:
    """Return the page's own style, which names no other place."""
    loader = _templates().loader
    assert loader is not None  # noqa: S101, for the type checker
    return loader.get_source(_templates(), "page.css")[0]


def document_link(span: Span) -> str:
    """Return the address that opens a document with a span marked and in view."""
    return f"/documents/{url_quote(span.doc_id)}?start={span.start}&end={span.end}#quote"


def verbatim(text: str) -> Markup:
    """Escape text so that a browser's text content gives it back, character for character.

    A carriage return would become a line feed on the way; as a reference it stays.
    """
    return Markup(str(escape(text)).replace("\r", "&#13;"))  # noqa: S704, escaped right here


def around(item: Evidence) -> tuple[str, str]:
    """Return the passage before a quote, and after it."""
    text, offset = item.passage.text, item.passage.span.start
    return text[: item.span.start - offset], text[item.span.end - offset :]


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("ketqa.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"verbatim": verbatim, "around": around, "link": document_link}
    environment.globals |= {"present": present, "len": len}
    return environment
