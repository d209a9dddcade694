"""How the tests of the page serve it, open it in real Chromium, and ask."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from playwright.sync_api import Page, expect

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
# What a page must come to show, it may show late on a busy machine.
expect.set_options(timeout=20_000)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def serving(index: Path, *more: str) -> Iterator[str]:
    """Run ``ketqa serve`` on a free port; yields its address."""
    with running(index, *more) as (address, _):
        yield address


@contextmanager
def running(index: Path, *more: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Run ``ketqa serve`` on a free port until it answers; stop it by its process."""
    port = free_port()
    command = [Path(sys.executable).with_name("ketqa"), "serve", "--index", index]
    with subprocess.Popen(
        [*map(str, command), "--port", str(port), *more], stderr=subprocess.PIPE
    ) as process:
        address = f"http://127.0.0.1:{port}"
        try:
            _wait_for(address, process)
            yield address, process
        finally:
            process.terminate()
            process.wait(30)


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        if process.poll() is not None:
            raise AssertionError(process.stderr.read() if process.stderr else "the server ended")
        try:
            if httpx.get(address).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("the page did not open within a minute")


def ask(page: Page, question: str) -> None:
    expect(page.locator("body.ready")).to_have_count(1)
    answers = page.locator("section.answer.done")
    before = answers.count()
    box = page.get_by_label("Your question")
    box.fill(question)
    box.press("Enter")
    expect(answers).to_have_count(before + 1)


def assert_quotes_are_verbatim(page: Page, corpus: Path) -> int:
    marks = page.locator("[data-start]").all()
    for mark in marks:
        file = mark.get_attribute("data-file")
        start, end = mark.get_attribute("data-start"), mark.get_attribute("data-end")
        assert file
        assert start
        assert end
        text = (corpus / file).read_bytes().decode()
        assert mark.evaluate("element => element.textContent") == text[int(start) : int(end)]
    return len(marks)
