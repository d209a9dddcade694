"""How quick the page is: first paint, first card, weight, and many people at once.

    python benchmarks/page.py [--index index] [--people 20] [--questions 5]

Starts ``ketqa serve`` on a free port and opens it in /usr/bin/chromium. The many people are
clients of the page's own queue, each asking one question after the other.
"""

import argparse
import json
import random
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = "/usr/bin/chromium"
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
QUESTIONS = (
    "How long did relief last?",
    "What are the side effects?",
    "Does insurance pay for it?",
    "Has the FDA approved ketamine for migraine?",
    "who won the world cup",
    "What dose of ketamine was used?",
)
DONE = "section.answer.done"
WARM = 5


@contextmanager
def serving(index: str, *more: str) -> Iterator[str]:
    """Serve an index; yields its address."""
    with started(index, *more) as (address, _):
        yield address


@contextmanager
def started(index: str, *more: str) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """Serve an index; yields its address, and the server's process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    ketqa = str(Path(sys.executable).with_name("ketqa"))
    address = f"http://127.0.0.1:{port}"
    command = [ketqa, "serve", "--index", index, "--port", port, *more]
    with subprocess.Popen(command) as process:  # noqa: S603, our own
        try:
            while process.poll() is None:
                try:
                    httpx.get(address)
                    break
                except httpx.TransportError:
                    time.sleep(0.1)
            yield address, process
        finally:
            process.terminate()


def paint(page: Page) -> float:
    """Milliseconds from the start of a load to its first contentful paint."""
    script = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
    page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length")
    return float(page.evaluate(script))


def look(browser: Browser, address: str) -> None:
    """Print what one person with an empty cache, and then with a full one, waits for."""
    with browser.new_context() as context:
        page = context.new_page()
        session = context.new_cdp_session(page)
        session.send("Network.enable")
        sizes: list[float] = []
        session.on(
            "Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"])
        )
        for cache in ("empty", "full"):
            sizes.clear()
            start = time.perf_counter()
            page.goto(address)
            page.wait_for_selector("body.ready")
            ready = time.perf_counter() - start
            print(
                f"{cache} cache: first paint {paint(page):.0f} ms, chat ready "
                f"{ready * 1000:.0f} ms, {len(sizes)} files, {sum(sizes) / 1024:.0f} KiB"
            )
        times = [first_card(page, question) for question in QUESTIONS * 3]
        print(
            f"asking: first card after {statistics.median(times):.0f} ms (median of {len(times)})"
        )
        opened = []
        for _ in range(WARM):
            start = time.perf_counter()
            page.goto(f"{address}/?q=How+long+did+relief+last%3F")
            page.wait_for_selector(".card")
            opened.append((time.perf_counter() - start) * 1000)
        print(
            f"opening ?q=: first card after {statistics.median(opened):.0f} ms (median of {WARM})"
        )


def middle(times: Sequence[float]) -> str:
    return f"{statistics.median(times):.0f} ms (median of {len(times)})"


def first_card(page: Page, question: str) -> float:
    """Milliseconds from pressing Enter to the answer in the page."""
    before = page.locator(DONE).count()
    page.get_by_label("Your question").fill(question)
    start = time.perf_counter()
    page.get_by_label("Your question").press("Enter")
    page.wait_for_function(f"document.querySelectorAll('{DONE}').length > {before}")
    return (time.perf_counter() - start) * 1000


def ask_queue(client: httpx.Client, address: str, question: str, number: int) -> bool:
    """Ask by the page's own queue; tell whether an answer came."""
    session = f"person{number}{random.randrange(10**9)}"  # noqa: S311, no secret
    asked = {
        "fn_index": number_of_ask(address),
        "data": [question, False, [], ""],
        "session_hash": session,
    }
    client.post(f"{address}/gradio_api/queue/join", json=asked).raise_for_status()
    path = f"{address}/gradio_api/queue/data?session_hash={session}"
    text = ""
    with client.stream("GET", path) as events:
        for line in events.iter_lines():
            text += line
            message: dict[str, Any] = json.loads(line[6:]) if line.startswith("data: ") else {}
            if message.get("msg") == "process_completed":
                return bool(message["success"]) and "answer done" in text
    return False


def number_of_ask(address: str) -> int:
    """Return the number of the event that a question in the box starts."""
    if address not in NUMBERS:
        config = httpx.get(f"{address}/config").json()
        box = next(c["id"] for c in config["components"] if c["props"].get("elem_id") == "question")
        NUMBERS[address] = next(
            d["id"] for d in config["dependencies"] if [box, "submit"] in map(list, d["targets"])
        )
    return NUMBERS[address]


NUMBERS: dict[str, int] = {}


def many(address: str, people: int, questions: int) -> None:
    """Print how long each of many people waits who ask at once."""

    def person(number: int) -> list[tuple[float, bool]]:
        seen = []
        with httpx.Client(timeout=60) as client:
            for turn in range(questions):
                start = time.perf_counter()
                question = QUESTIONS[(number + turn) % len(QUESTIONS)]
                done = ask_queue(client, address, question, number)
                seen.append((time.perf_counter() - start, done))
        return seen

    number_of_ask(address)
    with ThreadPoolExecutor(people) as pool:
        seen = [one for person_seen in pool.map(person, range(people)) for one in person_seen]
    times = sorted(seconds * 1000 for seconds, _ in seen)
    p95 = times[int(0.95 * (len(times) - 1))]
    errors = sum(not done for _, done in seen)
    print(
        f"{people} people at once, {questions} questions each: median "
        f"{statistics.median(times):.0f} ms, p95 {p95:.0f} ms, {errors} errors"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--index", default="index")
    parser.add_argument("--people", type=int, default=20)
    parser.add_argument("--questions", type=int, default=5)
    options = parser.parse_args()
    with serving(options.index) as address:
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
            look(browser, address)
            browser.close()
        many(address, options.people, options.questions)


if __name__ == "__main__":
    main()
