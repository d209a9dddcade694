"""Curated questions: read, checked line by line, and tied to the sentences that answer."""

import json
from pathlib import Path

import pytest

from conftest import CORPUS, FOUR_DOCUMENTS, ROOT, TopicEncoder, write_corpus
from ketqa.corpus import load_corpus
from ketqa.errors import CorpusError
from ketqa.questions import find_answering, hash_questions, load_questions
from ketqa.shards import split_documents
from ketqa.store import Store
from ketqa.tables import create_store
from ketqa.twins import twin_key
from ketqa.types import CuratedQuestion

QUOTE = "Nobody pays the cost for you."
AT = FOUR_DOCUMENTS["cost.txt"].index(QUOTE)
LINE = {
    "file": "cost.txt", "start": AT, "end": AT + len(QUOTE), "quote": QUOTE,
    "questions": ["Who pays?", "Will somebody pay for me?"],
}  # fmt: skip
NOT = {"question": "Is it legal?", "why": "law not told"}


def write(folder: Path, answered: list[object], unanswered: list[object]) -> None:
    for name, rows in (("questions.jsonl", answered), ("unanswered.jsonl", unanswered)):
        (folder / name).write_text("\n".join(json.dumps(row) for row in rows) + "\n")


def load(folder: Path) -> list[CuratedQuestion]:
    return load_questions(folder, load_corpus(folder))


def test_questions_are_numbered_with_their_places(four_documents: Path) -> None:
    french = {**LINE, "language": "fr", "voice": "lay", "questions": ["Qui paie ?"]}
    write(four_documents, [LINE, french], [NOT])
    found = load(four_documents)
    assert [question.number for question in found] == [0, 1, 2, 3]
    assert [question.text for question in found] == [
        *LINE["questions"],
        "Qui paie ?",
        "Is it legal?",
    ]  # type: ignore[misc]
    assert (found[2].language, found[2].voice) == ("fr", "lay")
    assert (found[3].span, found[3].why) == (None, "law not told")
    span = found[0].span
    assert span is not None
    assert FOUR_DOCUMENTS["cost.txt"][span.start : span.end] == QUOTE


def test_a_corpus_without_questions_has_none(four_documents: Path) -> None:
    assert load(four_documents) == []
    assert hash_questions(four_documents) == {}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"start": AT + 1}, rf"the quote is not cost.txt\[{AT + 1}:.*it begins at {AT}"),
        ({"quote": "Somebody pays."}, "it is not in the document at all"),
        ({"file": "gone.txt"}, "no such document: 'gone.txt'"),
        ({"questions": []}, "at least one question"),
        ({"questions": [7]}, "a question must be text"),
        ({"questions": ["?"]}, "there is no question"),
        ({"start": -1}, "whole numbers, 0 <= start < end"),
        ({"voices": "lay"}, "unknown field 'voices'"),
        ({"language": 7}, "'language' must be text"),
        ({"questions": ["Who pays?", "who  pays"]}, "stands already in .*line 1"),
        (
            {"questions": ["Is it legal?"]},
            "'Is it legal.' stands already in .*/questions.jsonl: line 1",
        ),
    ],
)
def test_a_wrong_line_is_named(four_documents: Path, change: dict[str, object], told: str) -> None:
    write(four_documents, [{**LINE, **change}], [NOT])
    with pytest.raises(CorpusError, match=rf"\.jsonl: line 1: .*{told}"):
        load(four_documents)


@pytest.mark.parametrize(
    ("line", "told"),
    [("{", "not JSON"), ("[]", "an object in braces"), ("{}", "the field 'end' is missing")],
)
def test_a_line_that_is_no_entry_is_named(four_documents: Path, line: str, told: str) -> None:
    (four_documents / "questions.jsonl").write_text(f"\n{line}\n")
    with pytest.raises(CorpusError, match=f"questions.jsonl: line 2: .*{told}"):
        load(four_documents)


def test_every_sentence_of_a_place_answers_and_so_do_its_twins(tmp_path: Path) -> None:
    text = "A Heading\n\nThe dose was low. The pain fell.\n\nOther things. The pain fell.\n"
    folder = write_corpus(tmp_path / "corpus", {"a.txt": text})
    quote = "The dose was low. The pain"
    at = text.index(quote)
    line = {
        "file": "a.txt", "start": at, "end": at + len(quote), "quote": quote,
        "questions": ["How much, and did it work?"],
    }  # fmt: skip
    write(folder, [line], [NOT])
    documents = load_corpus(folder)
    passages, sentences = split_documents(documents, TopicEncoder(), tokens=100)
    assert next(s.kind for s in sentences) == "heading"
    create_store(tmp_path / "store", documents, passages, sentences)
    with Store(tmp_path / "store") as store:
        assert find_answering(load(folder), store) == [[1, 2, 4], []]


def shipped() -> list[CuratedQuestion]:
    return load(CORPUS)


def test_no_curated_question_is_a_gold_question() -> None:
    """Else the figures would measure memory; case, quotes and punctuation make no difference."""
    curated = {twin_key(question.text) for question in shipped()}
    for name in ("dev", "own", "blind"):
        file = ROOT / "tests/gold" / f"{name}.jsonl"
        for line in file.read_text(encoding="utf-8").splitlines():
            question = json.loads(line)["question"]
            assert twin_key(question) not in curated, question


def test_every_sentence_that_answers_has_questions_in_many_voices_and_languages() -> None:
    spans: dict[object, list[CuratedQuestion]] = {}
    for question in shipped():
        if question.span:
            spans.setdefault(question.span, []).append(question)
    assert len(spans) >= 150
    for span, questions in spans.items():
        languages = [question.language for question in questions]
        assert languages.count("en") >= 20, span
        assert all(languages.count(code) >= 5 for code in ("es", "fr", "de", "pt", "it")), span
        assert len({question.voice for question in questions}) >= 7, span
    assert sum(question.span is None for question in shipped()) >= 1000
