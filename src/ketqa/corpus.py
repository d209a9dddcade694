"""A folder and its sources.toml -> documents.

The rules, case by case (docs/corpus.md explains them to a curator):

- error: a document that cannot be read; a file whose hash is not the one in
  ``sources.toml``; an entry without its file, with an unknown, empty or misspelt field, or
  given twice; a folder without a single document.
- warning: a file without an entry, where there is a ``sources.toml``; a file of a form
  that is not read.
- silence: a field that is left out ("not stated"); a folder without ``sources.toml``.
"""

import hashlib
import logging
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, get_args

from ketqa.errors import CorpusError
from ketqa.formats import READERS
from ketqa.types import Document, Source, Witness

log = logging.getLogger(__name__)

SOURCES = "sources.toml"
# Files of the folder that are about the documents; README in any spelling of case.
ABOUT = {SOURCES, "questions.jsonl", "unanswered.jsonl", "readme.md", "readme.txt"}
STATED = ("title", "publisher", "author", "published", "url", "kind", "interest", "language")
FIELDS = {"file", "sha256", "said_by", *STATED}
DATE = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?\Z")


def load_corpus(folder: Path) -> list[Document]:
    """Read every document of a folder, in the order of their names.

    Raises:
        CorpusError: Something is wrong with a file or with ``sources.toml``; the text
            names the place and the cure.
    """
    if not folder.is_dir():
        raise CorpusError(f"{folder}: no such folder; give the documents' folder with --corpus")
    entries = _read_sources(folder / SOURCES)
    documents = [_load(folder, file, entries) for file in list_files(folder)]
    if not documents:
        kinds = ", ".join(READERS)
        raise CorpusError(f"{folder}: no documents; put files in it that end in {kinds}")
    gone = entries.keys() - {document.source.file for document in documents}
    if gone:
        raise CorpusError(
            f"{folder / SOURCES}: no such file: {min(gone)}; correct the entry or take it out"
        )
    return documents


def list_files(folder: Path) -> list[str]:
    """Return the documents' paths below the folder, with ``/``, sorted.

    Hidden files, and links that lead out of the folder, are left out.
    """
    root = folder.resolve()
    found: list[str] = []
    for path in _walk(folder):
        file = path.relative_to(folder).as_posix()
        if not path.resolve().is_relative_to(root):
            log.warning("%s: left out: a link that leads out of the folder", file)
        elif path.suffix.lower() in READERS:
            found.append(file)
        else:
            log.warning("%s: left out: cannot read %s yet", file, path.suffix or "such files")
    return sorted(found)


def _walk(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            about = Path(parent) == folder and name.lower() in ABOUT
            if not name.startswith(".") and not about:
                yield Path(parent, name)


def _load(folder: Path, file: str, entries: Mapping[str, dict[str, Any]]) -> Document:
    path = folder / file
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read: {error.strerror}") from None
    text = READERS[path.suffix.lower()](data, str(path))
    sha256 = hashlib.sha256(data).hexdigest()
    if entries and file not in entries:
        log.warning("%s: no entry in %s; its source is shown as not stated", file, SOURCES)
    entry = dict(entries.get(file, {}))
    expected = entry.pop("sha256", sha256)
    if expected != sha256:
        raise CorpusError(
            f"{path}: its sha256 is {sha256}, but {SOURCES} says {expected}; "
            "bring back the file, or check its entry and put the new sha256 there"
        )
    said_by: dict[str, Witness] = dict.fromkeys(
        (name for name in STATED if name in entry), "document"
    )
    said_by.update(entry.pop("said_by", {}))
    if "title" not in entry:
        said_by["title"] = "file"
    source = Source(
        **{"id": file, "file": file, "sha256": sha256, "title": path.stem, **entry},
        said_by=said_by,
    )
    return Document(source, text)


def _read_sources(path: Path) -> dict[str, dict[str, Any]]:
    """Return the checked entries of sources.toml by file; none where there is no such file."""
    if not path.exists():
        return {}
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CorpusError(f"{path}: {error}") from None
    unknown = table.keys() - {"source"}
    if unknown:
        raise CorpusError(f"{path}: unknown table {min(unknown)!r}; entries begin with [[source]]")
    entries: dict[str, dict[str, Any]] = {}
    for number, entry in enumerate(table.get("source", []), start=1):
        _check_entry(entry, f"{path}: entry {number} ({entry.get('file', 'without file')})")
        if entry["file"] in entries:
            raise CorpusError(f"{path}: entry {number}: a second entry for {entry['file']}")
        entries[entry["file"]] = entry
    return entries


def _check_entry(entry: dict[str, Any], where: str) -> None:
    if "file" not in entry:
        raise CorpusError(f"{where}: the field 'file' is missing")
    unknown = entry.keys() - FIELDS
    if unknown:
        raise CorpusError(
            f"{where}: unknown field {min(unknown)!r}; there are {', '.join(sorted(FIELDS))}"
        )
    _check_said_by(entry.get("said_by", {}), entry, where)
    if isinstance(entry.get("published"), date):
        entry["published"] = entry["published"].isoformat()
    for name in entry.keys() - {"said_by"}:
        if not isinstance(entry[name], str) or not entry[name].strip():
            raise CorpusError(f"{where}: {name!r} must be text; leave it out if it is not stated")
    if not DATE.match(entry.get("published", "2000")):
        raise CorpusError(f"{where}: 'published' must be YYYY, YYYY-MM or YYYY-MM-DD")
    if not re.match(r"https?://", entry.get("url", "https://")):
        raise CorpusError(f"{where}: 'url' must begin with http:// or https://")


def _check_said_by(said_by: object, entry: Mapping[str, Any], where: str) -> None:
    if not isinstance(said_by, dict):
        raise CorpusError(f"{where}: 'said_by' must be a table of field = who")
    for name, witness in said_by.items():
        if name not in entry or name not in STATED:
            raise CorpusError(f"{where}: said_by names {name!r}, which the entry does not have")
        if witness not in get_args(Witness):
            who = " or ".join(get_args(Witness))
            raise CorpusError(f"{where}: said_by {name} must be {who}, not {witness!r}")
