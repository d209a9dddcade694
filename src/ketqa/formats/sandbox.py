"""Reads hostile files in a process of its own, so that nothing they do harms the one that asks.

The process gets bytes and gives back text, or the picture of a page. It has so many seconds a
file and so much memory; it may open no connection and start no program. Where it is killed or
dies, the file is named and the next one gets a new process.
"""

import base64
import json
import logging
import os
import resource
import signal
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from threading import Timer
from time import monotonic
from typing import Any, BinaryIO, Self

import ketqa
from ketqa.errors import CorpusError
from ketqa.formats import read_content
from ketqa.formats.content import Content
from ketqa.formats.marked import Picture, Sheet, draw
from ketqa.types import Layout

# The longest reports take a few seconds; what takes a minute does not end.
SECONDS = 60.0
GRACE = 1.0
MEMORY = 4 << 30
REFUSED = ("socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.system", "os.exec")
PROGRAM = "from ketqa.formats.sandbox import serve; serve()"


class Sandbox:
    """A process that reads files, started when the first one comes."""

    def __init__(self, seconds: float = SECONDS) -> None:
        """Say how many seconds a file may take."""
        self._seconds = seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115, closed by close()

    def __enter__(self) -> Self:
        """Return the sandbox itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        self._stop()
        self._errors.close()

    def read(self, data: bytes, file: str, form: str) -> tuple[list[Content], list[str]]:
        """Read a file as ``formats.read_content`` does.

        Raises:
            CorpusError: It cannot be read, or it took too long or too much memory.
        """
        return _unpack(self._ask(data, {"file": file, "form": form}))

    def draw(self, data: bytes, file: str, sheet: Sheet) -> Picture:
        """Draw a page of a PDF as ``formats.marked.draw`` does.

        Raises:
            CorpusError: It cannot be drawn, or it took too long or too much memory.
        """
        answer = self._ask(data, {"file": file, "sheet": asdict(sheet)})
        return Picture(png=base64.b64decode(answer.pop("png")), **answer)

    def _ask(self, data: bytes, order: dict[str, Any]) -> dict[str, Any]:
        """Have the process do something with a file; returns what it says."""
        process = self._process = self._process or self._start()
        assert process.stdin  # noqa: S101, for the type checker
        assert process.stdout  # noqa: S101, likewise
        began = monotonic()
        timer = Timer(self._seconds, process.kill)
        timer.start()
        try:
            told = {**order, "size": len(data), "seconds": self._seconds}
            process.stdin.write(json.dumps(told).encode() + b"\n")
            process.stdin.write(data)
            process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            line = b""
        finally:
            timer.cancel()
        if not line.endswith(b"\n"):
            late = monotonic() - began >= self._seconds
            raise CorpusError(f"{order['file']}: {self._last_words(late=late)}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise CorpusError(answer["error"])
        return answer

    def _start(self) -> subprocess.Popen[bytes]:
        self._errors.truncate(0)
        package = str(Path(ketqa.__file__).parent.parent)
        paths = os.pathsep.join(filter(None, (package, os.environ.get("PYTHONPATH"))))
        return subprocess.Popen(  # noqa: S603, our own program
            [sys.executable, "-c", PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env={**os.environ, "PYTHONPATH": paths},
        )

    def _stop(self) -> int:
        if self._process is None:
            return 0
        process, self._process = self._process, None
        process.kill()
        # communicate() flushes what a dead process will not take
        for pipe in (process.stdin, process.stdout):
            try:
                if pipe:
                    pipe.close()
            except BrokenPipeError:
                continue
        return process.wait()

    def _last_words(self, *, late: bool) -> str:
        """Say why the process ended, and clear it away."""
        self._stop()
        if late:
            return f"reading it took more than {self._seconds:g} seconds"
        self._errors.seek(0)
        lines = self._errors.read().decode("utf-8", "replace").splitlines()
        if lines and lines[-1].startswith("MemoryError"):
            return f"reading it took more than {MEMORY >> 30} GB of memory"
        return f"its reader broke down ({lines[-1][:200] if lines else 'it was killed'})"


def serve() -> None:
    """Read what comes on the standard input until it ends."""
    answers = os.fdopen(os.dup(1), "wb")
    # what a library prints must not get among the answers
    os.dup2(2, 1)
    logging.disable()
    _confine()
    orders = sys.stdin.buffer
    while line := orders.readline():
        order = json.loads(line)
        # whoever asked stops this process in time, unless that was killed itself
        signal.setitimer(signal.ITIMER_REAL, order["seconds"] + GRACE)
        answers.write(json.dumps(_answer(order, orders)).encode() + b"\n")
        answers.flush()
        signal.setitimer(signal.ITIMER_REAL, 0)


def _answer(order: dict[str, Any], orders: BinaryIO) -> dict[str, Any]:
    data = orders.read(order["size"])
    try:
        if "sheet" in order:
            return _packed(draw(data, order["file"], Sheet(**order["sheet"])))
        contents, wrong = read_content(data, order["file"], order["form"])
    except CorpusError as error:
        return {"error": str(error)}
    return {"contents": [asdict(content) for content in contents], "wrong": wrong}


def _packed(picture: Picture) -> dict[str, Any]:
    return {**asdict(picture), "png": base64.b64encode(picture.png).decode()}


def _confine() -> None:
    """Take away memory without end, connections and other programs."""
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    allowed = MEMORY if most == resource.RLIM_INFINITY else min(MEMORY, most)
    resource.setrlimit(resource.RLIMIT_AS, (allowed, most))
    sys.addaudithook(_refuse)


def _refuse(event: str, _: tuple[object, ...]) -> None:
    if event in REFUSED:
        raise PermissionError(f"{event}: a document may not do this")


def _unpack(answer: dict[str, Any]) -> tuple[list[Content], list[str]]:
    return [_content(**content) for content in answer["contents"]], answer["wrong"]


def _content(layout: dict[str, Any], notes: list[str], **fields: Any) -> Content:
    return Content(layout=Layout.of_json(layout), notes=tuple(notes), **fields)
