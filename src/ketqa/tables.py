"""The tables of a store, and how they are written. The only file that knows SQLite.

Passages and sentences are numbered from 0 in every file; ``ketqa.store`` puts files together.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

from ketqa.errors import IndexDamaged
from ketqa.twins import twin_key
from ketqa.types import CuratedQuestion, Document, Passage, Sentence, source_dict

MEND = "build the index again: ketqa index"
SCHEMA = """
CREATE TABLE document (
    id TEXT PRIMARY KEY, source TEXT NOT NULL, text TEXT NOT NULL, layout TEXT NOT NULL,
    digest TEXT NOT NULL);
CREATE TABLE passage (
    number INTEGER PRIMARY KEY, document TEXT NOT NULL REFERENCES document,
    start INTEGER NOT NULL, end INTEGER NOT NULL, digest TEXT NOT NULL);
CREATE TABLE sentence (
    number INTEGER PRIMARY KEY, passage INTEGER NOT NULL REFERENCES passage,
    start INTEGER NOT NULL, end INTEGER NOT NULL, kind TEXT NOT NULL, twin TEXT NOT NULL);
CREATE TABLE question (
    number INTEGER PRIMARY KEY, text TEXT NOT NULL, document TEXT REFERENCES document,
    start INTEGER, end INTEGER, language TEXT NOT NULL, voice TEXT, why TEXT, generated TEXT);
CREATE TABLE answering (
    question INTEGER NOT NULL REFERENCES question, sentence INTEGER NOT NULL REFERENCES sentence,
    PRIMARY KEY (question, sentence)) WITHOUT ROWID;
CREATE INDEX answering_sentence ON answering (sentence);
CREATE INDEX sentence_passage ON sentence (passage);
CREATE INDEX sentence_twin ON sentence (twin);
CREATE INDEX passage_document ON passage (document);
CREATE INDEX passage_digest ON passage (digest);
CREATE INDEX document_digest ON document (digest);
"""


class Rows(sqlite3.Cursor):
    """The rows that a statement gives, from a file that may have been damaged meanwhile."""

    def execute(self, *statement: Any) -> Self:  # noqa: ANN401, as SQLite has it
        """Run a statement."""
        with _told():
            return super().execute(*statement)

    def __next__(self) -> Any:  # noqa: ANN401, rows are of any types
        """Return the next row."""
        with _told():
            return super().__next__()

    def fetchone(self) -> Any:  # noqa: ANN401, likewise
        """Return the next row, or None."""
        with _told():
            return super().fetchone()

    def fetchall(self) -> list[Any]:
        """Return the rows that are left."""
        with _told():
            return super().fetchall()


class Connection(sqlite3.Connection):
    """A file that is open for reading; ``IndexDamaged`` where SQLite cannot read on."""

    def execute(self, *statement: Any) -> Rows:  # noqa: ANN401, as SQLite has it
        """Run a statement."""
        return self.cursor(Rows).execute(*statement)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except sqlite3.ProgrammingError:
        raise
    except sqlite3.Error as error:
        raise IndexDamaged(f"a store cannot be read ({error}); {MEND}") from None


def create_store(
    file: Path,
    documents: Sequence[Document],
    passages: Sequence[Passage],
    sentences: Sequence[Sentence],
    questions: Sequence[CuratedQuestion] = (),
    answering: Sequence[Sequence[int]] = (),
) -> None:
    """Write a new store; ``answering`` are each question's sentences, by their numbers.

    Raises:
        OSError: The disk is full, or the folder may not be written.
    """
    try:
        with closing(sqlite3.connect(file)) as connection, connection:
            _fill(connection, documents, passages, sentences, (questions, answering))
    except sqlite3.OperationalError as error:
        raise OSError(f"{file}: {error}") from None


def _fill(
    connection: sqlite3.Connection,
    documents: Sequence[Document],
    passages: Sequence[Passage],
    sentences: Sequence[Sentence],
    curated: tuple[Sequence[CuratedQuestion], Sequence[Sequence[int]]],
) -> None:
    questions, answering = curated
    connection.executescript(SCHEMA)
    connection.executemany(
        "INSERT INTO document VALUES (?, ?, ?, ?, ?)", map(_document_row, documents)
    )
    connection.executemany(
        "INSERT INTO passage VALUES (?, ?, ?, ?, ?)",
        ((p.number, p.span.doc_id, p.span.start, p.span.end, digest(p.text)) for p in passages),
    )
    connection.executemany(
        "INSERT INTO sentence VALUES (?, ?, ?, ?, ?, ?)",
        (
            (s.number, s.passage, s.span.start, s.span.end, s.kind, twin_key(s.text))
            for s in sentences
        ),
    )
    connection.executemany(
        "INSERT INTO question VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", map(_question_row, questions)
    )
    connection.executemany(
        "INSERT INTO answering VALUES (?, ?)",
        (
            (question.number, sentence)
            for question, numbers in zip(questions, answering, strict=True)
            for sentence in numbers
        ),
    )


def digest(text: str) -> str:
    """Return 32 hexadecimal digits by which exactly this text is found again."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def connect(file: Path) -> Connection:
    """Open a file for reading only, and check that it has the tables.

    Raises:
        IndexDamaged: It is gone, or has none.
    """
    try:
        connection = sqlite3.connect(
            f"{file.resolve().as_uri()}?mode=ro&immutable=1",
            uri=True,
            check_same_thread=False,
            factory=Connection,
        )
        connection.execute("SELECT count(*) FROM document").fetchone()
    except (sqlite3.Error, IndexDamaged) as error:
        raise IndexDamaged(f"{file}: {error}; {MEND}") from None
    return connection


def _document_row(document: Document) -> tuple[str, ...]:
    source, layout, text = source_dict(document.source), asdict(document.layout), document.text
    return document.source.id, json.dumps(source), text, json.dumps(layout), digest(text)


def _question_row(question: CuratedQuestion) -> tuple[object, ...]:
    span = question.span
    return (
        question.number,
        question.text,
        span.doc_id if span else None,
        span.start if span else None,
        span.end if span else None,
        question.language,
        question.voice,
        question.why,
        question.generated,
    )
