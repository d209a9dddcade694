"""Notices: who needs help gets it said first, and who only asks about it does not."""

import json
import re
import zlib
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from conftest import ROOT
from ketqa.index import Index
from ketqa.notices import COUNTRIES, classify, help_in, notice_for, notice_lines
from ketqa.notices.classify import (
    BUCKETS,
    KINDS,
    LENGTH,
    Kind,
    _weights,
    features,
    fold,
    probabilities,
)

LABELS = [
    json.loads(line)
    for line in (ROOT / "tests/gold/notices.jsonl").read_text(encoding="utf-8").splitlines()
]


def rates(index: Index, kind: Kind, parts: str) -> tuple[float, float, float]:
    """Return recall, precision and false alarms."""
    rows = [
        (index.classify(r["question"]) == kind, r["notice"] == kind)
        for r in LABELS
        if r["half"] in parts
    ]
    both = sum(said and true for said, true in rows)
    wanted, given = sum(true for _, true in rows), sum(said for said, _ in rows)
    return both / wanted, both / given, (given - both) / (len(rows) - wanted)


@pytest.mark.model
def test_emergencies_are_met_and_look_alikes_are_not(index: Index) -> None:
    recall, _, alarms = rates(index, "emergency", "a")
    assert recall >= 0.98
    assert alarms <= 0.02


@pytest.mark.model
def test_advice_is_met(index: Index) -> None:
    recall, precision, _ = rates(index, "advice", "a")
    assert recall >= 0.94
    assert precision >= 0.95


@pytest.mark.model
def test_messages_that_nothing_was_changed_for_get_the_notice_they_need(index: Index) -> None:
    recall, _, alarms = rates(index, "emergency", "cf")
    assert recall >= 0.98
    assert alarms <= 0.02
    recall, precision, _ = rates(index, "advice", "cf")
    assert recall >= 0.9
    assert precision >= 0.95


def test_without_an_encoding_letters_and_words_must_do() -> None:
    found = [classify(r["question"]) or "none" for r in LABELS if r["half"] == "c"]
    wanted = [r["notice"] for r in LABELS if r["half"] == "c"]
    assert sum(a == b for a, b in zip(found, wanted, strict=True)) >= 0.9 * len(wanted)


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("he's not breathing", "emergency"),
        ("My daughter won't wake up", "emergency"),
        ("I want to die", "emergency"),
        ("ich will mich umbringen", "emergency"),
        ("quiero morir", "emergency"),
        ("Should I take it with my sertraline?", "advice"),
        ("Has ketamine been studied for suicidal ideation?", None),
        ("What is a thunderclap headache?", None),
        ("How long did relief last?", None),
        ("She fell and hit her head.", "emergency"),
        ("Can I drive after taking it? I feel faint.", "advice"),
        ("Er atmet nicht", "emergency"),
        ("Is there research on people who say they want to die?", None),
        ("", None),
    ],
)
def test_plain_cases(message: str, kind: Kind | None) -> None:
    assert classify(message) == kind


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("message", ["What now?", "How long did relief last?", ""])
def test_what_a_message_means_counts_beside_its_words(message: str, kind: Kind | None) -> None:
    meanings = _weights("rows")[0][:, 2 * BUCKETS :]
    row = meanings[KINDS.index(kind)] - meanings.mean(axis=0)
    assert classify(message, row / np.linalg.norm(row)) == kind
    assert classify(message, np.zeros(len(row))) is None


def test_the_three_probabilities_are_shares_of_one() -> None:
    for message in ("", "i cant wake him", "should i take it with wine"):
        assert probabilities(message).sum() == pytest.approx(1)


