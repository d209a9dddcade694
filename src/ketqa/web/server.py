"""Serve the page and the documents on this machine. Nothing is fetched from elsewhere."""

import re
from collections.abc import Awaitable, Callable, Sequence
from functools import cache, partial
from http import HTTPStatus
from pathlib import Path

import gradio as gr
import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Mount
from starlette.types import ASGIApp

from ketqa.coverage import cover
from ketqa.errors import KetqaError
from ketqa.index import Index
from ketqa.printed import Printed
from ketqa.types import Source
from ketqa.web.api import Divert
from ketqa.web.desk import Desk
from ketqa.web.door import Hatch
from ketqa.web.html import render
from ketqa.web.page import MOST_WAITING, build_page, theme, waiting
from ketqa.web.routes import MOST_SOURCES, Shelf
from ketqa.web.sheets import Sheets
from ketqa.web.words import LANGUAGES, Words

# The browser may load from this server alone: whatever a library or a document asks for
# elsewhere, fonts, analytics, scripts, it does not get. No script may stand within the page, so
# that nothing which slips into it can run; Gradio compiles its own templates, which needs eval,
# and sets styles as it goes.
POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'self'"
)
# An answer takes less; every open page holds a connection that would never end by itself.
LAST_SECONDS = 5
HERE = Path(__file__).parent
# Gradio's files carry the hash of what they hold in their names: they never change.
ASSET = re.compile(r"/assets/[\w.-]+-[\w-]{8}\.(?:js|css)$")
# What the page's script says itself.
SCRIPT_WORDS = (
    "copied", "copy_failed", "feedback_thanks", "filtered", "opinions_n", "printed_undrawn",
    "reader_failed", "reader_loading", "reader_place", "stopped", "verify_differs", "verify_same",
)  # fmt: skip


def serve(app: ASGIApp, *, host: str = "127.0.0.1", port: int = 7860) -> None:
    """Serve an application until stopped; what is being answered then is answered.

    Args:
        app: The application.
        host: The address to listen on.
        port: The port.

    Raises:
        KetqaError: The port is taken.
    """
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=LAST_SECONDS,
    )
    try:
        uvicorn.Server(config).run()
    except SystemExit:
        raise KetqaError(
            f"cannot listen on {host}:{port}; is it taken? choose another with --port"
        ) from None


def build_app(
    index: Index,
    api: FastAPI,
    *,
    corpus: Path | None = None,
    log: Path | None = None,
    country: str | None = None,
) -> FastAPI:
    """Return the web application of an open index: the page, the documents, and the API.

    Args:
        index: An open index.
        api: Its API, from ``build_api``.
        corpus: Where the documents lie, to draw pages from; none are drawn where it is None.
        log: Where questions are kept; nowhere where it is None.
        country: Whose emergency numbers a notice names, ISO 3166-1.

    ``state.places()`` tells how many more may wait for an answer.
    """
    app = FastAPI(
        docs_url=None, redoc_url=None, openapi_url=None, lifespan=api.router.lifespan_context
    )
    app.add_middleware(GZipMiddleware, minimum_size=1000)

    @app.middleware("http")
    async def stay_here(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        response = await call_next(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        if ASSET.search(request.url.path) and response.status_code == HTTPStatus.OK:
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response

    app.add_middleware(Divert, api=api)
    sources = index.store.sources()
    coverage = cover(sources)
    desks = [Desk(index, Words(code), coverage, country, log) for code in LANGUAGES]
    sheets = Sheets(index.store, Printed(corpus)) if corpus else None
    if sheets:
        app.include_router(sheets.router())
    app.include_router(Shelf(desks, sheets).router())
    app.mount("/page", StaticFiles(directory=HERE / "static"))
    pages = [build_page(desk) for desk in desks]
    app.state.places = lambda: MOST_WAITING - max(map(waiting, pages))
    for desk in desks:
        app.get(_base(desk), response_class=HTMLResponse)(partial(_opening, desk, sources))
    # the one at / last: it takes whatever the others leave
    for desk, page in reversed([*zip(desks, pages, strict=True)]):
        gr.mount_gradio_app(
            app,
            page,
            path=_base(desk).rstrip("/") or "/",
            footer_links=[],
            theme=theme(),
            ssr_mode=False,
            run_history=False,
            show_error=False,
        )
        mount = app.router.routes[-1]
        assert isinstance(mount, Mount)  # noqa: S101, for the type checker
        mount.app = Hatch(mount.app, page.fns)
    return app


def _base(desk: Desk) -> str:
    language = desk.words.language
    return "/" if language == "en" else f"/{language}/"


def _opening(desk: Desk, sources: Sequence[Source]) -> HTMLResponse:
    """Return the page around the chat; Gradio fills in the chat itself."""
    script, style = _gradio_files()
    html = render(
        "page.html",
        desk.words,
        base=_base(desk),
        coverage=desk.coverage,
        gradio_css=style,
        gradio_js=script,
        languages=LANGUAGES,
        script_words=desk.words.all(*SCRIPT_WORDS),
        sources=sources[:MOST_SOURCES],
    )
    return HTMLResponse(html)


@cache
def _gradio_files() -> tuple[str, str]:
    """Return the names of Gradio's script and style, which change with its version."""
    page = (Path(gr.__file__).parent / "templates/frontend/index.html").read_text(encoding="utf-8")
    script = re.search(r'src="\./assets/(index-[\w-]+\.js)"', page)
    style = re.search(r'href="\./assets/(index-[\w-]+\.css)"', page)
    if not script or not style:
        raise KetqaError(f"gradio {gr.__version__} is not laid out as expected; install gradio 6")
    return script[1], style[1]
