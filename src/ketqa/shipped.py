"""The trained weights and word lists that come with ketqa, each compared with its hash.

So a file that is damaged, half installed or exchanged is named, and never answers. The hashes
stand in SHA256SUMS, which ``training/sums.py`` writes.
"""

import hashlib
from functools import cache
from pathlib import Path

from ketqa.errors import ModelError

PACKAGE = Path(__file__).parent
SUMS = PACKAGE / "SHA256SUMS"
# What has a hash, beside the base model, which has its own in ketqa.models.
PATTERNS = ("adapted/**/*.*", "crossed/*.*", "lexicons/*.toml", "medical.txt", "weights/*.*")


def read_shipped(name: str) -> bytes:
    """Return the bytes of a file, by its path within the package.

    Raises:
        ModelError: It is gone, or not the file that was shipped.
    """
    return _checked(PACKAGE / name, name)


def check_shipped(folder: Path) -> None:
    """Compare every file of a folder of the package, or of a copy, with its hash.

    Raises:
        ModelError: One is gone or changed.
    """
    for name in _sums():
        if name.startswith(f"{folder.name}/"):
            _checked(folder.parent / name, name)


def hash_of(data: bytes) -> str:
    """Return the sha256 of some bytes as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def list_shipped() -> dict[str, str]:
    """Return the hashes that SHA256SUMS should hold, by the files' paths."""
    files = sorted(file for pattern in PATTERNS for file in PACKAGE.glob(pattern))
    return {
        file.relative_to(PACKAGE).as_posix(): hash_of(file.read_bytes())
        for file in files
        if file.is_file()
    }


@cache
def _sums() -> dict[str, str]:
    lines = SUMS.read_text(encoding="ascii").splitlines()
    return {name: sha256 for sha256, name in (line.split("  ") for line in lines)}


def _checked(file: Path, name: str) -> bytes:
    data = file.read_bytes() if file.exists() else b""
    if hash_of(data) != _sums().get(name):
        raise ModelError(
            f"{file}: is gone, or not the file that came with ketqa; "
            "mend it with: pip install --force-reinstall --no-deps ketqa"
        )
    return data
