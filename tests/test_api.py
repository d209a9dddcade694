"""The HTTP API over the shipped index: what is documented, what is refused, and the same answers."""

import json
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
import schemathesis
from hypothesis import given, settings
from starlette.responses import Response
from starlette.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from conftest import CORPUS, apart, served
from ketqa import schema
from ketqa.errors import KetqaError
from ketqa.index import Index
from ketqa.types import Hit
from ketqa.web import guard
from ketqa.web.api import build_api
from ketqa.web.guard import Access, Guard, read_token
from ketqa.web.metrics import Metrics

pytestmark = pytest.mark.model

QUESTION = "How long did relief last?"
FILE = "medpage-today-stubborn-migraines.txt"
TOKEN = "a-token-of-the-tests"  # noqa: S105


@pytest.fixture(scope="module")
def client(index: Index) -> Iterator[TestClient]:
    with TestClient(build_api(index, Access()), raise_server_exceptions=False) as opened:
        yield opened


def told(response: httpx2.Response, status: int) -> str:
    """Return the detail of a problem of this status."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == status
    return str(problem["detail"])


def test_ask_gives_the_answer_of_python(client: TestClient, index: Index) -> None:
    response = client.post("/v1/ask", json={"question": QUESTION, "k": 2})
    assert response.headers["content-type"] == "application/json"
    expected = index.ask(QUESTION, k=2).to_dict()
    expected["timings_ms"] = response.json()["timings_ms"]
    assert response.text == json.dumps(expected, ensure_ascii=False)
    assert schema.Answer.model_validate(response.json())


def test_a_message_of_two_questions_gets_two_answers(client: TestClient) -> None:
    said = {"message": "What are the side effects? And how long do they last?"}
    answers = client.post("/v1/message", json=said).json()["answers"]
    assert [answer["question"] for answer in answers] == [
        "What are the side effects?",
        "And how long do they last?",
    ]
    assert "side effects" in answers[1]["query"]


def test_search_gives_passages_best_first(client: TestClient, index: Index) -> None:
    found = client.post("/v1/search", json={"question": QUESTION, "k": 3}).json()
    assert found["hits"] == [hit.to_dict() for hit in index.search(QUESTION, 3)]


def test_verify_tells_where_a_text_stands(client: TestClient) -> None:
    found = client.post("/v1/verify", json={"text": "RELIEF lasted for up to 3 weeks"}).json()
    assert found["status"] == "equal"
    span = found["places"][0]["span"]
    text = (CORPUS / FILE).read_bytes().decode()
    assert text[span["start"] : span["end"]] == found["places"][0]["quote"]
    assert "give at least 12" in told(client.post("/v1/verify", json={"text": "a \u00ad" * 6}), 422)


def test_documents_are_listed_by_pages_and_read_with_their_spans(client: TestClient) -> None:
    first = client.get("/v1/documents", params={"limit": 2}).json()
    rest = client.get("/v1/documents", params={"offset": 2}).json()
    assert (len(first["documents"]), len(rest["documents"]), first["total"]) == (2, 3, 5)
    document = client.get(f"/v1/documents/{FILE}").json()
    assert document["text"] == (CORPUS / FILE).read_bytes().decode()
    for before, after in zip(document["sentences"], document["sentences"][1:], strict=False):
        assert before["end"] <= after["start"]
    assert document["passages"][-1]["end"] <= len(document["text"])
    assert "no such document" in told(client.get("/v1/documents/nothing.txt"), 404)


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"question": " ?! "}, "there is no question"),
        ({"question": "pain?", "k": 0}, "k: Input should be greater than or equal to 1"),
        ({"question": "pain?", "k": "3"}, "k: Input should be a valid integer"),
        ({"question": "pain?", "colour": 1}, "colour: Extra inputs are not permitted"),
        ({"question": "p\x00ain"}, "bytes that are not text"),
        ({"question": "secret " * 400}, "question: String should have at most 2000 characters"),
        ({"question": "pain?", "x" * 9000: 1}, "x" * 500),
        ([], "the body: Input should be a valid dictionary"),
    ],
)
def test_a_bad_request_is_told_without_repeating_it(
    client: TestClient, body: object, detail: str
) -> None:
    said = told(client.post("/v1/ask", json=body), 422)
    assert detail in said
    assert "secret" not in said
    assert len(said) <= 500


@pytest.mark.parametrize(
    ("content", "status", "detail"),
    [
        (b"{", 422, "JSON decode error"),
        (
            b'{"question": "\\ud800 a lone surrogate"}',
            422,
            "question: Input should be a valid string",
        ),
        (b'{"question": "\xff"}', 400, "error parsing the body"),
        (b'{"question": %s1%s}' % (b"[" * 40, b"]" * 40), 422, "16 deep"),
        (b'{"k": 1e999}', 422, "question: Field required"),
        (b'{"k": %s}' % (b"9" * 6000), 400, "error parsing the body"),
        (b"[" * 200_000, 422, "16 deep"),
        (b" " * 300_000, 413, "262,144 bytes"),
    ],
)
def test_a_hostile_body_is_refused(
    client: TestClient, content: bytes, status: int, detail: str
) -> None:
    headers = {"Content-Type": "application/json"}
    assert detail in told(client.post("/v1/ask", content=content, headers=headers), status)


def test_brackets_inside_a_text_are_not_nesting(client: TestClient) -> None:
    said = {"question": f'what is "pain"? {"[{" * 100}'}
    assert client.post("/v1/ask", json=said).status_code == 200


def test_unknown_paths_and_methods_are_problems(client: TestClient) -> None:
    assert told(client.get("/v1/nothing"), 404) == "Not Found"
    assert told(client.get("/v1/ask"), 405) == "Method Not Allowed"


def test_no_other_site_may_ask_unless_it_is_named(client: TestClient, index: Index) -> None:
    headers = {"Origin": "https://example.org", "Access-Control-Request-Method": "POST"}
    assert "access-control-allow-origin" not in client.options("/v1/ask", headers=headers).headers
    access = Access(origins=("https://example.org",))
    named = TestClient(build_api(index, access)).options("/v1/ask", headers=headers)
    assert named.headers["access-control-allow-origin"] == "https://example.org"


def test_metrics_count_and_never_tell_what_was_asked(index: Index) -> None:
    with TestClient(build_api(index, Access())) as client:
        client.post("/v1/ask", json={"question": "Does a telltale word help?"})
        client.post("/v1/ask", json={"question": ""})
        client.get("/v1/documents/telltale.txt")
        client.get("/telltale")
        text = client.get("/metrics").text
    assert 'ketqa_requests_total{path="/v1/ask",status="200"} 1.0' in text
    assert 'ketqa_requests_total{path="/v1/ask",status="422"} 1.0' in text
    assert 'ketqa_requests_total{path="/v1/documents/{doc_id:path}",status="404"} 1.0' in text
    assert 'ketqa_requests_total{path="other",status="404"} 1.0' in text
    assert "ketqa_answers_total" in text
    assert "telltale" not in text


def test_a_token_is_asked_for_where_there_is_one(index: Index) -> None:
    client = TestClient(build_api(index, Access(token=TOKEN)))
    response = client.get("/v1/documents")
    assert "Authorization: Bearer" in told(response, 401)
    assert response.headers["www-authenticate"] == "Bearer"

    def status(given: str) -> int:
        headers = {b"Authorization": given.encode("latin-1")}
        return client.get("/v1/documents", headers=headers).status_code

    wrong = ("Bearer nonsense", TOKEN, f"Bearer {TOKEN}x", "Bearer \xff")
    assert [status(given) for given in wrong] == [401] * 4
    assert status(f"Bearer {TOKEN}") == 200
    assert client.get("/metrics").status_code == 401
    assert client.get("/healthz").json()["status"] == "ok"
    assert "HTTPBearer" in client.get("/openapi.json").json()["components"]["securitySchemes"]


def test_a_token_comes_from_a_file_or_the_environment_and_has_no_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KETQA_TOKEN", raising=False)
    assert read_token(None) is None
    monkeypatch.setenv("KETQA_TOKEN", TOKEN)
    assert read_token(None) == TOKEN
    (tmp_path / "token").write_text(f"{TOKEN}2\n")
    assert read_token(tmp_path / "token") == f"{TOKEN}2"
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(KetqaError, match="holds no token"):
        read_token(tmp_path / "empty")
    with pytest.raises(KetqaError, match="cannot be read as a token"):
        read_token(tmp_path / "nothing")
    with pytest.raises(KetqaError, match="has 6 characters; take at least 16"):
        Access(token="secret")  # noqa: S106
    with pytest.raises(KetqaError, match="no such rate; write it like 60/minute"):
        Access(rate="often")


def test_a_client_that_asks_too_often_is_told_when_to_come_back(index: Index) -> None:
    api = build_api(index, Access(rate="3/minute"))
    one = TestClient(api, client=("2001:db8::1", 1))
    same_network = TestClient(api, client=("2001:db8::2", 1))
    other = TestClient(api, client=("192.0.2.1", 1))
    assert [one.get("/v1/documents").status_code for _ in range(3)] == [200] * 3
    response = same_network.get("/v1/documents")
    assert "a client may ask 3 per 1 minute" in told(response, 429)
    assert 0 < int(response.headers["retry-after"]) <= 60
    assert other.get("/v1/documents").status_code == 200
    assert one.get("/healthz").status_code == 200


def test_what_breaks_is_told_without_its_details(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the secret of the house")

    client = TestClient(build_api(index, Access()), raise_server_exceptions=False)
    monkeypatch.setattr(index.store, "sources", broken)
    assert "not foreseen" in told(client.get("/v1/documents"), 500)


@pytest.fixture
def address(index: Index) -> Iterator[str]:
    with served(build_api(index, Access())) as found:
        yield found


def test_slow_clients_hold_up_nobody_and_are_let_go(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "BODY_SECONDS", 2.0)
    head = "POST /v1/ask HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    place = ("127.0.0.1", int(address.rsplit(":", 1)[1]))
    slow = [socket.create_connection(place, timeout=20) for _ in range(60)]
    for one in slow:
        one.sendall(f"{head}Content-Length: 1000\r\n\r\n{{".encode())
    quick = httpx2.post(f"{address}/v1/ask", json={"question": QUESTION}, timeout=2)
    assert quick.json()["status"] == "evidence"
    for one in slow:
        assert one.recv(1000).startswith(b"HTTP/1.1 408 ")
        one.close()


def test_too_much_at_once_is_refused_at_once(
    address: str, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "MOST_WORKING", 4)
    gate, inside = threading.Event(), threading.Semaphore(0)
    real = index.search

    def waiting(question: str, k: int = 10) -> list[Hit]:
        inside.release()
        assert gate.wait(20)
        return real(question, k)

    monkeypatch.setattr(index, "search", waiting)

    def search() -> httpx2.Response:
        return httpx2.post(f"{address}/v1/search", json={"question": QUESTION}, timeout=20)

    with ThreadPoolExecutor(5) as pool:
        held = [pool.submit(search) for _ in range(4)]
        for _ in held:
            inside.acquire(timeout=20)
        refused = pool.submit(search).result(timeout=2)
        assert "too much is asked at once" in told(refused, 503)
        assert refused.headers["retry-after"] == "1"
        assert httpx2.get(f"{address}/healthz").status_code == 200
        gate.set()
        assert [one.result().status_code for one in held] == [200] * 4


def test_clients_that_are_slow_to_fetch_their_answers_hold_up_nobody() -> None:
    """Each answer is ready, and nobody fetches it; the next request is answered all the same."""

    async def ready(scope: Scope, receive: Receive, send: Send) -> None:
        await Response("ready")(scope, receive, send)

    async def nothing_more() -> Message:
        return {"type": "http.request", "body": b""}

    async def meet() -> str:
        door = Guard(ready, Access(), Metrics())
        fetched, started = anyio.Event(), 0
        scope = {"type": "http", "method": "GET", "path": "/v1/documents", "headers": []}

        async def slow(message: Message) -> None:
            nonlocal started
            started += message["type"] == "http.response.start"
            await fetched.wait()

        async with anyio.create_task_group() as group:
            for _ in range(guard.MOST_WORKING + 1):
                group.start_soon(door, dict(scope), nothing_more, slow)
            await anyio.wait_all_tasks_blocked()
            assert started == guard.MOST_WORKING + 1
            quick: list[Message] = []

            async def fetch(message: Message) -> None:
                quick.append(message)

            await door(dict(scope), nothing_more, fetch)
            fetched.set()
        return str(quick[0]["status"])

    assert apart(meet) == "200"


def test_every_example_of_the_description_is_answered(client: TestClient) -> None:
    table = client.get("/openapi.json").json()
    asked = 0
    for path, operations in table["paths"].items():
        if "post" not in operations:
            continue
        body = operations["post"]["requestBody"]["content"]["application/json"]["schema"]
        fields = table["components"]["schemas"][body["$ref"].rsplit("/", 1)[1]]["properties"]
        example = {
            name: field["examples"][0] for name, field in fields.items() if "examples" in field
        }
        assert client.post(path, json=example).status_code == 200, (path, example)
        asked += 1
    assert asked == 4


# Any text is a string to JSON; which of them is a question, no schema can tell: 422 then. And a
# request that breaks the rules may be so long that it is refused before they are looked at.
CONFIG = schemathesis.Config.from_dict(
    {
        "checks": {
            "positive_data_acceptance": {"expected-statuses": ["2xx", 404, 422]},
            "negative_data_rejection": {"expected-statuses": [400, 404, 413, 422]},
        }
    }
)
TAKING = (
    "POST /v1/ask", "POST /v1/message", "POST /v1/search", "POST /v1/verify", "GET /v1/documents",
)  # fmt: skip
OPERATIONS = (*TAKING, "GET /v1/documents/{doc_id}", "GET /healthz", "GET /metrics")
MADE = [(label, schemathesis.GenerationMode.POSITIVE) for label in OPERATIONS]
MADE += [(label, schemathesis.GenerationMode.NEGATIVE) for label in TAKING]


@pytest.fixture(scope="module")
def described(index: Index) -> Iterator[schemathesis.BaseSchema]:
    with served(build_api(index, Access())) as found:
        yield schemathesis.openapi.from_url(f"{found}/openapi.json", config=CONFIG)


def test_the_description_names_every_path(described: schemathesis.BaseSchema) -> None:
    found = {f"{method.upper()} {path}" for path, one in described.items() for method in one}
    assert found == set(OPERATIONS)


@pytest.mark.parametrize(("label", "mode"), MADE)
def test_the_api_does_what_it_says_of_itself(
    described: schemathesis.BaseSchema,
    label: str,
    mode: schemathesis.GenerationMode,
) -> None:
    """Requests made up from the description, valid and not, keep every check of schemathesis."""
    method, path = label.split()
    sent: Counter[int] = Counter()

    @given(described[path][method].as_strategy(generation_mode=mode))
    @settings(max_examples=40, deadline=None, derandomize=True, database=None)
    def check(case: schemathesis.Case[Any]) -> None:
        sent[case.call_and_validate().status_code] += 1

    check()
    assert sent.total() > 0
    assert 500 not in sent
