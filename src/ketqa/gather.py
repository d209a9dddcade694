"""Files from anywhere -> a corpus folder: read first, copied whole, never over another file."""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ketqa.errors import CorpusError
from ketqa.files import Found, Skipped, list_files, read_file
from ketqa.formats.content import Content
from ketqa.formats.sandbox import Sandbox


@dataclass(frozen=True, slots=True)
class Added:
    """A file that is in the corpus now; ``new`` is False where it was there already."""

    file: str
    contents: tuple[Content, ...]
    new: bool


def add_files(given: Path, corpus: Path) -> Iterator[Added | Skipped]:
    """Copy a file, or every file of a folder, into a corpus that is made where there is none.

    Yields:
        What each file turned out to be, in the order of their names.

    Raises:
        CorpusError: There is no such file or folder, or it holds the corpus itself.
    """
    if not given.exists():
        raise CorpusError(f"{given}: no such file or folder")
    if corpus.resolve().is_relative_to(given.resolve()) or given.resolve().is_relative_to(
        corpus.resolve()
    ):
        raise CorpusError(f"{given}: is part of {corpus}, or holds it; there is nothing to copy")
    folder, files = (given, list_files(given)) if given.is_dir() else (given.parent, [given.name])
    with Sandbox() as sandbox:
        for file in files:
            try:
                found = read_file(folder, file, sandbox)
                new = _copy(folder / file, corpus / file, found)
            except CorpusError as error:
                yield Skipped(file, str(error))
            else:
                yield Added(file, found.contents, new)
                yield from found.skipped


def _copy(path: Path, target: Path, found: Found) -> bool:
    """Copy a file; returns False where it is there already, byte for byte."""
    fresh = target.with_name(f".{target.name}.new")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, fresh)
        _name(fresh, target)
    except FileExistsError:
        same = target.is_file() and hashlib.sha256(target.read_bytes()).hexdigest() == found.sha256
        if not same:
            raise CorpusError(
                f"{found.file}: {target} is another file; rename one of them, or take it out"
            ) from None
        return False
    except OSError as error:
        raise CorpusError(f"{found.file}: cannot be copied: {error.strerror}") from None
    finally:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
    return True


def _name(fresh: Path, target: Path) -> None:
    """Give a file that is whole its name in one step, unless another has it."""
    try:
        target.hardlink_to(fresh)
    except FileExistsError:
        raise
    except OSError:  # this file system has no links
        fresh.replace(target)
