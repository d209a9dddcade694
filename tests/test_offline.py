"""No test reaches another machine: what tries is refused, and fails the run."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from refusing import REFUSED

TRIES = {
    "socket": "import socket; socket.create_connection(('192.0.2.1', 80), 1)",
    "name": "import socket; socket.getaddrinfo('example.org', 80)",
    "datagram": "import socket; socket.socket(2, 2).sendto(b'x', ('192.0.2.1', 53))",
    "six": "import socket; socket.create_connection(('2001:db8::1', 80), 1)",
    "urllib": "from urllib.request import urlopen; urlopen('http://example.org', timeout=1)",
    "httpx": "import httpx; httpx.get('http://192.0.2.1', timeout=1)",
    "asyncio": "import asyncio; asyncio.run(asyncio.open_connection('192.0.2.1', 80))",
}


@pytest.mark.parametrize("deed", TRIES)
def test_a_program_that_a_test_starts_reaches_nobody_and_is_counted(
    deed: str, tmp_path: Path
) -> None:
    environment = os.environ | {"KETQA_REFUSED": str(tmp_path / "refused")}
    done = subprocess.run(
        [sys.executable, "-c", TRIES[deed]],
        capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip
    assert done.returncode == 1
    assert "no test may reach another machine" in done.stderr
    assert len((tmp_path / "refused").read_text().splitlines()) >= 1


def test_a_test_itself_reaches_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KETQA_REFUSED", str(tmp_path / "refused"))
    with pytest.raises(OSError, match="no test may reach another machine"):
        socket.create_connection(("192.0.2.1", 80), 1)
    assert "192.0.2.1" in (tmp_path / "refused").read_text()


def test_this_machine_can_be_reached() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()),
    ):
        assert socket.getaddrinfo("localhost", 80)


def test_a_run_in_which_something_was_refused_fails(tmp_path: Path) -> None:
    (tmp_path / "test_a.py").write_text(
        "import socket\n\ndef test_a():\n    try:\n"
        "        socket.create_connection(('192.0.2.1', 80), 1)\n    except OSError:\n        pass\n"
    )
    plugin = Path(__file__).with_name("refusing.py").stem
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", plugin, "-p", "no:cacheprovider", tmp_path],
        capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": f"{Path(__file__).parent}:{os.environ['PYTHONPATH']}"},
    )  # fmt: skip
    assert done.returncode == 1
    assert "1 passed" in done.stdout
    assert "1 connection to another machine was refused" in done.stdout
    assert str(REFUSED) not in done.stdout
