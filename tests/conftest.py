"""A small corpus, an encoder whose rows can be worked out by hand, and the real index."""

import inspect
import os
import re
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from shutil import copyfile, copytree
from typing import TypeVar

import anyio
import numpy as np
import pytest
import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, sync_playwright

from browsing import CHROMIUM, FLAGS, serving
from ketqa.build import build_index
from ketqa.encode import Rows, unit
from ketqa.index import Index
from ketqa.parts import share
from ketqa.web.api import build_api
from ketqa.web.guard import Access
from ketqa.web.server import build_app
from milvus import Lite, Server
from postgres import PASSWORD, Postgres, why_not

# No test may reach another machine, nor a program that it starts.
pytest_plugins = ["refusing"]
# No test may wait for a network.
os.environ["HF_HUB_OFFLINE"] = "1"
# Haystack tells its makers of each pipeline that is run, unless it is told not to.
os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"

Said = TypeVar("Said")
ROOT = Path(__file__).parent.parent
CORPUS = ROOT / "corpus"

TOPICS = ("pain", "dose", "sleep", "cost")
FOUR_DOCUMENTS = {
    "cost.txt": "The cost is high. Nobody pays the cost for you.\n",
    "dose.txt": "Dose\n\nThe dose was 0.5 mg/kg. A second dose came later.\n",
    "pain.txt": "Pain fell by half. The pain came back after a week.\n",
    "sleep.txt": "People could sleep. They did sleep all night.\n",
}


class TopicEncoder:
    """One dimension a topic word, counting it; a text of none points at every topic."""

    max_tokens = 16
    family = "topics"

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(re.findall(r"\w+", text)) for text in texts]

    def encode_texts(self, texts: Sequence[str]) -> Rows:
        counts = [[text.lower().count(topic) for topic in TOPICS] for text in texts]
        rows = np.array([row if any(row) else [1] * len(TOPICS) for row in counts], np.float32)
        return unit(rows)

    def encode_queries(self, queries: Sequence[str]) -> Rows:
        return self.encode_texts(queries)


def write_corpus(folder: Path, documents: dict[str, str]) -> Path:
    """Write documents, byte for byte, into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in documents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text.encode())
    return folder


@pytest.fixture
def four_documents(tmp_path: Path) -> Path:
    return write_corpus(tmp_path / "corpus", FOUR_DOCUMENTS)


@pytest.fixture(scope="session")
def index_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped corpus, indexed with the shipped model."""
    folder = tmp_path_factory.mktemp("shipped") / "index"
    build_index(CORPUS, folder)
    return folder


@pytest.fixture(scope="session")
def index(index_folder: Path) -> Iterator[Index]:
    with Index.open(index_folder) as opened:
        yield opened


@pytest.fixture(scope="session")
def small_index(index_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped corpus with some of its questions; what was encoded is not encoded again."""
    folder = tmp_path_factory.mktemp("small")
    index = Path(copytree(index_folder, folder / "index", copy_function=share))
    build_index(some_questions(folder / "corpus", 12), index)
    return index


def some_questions(folder: Path, each: int) -> Path:
    """Copy the shipped corpus with one of so many of its curated questions."""
    folder.mkdir()
    for file in CORPUS.iterdir():
        if file.suffix == ".jsonl":
            lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
            (folder / file.name).write_text("".join(lines[::each]), encoding="utf-8")
        else:
            copyfile(file, folder / file.name)
    return folder


@pytest.fixture(scope="session")
def lite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A milvus-lite server."""
    with Lite(tmp_path_factory.mktemp("lite")) as server:
        yield server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server, whose password is where libpq looks for it."""
    if why_not():
        pytest.skip(why_not())
    with pytest.MonkeyPatch.context() as environment, Postgres() as server:
        environment.setenv("PGPASSWORD", PASSWORD)
        yield server


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def address(index_folder: Path) -> Iterator[str]:
    """Where the shipped corpus is served."""
    with serving(index_folder, "--country", "GB") as found:
        yield found


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    with browser.new_page(viewport={"width": 1000, "height": 900}) as opened:
        opened.goto(address)
        yield opened


def page_of(index: Index, corpus: Path | None = None) -> FastAPI:
    """Build the page where a loop runs: without one Gradio would begin its own, and end it never."""

    async def build() -> FastAPI:
        return build_app(index, build_api(index, Access()), corpus=corpus)

    return apart(build)


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """Serve an application on a free port, in a thread; yields its address."""
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.02)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)


def apart(speak: Callable[[], Coroutine[None, None, Said]]) -> Said:
    """Run what is asynchronous in a thread of its own: the browser's driver holds this one's."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(anyio.run, speak).result()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run an asynchronous test."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    wanted = inspect.signature(pyfuncitem.obj).parameters
    apart(partial(pyfuncitem.obj, **{name: pyfuncitem.funcargs[name] for name in wanted}))
    return True
