"""Answers -> HTML. All text is escaped; a quote is never read as markup."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import quote as url_quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from ketqa import present
from ketqa.coverage import Coverage
from ketqa.differences import Difference
from ketqa.found import Found
from ketqa.types import Answer, Evidence, Source, Span
from ketqa.web.notices import all_help, call, notice_html
from ketqa.web.words import Words
from ketqa.why import explain

# The fields of a source that every card shows; what is not known says so.
FIELDS = ("publisher", "author", "published", "kind", "interest")
# What an answer can be taken away as, beside the print sheet.
FORMS = {
    "md": "Markdown", "bibtex": "BibTeX", "ris": "RIS", "csl": "CSL-JSON", "csv": "CSV",
    "json": "JSON", "annotation": "W3C Web Annotation",
}  # fmt: skip
# Kinds of change that add words to what is searched.
ADDING = ("abbreviation", "lay", "language")
BANDS = ((0.7, "sure_very_likely"), (0.4, "sure_likely"), (0.0, "sure_possibly"))


@dataclass(frozen=True, slots=True)
class Shown:
    """An answer and what the page shows with it.

    ``address`` brings the chat up to this answer again; ``part`` counts the answers to one
    message from 1, ``key`` is the answer's own within the chat. ``context`` is, for each quote by
    its rank, the slice to show around it, ``links`` the fragment that finds it in its web page.
    ``balance`` is a quote on harms and limits; its rank is 0 unless it is one of the answer's.
    """

    answer: Answer
    found: Found
    address: str
    key: str = "1"
    part: int = 1
    country: str | None = None
    balance: Evidence | None = None
    difference: Difference | None = None
    context: Mapping[int, Span] = field(default_factory=dict)
    links: Mapping[int, str] = field(default_factory=dict)

    @property
    def items(self) -> Sequence[Evidence]:
        """The quotes to show, best first."""
        return self.answer.evidence or self.answer.related

    @property
    def in_order(self) -> Sequence[Evidence]:
        """The quotes without the one that stands under its own heading."""
        return [item for item in self.items if item != self.balance]


def render_answer(
    shown: Shown, words: Words, coverage: Coverage, *, heading: bool = False, last: bool = True
) -> str:
    """Return the cards of an answer, or, where there are none, what is searched.

    ``heading`` puts the question above them, where a message holds several; ``last`` tells that
    no other answer to the message follows. Every quote is one element whose text content is the
    slice of its document, and which says where it stands: ``data-file``, ``data-start``,
    ``data-end``.
    """
    return render("answer.html", words, shown=shown, coverage=coverage, heading=heading, last=last)


def render(template: str, words: Words, **values: Any) -> str:  # noqa: ANN401, the template's own
    """Return a template, filled in, in one language."""
    return templates().get_template(template).render(words=words, **values)


def document_link(span: Span) -> str:
    """Return the address that opens a document with a span marked and in view."""
    return f"/documents/{url_quote(span.doc_id)}?start={span.start}&end={span.end}#quote"


def verbatim(text: str) -> Markup:
    """Escape text so that a browser's text content gives it back, character for character.

    A carriage return would become a line feed on the way; as a reference it stays.
    """
    return Markup(str(escape(text)).replace("\r", "&#13;"))  # noqa: S704, escaped right here


def around(item: Evidence, context: Span | None) -> tuple[str, str]:
    """Return what to show before a quote, and after it; its whole passage if nothing is said."""
    text, offset = item.passage.text, item.passage.span.start
    start, end = (context.start, context.end) if context else (offset, item.passage.span.end)
    return (
        text[start - offset : item.span.start - offset],
        text[item.span.end - offset : end - offset],
    )


def pieces(quote: str, part: tuple[int, int]) -> tuple[str, str, str]:
    """Cut a quote before and after a part of it."""
    start, end = part
    return quote[:start], quote[start:end], quote[end:]


def sureness(item: Evidence, answer: Answer) -> str:
    """Return the key of the words for how sure it is that a quote answers."""
    if answer.status == "related":
        return "sure_near"
    return next(key for least, key in BANDS if item.confidence >= least)


def changes(answer: Answer, words: Words) -> list[str]:
    """Say what was done to a question before it was searched, a line each.

    Kinds of change that the page has no words for are told as the command line tells them.
    """
    kinds = {change.kind for change in answer.changes}
    if words.language == "en" or not kinds <= {"spelling", "follow-up", *ADDING}:
        return present.changes(answer)
    spelt = [f"{c.before} → {c.after}" for c in answer.changes if c.kind == "spelling"]
    added = [f"{c.after} ({c.before})" for c in answer.changes if c.kind in ADDING]
    lines = [words("change_spelling", pairs=", ".join(spelt))] if spelt else []
    if "follow-up" in kinds:
        lines.append(f"{words('change_follow_up')} {words('searched')}: {answer.query}")
    return [*lines, words("change_added", pairs=", ".join(added))] if added else lines


def interest_line(source: Source, words: Words) -> str:
    """Say in plain words what the publisher of a source has to gain."""
    clinic = "clinic" in (source.kind or "").lower()
    return words(
        "interest_clinic" if clinic else "interest_of",
        interest=words.curated("interest", source.interest or ""),
    )


def citation(item: Evidence, words: Words) -> str:
    """Return a quote's source in one line, with its place in the file."""
    place = f"{item.source.file}:{item.span.start}-{item.span.end}"
    parts = [present.citation(item.source), item.source.url, place]
    if item.page is not None:
        parts.insert(1, words("page_n", n=item.page))
    return " · ".join(part for part in parts if part)


@cache
def templates() -> Environment:
    """Return the templates' environment; what they name and does not exist is an error."""
    environment = Environment(
        loader=PackageLoader("ketqa.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"verbatim": verbatim, "link": document_link}
    environment.globals |= {
        "FIELDS": FIELDS,
        "FORMS": FORMS,
        "all_help": all_help,
        "around": around,
        "call": call,
        "changes": changes,
        "citation": citation,
        "explain": explain,
        "interest_line": interest_line,
        "len": len,
        "notice_html": notice_html,
        "pieces": pieces,
        "sureness": sureness,
    }
    return environment
