"""The server under load: it finishes what it answers when it stops, says when it is busy, and
lets slow clients hold up nobody."""

import contextlib
import json
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect

from browsing import running
from conftest import page_of, served
from ketqa.found import Found
from ketqa.index import Index
from ketqa.types import Answer
from ketqa.web import page as pages
from ketqa.web.server import LAST_SECONDS

pytestmark = [pytest.mark.model, pytest.mark.long]

QUESTION = "How long did relief last?"
BUSY = 503
# So many answers are given before a server is told to stop.
MET = 10


def number_of_ask(address: str) -> int:
    """Return the number of the event that a question in the box starts."""
    config = httpx.get(f"{address}/config").json()
    box = next(c["id"] for c in config["components"] if c["props"].get("elem_id") == "question")
    return next(
        int(one["id"])
        for one in config["dependencies"]
        if [box, "submit"] in map(list, one["targets"])
    )


def join(address: str, number: int, session: str, question: str = QUESTION) -> int:
    """Put a question into the page's queue; returns the status."""
    asked = {"fn_index": number, "data": [question, False, [], ""], "session_hash": session}
    return httpx.post(f"{address}/gradio_api/queue/join", json=asked, timeout=20).status_code


def fetch(address: str, session: str) -> str:
    """Wait for what the queue has to say to a session, to its end."""
    path = f"{address}/gradio_api/queue/data?session_hash={session}"
    with httpx.stream("GET", path, timeout=20) as events:
        lines = []
        for line in events.iter_lines():
            lines.append(line)
            if '"process_completed"' in line or '"unexpected_error"' in line:
                break
    return "".join(lines)


def ask_without_a_break(address: str, who: int) -> list[str]:
    """Ask until the server takes nobody new; returns the questions that were answered."""
    answered, number = [], number_of_ask(address)
    for turn in range(10_000):
        question, session = f"How long did relief last in trial {who} {turn}?", f"{who}-{turn}"
        try:
            if join(address, number, session, question) != 200:
                break
            if "answer done" in fetch(address, session):
                answered.append(question)
        except httpx.TransportError:
            break
    return answered


def call_without_a_break(address: str) -> int:
    """Use the API until nobody answers; returns how often it did, each time whole."""
    answered = 0
    while True:
        try:
            asked = httpx.post(f"{address}/v1/ask", json={"question": QUESTION}, timeout=20)
        except httpx.TransportError:
            return answered
        assert asked.json()["question"] == QUESTION
        answered += 1


def hold_open(address: str) -> None:
    """Hold the connection that an open page holds, until it is closed."""
    with (
        contextlib.suppress(httpx.TransportError),
        httpx.stream("GET", f"{address}/gradio_api/heartbeat/open", timeout=60) as beats,
    ):
        assert list(beats.iter_bytes())


def test_a_server_that_is_stopped_answers_what_it_was_asked_and_keeps_every_line(
    index_folder: Path, tmp_path: Path
) -> None:
    """People ask without a break, by the page and by the API, and a page is open beside."""
    log = tmp_path / "asked.jsonl"
    with (
        ThreadPoolExecutor(6) as pool,
        running(index_folder, "--log-questions", str(log)) as (address, process),
    ):
        people = [pool.submit(ask_without_a_break, address, who) for who in range(4)]
        caller, opened = pool.submit(call_without_a_break, address), pool.submit(hold_open, address)
        while not log.exists() or log.read_bytes().count(b"\n") < MET:
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        # without its limit it would wait for the open page, which never goes
        process.wait(LAST_SECONDS + 25)
        answered = [question for one in people for question in one.result(timeout=20)]
        assert caller.result(timeout=20) > 0
        opened.result(timeout=20)
    kept = [json.loads(line)["question"] for line in log.read_text(encoding="utf-8").splitlines()]
    assert answered
    assert set(answered) <= set(kept)


