"""A run of tests in which something tried to reach another machine fails, and says what."""

import os
import runpy
import tempfile
from pathlib import Path

import pytest

OFFLINE = Path(__file__).parent / "offline"
REFUSED = Path(tempfile.mkdtemp(prefix="ketqa-refused-")) / "refused"

os.environ["KETQA_REFUSED"] = str(REFUSED)
os.environ["PYTHONPATH"] = os.pathsep.join(
    filter(None, (str(OFFLINE), os.environ.get("PYTHONPATH")))
)
runpy.run_path(str(OFFLINE / "sitecustomize.py"))


def lines() -> list[str]:
    """Return what was refused so far."""
    return REFUSED.read_text(encoding="utf-8").splitlines() if REFUSED.exists() else []


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run."""
    if lines():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many connections were refused, and which."""
    found = lines()
    many = (
        "connection to another machine was"
        if len(found) == 1
        else ("connections to other machines were")
    )
    terminalreporter.write_line(f"{len(found)} {many} refused")
    for line in found:
        terminalreporter.write_line(f"  {line}")
