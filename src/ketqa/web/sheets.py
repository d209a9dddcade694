"""The pages of a PDF as they are printed: a piece of the reader view, and its pictures."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated, TypeVar
from urllib.parse import quote as url_quote
from urllib.parse import urlencode

import anyio
from fastapi import APIRouter, HTTPException, Query, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field

from ketqa.errors import PageNotShown
from ketqa.formats.marked import Picture
from ketqa.printed import Printed
from ketqa.store import Store
from ketqa.types import Document, Span
from ketqa.web.html import render
from ketqa.web.places import find_document, read_span, read_spans
from ketqa.web.words import LANGUAGES, Words

# Pages drawn at once, each by a process of its own, and those that wait for one.
AT_ONCE, MOST_WAITING = 2, 20
# More quotes than any answer has.
MOST_OTHERS = 50
PICTURE_HEADERS = {"Content-Security-Policy": "default-src 'none'", "Cache-Control": "no-store"}
STATUS = {"gone": 404, "changed": 409, "undrawn": 503}
Made = TypeVar("Made")


class Asked(BaseModel):
    """A page, a quote and the answer's further quotes; the quote's first page if none is said."""

    page: int | None = None
    start: int | None = None
    end: int | None = None
    also: list[str] = Field(default=[], max_length=MOST_OTHERS)
    lang: str = Field("en", pattern="^(" + "|".join(LANGUAGES) + ")$")


class Sheets:
    """Shows the printed pages of an index's documents."""

    def __init__(self, store: Store, printed: Printed) -> None:
        """Say where the documents and their files are."""
        self._store = store
        self._printed = printed
        self._limiter = anyio.CapacityLimiter(AT_ONCE)

    def router(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter()
        router.get("/printed/{doc_id:path}", response_model=None)(self.printed)
        router.get("/pictures/{doc_id:path}", response_model=None)(self.picture)
        return router

    async def printed(self, doc_id: str, asked: Annotated[Asked, Query()]) -> HTMLResponse:
        """Return a page and its quote for the reader view, or why the page is not shown."""
        return HTMLResponse(await self._wait(partial(self._show, doc_id, asked)))

    async def picture(self, doc_id: str, asked: Annotated[Asked, Query()]) -> Response:
        """Return the picture of a page."""
        drawn = await self._wait(partial(self._draw, doc_id, asked))
        return Response(drawn.png, media_type="image/png", headers=PICTURE_HEADERS)

    def leaves(self, document: Document, quote: Span | None) -> tuple[list[tuple[int, str]], str]:
        """Return the pages that a quote is on, each with its picture's address.

        And the reason, where the file is not the one that was indexed; there are no pages then.
        """
        if not quote or not document.layout.pages:
            return [], ""
        try:
            self._printed.check(document)
        except PageNotShown as error:
            return [], error.reason
        first, last = _pages_of(document, quote)
        return [(n, _address(document, n, quote, [])) for n in range(first, last + 1)], ""

    def _show(self, doc_id: str, asked: Asked) -> str:
        document, page, quote, others = self._find(doc_id, asked)
        drawn, reason = None, ""
        try:
            drawn = self._printed.draw(document, page, quote, others)
        except PageNotShown as error:
            reason = error.reason
        return render(
            "sheet.html",
            Words(asked.lang),
            source=document.source,
            quote=quote,
            text=document.text[quote.start : quote.end] if quote else "",
            page=page,
            of=len(document.layout.pages),
            goes_on=quote is not None and page in range(*_pages_of(document, quote)),
            drawn=drawn,
            reason=reason,
            address=_address(document, page, quote, others),
        )

    def _draw(self, doc_id: str, asked: Asked) -> Picture:
        document, page, quote, others = self._find(doc_id, asked)
        try:
            return self._printed.draw(document, page, quote, others)
        except PageNotShown as error:
            raise HTTPException(STATUS[error.reason], str(error)) from None

    def _find(self, doc_id: str, asked: Asked) -> tuple[Document, int, Span | None, list[Span]]:
        document = find_document(self._store, doc_id)
        quote = read_span(document, asked.start, asked.end)
        others = read_spans(document, asked.also)
        page, pages = asked.page, len(document.layout.pages)
        if page is None:
            page = _pages_of(document, quote)[0] if quote else 1
        if not 1 <= page <= pages:
            raise HTTPException(404, f"it has {pages} printed pages")
        return document, page, quote, others

    async def _wait(self, work: Callable[[], Made]) -> Made:
        """Work in a thread when it is one's turn; refuse where too many wait."""
        if self._limiter.statistics().tasks_waiting >= MOST_WAITING:
            told = {"Retry-After": "1"}
            raise HTTPException(503, "too many pages are asked for at once; try again", told)
        return await anyio.to_thread.run_sync(work, limiter=self._limiter)


def _pages_of(document: Document, quote: Span) -> tuple[int, int]:
    """Return the first and the last page that a quote is on; 0 where there are no pages."""
    layout = document.layout
    return layout.page(quote.start) or 0, layout.page(quote.end - 1) or 0


def _address(document: Document, page: int, quote: Span | None, others: Sequence[Span]) -> str:
    place = [("start", quote.start), ("end", quote.end)] if quote else []
    also = [("also", f"{span.start}-{span.end}") for span in others]
    query = urlencode([("page", page), *place, *also])
    return f"/pictures/{url_quote(document.source.id)}?{query}"
