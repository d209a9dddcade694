"""What a hostile file does, it does in another process, and not for long."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ketqa.errors import CorpusError
from ketqa.formats import sandbox as sandbox_module
from ketqa.formats.sandbox import PROGRAM, Sandbox
from made_files import PAGE, make_pdf


def test_what_is_read_in_the_sandbox_is_what_is_read_outside() -> None:
    from ketqa.formats.pdf import read_pdf

    data = make_pdf()
    with Sandbox() as sandbox:
        assert sandbox.read(data, "a.pdf", "pdf") == ([read_pdf(data, "a.pdf")], [])


def test_what_is_drawn_in_the_sandbox_is_what_is_drawn_outside() -> None:
    from ketqa.formats.marked import Sheet, draw

    data = make_pdf()
    sheet = Sheet(1, "", None)
    with Sandbox() as sandbox:
        assert sandbox.draw(data, "a.pdf", sheet) == draw(data, "a.pdf", sheet)
        with pytest.raises(CorpusError, match="a.pdf: a damaged PDF; get it again"):
            sandbox.draw(data[:600], "a.pdf", sheet)
        with pytest.raises(CorpusError, match="a.pdf: a damaged PDF .Failed to load page"):
            sandbox.draw(data, "a.pdf", Sheet(2, "", None))


def test_a_file_that_takes_too_long_is_named_and_the_next_one_is_read() -> None:
    slow = ("<p>word " * 200_000).encode()
    with Sandbox(seconds=3) as sandbox:
        sandbox.read(PAGE.encode(), "first.html", "html")
        short = Sandbox(seconds=0.05)
        with short, pytest.raises(CorpusError, match="slow.html: reading it took more than 0.05 s"):
            short.read(slow, "slow.html", "html")
        assert sandbox.read(PAGE.encode(), "next.html", "html")[0][0].found["title"] == "A leaflet"


def test_a_file_that_takes_too_long_is_left_even_where_whoever_asked_is_gone() -> None:
    order = {"file": "a.txt", "form": "text", "size": 9, "seconds": 0.05}
    command = [sys.executable, "-c", PROGRAM]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        process.stdin.write(json.dumps(order).encode() + b"\n")
        process.stdin.flush()  # and the nine bytes never come
        try:
            assert process.wait(30) == -signal.SIGALRM
        finally:
            process.kill()


def test_a_reader_that_heeds_no_clock_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    deaf = "import signal; signal.signal(signal.SIGALRM, signal.SIG_IGN)"
    monkeypatch.setattr(sandbox_module, "PROGRAM", f"{deaf}; {PROGRAM}")
    short = Sandbox(seconds=0.05)
    with short, pytest.raises(CorpusError, match="a.txt: reading it took more than 0.05 s"):
        short.read(b"It fell.", "a.txt", "text")


def test_a_reader_that_breaks_down_is_named_and_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    with Sandbox() as sandbox:
        with pytest.raises(CorpusError, match=r"x.odt: its reader broke down \(KeyError: 'odt'\)"):
            sandbox.read(b"x", "x.odt", "odt")
        assert sandbox.read(b"It fell.", "a.txt", "text")[0][0].text == "It fell."


@pytest.mark.parametrize(
    ("deed", "told"),
    [
        ("import socket; socket.create_connection(('127.0.0.1', 9))", "a document may not do this"),
        ("import subprocess; subprocess.run(['true'])", "a document may not do this"),
        ("import os; os.system('true')", "a document may not do this"),
        ("x = bytearray(5 << 30)", "MemoryError"),
    ],
)
def test_the_sandbox_opens_no_connection_and_starts_no_program(deed: str, told: str) -> None:
    program = f"from ketqa.formats.sandbox import _confine; _confine(); {deed}"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert told in done.stderr.splitlines()[-1]


def test_no_process_is_left_behind() -> None:
    with Sandbox() as sandbox:
        sandbox.read(b"It fell.", "a.txt", "text")
        process = sandbox._process
        assert process is not None
        assert Path(f"/proc/{process.pid}").exists()
    assert not Path(f"/proc/{process.pid}").exists()
