"""What is asked stays with whoever asked, in no log, count, file or error; so does the token."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser

from browsing import ask, free_port
from ketqa.manifest import current_build

# Letters that occur nowhere else; also as they are written in an address.
MARK = "Quetzalpfeffer"
TOKEN = "Zibetkatzenschlummer"  # noqa: S105
SECRETS = (MARK, TOKEN)
QUESTION = f"Does {MARK} ketamine help migraine?"
KETQA = str(Path(sys.executable).with_name("ketqa"))


class Home:
    """A folder of a process's own: where it works, what is its home, what is temporary."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.told = folder / "told"
        for name in ("work", "home", "tmp"):
            (folder / name).mkdir()

    @property
    def environment(self) -> dict[str, str]:
        places = {name: str(self.folder / "tmp") for name in ("TMPDIR", "GRADIO_TEMP_DIR")}
        own = {"HOME": str(self.folder / "home"), "KETQA_TOKEN": TOKEN}
        return os.environ | places | own

    def start(self, *arguments: str, stdin: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
        with self.told.open("ab") as told:
            return subprocess.Popen(
                [KETQA, *arguments], cwd=self.folder / "work", env=self.environment,
                stdin=stdin, stdout=subprocess.PIPE if stdin == subprocess.PIPE else told,
                stderr=told,
            )  # fmt: skip

    def holding(self) -> list[str]:
        """Return the files that hold a secret, in any encoding that a program may take."""
        codes = ("utf-8", "utf-16-le", "utf-32-le")
        forms = [secret.encode(code) for secret in SECRETS for code in codes]
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        return [
            path.relative_to(self.folder).as_posix()
            for path in files
            if any(form in path.read_bytes() for form in forms)
            or any(secret in path.name for secret in SECRETS)
        ]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture
def index_here(index_folder: Path, home: Home) -> Path:
    return Path(shutil.copytree(index_folder, home.folder / "index"))


def wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(1200):
        assert process.poll() is None
        try:
            if httpx.get(f"{address}/healthz").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("the server did not come up")


def join(client: httpx.Client, data: object) -> str:
    """Send a question as the page does, and return all that the server says of it."""
    session = f"s{time.monotonic_ns()}"
    body = {"data": data, "fn_index": 0, "session_hash": session}
    sent = client.post("/gradio_api/queue/join", json=body)
    if sent.status_code != 200:
        return sent.text
    where = {"session_hash": session}
    with client.stream("GET", "/gradio_api/queue/data", params=where) as told:
        lines = []
        for line in told.iter_lines():
            lines.append(line)
            if "process_completed" in line or "close_stream" in line:
                break
    return "\n".join(lines)


def everything_asked(client: httpx.Client) -> Iterator[str]:
    """Ask in every way, well and badly; yield what is said to whoever asked badly."""
    address = {"q": QUESTION}
    assert MARK in join(client, [QUESTION, False, [], ""])
    for path in ("/print", "/take/json"):
        assert MARK in client.get(path, params=address).text
    for path, body in (
        ("/v1/ask", {"question": QUESTION}),
        ("/v1/message", {"message": f"{QUESTION} And {MARK} again?"}),
        ("/v1/search", {"question": QUESTION}),
        ("/v1/verify", {"text": QUESTION}),
    ):
        assert client.post(path, json=body).status_code == 200
    accepted = {"Accept": "application/json, text/event-stream"}
    for name, arguments in (("ask", {"question": QUESTION}), (MARK, {}), ("ask", {MARK: MARK})):
        message = {"jsonrpc": "2.0", **call(1, name, arguments)}
        assert client.post("/mcp", json=message, headers=accepted).status_code == 200
    yield client.get("/metrics").text
    yield client.post("/v1/ask", json={"question": f"{QUESTION} " * 99}).text
    yield client.post("/v1/ask", json={"question": f"\x00{MARK}"}).text
    yield client.post("/v1/ask", content=f'{{"question": "{MARK}').text
    yield client.get("/print", params={"q": f"{QUESTION} " * 99}).text
    yield client.get("/print", params={"q": f"\x01{MARK}"}).text
    for wrong in ("", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}"):
        stranger = client.post("/v1/ask", json={}, headers={"Authorization": wrong})
        assert stranger.status_code == 401
        yield f"{stranger.headers} {stranger.text}"
    yield client.get("/openapi.json").text
    # too few values, values of another kind, no values
    yield join(client, [QUESTION])
    yield join(client, [QUESTION, False, QUESTION, ""])
    yield join(client, QUESTION)


@pytest.mark.long
@pytest.mark.model
def test_a_server_keeps_and_tells_nothing_of_what_it_was_asked(
    home: Home, index_here: Path
) -> None:
    port = free_port()
    process = home.start("serve", "--index", str(index_here), "--port", str(port))
    try:
        own = {"Authorization": f"Bearer {TOKEN}"}
        base = f"http://127.0.0.1:{port}"
        with httpx.Client(base_url=base, headers=own, timeout=60) as client:
            wait_for(str(client.base_url), process)
            for told in everything_asked(client):
                assert not any(secret in told for secret in SECRETS)
            # and while the index breaks under it
            for file in current_build(index_here).rglob("*.sqlite"):
                size = file.stat().st_size  # the same: what is mapped must not end
                file.write_bytes((b"nothing of use " * (1 + size // 15))[:size])
            for path in ("/print", "/take/md"):
                sheet = client.get(path, params={"q": f"{QUESTION} cost"})
                assert sheet.status_code == 200 or MARK not in sheet.text
            answer = client.post("/v1/ask", json={"question": f"{QUESTION} dose"})
            assert answer.status_code == 200 or MARK not in answer.text
        # the server hangs up on whom it could not answer
        with httpx.Client(base_url=base, timeout=60) as client:
            join(client, [f"{QUESTION} sleep", False, [], ""])
        limits = Path(f"/proc/{process.pid}/limits").read_text()
        assert next(line for line in limits.splitlines() if "core file" in line).split()[4] == "0"
        process.send_signal(signal.SIGABRT)
        assert process.wait(30) == -signal.SIGABRT
    finally:
        process.kill()
        process.wait()
    told = home.told.read_text()
    assert "ValueError at" in told, "what went wrong is told, by its kind and place"
    assert home.holding() == []


@pytest.mark.model
def test_the_command_line_keeps_nothing_of_what_it_was_asked(home: Home, index_here: Path) -> None:
    for arguments, code in (
        (["ask", QUESTION, "--json"], 0),
        (["ask", f"{QUESTION} " * 99], 1),
    ):
        done = home.start(*arguments, "--index", str(index_here), stdin=subprocess.PIPE)
        said, _ = done.communicate(timeout=120)
        assert done.returncode == code
        assert (MARK in said.decode()) == (code == 0)
    assert home.holding() == []


@pytest.mark.model
def test_an_assistants_server_keeps_nothing_of_what_it_was_asked(
    home: Home, index_here: Path
) -> None:
    version = {"protocolVersion": "2025-06-18", "capabilities": {}}
    hello: Mapping[str, object] = {**version, "clientInfo": {"name": "a test", "version": "1"}}
    asked: list[dict[str, Any]] = [
        {"id": 1, "method": "initialize", "params": hello},
        {"method": "notifications/initialized"},
        call(2, "ask", {"question": QUESTION}),
        call(3, "ask", {"question": f"\x01{MARK}"}),
        call(4, "ask", {MARK: QUESTION}),
        call(5, MARK, {}),
        {"id": 6, "method": "resources/read", "params": {"uri": f"ketqa://documents/{MARK}"}},
        {"id": 7, "method": MARK, "params": {MARK: MARK}},
    ]
    process = home.start("mcp", "--index", str(index_here), stdin=subprocess.PIPE)
    assert process.stdin
    assert process.stdout
    try:
        answered: set[int] = set()
        for message in asked:
            process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
            process.stdin.flush()
            while "id" in message and message["id"] not in answered:
                answered.add(json.loads(process.stdout.readline()).get("id"))
        process.stdin.write(f"{MARK} is no message\n".encode())
        process.stdin.close()
        process.wait(60)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    assert home.holding() == []


def call(number: int, tool: str, arguments: dict[str, str]) -> dict[str, object]:
    params = {"name": tool, "arguments": arguments}
    return {"id": number, "method": "tools/call", "params": params}


def test_an_error_is_told_by_its_kind_and_place_alone(tmp_path: Path) -> None:
    program = f"""
import logging, resource, threading, traceback
from ketqa.quiet import keep_quiet
_, most = resource.getrlimit(resource.RLIMIT_CORE)
resource.setrlimit(resource.RLIMIT_CORE, (most, most))
keep_quiet()
assert resource.getrlimit(resource.RLIMIT_CORE)[0] == 0
def breaks():
    raise ValueError("{MARK}")
try:
    breaks()
except ValueError as error:
    traceback.print_exc()
    logging.getLogger("anybody").exception("failed: %s", error)
    logging.getLogger("anybody").error("failed", exc_info=error)
thread = threading.Thread(target=breaks)
thread.start()
thread.join()
logging.getLogger("anybody").warning("and %s goes on", "all else")
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert MARK not in done.stderr + done.stdout
    assert done.stderr.count("ValueError at ") == 4
    assert "and all else goes on" in done.stderr


@pytest.mark.browser
@pytest.mark.model
def test_a_browser_keeps_the_chat_under_the_pages_own_names_alone(
    browser: Browser, address: str
) -> None:
    with browser.new_context() as context, context.new_page() as page:
        page.goto(address)
        ask(page, QUESTION)
        kept = page.evaluate(
            """async () => ({
              local: Object.fromEntries(Object.entries(localStorage)),
              session: Object.values(sessionStorage).join(),
              cookies: document.cookie,
              databases: (await indexedDB.databases()).map(found => found.name),
              caches: await caches.keys(),
              workers: (await navigator.serviceWorker.getRegistrations()).length,
            })"""
        )
        assert [name for name, value in kept.pop("local").items() if MARK in value] == [
            "ketqa.earlier"
        ]
        assert MARK not in json.dumps(kept)
        assert context.cookies() == []
