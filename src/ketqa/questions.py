"""The questions that people ask, written down beside the documents.

``questions.jsonl`` holds what each sentence answers, ``unanswered.jsonl`` what no document
answers. An encoder tells better that two questions mean the same than that a sentence answers
a question, so a question is compared with these as well. docs/questions.md tells a curator
how to write them.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ketqa.errors import CorpusError, QuestionError
from ketqa.jsonl import read_rows
from ketqa.query import check_question
from ketqa.store import Store
from ketqa.twins import twin_key
from ketqa.types import CuratedQuestion, Document, Span

ANSWERED, UNANSWERED = "questions.jsonl", "unanswered.jsonl"
ANSWERED_FIELDS = {"file", "start", "end", "quote", "questions", "language", "voice", "generated"}
UNANSWERED_FIELDS = {"question", "kind", "why", "language"}


def load_questions(folder: Path, documents: Sequence[Document]) -> list[CuratedQuestion]:
    """Read the curated questions of a corpus folder, numbered from 0; none where it has none.

    Raises:
        CorpusError: A line is not of the form, its quote is not the slice it names, or a
            question stands twice, or both as answered and not; the text names file and line.
    """
    texts = {document.source.file: document for document in documents}
    found: list[CuratedQuestion] = []
    places: dict[str, dict[Span | None, str]] = {}
    for question, where in _read_all(folder, texts):
        before = places.setdefault(twin_key(question.text), {})
        same = before.get(question.span) if question.span else next(iter(before.values()), None)
        if same:
            raise CorpusError(f"{where}: {question.text!r} stands already in {same}")
        before[question.span] = where
        found.append(replace(question, number=len(found)))
    return found


def hash_questions(folder: Path) -> dict[str, str]:
    """Return the sha256 of each file of questions that the folder has."""
    files = (folder / name for name in (ANSWERED, UNANSWERED))
    return {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files if file.exists()
    }


def find_answering(questions: Sequence[CuratedQuestion], store: Store) -> list[list[int]]:
    """Return, for each question, the numbers of the prose sentences that answer it.

    These are the sentences that its span touches, and those that say the same words
    elsewhere. Unanswered questions have none.
    """
    by_span = {question.span: _answering(question.span, store) for question in questions}
    return [by_span[question.span] for question in questions]


def _answering(span: Span | None, store: Store) -> list[int]:
    touched = [
        sentence
        for passage in (store.passages(span.doc_id) if span else [])
        if span and _touch(passage.span, span)
        for sentence in store.sentences(passage.number)
        if sentence.kind == "prose" and _touch(sentence.span, span)
    ]
    twins = [twin for sentence in touched for twin in store.twins(sentence)]
    return sorted({one.number for one in (*touched, *twins) if one.kind == "prose"})


def _touch(one: Span, other: Span) -> bool:
    return one.start < other.end and other.start < one.end


def _read_all(
    folder: Path, documents: Mapping[str, Document]
) -> Iterator[tuple[CuratedQuestion, str]]:
    for row, where in _rows(folder / ANSWERED):
        _check_fields(row, ANSWERED_FIELDS, {"file", "start", "end", "quote", "questions"}, where)
        span = _span(row, documents, where)
        if not isinstance(row["questions"], list) or not row["questions"]:
            raise CorpusError(f"{where}: 'questions' must be a list of at least one question")
        for text in row["questions"]:
            yield _question(text, span, row, where), where
    for row, where in _rows(folder / UNANSWERED):
        _check_fields(row, UNANSWERED_FIELDS, {"question", "why"}, where)
        yield _question(row["question"], None, row, where), where


def _question(
    text: object, span: Span | None, row: Mapping[str, Any], where: str
) -> CuratedQuestion:
    if not isinstance(text, str):
        raise CorpusError(f"{where}: a question must be text, not {text!r}")
    try:
        checked = check_question(text)
    except QuestionError as error:
        raise CorpusError(f"{where}: {text[:60]!r}: {error}") from None
    return CuratedQuestion(
        0,
        checked,
        span,
        row.get("language", "en"),
        row.get("voice"),
        row.get("why"),
        row.get("generated"),
    )


def _span(row: Mapping[str, Any], documents: Mapping[str, Document], where: str) -> Span:
    document = documents.get(row["file"])
    if document is None:
        raise CorpusError(f"{where}: no such document: {row['file']!r}")
    start, end = row["start"], row["end"]
    if not (isinstance(start, int) and isinstance(end, int) and 0 <= start < end):
        raise CorpusError(f"{where}: start and end must be whole numbers, 0 <= start < end")
    if document.text[start:end] != row["quote"]:
        at = document.text.find(row["quote"])
        cure = f"it begins at {at}" if at >= 0 else "it is not in the document at all"
        raise CorpusError(f"{where}: the quote is not {row['file']}[{start}:{end}]; {cure}")
    return Span(document.source.id, start, end)


def _check_fields(row: Mapping[str, Any], known: set[str], needed: set[str], where: str) -> None:
    for name in sorted(needed - row.keys()):
        raise CorpusError(f"{where}: the field {name!r} is missing")
    for name in sorted(row.keys() - known):
        raise CorpusError(f"{where}: unknown field {name!r}; there are {', '.join(sorted(known))}")
    for name in row.keys() - {"start", "end", "questions"}:
        value = row[name]
        if not isinstance(value, str) and (value is not None or name in needed):
            raise CorpusError(f"{where}: {name!r} must be text")


def _rows(file: Path) -> Iterator[tuple[dict[str, Any], str]]:
    return read_rows(file, CorpusError) if file.exists() else iter(())
