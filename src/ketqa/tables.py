"""The tables of a store, and how they are written. The only file that knows SQLite.

Passages and sentences are numbered from 0 in every file; ``ketqa.store`` puts files together.
"""

import hashlib
import json
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from ketqa.errors import IndexDamaged
from ketqa.twins import twin_key
from ketqa.types import CuratedQuestion, Document, Passage, Sentence, source_dict

Connection = sqlite3.Connection

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


def create_store(
    file: Path,
    documents: Sequence[Document],
    passages: Sequence[Passage],
    sentences: Sequence[Sentence],
    questions: Sequence[CuratedQuestion] = (),
    answering: Sequence[Sequence[int]] = (),
) -> None:
    """Write a new store; ``answering`` are each question's sentences, by their numbers."""
    with sqlite3.connect(file) as connection:
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
    connection.close()


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
            f"{file.resolve().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False
        )
        connection.execute("SELECT count(*) FROM document").fetchone()
    except sqlite3.Error as error:
        raise IndexDamaged(f"{file}: {error}; build the index again: ketqa index") from None
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
