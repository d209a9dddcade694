from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ketqa.abstain import SIGNALS, answer_probability, decide, quote_probability, signals
from ketqa.lexical import LexicalIndex, weigh
from ketqa.match import NO_MATCHES, Match, Matches
from ketqa.reader import Asked, load_weights

PLAIN, CURATED = load_weights("plain"), load_weights("questions")
FAR = {"logit": -3.0, "cosine": 0.2, "unknown": 0.0, "answered": 0.5, "unanswered": 0.5}


def asked(query: str, matches: Matches = NO_MATCHES) -> Asked:
    return Asked(query, np.zeros(4, np.float32), weigh(query), matches)


def test_a_nearer_sentence_makes_an_answer_likelier() -> None:
    for weights, nearer in ((PLAIN, {"logit": 1.0}), (CURATED, {"cosine": 0.9})):
        assert answer_probability({**FAR, **nearer}, weights) > answer_probability(FAR, weights)
    assert answer_probability({**FAR, "unknown": 1.0}, PLAIN) < answer_probability(FAR, PLAIN)


def test_curated_questions_speak_for_and_against_an_answer() -> None:
    surely = answer_probability({**FAR, "answered": 0.9}, CURATED)
    hardly = answer_probability({**FAR, "unanswered": 0.9}, CURATED)
    assert hardly < answer_probability(FAR, CURATED) < surely


def test_the_nearest_curated_questions_are_signals(tmp_path: Path) -> None:
    words = LexicalIndex.build(["pain fell"], tmp_path / "words")
    found = Matches({3: Match(0, 0.7), 4: Match(1, 0.6)}, {}, Match(2, 0.4), floor=0.1)
    numbers = signals(asked("pain", found), [], words)
    assert (numbers["answered"], numbers["unanswered"]) == (0.7, 0.4)
    assert tuple(numbers) == SIGNALS


@given(st.floats(0, 1), st.floats(0, 50))
def test_a_quote_is_never_surer_than_the_answer(confidence: float, behind: float) -> None:
    sure = quote_probability(confidence, behind, PLAIN)
    assert 0 <= sure <= confidence
    assert sure <= quote_probability(confidence, 0, PLAIN)


def test_the_status_follows_the_thresholds() -> None:
    limits = PLAIN["thresholds"]
    assert decide(limits["evidence"], PLAIN) == "evidence"
    assert decide(limits["evidence"] - 0.01, PLAIN) == "related"
    assert decide(limits["related"] - 0.01, PLAIN) == "no_evidence"
    assert decide(0.0, PLAIN, min_confidence=0) == "evidence"


def test_unknown_words_are_weighed_by_how_telling_they_are(tmp_path: Path) -> None:
    words = LexicalIndex.build(["pain fell", "pain rose"], tmp_path / "words")
    assert signals(asked("zebra"), [], words)["unknown"] == 1
    assert signals(asked("pain"), [], words)["unknown"] == 0
    both = signals(asked("pain zebra"), [], words)["unknown"]
    assert both == pytest.approx(words.idf("zebra") / (words.idf("zebra") + words.idf("pain")))
    assert both > 0.5
