"""Other web sites, and what Gradio offers beside the chat: neither comes in."""

import json
import os
import socket
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import anyio
import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from browsing import running
from ketqa.web.door import MOST_BYTES, Door, Hatch
from ketqa.web.guard import EVERYONE, Access

HERE = "http://127.0.0.1:7860"
JOIN = "/gradio_api/queue/join"
QUESTION = "How long did relief last?"
CHAT = {"data": [QUESTION, False, [], ""], "fn_index": 0, "session_hash": "s"}
EVENTS = (0, 1)
NO_EVENTS: tuple[object, ...] = (9999, -1, 10**30, 0.5, "0", None, [], {})
NO_SESSIONS: tuple[object, ...] = ("", "\ud800", "a b", "a/b", "a" * 65, 7, None, [], {})
NO_MESSAGES = (
    *({**CHAT, "fn_index": number, "data": []} for number in NO_EVENTS),
    *({**CHAT, "session_hash": name} for name in NO_SESSIONS),
)
ANSWERING = ("/v1/ask", "/mcp", JOIN, "/es/gradio_api/queue/join", "/gradio_api/cancel")


async def inside(scope: Scope, receive: Receive, send: Send) -> None:
    """Stand in for whatever lies behind: say yes, to every web site."""
    headers = {"Access-Control-Allow-Origin": "*", "X-Inside": "yes"}
    await PlainTextResponse("yes", headers=headers)(scope, receive, send)


def behind_door(access: Access = EVERYONE, host: str = "127.0.0.1") -> TestClient:
    return TestClient(Door(inside, access, host), base_url=HERE)


def behind_hatch() -> TestClient:
    return TestClient(Hatch(inside, EVENTS), base_url=HERE)


def status(client: TestClient, method: str, path: str, headers: Mapping[str, str]) -> int:
    return int(client.request(method, path, headers=headers).status_code)


@pytest.mark.parametrize("path", ["/", "/es/", "/documents/x.txt", "/v1/documents", "/healthz"])
def test_a_name_that_another_site_points_here_is_refused(path: str) -> None:
    client = behind_door()
    for name in ("evil.example", "evil.example:7860", "127.0.0.1.evil.example", "[evil]"):
        assert status(client, "GET", path, {"Host": name}) == 421, name
    for name in ("localhost", "localhost:7860", "127.0.0.1:1", "[::1]:7860", "192.0.2.7"):
        assert status(client, "GET", path, {"Host": name}) == 200, name


def test_a_name_is_let_in_that_was_named() -> None:
    named = behind_door(Access(hosts=("quotes.example",)), "0.0.0.0")  # noqa: S104
    assert status(named, "GET", "/", {"Host": "quotes.example"}) == 200
    refused = named.get("/", headers={"Host": "evil.example"})
    assert refused.status_code == 421
    assert "--allow-host evil.example" in refused.json()["detail"]
    anyone = behind_door(host="0.0.0.0")  # noqa: S104
    assert status(anyone, "GET", "/", {"Host": "evil.example"}) == 200


@pytest.mark.parametrize("path", ANSWERING)
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": HERE},
        {"Origin": "https://evil.example"},
        {"Origin": "http://127.0.0.1:1234"},
        {"Origin": "http://127.0.0.1:7860.evil.example"},
        {"Origin": "null"},
        {"Origin": "http://["},
    ],
)
def test_what_another_site_sends_is_refused(path: str, headers: dict[str, str]) -> None:
    assert status(behind_door(), "POST", path, headers) == 403


def test_what_the_page_itself_sends_is_not_and_anybody_may_link_to_it() -> None:
    client = behind_door()
    assert status(client, "POST", "/v1/ask", {}) == 200
    assert status(client, "POST", "/v1/ask", {"Origin": HERE}) == 200
    assert status(client, "POST", JOIN, {"Origin": HERE, "Sec-Fetch-Site": "same-origin"}) == 200
    assert status(client, "GET", "/", {"Sec-Fetch-Site": "cross-site"}) == 200


def test_a_site_that_was_named_may_ask() -> None:
    site = "https://friend.example"
    named = behind_door(Access(origins=(site,)))
    assert status(named, "POST", "/v1/ask", {"Origin": site, "Sec-Fetch-Site": "cross-site"}) == 200
    assert status(named, "POST", "/v1/ask", {"Origin": f"{site}.evil.example"}) == 403


def test_what_says_its_length_twice_is_refused_and_the_connection_closed() -> None:
    """Two servers that read it differently would see two different requests."""
    headers = {"Transfer-Encoding": "chunked", "Content-Length": "3"}
    refused = behind_door().post("/v1/ask", headers=headers, content=b"0\r\n\r\n")
    assert (refused.status_code, refused.headers["connection"]) == (400, "close")


