"""A question is led to sentences by the curated questions that resemble it."""

from pathlib import Path

import pytest

from conftest import TopicEncoder, write_corpus
from ketqa.corpus import load_corpus
from ketqa.dense import DenseIndex
from ketqa.lexical import LexicalIndex, weigh
from ketqa.match import NO_MATCHES, QuestionIndex
from ketqa.shards import split_documents
from ketqa.store import Store
from ketqa.tables import create_store
from ketqa.types import CuratedQuestion, Span

ENCODER = TopicEncoder()
TEXTS = ["pain again", "pain and dose and more", "what about sleep", "cost cost"]


@pytest.fixture
def questions(tmp_path: Path) -> QuestionIndex:
    """Questions 0 and 1 answered by sentence 0 and 1, 2 by sentence 1, 3 by nothing."""
    documents = load_corpus(write_corpus(tmp_path / "corpus", {"a.txt": "It hurts. They slept.\n"}))
    passages, sentences = split_documents(documents, ENCODER, tokens=100)
    spans = [Span("a.txt", 0, 9), Span("a.txt", 0, 21), Span("a.txt", 10, 21), None]
    curated = [CuratedQuestion(n, TEXTS[n], span) for n, span in enumerate(spans)]
    store = tmp_path / "c.sqlite"
    create_store(store, documents, passages, sentences, curated, [[0], [0, 1], [1], []])
    return QuestionIndex(
        DenseIndex.build(ENCODER.encode_queries(TEXTS)),
        LexicalIndex.build(TEXTS, tmp_path / "words"),
        Store(store),
    )


def test_each_sentence_gets_its_nearest_question(questions: QuestionIndex) -> None:
    found = questions.match(weigh("pain"), ENCODER.encode_queries(["pain"])[0])
    assert {n: match.question for n, match in found.meaning.items()} == {0: 0, 1: 1}
    assert found.closeness(0) == pytest.approx(1, abs=1e-3)
    assert found.closeness(1) == pytest.approx(0.5**0.5, abs=1e-3)
    assert found.answered == pytest.approx(1, abs=1e-3)
    assert found.words[0] > found.words[1] > 0


def test_a_question_that_nothing_answers_is_told_apart(questions: QuestionIndex) -> None:
    found = questions.match(weigh("cost"), ENCODER.encode_queries(["cost"])[0])
    assert found.unanswered is not None
    assert found.unanswered.question == 3
    assert found.unanswered.cosine == pytest.approx(1, abs=1e-3)
    assert found.answered == pytest.approx(0, abs=1e-3)


def test_a_question_can_be_asked_as_if_it_were_new(questions: QuestionIndex) -> None:
    row = ENCODER.encode_queries(["pain"])[0]
    found = questions.match(weigh("pain again"), row, without={0})
    assert found.meaning[0].question == 1
    assert 0 not in {match.question for match in found.meaning.values()}
    assert questions.match(weigh("pain"), row, without={0, 1, 2, 3}).meaning == {}


def test_a_sentence_without_questions_is_neither_favoured_nor_shut_out(
    questions: QuestionIndex,
) -> None:
    found = questions.match(weigh("pain"), ENCODER.encode_queries(["pain"])[0])
    assert found.closeness(99) == found.floor <= min(m.cosine for m in found.meaning.values())
    assert NO_MATCHES.closeness(0) == NO_MATCHES.answered == 0