@pytest.fixture
def held(index: Index, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, threading.Event]]:
    """A page whose answers wait for a sign, and in which three may wait for their turn."""
    go_on = threading.Event()
    real = index.answer

    def waiting(found: Found, *, k: int = 5, min_confidence: float | None = None) -> Answer:
        assert go_on.wait(30)
        return real(found, k=k, min_confidence=min_confidence)

    monkeypatch.setattr(index, "answer", waiting)
    monkeypatch.setattr(pages, "MOST_WAITING", 3)
    with served(page_of(index)) as address:
        yield address, go_on
        go_on.set()


def fill(address: str) -> list[str]:
    """Ask until everyone more is turned away; returns the sessions that were taken in."""
    number, taken = number_of_ask(address), []
    for who in range(pages.AT_ONCE + 20):
        if join(address, number, f"f{who}") == BUSY:
            break
        taken.append(f"f{who}")
        time.sleep(0.1)  # for those whose turn it is to begin
    return taken


def test_whom_the_page_has_no_time_for_is_told_at_once_and_the_others_are_answered(
    held: tuple[str, threading.Event],
) -> None:
    address, go_on = held
    taken = fill(address)
    assert pages.AT_ONCE <= len(taken) <= pages.AT_ONCE + 4
    start = time.monotonic()
    assert join(address, number_of_ask(address), "late") == BUSY
    assert httpx.get(address).status_code == 200
    assert time.monotonic() - start < 1
    go_on.set()
    for session in taken:
        assert "answer done" in fetch(address, session)


def test_a_message_from_no_session_ends_nobodys_chat(
    held: tuple[str, threading.Event],
) -> None:
    """It would wait among the others, and nobody behind it would have a turn."""
    address, go_on = held
    number, sessions = number_of_ask(address), [f"n{who}" for who in range(pages.AT_ONCE + 1)]
    for session in sessions:
        assert join(address, number, session) == 200
        time.sleep(0.1)  # for those whose turn it is to begin
    nobody = join(address, number, "")
    go_on.set()
    for session in sessions:
        assert "answer done" in fetch(address, session)
    assert join(address, number, "late") == 200
    assert "answer done" in fetch(address, "late")
    assert nobody == 422


@pytest.mark.browser
def test_a_person_reads_that_it_is_busy_within_a_second(
    held: tuple[str, threading.Event], browser: Browser
) -> None:
    address, go_on = held
    with browser.new_page() as opened:
        opened.goto(address)
        opened.wait_for_selector("body.ready")
        fill(address)
        box = opened.get_by_label("Your question")
        box.fill(QUESTION)
        box.press("Enter")
        expect(opened.get_by_text("busy").first).to_be_visible(timeout=1000)
        go_on.set()


def test_no_more_sessions_are_remembered_than_may_be_and_a_forgotten_one_goes_on(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "MOST_SESSIONS", 2)
    app = page_of(index)
    holders = {
        id(mounted.state_holder): mounted.state_holder
        for route in app.routes
        if (mounted := getattr(getattr(route, "app", None), "_app", None))
    }
    with served(app) as address:
        number = number_of_ask(address)
        for session in ("a", "b", "c", "d", "a"):
            assert join(address, number, session) == 200
            assert "answer done" in fetch(address, session)
    remembered = [len(holder.session_data) for holder in holders.values()]
    assert 1 <= max(remembered) <= 3


def test_slow_clients_hold_up_nobody_on_the_page(address: str) -> None:
    """Some never finish their request, others never read what they are sent."""
    place = ("127.0.0.1", int(address.rsplit(":", 1)[1]))
    head = "Host: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
    with contextlib.ExitStack() as slow:
        for number in range(60):
            one = slow.enter_context(socket.create_connection(place, timeout=20))
            if number % 2:
                one.sendall(f"POST /gradio_api/queue/join HTTP/1.1\r\n{head}".encode())
            else:
                one.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" * 2)
        # all of them are still there when this one has been answered
        assert join(address, number_of_ask(address), "quick") == 200
        assert "answer done" in fetch(address, "quick")
