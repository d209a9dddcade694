"""Asking the shipped corpus, end to end."""

import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest

from conftest import CORPUS, ROOT, write_corpus
from ketqa.compiled import CompiledEncoder
from ketqa.errors import QuestionError
from ketqa.index import Index
from ketqa.manifest import ENCODER, current_build
from ketqa.twins import twin_key
from ketqa.types import Answer

pytestmark = pytest.mark.model

GOLD = [
    json.loads(line)
    for line in (ROOT / "tests/gold/dev.jsonl").read_text(encoding="utf-8").splitlines()
]


def without_timings(index: Index, question: str) -> str:
    table = index.ask(question, min_confidence=0).to_dict()
    assert table.pop("timings_ms")["total"] > 0
    return json.dumps(table)


def test_every_quote_is_a_slice_of_its_document(index: Index) -> None:
    for gold in GOLD:
        answer = index.ask(gold["question"], history=gold["history"], min_confidence=0)
        assert 0 < len(answer.evidence) <= 5
        for item in answer.evidence:
            text = (CORPUS / item.source.file).read_bytes().decode()
            assert text[item.span.start : item.span.end] == item.quote
            for twin in item.also_at:
                twin_text = (CORPUS / twin.doc_id).read_bytes().decode()
                assert twin_key(twin_text[twin.start : twin.end]) == twin_key(item.quote)
            low, high = item.passage.span.start, item.passage.span.end
            assert text[low:high] == item.passage.text


def test_quotes_of_an_answer_never_overlap(index: Index) -> None:
    for gold in GOLD:
        places = sorted(
            (item.span.doc_id, item.span.start, item.span.end)
            for item in index.ask(gold["question"], min_confidence=0).evidence
        )
        for before, after in pairwise(places):
            assert before[0] != after[0] or before[2] <= after[1], gold["id"]


def test_a_plain_question_is_answered_word_for_word(index: Index) -> None:
    answer = index.ask("How long did relief last?")
    assert answer.status == "evidence"
    assert answer.evidence[0].quote == (
        '"In half of our patients, relief lasted for up to 3 weeks with minimal side effects," '
        "the researchers reported."
    )
    assert answer.evidence[0].source.publisher == "MedPage Today"


def test_a_question_about_something_else_is_not_answered(index: Index) -> None:
    answer = index.ask("who won the world cup in 2018")
    assert (answer.status, answer.evidence, answer.related) == ("no_evidence", (), ())


def test_a_repeated_block_is_quoted_once_with_its_other_place(index: Index) -> None:
    answer = index.ask("How many workdays do American workers miss due to migraines?")
    first = answer.evidence[0]
    assert "113 million workdays" in first.quote
    assert [span.doc_id for span in first.also_at] == [first.source.file]
    assert sum("113 million workdays" in item.quote for item in answer.evidence) == 1


def test_the_same_question_gives_the_same_bytes(index: Index, index_folder: Path) -> None:
    questions = [gold["question"] for gold in GOLD[:20]]
    once = [without_timings(index, question) for question in questions]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda q: without_timings(index, q), questions)) == once
    with Index(
        current_build(index_folder),
        CompiledEncoder(current_build(index_folder) / ENCODER),
        weights=index.engines.weights,
    ) as again:
        assert [without_timings(again, question) for question in questions] == once


def test_answers_come_back_whole_from_their_json(index: Index) -> None:
    for gold in GOLD[:20]:
        table = index.ask(gold["question"]).to_dict()
        assert Answer.from_dict(json.loads(json.dumps(table))).to_dict() == table


def test_threads_that_ask_search_and_look_up_at_once_get_what_one_gets(index_folder: Path) -> None:
    def work(opened: Index, number: int) -> str:
        question = GOLD[number % 12]["question"]
        doc_id = opened.store.document_ids()[number % 5]
        text = opened.store.document(doc_id).text[200 : 260 + number]
        return json.dumps(
            [
                without_timings(opened, question),
                [hit.to_dict() for hit in opened.search(question)],
                opened.verify_quote(text).to_dict(),
                [sentence.text for sentence in opened.store.all_sentences()][number],
            ]
        )

    with Index.open(index_folder) as opened:
        alone = [work(opened, number) for number in range(12)]
    with Index.open(index_folder) as opened, ThreadPoolExecutor(8) as pool:
        assert list(pool.map(partial(work, opened), [*range(12)] * 2)) == alone * 2


def test_search_returns_at_most_k_passages_best_first(index: Index) -> None:
    hits = index.search("side effects of infusions", k=4)
    assert [hit.rank for hit in hits] == [1, 2, 3, 4]
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert all(0 <= hit.score <= 1 for hit in hits)


def test_a_follow_up_is_searched_with_the_question_before(index: Index) -> None:
    answer = index.ask("and did the benefit last?", history=["What did the pilot study find?"])
    assert answer.query == "What did the pilot study find? and did the benefit last?"
    assert answer.question == "and did the benefit last?"


def test_bad_arguments_are_refused(index: Index) -> None:
    with pytest.raises(QuestionError):
        index.ask("  ")
    with pytest.raises(ValueError, match="k must be at least 1, got 0"):
        index.ask("pain?", k=0)


def test_a_corpus_of_headings_alone_answers_nothing(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus", {"a.txt": "Ketamine\n\nWhat Is It?\n"})
    with Index.build(corpus, tmp_path / "index") as index:
        assert index.ask("What is ketamine?", min_confidence=0).status == "no_evidence"
