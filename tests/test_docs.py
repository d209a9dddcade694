"""The documentation tells the truth: every block of code in it runs, and gives what it shows.

How a block is marked says what is done with it: ``python`` runs, and ``output`` below it is
what it prints; ``console`` has commands after ``$`` and what they print, where a line ``...``
stands for any lines; ``sh`` has commands alone; ``toml`` and ``jsonl`` must parse. A block
that cannot run here has ``skip: next`` and one of the reasons below before it.
"""

import contextlib
import io
import json
import os
import re
import shlex
import socket
import subprocess
import sys
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest import SkipTest

import pytest
from markdown_it import MarkdownIt
from sybil import Example, Sybil
from sybil.parsers.markdown import CodeBlockParser, SkipParser

import ketqa
from conftest import ROOT
from ketqa.cli import _parser, main
from ketqa.index import Index

PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
RUN = ("python", "output", "console", "sh", "toml", "jsonl")
ADDRESS = "127.0.0.1:7860"
REASONS = {
    "installs",
    "needs docker",
    "needs systemd",
    "downloads a model",
    "needs a model server",
    "needs a Milvus server",
}
# Commands that take minutes, or wait for people: it is only seen that they would be understood.
# A page is served where a later command of it asks with curl.
LONG = (
    ["adapt"], ["bench-quotes"], ["bench-retrieval"], ["eval"], ["gold", "add"],
    ["questions", "check"], ["questions", "generate"], ["serve"],
)  # fmt: skip
LONG_WITH = {"--base-model", "--watch"}


def run_python(example: Example) -> None:
    printed = io.StringIO()
    code = compile("\n" * (example.line - 1) + example.parsed, example.path, "exec")
    with contextlib.redirect_stdout(printed), ThreadPoolExecutor(1) as pool:
        # in a thread of its own, for the browser's driver holds the event loop of this one
        pool.submit(exec, code, example.namespace).result()
    example.namespace["printed"] = printed.getvalue()


def check_output(example: Example) -> None:
    check_shown(example.parsed, example.namespace.pop("printed"))


def check_shown(shown: str, printed: str) -> None:
    """Compare line by line; ``...`` alone in a line stands for any lines."""
    pattern = "".join(
        r"(?:.*\n)*?" if line.strip() == "..." else re.escape(line) + r"\n"
        for line in shown.rstrip("\n").split("\n")
    )
    assert re.fullmatch(pattern, printed.rstrip("\n") + "\n"), (
        f"shown:\n{shown}\nprinted:\n{printed}"
    )


def run_shell(example: Example) -> None:
    run_commands(example.parsed, example)


def run_commands(commands: str, example: Example) -> str:
    """Run commands and return what they print; ketqa's own in this process, which is quicker."""
    lines = [line for line in commands.splitlines() if line.strip() and line[0] != "#"]
    if all(line.startswith("ketqa ") for line in lines):
        return "".join(run_ketqa(shlex.split(line, comments=True)[1:], example) for line in lines)
    commands = commands.replace(ADDRESS, example.namespace.get("address", ADDRESS))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        env=os.environ | {"PATH": path}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def run_ketqa(arguments: list[str], example: Example) -> str:
    if arguments[0] == "serve" and "curl" in example.document.text[example.region.end :]:
        start_server(arguments, example)
        return ""
    if LONG_WITH & set(arguments) or any(arguments[: len(words)] == words for words in LONG):
        _parser().parse_args(arguments)
        return ""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        assert main(arguments) == 0, arguments
    return printed.getvalue()


def start_server(arguments: list[str], example: Example) -> None:
    """Serve on a free port for the commands that follow in the page."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = Path(sys.executable).with_name("ketqa")
    server = subprocess.Popen([command, *arguments, "--port", str(port)], stderr=subprocess.DEVNULL)
    example.namespace |= {"server": server, "address": f"127.0.0.1:{port}"}
    deadline = time.monotonic() + 60
    while server.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.1)
    raise AssertionError(f"the server did not come up: {arguments}")


def stop(value: object) -> None:
    """Let go of what a page has opened."""
    if isinstance(value, Index):
        value.close()
    elif isinstance(value, subprocess.Popen):
        value.terminate()
        value.wait(timeout=10)


def run_console(example: Example) -> None:
    for part in re.split(r"^\$ ", example.parsed, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        printed = run_commands(command, example)
        if shown.strip():
            check_shown(shown, printed)


def read_toml(example: Example) -> None:
    assert tomllib.loads(example.parsed)


def read_jsonl(example: Example) -> None:
    assert all(isinstance(json.loads(line), dict) for line in example.parsed.splitlines())


EVALUATORS = (run_python, check_output, run_console, run_shell, read_toml, read_jsonl)
SYBIL = Sybil(
    [*(CodeBlockParser(name, run) for name, run in zip(RUN, EVALUATORS, strict=True)), SkipParser()]
)


@pytest.fixture
def workspace(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A folder like a clone of the project, with the shipped documents indexed."""
    folder = tmp_path / "ketqa"
    folder.mkdir()
    for name in ("corpus", "tests", "training", "deploy", "docs"):
        (folder / name).symlink_to(ROOT / name)
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / "index").symlink_to(request.getfixturevalue("index_folder"))
    return folder


@pytest.mark.model
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_of_a_page_runs_and_gives_what_it_shows(
    page: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = SYBIL.parse(page)
    examples = list(document.examples())
    if not examples:
        return
    monkeypatch.chdir(request.getfixturevalue("workspace"))
    try:
        for example in examples:
            with contextlib.suppress(SkipTest):
                example.evaluate()
    finally:
        for value in document.namespace.values():
            stop(value)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_block_of_a_page_escapes(page: Path) -> None:
    """Each is fenced and marked, so that the test above finds it."""
    text = page.read_text(encoding="utf-8")
    tokens = [t for t in MarkdownIt().parse(text) if t.type in ("fence", "code_block")]
    assert {token.info for token in tokens} <= set(RUN)
    reasons = re.findall(r'^<!-- skip: next "(.*)" -->$', text, re.MULTILINE)
    assert text.count("<!-- skip") == len(reasons)
    assert set(reasons) <= REASONS


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_a_page_links_to_is_there(page: Path) -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_every_page_is_listed() -> None:
    listed = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    for page in PAGES:
        if page.name != "README.md":
            assert f"]({page.name})" in listed, page.name


def test_the_two_commands_and_an_answer_stand_at_the_top() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert lines.index("make run      # set everything up, build the index, open the chat page on http://127.0.0.1:7860") < 15  # fmt: skip
    assert max(n for n, line in enumerate(lines[:40]) if "not medical advice" in line) < 30


def test_the_reference_is_written_from_the_docstrings_without_a_warning(tmp_path: Path) -> None:
    script = ROOT / "docs" / "reference.py"
    done = subprocess.run(
        [sys.executable, "-W", "error", script, tmp_path],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    pages = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.html")}
    assert pages == {"index.html", "ketqa.html"} | {
        f"ketqa/{name}.html" for name in ("types", "errors", "export", "verify")
    }
    public = (tmp_path / "ketqa.html").read_text(encoding="utf-8")
    for name in ketqa.__all__:
        assert f'id="{name}"' in public
    assert "Answer a question with at most k quotes" in public