def test_the_page_counts_how_often_a_client_asks_too() -> None:
    client = behind_door(Access(rate="2/minute"))
    assert [client.get("/sources").status_code for _ in range(3)] == [200] * 3
    assert [client.get(path).status_code for path in ("/print", "/take/csv")] == [200] * 2
    for path in ("/take/md", "/print"):
        refused = client.get(path)
        assert (refused.status_code, "retry-after" in refused.headers) == (429, True)
    assert [client.post(path).status_code for path in (JOIN, f"/es{JOIN}")] == [429] * 2


async def test_a_crowd_is_told_that_there_is_no_place_before_any_of_it_was_answered() -> None:
    """All come at once: those still on their way to the queue have taken its places already."""
    come_in, places = anyio.Event(), 2

    async def slowly(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "POST":
            await come_in.wait()
        await inside(scope, receive, send)

    door = Door(slowly, EVERYONE, places=lambda: places)
    answers: list[httpx.Response] = []
    async with httpx.AsyncClient(transport=httpx.ASGITransport(door), base_url=HERE) as client:

        async def ask() -> None:
            answers.append(await client.post(JOIN))

        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(ask)
            with anyio.fail_after(5):
                while len(answers) < 3:
                    await anyio.sleep(0.01)
            assert (await client.get("/")).status_code == 200
            come_in.set()
        assert sorted(answer.status_code for answer in answers) == [200] * 2 + [503] * 3
        assert answers[0].headers["retry-after"] == "5"
        await ask()
        places = 0
        await ask()
        assert [answer.status_code for answer in answers[-2:]] == [200, 503]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/gradio_api/upload"),
        ("GET", "/gradio_api/file=/etc/hostname"),
        ("GET", "/gradio_api/proxy=https://example.org/"),
        ("POST", "/gradio_api/api/ask"),
        ("POST", "/gradio_api/run/ask"),
        ("POST", "/gradio_api/call/ask"),
        ("POST", "/gradio_api/component_server"),
        ("POST", "/gradio_api/process_recording"),
        ("POST", "/gradio_api/vibe-edit/"),
        ("GET", "/gradio_api/deep_link"),
        ("GET", "/gradio_api/openapi.json"),
        ("GET", "/monitoring"),
        ("GET", "/gradio_api/queue/join"),
        ("POST", "/gradio_api/queue/data"),
        ("PUT", "/"),
        ("OPTIONS", JOIN),
    ],
)
def test_of_gradio_only_what_the_page_uses_can_be_reached(method: str, path: str) -> None:
    response = behind_hatch().request(method, path, json=CHAT)
    assert (response.status_code, "x-inside" in response.headers) == (404, False)


def test_what_the_page_sends_to_gradio_comes_through_for_this_site_alone() -> None:
    client = behind_hatch()
    for response in (client.get("/config"), client.post(JOIN, json=CHAT)):
        assert (response.status_code, response.headers["x-inside"]) == (200, "yes")
        assert "access-control-allow-origin" not in response.headers


def test_nothing_is_fetched_that_a_chat_names() -> None:
    client = behind_hatch()
    file = {"path": "http://example.org/", "meta": {"_type": "gradio.FileData"}}
    for chat in (
        [{"role": "user", "content": {"type": "file", "file": file}}],
        [{"role": "user", "content": [{"type": "file", "file": {"path": "/etc/hostname"}}]}],
        file,
    ):
        body = json.dumps({**CHAT, "data": ["pain?", False, chat, ""]})
        for sent in (body, body.replace("path", "\\u0070ath").replace("_type", "\\u005ftype")):
            response = client.post(JOIN, content=sent)
            assert (response.status_code, "x-inside" in response.headers) == (422, False)
    quoted = {**CHAT, "data": ['what is "path": "_type"?', False, [], ""]}
    assert client.post(JOIN, json=quoted).status_code == 200


def test_a_chat_has_an_end() -> None:
    client = behind_hatch()
    for length in (str(MOST_BYTES + 1), "1" * 5000, "-1", "²"):
        headers = {b"Content-Length": length.encode("latin-1")}
        refused = client.post(JOIN, content=b"{}", headers=headers)
        assert refused.status_code == 413
        assert "begin a new one" in refused.json()["detail"]
    assert client.post(JOIN, content=iter([b"{", b"}"])).status_code == 413
    for odd in (b"[" * 100_000, b"[]", b'{"data": "a question"}'):
        told = client.post(JOIN, content=odd)
        assert (told.status_code, "a question" in told.text) == (422, False)


