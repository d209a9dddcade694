"""An answer -> a text to take away: Markdown, JSON, CSV, BibTeX, RIS, CSL-JSON, annotations.

Every form carries the quotes word for word, their places, the documents' hashes and sources,
the day, and that these are quotations. What a document does not state is left out, or said
to be so. JSON, CSV, CSL and annotations hold a quote character for character. Markdown shows
U+FFFD for a control character; RIS and BibTeX, which hold no line break, do so too and have
a blank for each line break or tab.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from ketqa.export.annotation import render_annotations
from ketqa.export.citations import render_bibtex, render_csl, render_ris
from ketqa.export.tables import render_csv, render_json
from ketqa.export.words import render_markdown
from ketqa.types import Answer, Document

Form = Literal["md", "json", "csv", "bibtex", "ris", "csl", "annotation"]
FORMS: tuple[Form, ...] = get_args(Form)
# The end of a file's name and the media type.
KINDS: dict[Form, tuple[str, str]] = {
    "md": (".md", "text/markdown"),
    "json": (".json", "application/json"),
    "csv": (".csv", "text/csv"),
    "bibtex": (".bib", "application/x-bibtex"),
    "ris": (".ris", "application/x-research-info-systems"),
    "csl": (".csl.json", "application/vnd.citationstyles.csl+json"),
    "annotation": (".jsonld", "application/ld+json"),
}
RENDERERS: dict[Form, Callable[[Answer, datetime], str]] = {
    "md": render_markdown,
    "json": render_json,
    "csv": render_csv,
    "bibtex": render_bibtex,
    "ris": render_ris,
    "csl": render_csl,
}


@dataclass(frozen=True, slots=True)
class Export:
    """A text to take away; ``suffix`` ends a file's name, as in ``.csl.json``."""

    form: Form
    text: str
    suffix: str
    media_type: str

    @property
    def data(self) -> bytes:
        """The bytes of a file: UTF-8; spreadsheets know it by the mark that CSV begins with."""
        return self.text.encode("utf-8-sig" if self.form == "csv" else "utf-8")


def export_answer(
    answer: Answer,
    form: Form,
    *,
    accessed: datetime,
    document: Callable[[str], Document],
) -> Export:
    """Put an answer into a form that other programs read.

    Args:
        answer: What to take away: its evidence, or where there is none, what is related.
        form: One of ``FORMS``.
        accessed: When the documents were asked, with its time zone.
        document: From a document's id to the document: ``index.store.document``.

    Raises:
        ValueError: There is no such form, or ``accessed`` has no time zone.
    """
    if form not in FORMS:
        raise ValueError(f"form must be one of {', '.join(FORMS)}, got {form!r}")
    if accessed.tzinfo is None:
        raise ValueError(f"accessed must have a time zone, got {accessed}")
    if form == "annotation":
        text = render_annotations(answer, accessed, document)
    else:
        text = RENDERERS[form](answer, accessed)
    return Export(form, text, *KINDS[form])
