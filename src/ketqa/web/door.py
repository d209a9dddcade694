"""Who may come to the server, and what may reach Gradio: two ASGI layers.

The door stands before everything. A page of another web site can send a browser here, under this
server's address or under a name of its own that it points here; such requests are refused. The
hatch stands before Gradio, which offers far more than the page uses: files can be left with it,
and it fetches those that a chat names.
"""

import json
import re
from collections.abc import Callable, Collection
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ketqa.web.guard import Access, Limit, given_again
from ketqa.web.problems import problem
from ketqa.web.words import LANGUAGES

LOCAL = ("localhost", "127.0.0.1", "::1")
READING = ("GET", "HEAD")
LANGUAGE = "(?:/(?:" + "|".join(LANGUAGES) + "))?"
# What has a question answered, beside the API, which counts for itself.
JOINING = re.compile(rf"{LANGUAGE}/gradio_api/queue/join")
ASKING = re.compile(rf"{JOINING.pattern}|/print|/take/[^/]+")
# Where nothing is known of places.
MOST_AT_ONCE = 100
# What the page fetches of Gradio, and what it sends to it.
FETCHED = re.compile(
    r"/|/(?:config|theme\.css|manifest\.json|favicon\.ico|robots\.txt)|/(?:assets|static)/.+"
    r"|/gradio_api/(?:info|app_id|startup-events|queue/(?:data|status)|heartbeat/[\w-]+)"
)
SENT = re.compile(r"/gradio_api/(?:queue/join|cancel|reset)")
# What a page calls itself. By an empty name Gradio would stop answering everybody, and by one that
# cannot be written it would keep whatever is asked from then on.
SESSION = re.compile(r"[\w-]{1,64}", re.ASCII)
# The questions and answers of a long chat, which the page sends with each question.
MOST_BYTES = 16 << 20
# By these Gradio knows a file, which it would fetch from wherever it is said to be.
OF_FILES = {"path", "_type"}


class Door:
    """Refuse what another web site sends, whoever asks too often, and all where too many wait."""

    def __init__(
        self,
        app: ASGIApp,
        access: Access,
        host: str = "127.0.0.1",
        places: Callable[[], int] = lambda: MOST_AT_ONCE,
    ) -> None:
        """Stand before an application that listens on an address, and has so many places."""
        self._app = app
        self._places = places
        self._coming = 0
        self._hosts = {*access.hosts, *LOCAL} if access.hosts or host in LOCAL else None
        self._origins = access.origins
        self._limit = Limit(access.rate)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request, refusal = Request(scope), None
        name = _name(request.headers.get("host", ""))
        if self._hosts is not None and not (name in self._hosts or _is_address(name)):
            refusal = problem(
                421, f"this server has another name; serve it with --allow-host {name[:99]}"
            )
        elif {"content-length", "transfer-encoding"} <= set(request.headers):
            refusal = problem(400, "this says its length twice", {"Connection": "close"})
        elif request.method not in READING and self._is_from_elsewhere(request):
            refusal = problem(403, "another web site sent this; name it with --allow-origin")
        elif ASKING.fullmatch(request.url.path):
            refusal = self._limit.refuse(scope)
        if refusal is None and JOINING.fullmatch(request.url.path):
            await self._find_place(scope, receive, send)
        else:
            await (refusal or self._app)(scope, receive, send)

    async def _find_place(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let somebody wait for an answer, or say at once that there is no place.

        The page would say so too, but in a crowd it takes seconds to look at each.
        """
        if self._coming >= self._places():
            told = {"Retry-After": "5"}
            await problem(503, "too many ask at once; try again", told)(scope, receive, send)
            return
        self._coming += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._coming -= 1

    def _is_from_elsewhere(self, request: Request) -> bool:
        """Tell by what every browser says of itself; other programs say nothing."""
        origin = request.headers.get("origin")
        if origin in self._origins:
            return False
        site = request.headers.get("sec-fetch-site")
        if site is not None:
            return site not in ("same-origin", "none")
        # cut, not parsed: some of what may stand here is no address, and a parser says so loudly
        return origin is not None and origin.partition("://")[2] != request.headers.get("host")


class Hatch:
    """Let through to Gradio what the page sends to it, and nothing else."""

    def __init__(self, app: ASGIApp, events: Collection[int]) -> None:
        """Stand before Gradio, wherever it is mounted, with a page of these events."""
        self._app = app
        self._events = tuple(events)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on, or refuse it."""
        if scope["type"] != "http":
            await problem(404, "there is nothing here")(scope, receive, send)
            return
        request = Request(scope, receive)
        path = scope["path"].removeprefix(scope.get("root_path", "")) or "/"
        sent = request.method == "POST" and SENT.fullmatch(path)
        if not sent and not (request.method in READING and FETCHED.fullmatch(path)):
            await problem(404, "there is nothing here")(scope, receive, send)
            return

        async def here_only(message: Message) -> None:
            # Gradio lets every web site read what it says, wherever it has a public name
            headers = message.get("headers", ())
            kept = [pair for pair in headers if not pair[0].startswith(b"access-control-")]
            await send({**message, "headers": kept} if headers else message)

        if not sent:
            await self._app(scope, receive, here_only)
            return
        told = request.headers.get("content-length", "")
        if not told.isdecimal() or len(told) > len(str(MOST_BYTES)) or int(told) > MOST_BYTES:
            await problem(413, "a chat may not be so long; begin a new one")(scope, receive, send)
            return
        body = await request.body()
        if not _is_chat(body, self._events):
            await problem(422, "this is no message of a chat")(scope, receive, send)
            return
        await self._app(scope, given_again(body, receive), here_only)


def _name(host: str) -> str:
    """Return the name in a Host header, without its port."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    """Tell whether a host is a bare address, which no other web site can have for a name."""
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _is_chat(body: bytes, events: Collection[int]) -> bool:
    """Tell whether a body is of the form that Gradio takes, and names no file."""
    try:
        table = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(table, dict) and _is_message(table, events) and not _names_file(table)


def _is_message(table: dict[str, Any], events: Collection[int]) -> bool:
    """Tell whether a message holds a list, for an event that its page has, from a session.

    Gradio would repeat what is of another form to whoever sent it, or break over it.
    """
    session = table.get("session_hash", "none")
    return (
        isinstance(table.get("data", []), list)
        and ("fn_index" not in table or table["fn_index"] in events)
        and isinstance(session, str)
        and SESSION.fullmatch(session) is not None
    )


def _names_file(table: dict[str, Any]) -> bool:
    waiting: list[Any] = [table]
    while waiting:
        found = waiting.pop()
        if isinstance(found, dict):
            if not OF_FILES.isdisjoint(found):
                return True
            waiting += found.values()
        elif isinstance(found, list):
            waiting += found
    return False
