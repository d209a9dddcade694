import shutil
from pathlib import Path

import bm25s
import numpy as np
import pytest

from conftest import CORPUS
from ketqa.corpus import load_corpus
from ketqa.lexical import K1, B, LexicalIndex, stems, weigh
from ketqa.split import split_sentences


def test_words_are_folded_on_a_copy() -> None:
    assert stems("The patient’s “Café” infusions\u00a0don't work") == [
        "patient", "cafe", "infus", "dont", "work",
    ]  # fmt: skip


def test_a_decimal_number_is_one_word() -> None:
    assert stems("0.2-0.3 mg/kg, 50%") == ["0.2", "0.3", "mg", "kg", "50"]


def corpus_sentences() -> list[str]:
    return [
        document.text[piece.start : piece.end]
        for document in load_corpus(CORPUS)
        for piece in split_sentences(document.text)
    ]


@pytest.mark.parametrize(
    "query", ["how long did relief last", "bladder and kidney problems", "FDA approved depression"]
)
def test_scores_agree_with_another_implementation(tmp_path: Path, query: str) -> None:
    texts = corpus_sentences()
    reference = bm25s.BM25(method="lucene", k1=K1, b=B)
    reference.index([stems(text) for text in texts], show_progress=False)
    # bm25s leaves out the constant factor k1 + 1
    expected = reference.get_scores(stems(query)) * (K1 + 1)
    found = LexicalIndex.build(texts, tmp_path / "words").search(weigh(query), len(texts))
    assert {n for n, score in enumerate(expected) if score > 0} == set(found)
    for number, score in found.items():
        # tantivy keeps the length of a text in one byte
        assert score == pytest.approx(expected[number], rel=0.06)


def test_a_query_that_shares_no_word_finds_nothing(tmp_path: Path) -> None:
    words = LexicalIndex.build(["pain fell"], tmp_path / "words")
    assert words.search(weigh("the of and"), 5) == {}
    assert words.search(weigh('zebra "AND ('), 5) == {}


def test_equal_texts_come_in_their_order(tmp_path: Path) -> None:
    words = LexicalIndex.build(["pain"] * 5, tmp_path / "words")
    assert list(words.search(weigh("pain"), 3)) == [0, 1, 2]


def test_the_rarer_word_tells_more(tmp_path: Path) -> None:
    words = LexicalIndex.build(["pain fell", "pain rose"], tmp_path / "words")
    assert words.idf("fell") > words.idf("pain") > 0


def test_no_text_exceeds_the_best_possible_score(tmp_path: Path) -> None:
    texts = corpus_sentences()
    words = LexicalIndex.build(texts, tmp_path / "words")
    query = weigh("relief lasted three weeks", "month")
    assert max(words.score_texts(query, texts)) < words.best_possible(query)


def test_an_index_that_may_not_be_written_is_read_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = LexicalIndex.build(["pain fell", "the cost of pain", "sleep"], tmp_path / "words")
    expected = written.search(weigh("pain cost"), 3)
    for lock in (tmp_path / "words").glob(".tantivy-*.lock"):
        lock.unlink()
    before = sorted((tmp_path / "words").iterdir())
    monkeypatch.setattr("os.access", lambda path, mode: False)
    opened = LexicalIndex.load(tmp_path / "words")
    assert opened.search(weigh("pain cost"), 3) == expected != {}
    assert opened.idf("pain") == written.idf("pain")
    assert sorted((tmp_path / "words").iterdir()) == before


def test_an_added_word_weighs_half_as_much(tmp_path: Path) -> None:
    words = LexicalIndex.build(["needle pain", "injection pain"], tmp_path / "words")
    assert weigh("pain needle", "injections pain") == {"pain": 1, "needl": 1, "inject": 0.5}
    found = words.search(weigh("needle", "injection"), 2)
    assert found[1] == pytest.approx(found[0] / 2)
    assert words.score_texts(weigh("needle", "injection"), ["needle", "injection"])[1] > 0


def test_parts_put_together_score_as_one_index(tmp_path: Path) -> None:
    texts = [f"pain {'fell ' * (n % 4)} in group{n % 7} by dose {n}" for n in range(90)]
    whole = LexicalIndex.build(texts, tmp_path / "whole")
    folders = []
    for low, high in ((0, 20), (20, 20), (20, 21), (21, 90)):
        folders.append(tmp_path / f"{low}-{high}")
        LexicalIndex.build(texts[low:high], folders[-1])
    joined = LexicalIndex.join(folders, tmp_path / "joined", shutil.copyfile)
    assert len(joined) == 90
    for query in ("did pain fall in group3", "dose 20", "fell", "group6 by dose 89"):
        found, right = joined.search(weigh(query), 40), whole.search(weigh(query), 40)
        assert list(found.values()) == pytest.approx(list(right.values()), rel=1e-6)
        assert joined.idf("pain") == whole.idf("pain")
        assert np.array_equal(joined.having("fell"), whole.having("fell"))
    ties = joined.search(weigh("pain"), 5)
    assert list(ties) == list(whole.search(weigh("pain"), 5))
