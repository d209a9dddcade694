"""What the page fetches beside the chat: documents to read, sentences around a quote, sources."""

from collections.abc import Sequence
from datetime import date, datetime

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import HTMLResponse

from ketqa.errors import EngineAway, KetqaError
from ketqa.export import Form, export_answer
from ketqa.web.context import Side, next_sentence
from ketqa.web.desk import Desk
from ketqa.web.html import Shown, document_link, render
from ketqa.web.places import Also, Language, find_document, read_span, read_spans
from ketqa.web.reading import mark
from ketqa.web.sheets import Sheets
from ketqa.web.turns import read_address
from ketqa.web.words import Words

DOCUMENT_POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'"
PRINT_POLICY = f"{DOCUMENT_POLICY}; script-src 'self'"
# The list of sources is shown up to this length.
MOST_SOURCES = 500
# Quotes on the print sheet, so that it stays one page.
MOST_PRINTED = 3


class Shelf:
    """Answers what the page fetches; there is one desk for each language."""

    def __init__(self, desks: Sequence[Desk], sheets: Sheets | None = None) -> None:
        """Join the desks, which share an index, and what shows printed pages, if anything."""
        self._sheets = sheets
        self._desks = {desk.words.language: desk for desk in desks}
        self._store = desks[0].index.store

    def router(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter()
        for path, answer in (
            ("/documents/{doc_id:path}", self.document),
            ("/read/{doc_id:path}", self.read),
            ("/nearby/{doc_id:path}", self.nearby),
            ("/words/{doc_id:path}", self.words),
            ("/sources", self.sources),
            ("/print", self.print_sheet),
            ("/take/{form}", self.take),
        ):
            router.get(path, response_model=None)(answer)
        return router

    def document(
        self, doc_id: str, start: int | None = None, end: int | None = None
    ) -> HTMLResponse:
        """Return a whole page with a document, and a quote of it marked."""
        found = find_document(self._store, doc_id)
        opened = read_span(found, start, end)
        leaves, reason = self._sheets.leaves(found, opened) if self._sheets else ([], "")
        html = render(
            "document.html",
            Words("en"),
            leaves=leaves,
            unshown_for=reason,
            pages=len(found.layout.pages),
            source=found.source,
            segments=mark(found, self._store, opened),
            quoted=opened is not None,
        )
        return _html(html, DOCUMENT_POLICY)

    def read(
        self,
        doc_id: str,
        start: int | None = None,
        end: int | None = None,
        also: Also = None,
        lang: Language = "en",
    ) -> HTMLResponse:
        """Return a document for the reader view, with a quote and the answer's others marked."""
        found = find_document(self._store, doc_id)
        opened = read_span(found, start, end)
        parts = mark(found, self._store, opened, read_spans(found, also))
        html = render(
            "reader.html",
            Words(lang),
            source=found.source,
            segments=parts,
            printed=self._sheets is not None and len(found.layout.pages) > 0,
            places=sum(part.role in ("quote", "other") for part in parts),
            own_page=document_link(opened) if opened else f"/documents/{doc_id}",
        )
        return _html(html)

    def nearby(self, doc_id: str, start: int, end: int, side: Side) -> dict[str, int | str] | None:
        """Return the sentence next to a slice, null where there is none."""
        found = find_document(self._store, doc_id)
        span = read_span(found, start, end)
        more = next_sentence(self._store, span, side) if span else None
        if more is None:
            return None
        text = found.text[more.start : more.end]
        return {"start": more.start, "end": more.end, "text": text}

    def words(self, doc_id: str, start: int, end: int) -> dict[str, str]:
        """Return a slice of a document."""
        found = find_document(self._store, doc_id)
        span = read_span(found, start, end)
        return {"text": found.text[span.start : span.end] if span else ""}

    def sources(self, lang: Language = "en") -> HTMLResponse:
        """Return every document, with what is known of it."""
        ids = self._store.document_ids()
        shown = [self._store.document(doc_id) for doc_id in ids[:MOST_SOURCES]]
        html = render(
            "sources.html",
            Words(lang),
            coverage=self._desks[lang].coverage,
            sources=[(found.source, len(found.text.split())) for found in shown],
            more=len(ids) - len(shown),
        )
        return _html(html)

    def print_sheet(
        self, request: Request, part: int | None = None, lang: Language = "en"
    ) -> HTMLResponse:
        """Return the answers to the last message of an address, or one of them, to be printed."""
        desk = self._desks[lang]
        answers = _answers(desk, request, part)
        html = render(
            "print.html",
            desk.words,
            answers=answers,
            most=max(1, MOST_PRINTED // len(answers)),
            date=date.today().isoformat(),
            index=desk.index.fingerprint[:12],
        )
        return _html(html, PRINT_POLICY)

    def take(self, form: Form, request: Request, part: int = 1) -> Response:
        """Return an answer to the last message of an address as a file."""
        [shown] = _answers(self._desks["en"], request, part)
        export = export_answer(
            shown.answer,
            form,
            accessed=datetime.now().astimezone(),
            document=self._store.document,
        )
        name = f'attachment; filename="ketqa{export.suffix}"'
        return Response(
            export.data, media_type=export.media_type, headers={"Content-Disposition": name}
        )


def _answers(desk: Desk, request: Request, part: int | None) -> list[Shown]:
    """Return the answers to the last message of an address, or only the one of a number."""
    turns = read_address(request.url.query)
    if not turns:
        raise HTTPException(422, "there is no question; ask with ?q=")
    try:
        answers = desk.answers(turns)
    except EngineAway as error:
        raise HTTPException(503, f"{error}") from None
    except KetqaError as error:
        raise HTTPException(422, f"{error}") from None
    chosen = [shown for shown in answers if part in (None, shown.part)]
    if not chosen:
        raise HTTPException(404, f"there is no part {part}, only {len(answers)}")
    return chosen


def _html(html: str, policy: str | None = None) -> HTMLResponse:
    return HTMLResponse(html, headers={"Content-Security-Policy": policy} if policy else None)
