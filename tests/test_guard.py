"""What is too much for the API is refused before the API hears of it."""

from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from ketqa.web.guard import DEEPEST, MOST_BYTES, Access, Guard
from ketqa.web.metrics import Metrics

TOKEN = "a-token-of-the-tests"  # noqa: S105


async def inside(scope: Scope, receive: Receive, send: Send) -> None:
    """Stand in for the API: say yes to whatever comes."""
    await PlainTextResponse("yes")(scope, receive, send)


async def post(body: bytes | AsyncIterator[bytes], access: Access, **headers: str) -> int:
    """Return the status of what is sent through the guard."""
    transport = httpx.ASGITransport(Guard(inside, access, Metrics()))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        return (await client.post("/v1/ask", content=body, headers=headers)).status_code


async def test_a_body_that_does_not_tell_its_length_is_counted_as_it_comes() -> None:
    async def pieces(size: int) -> AsyncIterator[bytes]:
        for _ in range(4):
            yield b" " * (size // 4)

    assert await post(pieces(MOST_BYTES), Access()) == 200
    assert await post(pieces(MOST_BYTES + 4), Access()) == 413


async def test_a_body_that_tells_too_great_a_length_is_not_read() -> None:
    async def unread() -> Message:
        pytest.fail("the body is read")

    told: list[Message] = []

    async def keep(message: Message) -> None:
        told.append(message)

    length = (b"content-length", str(MOST_BYTES + 1).encode())
    scope = {"type": "http", "method": "POST", "path": "/v1/ask", "headers": [length]}
    await Guard(inside, Access(), Metrics())(scope, unread, keep)
    assert told[0]["status"] == 413


async def test_what_lies_too_deep_in_itself_is_refused() -> None:
    assert await post(b"[" * DEEPEST + b"]" * DEEPEST, Access()) == 200
    assert await post(b"[" * (DEEPEST + 1), Access()) == 422


async def test_nobody_comes_in_without_the_token() -> None:
    access = Access(token=TOKEN)
    assert await post(b"", access) == 401
    assert await post(b"", access, Authorization=f"Bearer {TOKEN}x") == 401
    assert await post(b"", access, Authorization=f"Bearer {TOKEN}") == 200


class Sealed(bytes):
    """What was given, which may not be compared letter by letter until one differs."""

    __hash__ = bytes.__hash__

    def __eq__(self, other: object) -> bool:
        pytest.fail("how long that takes would tell how much of it is right")

    __ne__ = __eq__


async def test_how_long_the_token_takes_to_compare_tells_nothing_of_it() -> None:
    async def nothing() -> Message:
        return {"type": "http.request"}

    for given, status in ((f"Bearer {TOKEN}", 200), (f"Bearer {TOKEN[:-1]}x", 401)):
        told: list[Message] = []

        async def keep(message: Message, told: list[Message] = told) -> None:
            told.append(message)

        headers = [(b"authorization", Sealed(given.encode()))]
        scope = {"type": "http", "method": "POST", "path": "/v1/ask", "headers": headers}
        await Guard(inside, Access(token=TOKEN), Metrics())(scope, nothing, keep)
        assert told[0]["status"] == status


def test_a_token_is_not_shown_where_access_is() -> None:
    assert "token" not in repr(Access(token=TOKEN))


async def test_nobody_comes_in_too_often() -> None:
    transport = httpx.ASGITransport(Guard(inside, Access(rate="2/minute"), Metrics()))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        found = [(await client.post("/v1/ask")).status_code for _ in range(3)]
    assert found == [200, 200, 429]
