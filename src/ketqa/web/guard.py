"""Who may use the API, how much at once and how often: an ASGI layer around it.

A request is read whole before it takes a thread, so that a slow client holds up nobody; what is
too much is refused at once, each refusal as problem+json.
"""

import hmac
import math
import os
import re
from contextlib import ExitStack
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from time import perf_counter, time

import anyio
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ketqa.errors import KetqaError
from ketqa.web.metrics import Metrics
from ketqa.web.problems import problem

TOKEN_VARIABLE, SHORTEST_TOKEN = "KETQA_TOKEN", 16
# A question of 2,000 characters with its history, or a quotation of 10,000, escaped.
MOST_BYTES = 256 * 1024
DEEPEST = 16
BODY_SECONDS = 20.0
# What is worked on at once; about half a second of work on two cores.
MOST_WORKING = 24
BRACKETS = re.compile(rb"[\[\]{}]")
STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"?', re.DOTALL)
HEADERS = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))
# Open to everyone: they tell nothing of the documents.
OPEN = ("/healthz", "/openapi.json")


@dataclass(frozen=True, slots=True)
class Access:
    """Who may use the API, and how often.

    ``token`` is the bearer token to give; None lets everyone in. ``rate`` is how often a client
    may ask, such as "60/minute"; None for no limit. ``origins`` are the web sites whose pages
    may use the API from a browser; no other site may. ``hosts`` are the names, beside those of
    this machine, by which the server may be called.
    """

    token: str | None = field(default=None, repr=False)
    rate: str | None = None
    origins: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.token is not None and len(self.token) < SHORTEST_TOKEN:
            raise KetqaError(
                f"the token has {len(self.token)} characters; take at least {SHORTEST_TOKEN}: "
                "python3 -c 'import secrets; print(secrets.token_urlsafe())'"
            )
        if self.rate is not None:
            read_rate(self.rate)


EVERYONE = Access()


def read_rate(rate: str) -> RateLimitItem:
    """Read how often a client may ask.

    Raises:
        KetqaError: It is not of the form.
    """
    try:
        return parse(rate)
    except ValueError:
        raise KetqaError(f"{rate!r}: no such rate; write it like 60/minute or 5/second") from None


def read_token(file: Path | None) -> str | None:
    """Return the token in a file, or in the environment, or None: there is no default.

    Raises:
        KetqaError: The file cannot be read, or holds nothing.
    """
    if file is None:
        return os.environ.get(TOKEN_VARIABLE) or None
    try:
        token = file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise KetqaError(f"{file}: cannot be read as a token: {error}") from None
    if not token:
        raise KetqaError(f"{file}: holds no token")
    return token


class Limit:
    """Counts what each client asks."""

    def __init__(self, rate: str | None) -> None:
        """Say how often a client may ask; as often as it likes where None."""
        self._rate = read_rate(rate) if rate else None
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def refuse(self, scope: Scope) -> Response | None:
        """Count a request; refuse it where its client asked too often."""
        client = _client(scope)
        if self._rate is None or self._limiter.hit(self._rate, client):
            return None
        wait = self._limiter.get_window_stats(self._rate, client).reset_time - time()
        told = {"Retry-After": str(max(1, math.ceil(wait)))}
        return problem(429, f"a client may ask {self._rate}; try again later", told)


class Guard:
    """Let in what may come in, and count it."""

    def __init__(self, app: ASGIApp, access: Access, metrics: Metrics) -> None:
        """Stand before an application."""
        self._app = app
        self._token = f"Bearer {access.token}".encode() if access.token else None
        self._limit = Limit(access.rate)
        self._metrics = metrics
        self._working = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or have it answered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, status = perf_counter(), 500

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), *HEADERS]
            await send(message)

        try:
            await self._answer(scope, receive, noting)
        finally:
            self._metrics.count_request(_path(scope), status, start)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal, body = self._refuse_client(scope), b""
        if refusal is None:
            refusal, body = await _read(scope, receive)
        if refusal is None and self._working >= MOST_WORKING and scope["path"] not in OPEN:
            refusal = problem(503, "too much is asked at once; try again", {"Retry-After": "1"})
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        with ExitStack() as work:
            self._begin(work)

            async def ending(message: Message) -> None:
                # what is left is to be fetched, and a slow client may take its time for that
                if message["type"] == "http.response.start":
                    work.close()
                await send(message)

            await self._app(scope, given_again(body, receive), ending)

    def _begin(self, work: ExitStack) -> None:
        """Count a request as worked on until the stack is closed."""
        self._working += 1
        self._metrics.working.inc()
        work.callback(self._end)

    def _end(self) -> None:
        self._working -= 1
        self._metrics.working.dec()

    def _refuse_client(self, scope: Scope) -> Response | None:
        """Refuse a client that may not ask, or not so soon."""
        if scope["path"] in OPEN:
            return None
        given = dict(scope["headers"]).get(b"authorization", b"")
        if self._token and not hmac.compare_digest(given, self._token):
            told = {"WWW-Authenticate": "Bearer"}
            return problem(401, "give the server's token: Authorization: Bearer TOKEN", told)
        return self._limit.refuse(scope)


async def _read(scope: Scope, receive: Receive) -> tuple[Response | None, bytes]:
    """Read a request's body whole, or say what is wrong with it."""
    told = dict(scope["headers"]).get(b"content-length", b"")
    body = bytearray()
    too_much = problem(413, f"a request may have {MOST_BYTES:,} bytes; this one has more")
    if told.isdigit() and int(told[:20]) > MOST_BYTES:
        return too_much, b""
    try:
        with anyio.fail_after(BODY_SECONDS):
            while True:
                message = await receive()
                body += message.get("body", b"")
                if len(body) > MOST_BYTES:
                    return too_much, b""
                if not message.get("more_body"):
                    break
    except TimeoutError:
        return problem(408, f"the request did not come within {BODY_SECONDS:.0f} s"), b""
    if _depth(bytes(body)) > DEEPEST:
        return problem(422, f"lists and objects may lie {DEEPEST} deep in each other"), b""
    return None, bytes(body)


def _depth(body: bytes) -> int:
    """Return how deep JSON is nested, whether or not it is well formed."""
    depth = deepest = 0
    for bracket in BRACKETS.findall(STRINGS.sub(b"", body)):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


def given_again(body: bytes, receive: Receive) -> Receive:
    """Give out a body that was read, then whatever comes after it."""
    parts: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def given() -> Message:
        return parts.pop() if parts else await receive()

    return given


def _client(scope: Scope) -> str:
    """Return an address; of IPv6 the network, in which one client has many addresses."""
    host = scope["client"][0] if scope.get("client") else ""
    return str(ip_network((host, 64), strict=False)) if ":" in host else host


def _path(scope: Scope) -> str:
    """Return the path as it is described, so that no id and no question is counted apart."""
    return str(getattr(scope.get("route"), "path", "other"))
