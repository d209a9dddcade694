"""What is installed is what was looked at: one version of each package, and the hash of its files."""

import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from conftest import ROOT

LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PIN = re.compile(r"([\w.-]+)==([\w.+!]+)")


def name(package: str) -> str:
    return re.sub(r"[-_.]+", "-", package).lower()


def test_every_package_of_the_constraints_has_hashes_and_no_other_does() -> None:
    """Where this fails: make lock"""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {name(one[1]): one[2] for line in lines if (one := PIN.match(line))}
    entries = [entry for entry in re.split(r"\n(?=\S)", LOCK) if entry.strip()]
    found: dict[str, str] = {}
    for entry in entries:
        head, *hashes = entry.replace("\\\n", "\n").split()
        matched = PIN.fullmatch(head)
        assert matched, head
        found[name(matched[1])] = matched[2]
        words = [word for word in hashes if word.startswith("--hash=")]
        assert words, head
        for word in words:
            assert re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", word)
    assert found == pinned


def test_the_lock_names_no_host() -> None:
    assert "://" not in LOCK
    assert "index" not in {word.strip("-") for word in re.findall(r"--[\w-]+", LOCK)}


def test_pip_takes_the_lock(tmp_path: Path) -> None:
    """Of packages that are here already it downloads nothing, so it only reads the lock."""
    entries = [entry for entry in re.split(r"\n(?=\S)", LOCK) if is_here(entry)]
    assert len(entries) > 50
    lock = tmp_path / "lock"
    pip = [sys.executable, "-m", "pip", "install", "--dry-run", "--no-index", "--no-deps"]
    take = [*pip, "--require-hashes", "-r", str(lock)]
    lock.write_text("\n".join(entries) + "\n")
    done = subprocess.run(take, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def is_here(entry: str) -> bool:
    found = PIN.match(entry)
    try:
        return bool(found) and version(found[1]).partition("+")[0] == found[2]  # type: ignore[index]
    except PackageNotFoundError:
        return False


def test_nothing_is_installed_without_its_version() -> None:
    for file in ("Makefile", "Dockerfile", "deploy/try_wheel.sh"):
        text = (ROOT / file).read_text(encoding="utf-8").replace("\\\n", " ")
        for line in text.splitlines():
            command = line.partition("#")[0]
            if "pip install" not in command:
                continue
            arguments = command.split("pip install", 1)[1].split("&&")[0].split()
            plain = [word for word in arguments if not word.startswith("-")]
            assert "-c" in arguments or all("==" in word for word in plain), line
