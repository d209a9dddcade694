"""A folder and its sources.toml -> documents.

The rules, case by case (docs/corpus.md explains them to a curator):

- error: a file whose hash is not the one in ``sources.toml``; an entry without its file, with
  an unknown, empty or misspelt field, or given twice; a folder without a single document.
- named and left out: a file that cannot be read, whatever the reason.
- warning: a file without an entry, where there is a ``sources.toml``.
- silence: a field that is left out ("not stated"); a folder without ``sources.toml``.

What ``sources.toml`` says of a field counts; where it says nothing, what the document says.
"""

import logging
import re
import tomllib
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, get_args

from ketqa.errors import CorpusError
from ketqa.files import Found, Skipped, read_folder
from ketqa.formats.content import WORD, Content
from ketqa.formats.sniff import ENDINGS
from ketqa.types import Document, Source, Witness

log = logging.getLogger(__name__)

SOURCES = "sources.toml"
STATED = (
    "title",
    "publisher",
    "author",
    "published",
    "url",
    "kind",
    "interest",
    "language",
    "licence",
)
FIELDS = {"file", "sha256", "said_by", *STATED}
DATE = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?\Z")
ADDRESS = re.compile(r"https?://")
CODE = re.compile(r"[a-z]{2,3}\Z")


@dataclass(frozen=True, slots=True)
class Corpus:
    """What is in a folder: its documents, in the order of their files, and what is not read.

    ``aside`` counts the words, by document, that were set aside as no part of the text.
    """

    documents: list[Document]
    skipped: list[Skipped]
    aside: Mapping[str, int] = field(default_factory=dict)


def load_corpus(folder: Path) -> list[Document]:
    """Read every document of a folder, in the order of their names; warn of what is left out.

    Raises:
        CorpusError: See ``read_corpus``.
    """
    corpus = read_corpus(folder)
    for skipped in corpus.skipped:
        log.warning("left out: %s", skipped.reason)
    return corpus.documents


def read_corpus(folder: Path) -> Corpus:
    """Read every document of a folder, in the order of their names.

    Raises:
        CorpusError: Nothing can be read, or something is wrong with ``sources.toml``; the text
            names the place and the cure.
    """
    corpus = Corpus([], [], aside := {})
    for read in survey(folder):
        if isinstance(read, Skipped):
            corpus.skipped.append(read)
            continue
        document, content = read
        corpus.documents.append(document)
        if content.aside:
            aside[document.source.id] = len(WORD.findall(content.aside))
    if not corpus.documents:
        raise CorpusError(_nothing(folder, corpus.skipped))
    return corpus


def survey(
    folder: Path, only: Container[str] | None = None
) -> Iterator[tuple[Document, Content] | Skipped]:
    """Yield every document of a folder with what was read of it, and what cannot be read.

    Args:
        folder: The documents' folder.
        only: The files to read; all where None.

    Raises:
        CorpusError: Something is wrong with ``sources.toml``.
    """
    if not folder.is_dir():
        raise CorpusError(f"{folder}: no such folder; give the documents' folder with --corpus")
    entries = read_sources(folder)
    known: set[str] = set()
    for found in read_folder(folder, only):
        known.add(found.file)
        if isinstance(found, Skipped):
            yield found
            continue
        for document, content in documents_of(found, entries):
            known.add(document.source.id)
            yield document, content
        yield from found.skipped
    gone = entries.keys() - known
    if gone and only is None:
        raise CorpusError(
            f"{folder / SOURCES}: no such file: {min(gone)}; correct the entry or take it out"
        )


def documents_of(
    found: Found, entries: Mapping[str, dict[str, Any]]
) -> Iterator[tuple[Document, Content]]:
    """Yield the documents of a file that was read, each with its source.

    Raises:
        CorpusError: The file is not the one that its entry in ``sources.toml`` describes.
    """
    _check_hash(found.file, found.sha256, entries)
    if entries and found.file not in entries:
        log.warning("%s: no entry in %s; what it says of itself is shown", found.file, SOURCES)
    for content in found.contents:
        doc_id = f"{found.file}#{content.part}" if content.part else found.file
        _check_hash(doc_id, content.sha256 or found.sha256, entries)
        entry = {**entries.get(found.file, {}), **entries.get(doc_id, {})}
        source = _source(doc_id, found, content, entry)
        yield Document(source, content.text, content.layout), content


def _check_hash(file: str, sha256: str, entries: Mapping[str, dict[str, Any]]) -> None:
    expected = entries.get(file, {}).get("sha256", sha256)
    if expected != sha256:
        raise CorpusError(
            f"{file}: its sha256 is {sha256}, but {SOURCES} says {expected}; "
            "bring back the file, or check its entry and put the new sha256 there"
        )


def _source(doc_id: str, found: Found, content: Content, entry: Mapping[str, Any]) -> Source:
    """Put together what the curator and the document say; of a bare file, its name."""
    given = {name: entry[name] for name in STATED if name in entry}
    stated = {**_believable(content.found), **given}
    said_by: dict[str, Witness] = dict.fromkeys(stated, "document")
    said_by.update(entry.get("said_by", {}))
    if "title" not in stated:
        stated["title"] = content.part or Path(found.file).stem
        said_by["title"] = "file"
    return Source(
        id=doc_id, file=doc_id, sha256=content.sha256 or found.sha256, **stated, said_by=said_by
    )


def _believable(found: Mapping[str, str]) -> dict[str, str]:
    """Return the fields that a document states in a form that can be shown."""
    forms = {"published": DATE, "url": ADDRESS, "language": CODE}
    return {
        name: value
        for name, value in found.items()
        if name not in forms or forms[name].match(value)
    }


def _nothing(folder: Path, skipped: list[Skipped]) -> str:
    kinds = ", ".join(ENDINGS)
    if not skipped:
        return f"{folder}: no documents; put files in it that end in {kinds}"
    return (
        f"{folder}: none of {len(skipped)} files can be read; put files in it that end in "
        f"{kinds}. {skipped[0].reason}"
    )


def read_sources(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the checked entries of sources.toml by file; none where there is no such file.

    Raises:
        CorpusError: An entry is not of the form.
    """
    path = folder / SOURCES
    if not path.exists():
        return {}
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise CorpusError(f"{path}: cannot be read: {error}") from None
    unknown = table.keys() - {"source"}
    if unknown:
        raise CorpusError(f"{path}: unknown table {min(unknown)!r}; entries begin with [[source]]")
    given = table.get("source", [])
    if not isinstance(given, list) or not all(isinstance(entry, dict) for entry in given):
        raise CorpusError(f"{path}: write [[source]], in two brackets, above each entry")
    entries: dict[str, dict[str, Any]] = {}
    for number, entry in enumerate(given, start=1):
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
