"""The files of a folder -> what each holds, and why some hold nothing that can be read."""

import hashlib
import logging
import os
import stat
from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path

from ketqa.errors import CorpusError
from ketqa.formats import MIB, MOST_BYTES, read_content
from ketqa.formats.content import Content
from ketqa.formats.sandbox import Sandbox
from ketqa.formats.sniff import ENDINGS, sniff

log = logging.getLogger(__name__)

# An index that lies among the documents is none of them; ketqa.manifest.CURRENT.
INDEX_MARK = "CURRENT"
# Files of a corpus's top folder that are about the documents; README in any spelling of case.
ABOUT = {
    "sources.toml",
    "questions.jsonl",
    "unanswered.jsonl",
    "queries.jsonl",
    "lexicon.toml",
    "readme.md",
    "readme.txt",
}
# These are decoded and nothing more: they need no process of their own.
HARMLESS = ("text", "jsonl")


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that was left out, or a part of one, and why; ``reason`` names the file."""

    file: str
    reason: str


@dataclass(frozen=True, slots=True)
class Found:
    """One file that was read: its path below the folder, its hash, the documents in it."""

    file: str
    sha256: str
    contents: tuple[Content, ...]
    skipped: tuple[Skipped, ...] = ()


def read_folder(folder: Path, only: Container[str] | None = None) -> Iterator[Found | Skipped]:
    """Read every file of a folder, in the order of their names.

    Hidden files, and those about the documents, are left out without a word.

    Args:
        folder: The documents' folder.
        only: The files to read; all where None.
    """
    with Sandbox() as sandbox:
        for file in list_files(folder):
            if only is not None and file not in only:
                continue
            try:
                yield read_file(folder, file, sandbox)
            except CorpusError as error:
                yield Skipped(file, str(error))


def list_files(folder: Path) -> list[str]:
    """Return the paths of all files below the folder, with ``/``, sorted."""
    return sorted(path.relative_to(folder).as_posix() for path in _walk(folder))


def read_file(folder: Path, file: str, sandbox: Sandbox) -> Found:
    """Read one file.

    Raises:
        CorpusError: It cannot be read; the text names the file, the reason and the cure.
    """
    ending = Path(file).suffix.lower()
    most = MOST_BYTES.get(ENDINGS.get(ending, ""), max(MOST_BYTES.values()))
    data = read_bytes(folder, file, most)
    try:
        form = sniff(data, ending)
    except CorpusError as error:
        raise CorpusError(f"{file}: {error}") from None
    _check_size(file, len(data), MOST_BYTES[form])
    read = read_content if form in HARMLESS else sandbox.read
    contents, wrong = read(data, file, form)
    return Found(
        file,
        hashlib.sha256(data).hexdigest(),
        tuple(contents),
        tuple(Skipped(file, reason) for reason in wrong),
    )


def read_bytes(folder: Path, file: str, most: int) -> bytes:
    """Return a file's bytes; only a plain file within the folder is opened.

    Raises:
        CorpusError: It is none, is empty or cannot be read, or has more than so many bytes.
    """
    path = folder / file
    if not path.resolve().is_relative_to(folder.resolve()):
        raise CorpusError(f"{file}: a link that leads out of the folder")
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise CorpusError(f"{file}: is no plain file")
        _check_size(file, status.st_size, most)
        data = path.read_bytes()
    except OSError as error:
        raise CorpusError(f"{file}: cannot be read: {error.strerror}") from None
    if not data:
        raise CorpusError(f"{file}: is empty")
    return data


def _check_size(file: str, size: int, most: int) -> None:
    if size > most:
        raise CorpusError(
            f"{file}: has {size:,} bytes, at most {most // MIB:,} MiB are read of such a file; "
            "split it"
        )


def _walk(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        folders[:] = [
            name
            for name in folders
            if not (name.startswith(".") or Path(parent, name, INDEX_MARK).is_file())
        ]
        for name in files:
            about = Path(parent) == folder and name.lower() in ABOUT
            if not name.startswith(".") and not about:
                yield Path(parent, name)
