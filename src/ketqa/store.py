"""Documents, passages, sentences and curated questions on disk: one SQLite file, the one truth.

Everything else in an index is derived from it, and every quote is cut from it.
"""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

from ketqa.errors import IndexDamaged
from ketqa.twins import twin_key
from ketqa.types import (
    CuratedQuestion,
    Document,
    Layout,
    Passage,
    Sentence,
    SentenceKind,
    Source,
    Span,
    source_dict,
)

SCHEMA = """
CREATE TABLE document (
    id TEXT PRIMARY KEY, source TEXT NOT NULL, text TEXT NOT NULL, layout TEXT NOT NULL);
CREATE TABLE passage (
    number INTEGER PRIMARY KEY, document TEXT NOT NULL REFERENCES document,
    start INTEGER NOT NULL, end INTEGER NOT NULL);
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
"""
SENTENCES = (
    "SELECT sentence.number, passage, document, sentence.start, sentence.end, kind"
    " FROM sentence JOIN passage ON passage.number = sentence.passage"
)
QUESTION = "number, text, document, start, end, language, voice, why, generated"
# So many curated questions in a language let people ask in it.
MANY = 50
IN_ORDER = "ORDER BY sentence.number"


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
            "INSERT INTO document VALUES (?, ?, ?, ?)", map(_document_row, documents)
        )
        connection.executemany(
            "INSERT INTO passage VALUES (?, ?, ?, ?)",
            ((p.number, p.span.doc_id, p.span.start, p.span.end) for p in passages),
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


class Store:
    """Reads a store; safe to use from several threads."""

    def __init__(self, file: Path) -> None:
        """Open a store for reading only.

        Raises:
            IndexDamaged: The file is gone or is no store.
        """
        try:
            self._connection = sqlite3.connect(
                f"{file.resolve().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False
            )
            self._connection.execute("SELECT count(*) FROM document").fetchone()
        except sqlite3.Error as error:
            raise IndexDamaged(f"{file}: {error}; build the index again: ketqa index") from None
        self.document = lru_cache(maxsize=256)(self._document)

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        """Return the store itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def counts(self) -> dict[str, int]:
        """Return how many documents, passages, sentences and questions there are."""
        row = self._connection.execute(
            "SELECT (SELECT count(*) FROM document), (SELECT count(*) FROM passage),"
            " (SELECT count(*) FROM sentence), (SELECT count(*) FROM question)"
        ).fetchone()
        return dict(zip(("documents", "passages", "sentences", "questions"), row, strict=True))

    def document_ids(self) -> list[str]:
        """Return the documents' ids, sorted."""
        rows = self._connection.execute("SELECT id FROM document ORDER BY id")
        return [row[0] for row in rows]

    def _document(self, doc_id: str) -> Document:
        row = self._connection.execute(
            "SELECT source, text, layout FROM document WHERE id = ?", (doc_id,)
        ).fetchone()
        if row is None:
            raise KeyError(doc_id)
        source, layout = Source(**json.loads(row[0])), Layout.of_json(json.loads(row[2]))
        return Document(source, row[1], layout)

    def passage(self, number: int) -> Passage:
        """Return one passage."""
        row = self._connection.execute(
            "SELECT document, start, end FROM passage WHERE number = ?", (number,)
        ).fetchone()
        if row is None:
            raise KeyError(number)
        return Passage(number, Span(*row), self.document(row[0]).text[row[1] : row[2]])

    def sentences_of(self, doc_id: str) -> list[Sentence]:
        """Return the sentences of a document, in order."""
        return self._sentences(f"{SENTENCES} WHERE document = ? {IN_ORDER}", doc_id)

    def documents_of(self, passages: list[int]) -> list[str]:
        """Return the ids of the documents that the given passages are from, sorted."""
        rows = self._connection.execute(
            "SELECT DISTINCT document FROM passage"
            " WHERE number IN (SELECT value FROM json_each(?)) ORDER BY document",
            (json.dumps(passages),),
        )
        return [row[0] for row in rows]

    def sentences(self, passage: int) -> list[Sentence]:
        """Return the sentences of a passage, in order."""
        return self._sentences(f"{SENTENCES} WHERE passage = ? {IN_ORDER}", passage)

    def all_sentences(self) -> Iterator[Sentence]:
        """Yield every sentence, in order."""
        for row in self._connection.execute(f"{SENTENCES} {IN_ORDER}"):
            yield self._sentence(*row)

    def question(self, number: int) -> CuratedQuestion:
        """Return one curated question."""
        row = self._connection.execute(
            f"SELECT {QUESTION} FROM question WHERE number = ?", (number,)
        ).fetchone()
        if row is None:
            raise KeyError(number)
        return _question(row)

    def all_questions(self) -> Iterator[CuratedQuestion]:
        """Yield every curated question, in order."""
        for row in self._connection.execute(f"SELECT {QUESTION} FROM question ORDER BY number"):
            yield _question(row)

    def answering(self, questions: Sequence[int]) -> dict[int, list[int]]:
        """Return the sentences that answer each of the given questions, by numbers."""
        found: dict[int, list[int]] = {number: [] for number in questions}
        for number in questions:
            rows = self._connection.execute(
                "SELECT sentence FROM answering WHERE question = ? ORDER BY sentence", (number,)
            )
            found[number] = [row[0] for row in rows]
        return found

    def question_counts(self) -> dict[int, int]:
        """Return how many curated questions each sentence has; those without are left out."""
        rows = self._connection.execute(
            "SELECT sentence, count(*) FROM answering GROUP BY sentence"
        )
        return {row[0]: row[1] for row in rows}

    def sentence(self, number: int) -> Sentence:
        """Return one sentence."""
        found = self._sentences(f"{SENTENCES} WHERE sentence.number = ?", number)
        if not found:
            raise KeyError(number)
        return found[0]

    def languages(self, *, questions: bool) -> frozenset[str]:
        """Return the languages of the documents, and of curated questions if there are many."""
        of_documents = "SELECT DISTINCT json_extract(source, '$.language') FROM document"
        found = {language for (language,) in self._connection.execute(of_documents)}
        if questions:
            many = f"SELECT language FROM question GROUP BY language HAVING count(*) >= {MANY}"
            found |= {language for (language,) in self._connection.execute(many)}
        return frozenset(found)

    def twins(self, sentence: Sentence) -> list[Sentence]:
        """Return the other sentences of the same words, anywhere in the corpus."""
        key = twin_key(sentence.text)
        twins = self._sentences(f"{SENTENCES} WHERE twin = ? {IN_ORDER}", key)
        return [twin for twin in twins if twin.number != sentence.number]

    def following(self, sentence: Sentence) -> Sentence | None:
        """Return the next sentence of the same document."""
        found = self._sentences(f"{SENTENCES} WHERE sentence.number = ?", sentence.number + 1)
        return found[0] if found and found[0].span.doc_id == sentence.span.doc_id else None

    def _sentences(self, statement: str, value: object) -> list[Sentence]:
        rows = self._connection.execute(statement, (value,)).fetchall()
        return [self._sentence(*row) for row in rows]

    def _sentence(
        self, number: int, passage: int, doc_id: str, start: int, end: int, kind: SentenceKind
    ) -> Sentence:
        text = self.document(doc_id).text[start:end]
        return Sentence(number, passage, Span(doc_id, start, end), kind, text)


def _document_row(document: Document) -> tuple[str, ...]:
    source, layout = source_dict(document.source), asdict(document.layout)
    return document.source.id, json.dumps(source), document.text, json.dumps(layout)


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


def _question(row: tuple[Any, ...]) -> CuratedQuestion:
    number, text, document, start, end, *rest = row
    return CuratedQuestion(number, text, Span(document, start, end) if document else None, *rest)