@pytest.mark.parametrize("message", NO_MESSAGES)
def test_what_is_for_no_event_or_from_no_session_is_refused(message: object) -> None:
    told = behind_hatch().post(JOIN, content=json.dumps(message))
    assert (told.status_code, "x-inside" in told.headers) == (422, False)
    assert told.json()["detail"] == "this is no message of a chat"


Running = tuple[str, subprocess.Popen[bytes]]


@pytest.fixture(scope="module")
def server(index_folder: Path) -> Iterator[Running]:
    with running(index_folder, "--rate-limit", "1000/minute") as found:
        yield found


@pytest.fixture
def served_page(server: Running) -> str:
    return server[0]


def told_by(process: subprocess.Popen[bytes]) -> bytes:
    """Return what a server told since it was last asked for it."""
    assert process.stderr
    os.set_blocking(process.stderr.fileno(), False)
    return process.stderr.read() or b""


@pytest.mark.model
def test_both_stand_before_the_real_server(served_page: str) -> None:
    with httpx.Client(base_url=served_page) as client:
        for path in ("/", "/es/", "/v1/documents", "/gradio_api/queue/status"):
            assert client.get(path, headers={"Host": "evil.example"}).status_code == 421
            assert client.get(path).status_code == 200
        for path in ANSWERING:
            sent = client.post(path, json=CHAT, headers={"Origin": "https://evil.example"})
            assert sent.status_code == 403
        for path in ("/gradio_api/upload", "/es/gradio_api/upload", "//gradio_api/upload"):
            left = client.post(path, files={"files": ("x.txt", b"left")})
            assert left.status_code == 404
        for prefix in ("", "/es"):
            assert client.get(f"{prefix}/gradio_api/file=/etc/hostname").status_code == 404
            assert client.post(f"{prefix}{JOIN}", content=b'{"path": 1}').status_code == 422
        assert client.get("/").headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.model
@pytest.mark.parametrize("prefix", ["", "/es"])
def test_what_is_no_message_breaks_nothing_at_the_real_server(server: Running, prefix: str) -> None:
    address, process = server
    told_by(process)
    with httpx.Client(base_url=f"{address}{prefix}", timeout=30) as client:
        for message in NO_MESSAGES:
            refused = client.post(JOIN, content=json.dumps(message))
            assert refused.status_code == 422
            assert refused.headers["content-type"] == "application/problem+json"
        without = {name: given for name, given in CHAT.items() if name != "fn_index"}
        assert client.post(JOIN, json=without).status_code == 400
        assert client.get("/gradio_api/queue/status").status_code == 200
    assert told_by(process) == b""


@pytest.mark.model
@pytest.mark.parametrize(
    "sent",
    [
        "POST /v1/search HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n",
        "POST /v1/search HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n",
        "POST /v1/search HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n",
        "POST /v1/search HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n",
        "POST /v1/search HTTP/1.1\r\nContent-Length : 4\r\n",
        "POST /v1/search HTTP/1.1\r\nContent-Length: +4\r\n",
        "POST /v1/search HTTP/1.1\r\nContent-Length: 0x4\r\n",
        "POST /v1/search HTTP/1.1\r\nContent-Length: -1\r\n",
        "POST /v1/search HTTP/1.1\r\nX: a\x00b\r\n",
        "GET /v1/documents\x00 HTTP/1.1\r\n",
    ],
)
def test_a_request_that_could_be_read_as_two_is_answered_once(served_page: str, sent: str) -> None:
    """After what is wrong stands a second request; whoever is tricked answers that too."""
    host, port = served_page.removeprefix("http://").split(":")
    smuggled = f"GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n"
    head, _, rest = sent.partition("\r\n")
    whole = f"{head}\r\nHost: {host}\r\n{rest}\r\n0\r\n\r\n{smuggled}"
    with socket.create_connection((host, int(port)), timeout=30) as raw:
        raw.sendall(whole.encode("latin-1"))
        answer = b""
        while piece := raw.recv(65_536):
            answer += piece
    assert answer.count(b"HTTP/1.1 ") == 1
    assert answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 501"))


@pytest.mark.model
def test_nothing_that_is_asked_becomes_a_header(served_page: str) -> None:
    injected = "%0d%0aX-Injected:%20yes%0d%0aSet-Cookie:%20a=b"
    with httpx.Client(base_url=served_page, timeout=30) as client:
        for path in (
            f"/v1/documents/{injected}", f"/documents/{injected}", f"/take/{injected}?q=pain",
            f"/take/csv?q=What+helps%3F{injected}", f"/print?q={injected}&lang=en",
            f"/es{injected}", f"//evil.example/%2f..{injected}",
        ):  # fmt: skip
            response = client.get(path)
            assert response.status_code < 500
            assert not {"x-injected", "set-cookie"} & set(response.headers)
            assert not response.headers.get("location", "").startswith("//")