def test_a_message_is_read_as_runs_of_two_to_five_letters_and_of_one_to_three_words() -> None:
    letters = (
        " i", "i ", " i ",
        *[" o", "ok", "k ", " ok", "ok ", " ok "] * 2,
        " l", "li", "ik", "ke", "e ", " li", "lik", "ike", "ke ", " lik", "like", "ike ",
        " like", "like ",
    )  # fmt: skip
    words = (
        "ok", "i", "like", "ok", "ok i", "i like", "like ok", "ok i like", "i like ok",
    )  # fmt: skip
    expected: dict[int, float] = {}
    for first, runs in ((0, letters), (BUCKETS, words)):
        counts = Counter(first + zlib.crc32(run.encode()) % BUCKETS for run in runs)
        length = sum(count**2 for count in counts.values()) ** 0.5
        expected |= {bucket: LENGTH * count / length for bucket, count in counts.items()}
    buckets, values = features("ok i like ok")
    assert dict(zip(buckets.tolist(), values.tolist(), strict=True)) == pytest.approx(expected)


def test_accents_apostrophes_and_case_make_no_difference() -> None:
    assert fold("  Je N’arrive  PAS à ") == "je narrive pas a"


def test_a_notice_names_the_numbers_of_the_country() -> None:
    assert "Call 911 now" in notice_for("emergency", "us").text
    assert "988" in notice_for("emergency", "US").text
    assert "your local emergency number" in notice_for("emergency").text
    assert "your local emergency number" in notice_for("emergency", "XX").text
    assert "US" in COUNTRIES
    known = help_in("us")
    assert known
    assert (known.country, known.emergency) == ("US", "911")
    assert help_in(None) is None
    assert notice_for("emergency", "us").kind == "emergency"
    assert "doctor or pharmacist" in notice_for("advice").text


def test_a_notice_speaks_the_language_asked_for_or_english() -> None:
    kinds: tuple[Kind, ...] = ("emergency", "advice")
    for kind in kinds:
        english = notice_lines(kind, "US")
        assert notice_lines(kind, "US", "de") != english
        assert notice_lines(kind, "US", "xx") == english
        assert " ".join(english) == notice_for(kind, "US").text


def test_the_words_are_plain() -> None:
    """Short sentences of short words, the action first."""
    kinds: tuple[Kind, ...] = ("emergency", "advice")
    for kind in kinds:
        text = notice_for(kind, "US").text
        sentences = re.split(r"(?<=[.:])\s", text)
        assert max(len(sentence.split()) for sentence in sentences) <= 22
        assert max(len(word) for word in re.findall(r"[A-Za-z]+", text)) <= 10
    assert notice_for("emergency", "US").text.index("Call 911") < 40


def test_every_country_has_numbers_and_a_day() -> None:
    for before, after in pairwise(COUNTRIES):
        assert before < after
    for country in COUNTRIES:
        assert re.search(r"Call [\d ]+ now", notice_for("emergency", country).text)


@pytest.mark.model
def test_an_answer_carries_its_notice(index: Index) -> None:
    answer = index.ask("my mate took loads of ket and he won't wake up", country="GB")
    assert [notice.kind for notice in answer.notices] == ["emergency"]
    assert "999" in answer.to_dict()["notices"][0]["text"]
    assert index.ask("How long did relief last?").notices == ()


def school_years(text: str) -> float:
    """Return the Flesch-Kincaid grade level (1975), syllables counted by groups of vowels."""
    sentences = re.findall(r"[^.!?]+[.!?]", text)
    words = re.findall(r"[A-Za-z’']+", text)
    syllables = sum(
        max(1, len(re.findall(r"[aeiouy]+", re.sub(r"e\b", "", word.lower())))) for word in words
    )
    return 0.39 * len(words) / len(sentences) + 11.8 * syllables / len(words) - 15.59


@pytest.mark.parametrize("kind", ["emergency", "advice"])
def test_a_notice_can_be_read_by_a_child_of_thirteen(kind: Kind) -> None:
    assert school_years(notice_for(kind, "US").text) < 8


def test_the_grade_level_tells_plain_words_from_others() -> None:
    assert school_years("The cat sat on the mat. It was warm.") < 2
    assert school_years("Immediate consultation with appropriate emergency services advised.") > 12
