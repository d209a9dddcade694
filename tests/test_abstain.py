from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ketqa.abstain import answer_probability, decide, quote_probability, signals
from ketqa.lexical import LexicalIndex
from ketqa.reader import load_weights


def test_a_nearer_sentence_makes_an_answer_likelier() -> None:
    far = {"logit": -3.0, "cosine": 0.2, "unknown": 0.0}
    assert answer_probability({**far, "cosine": 0.8}) > answer_probability(far)
    assert answer_probability({**far, "unknown": 1.0}) < answer_probability(far)


@given(st.floats(0, 1), st.floats(0, 50))
def test_a_quote_is_never_surer_than_the_answer(confidence: float, behind: float) -> None:
    sure = quote_probability(confidence, behind)
    assert 0 <= sure <= confidence
    assert sure <= quote_probability(confidence, 0)


def test_the_status_follows_the_thresholds() -> None:
    limits = load_weights()["thresholds"]
    assert decide(limits["evidence"]) == "evidence"
    assert decide(limits["evidence"] - 0.01) == "related"
    assert decide(limits["related"] - 0.01) == "no_evidence"
    assert decide(0.0, min_confidence=0) == "evidence"


def test_unknown_words_are_weighed_by_how_telling_they_are(tmp_path: Path) -> None:
    words = LexicalIndex.build(["pain fell", "pain rose"], tmp_path / "words")
    assert signals("zebra", [], words)["unknown"] == 1
    assert signals("pain", [], words)["unknown"] == 0
    both = signals("pain zebra", [], words)["unknown"]
    assert both == pytest.approx(words.idf("zebra") / (words.idf("zebra") + words.idf("pain")))
    assert both > 0.5
