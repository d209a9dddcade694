"""Serve the page and the documents on this machine. Nothing is fetched from elsewhere."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import gradio as gr
import uvicorn
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import HTMLResponse

from ketqa.errors import KetqaError
from ketqa.index import Index
from ketqa.opening import Stages
from ketqa.types import Span
from ketqa.web.html import render_document, stylesheet
from ketqa.web.page import build_page, theme

# The browser may load from this server alone: whatever a library or a document asks for
# elsewhere, fonts, analytics, scripts, it does not get.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self'; object-src 'none'; base-uri 'self'; form-action 'self'"
)
DOCUMENT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'"


def serve(
    index: Path,
    *,
    host: str = "127.0.0.1",
    port: int = 7860,
    log: Path | None = None,
    country: str | None = None,
    reader: bool | str = True,
) -> None:
    """Serve until stopped.

    Args:
        index: The index's folder.
        host: The address to listen on.
        port: The port.
        log: Where questions are kept; nowhere where it is None.
        country: Whose emergency numbers a notice names, ISO 3166-1.
        reader: As for ``Index.open``.

    Raises:
        KetqaError: The index cannot be opened, or the port is taken.
    """
    with Index.open(index, stages=Stages(reader=reader)) as opened:
        config = uvicorn.Config(
            build_app(opened, log, country),
            host=host,
            port=port,
            log_level="warning",
            access_log=False,
        )
        server = uvicorn.Server(config)
        try:
            server.run()
        except SystemExit:
            raise KetqaError(
                f"cannot listen on {host}:{port}; is it taken? choose another with --port"
            ) from None


def build_app(index: Index, log: Path | None = None, country: str | None = None) -> FastAPI:
    """Return the web application of an open index."""
    app = FastAPI(title="ketqa", docs_url=None, redoc_url=None, openapi_url=None)

    @app.middleware("http")
    async def stay_here(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        response = await call_next(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    @app.get("/documents/{doc_id:path}", response_class=HTMLResponse)
    def document(doc_id: str, start: int | None = None, end: int | None = None) -> HTMLResponse:
        try:
            found = index.store.document(doc_id)
        except KeyError:
            raise HTTPException(404, f"no document {doc_id}") from None
        marked = None
        if start is not None and end is not None:
            if not 0 <= start < end <= len(found.text):
                raise HTTPException(422, f"{doc_id} has characters 0 to {len(found.text)}")
            marked = Span(doc_id, start, end)
        return HTMLResponse(
            render_document(found, marked), headers={"Content-Security-Policy": DOCUMENT_POLICY}
        )

    mounted: FastAPI = gr.mount_gradio_app(
        app,
        build_page(index, log, country),
        path="/",
        footer_links=[],
        theme=theme(),
        css=stylesheet(),
        ssr_mode=False,
        run_history=False,
        show_error=False,
    )
    return mounted
