"""Documents, passages, sentences and curated questions on disk: the one truth.

Everything else in an index is derived from it, and every quote is cut from it. A corpus may lie
in several files, one a shard, whose passages and sentences are numbered from 0 in each; here
their numbers go on from one file to the next.
"""

import json
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import accumulate
from operator import attrgetter
from pathlib import Path
from typing import Any, Self

from ketqa.errors import IndexDamaged
from ketqa.tables import MEND, Connection, connect, digest
from ketqa.twins import twin_key
from ketqa.types import (
    CuratedQuestion,
    Document,
    Layout,
    Passage,
    Sentence,
    Source,
    Span,
)

SENTENCES = (
    "SELECT sentence.number, passage, document, sentence.start, sentence.end, kind"
    " FROM sentence JOIN passage ON passage.number = sentence.passage"
)
QUESTION = "number, text, document, start, end, language, voice, why, generated"
# So many curated questions in a language let people ask in it.
MANY = 50
IN_ORDER = "ORDER BY sentence.number"


@dataclass(frozen=True, slots=True)
class _Part:
    """One file, and the numbers of its first passage and its first sentence."""

    connection: Connection
    passage: int
    sentence: int


class Store:
    """Reads a store; safe to use from several threads."""

    def __init__(self, file: Path, parts: Sequence[Path] = ()) -> None:
        """Open a store for reading only.

        Args:
            file: Holds the curated questions.
            parts: Hold the documents, in this order; ``file`` itself where there are none.

        Raises:
            IndexDamaged: A file is gone or is no store.
        """
        self._curated = connect(file)
        opened = [connect(part) for part in parts] or [self._curated]
        passages, sentences = (
            [
                connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
                for connection in opened
            ]
            for table in ("passage", "sentence")
        )
        self._parts = [
            _Part(*part)
            for part in zip(
                opened,
                accumulate(passages, initial=0),
                accumulate(sentences, initial=0),
                strict=False,
            )
        ]
        self.document = lru_cache(maxsize=256)(self._document)

    def close(self) -> None:
        """Let go of the files."""
        for part in self._parts:
            part.connection.close()
        self._curated.close()

    def __enter__(self) -> Self:
        """Return the store itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def counts(self) -> dict[str, int]:
        """Return how many documents, passages, sentences and questions there are."""
        tables = {"documents": "document", "passages": "passage", "sentences": "sentence"}
        counts = {
            name: sum(self._column(f"SELECT count(*) FROM {t}")) for name, t in tables.items()
        }
        questions = self._curated.execute("SELECT count(*) FROM question").fetchone()[0]
        return counts | {"questions": questions}

    def document_ids(self) -> list[str]:
        """Return the documents' ids, sorted."""
        return sorted(self._column("SELECT id FROM document"))

    def documents(self) -> Iterator[Document]:
        """Yield every document, in order."""
        for doc_id in list(self._column("SELECT id FROM document ORDER BY rowid")):
            yield self._document(doc_id)

    def sources(self, limit: int | None = None, offset: int = 0) -> list[Source]:
        """Return what is known of documents, sorted by id; no text is read.

        Args:
            limit: The most documents; all where it is None.
            offset: How many to leave out before the first.
        """
        statement = "SELECT id, source FROM document ORDER BY id LIMIT ?"
        end = None if limit is None else offset + limit
        most = -1 if end is None else end  # SQLite's word for no limit
        rows = [row for part in self._parts for row in part.connection.execute(statement, (most,))]
        return [Source(**json.loads(source)) for _, source in sorted(rows)[offset:end]]

    def _document(self, doc_id: str) -> Document:
        for part in self._parts:
            row = part.connection.execute(
                "SELECT source, text, layout, digest FROM document WHERE id = ?", (doc_id,)
            ).fetchone()
            if row:
                return _document(doc_id, *row)
        raise KeyError(doc_id)

    def find_document(self, document: Document) -> str | None:
        """Return the id of a document of the same text and language, if there is one."""
        for part in self._parts:
            statement = "SELECT id FROM document WHERE digest = ? ORDER BY id"
            for (doc_id,) in part.connection.execute(statement, (digest(document.text),)):
                found = self.document(doc_id)
                same_language = found.source.language == document.source.language
                if same_language and replace(found, source=document.source) == document:
                    return str(doc_id)
        return None

    def find_text(self, text: str, *, passage: bool) -> int | None:
        """Return the number of a passage, or else a sentence, of exactly this text."""
        for part in self._parts:
            if passage:
                row = part.connection.execute(
                    "SELECT number FROM passage WHERE digest = ?", (digest(text),)
                ).fetchone()
                if row:
                    return part.passage + int(row[0])
                continue
            for twin in self._sentences(part, f"{SENTENCES} WHERE twin = ?", twin_key(text)):
                if twin.text == text:
                    return twin.number
        return None

    def passage(self, number: int) -> Passage:
        """Return one passage."""
        span = self._place(number)
        return Passage(number, span, self.document(span.doc_id).text[span.start : span.end])

    def passages(self, doc_id: str) -> list[Passage]:
        """Return the passages of a document, in order; none where there is no such document."""
        found: list[Passage] = []
        for part in self._parts:
            rows = part.connection.execute(
                "SELECT number, document, start, end FROM passage WHERE document = ?"
                " ORDER BY number",
                (doc_id,),
            )
            for number, *place in rows:
                text = self.document(doc_id).text
                found.append(
                    Passage(part.passage + number, Span(*place), text[place[1] : place[2]])
                )
        return found

    def sentences_of(self, doc_id: str) -> list[Sentence]:
        """Return the sentences of a document, in order."""
        statement = f"{SENTENCES} WHERE document = ? {IN_ORDER}"
        return [one for part in self._parts for one in self._sentences(part, statement, doc_id)]

    def documents_of(self, passages: Sequence[int]) -> list[str]:
        """Return the ids of the documents that the given passages are from, sorted."""
        return sorted({self._place(number).doc_id for number in passages})

    def sentences(self, passage: int) -> list[Sentence]:
        """Return the sentences of a passage, in order."""
        part = self._part(passage, of="passage")
        return self._sentences(
            part, f"{SENTENCES} WHERE passage = ? {IN_ORDER}", passage - part.passage
        )

    def all_sentences(self) -> Iterator[Sentence]:
        """Yield every sentence, in order."""
        for part in self._parts:
            for row in part.connection.execute(f"{SENTENCES} {IN_ORDER}"):
                yield self._sentence(part, row)

    def question(self, number: int) -> CuratedQuestion:
        """Return one curated question."""
        row = self._curated.execute(
            f"SELECT {QUESTION} FROM question WHERE number = ?", (number,)
        ).fetchone()
        if row is None:
            raise KeyError(number)
        return _question(row)

    def all_questions(self) -> Iterator[CuratedQuestion]:
        """Yield every curated question, in order."""
        for row in self._curated.execute(f"SELECT {QUESTION} FROM question ORDER BY number"):
            yield _question(row)

    def answering(self, questions: Sequence[int]) -> dict[int, list[int]]:
        """Return the sentences that answer each of the given questions, by numbers."""
        found: dict[int, list[int]] = {number: [] for number in questions}
        for number in questions:
            rows = self._curated.execute(
                "SELECT sentence FROM answering WHERE question = ? ORDER BY sentence", (number,)
            )
            found[number] = [row[0] for row in rows]
        return found

    def question_counts(self) -> dict[int, int]:
        """Return how many curated questions each sentence has; those without are left out."""
        rows = self._curated.execute("SELECT sentence, count(*) FROM answering GROUP BY sentence")
        return {row[0]: row[1] for row in rows}

    def sentence(self, number: int) -> Sentence:
        """Return one sentence."""
        part = self._part(number, of="sentence")
        found = self._sentences(
            part, f"{SENTENCES} WHERE sentence.number = ?", number - part.sentence
        )
        if not found:
            raise KeyError(number)
        return found[0]

    def languages(self, *, questions: bool) -> frozenset[str]:
        """Return the languages of the documents, and of curated questions if there are many."""
        found = set(
            self._column("SELECT DISTINCT json_extract(source, '$.language') FROM document")
        )
        if questions:
            many = f"SELECT language FROM question GROUP BY language HAVING count(*) >= {MANY}"
            found |= {language for (language,) in self._curated.execute(many)}
        return frozenset(found)

    def twins(self, sentence: Sentence) -> list[Sentence]:
        """Return the other sentences of the same words, anywhere in the corpus.

        Raises:
            IndexDamaged: The sentence is not where it was cut.
        """
        key = twin_key(sentence.text)
        same = [
            twin
            for part in self._parts
            for twin in self._sentences(part, f"{SENTENCES} WHERE twin = ? {IN_ORDER}", key)
        ]
        if sentence not in same:
            raise IndexDamaged(f"sentence {sentence.number} is not where it was cut; {MEND}")
        return [twin for twin in same if twin != sentence]

    def following(self, sentence: Sentence) -> Sentence | None:
        """Return the next sentence of the same document."""
        try:
            found = self.sentence(sentence.number + 1)
        except KeyError:
            return None
        return found if found.span.doc_id == sentence.span.doc_id else None

    def _column(self, statement: str) -> Iterator[Any]:
        """Yield the first column of what a statement gives, file by file."""
        for part in self._parts:
            for row in part.connection.execute(statement):
                yield row[0]

    def _part(self, number: int, *, of: str) -> _Part:
        """Return the file that holds the passage or the sentence of a number."""
        return self._parts[bisect_right(self._parts, number, key=attrgetter(of)) - 1]

    def _place(self, passage: int) -> Span:
        part = self._part(passage, of="passage")
        row = part.connection.execute(
            "SELECT document, start, end FROM passage WHERE number = ?", (passage - part.passage,)
        ).fetchone()
        if row is None:
            raise KeyError(passage)
        return Span(*row)

    def _sentences(self, part: _Part, statement: str, value: object) -> list[Sentence]:
        rows = part.connection.execute(statement, (value,)).fetchall()
        return [self._sentence(part, row) for row in rows]

    def _sentence(self, part: _Part, row: tuple[Any, ...]) -> Sentence:
        number, passage, doc_id, start, end, kind = row
        text = self.document(doc_id).text[start:end]
        span = Span(doc_id, start, end)
        return Sentence(part.sentence + number, part.passage + passage, span, kind, text)


def _document(doc_id: str, source: str, text: str, layout: str, expected: str) -> Document:
    """Return a document whose text is the one that was stored: no quote is cut from another."""
    if digest(text) != expected:
        raise IndexDamaged(f"{doc_id}: its stored text was changed; {MEND}")
    return Document(Source(**json.loads(source)), text, Layout.of_json(json.loads(layout)))


def _question(row: tuple[Any, ...]) -> CuratedQuestion:
    number, text, document, start, end, *rest = row
    return CuratedQuestion(number, text, Span(document, start, end) if document else None, *rest)
