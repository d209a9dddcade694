"""Which sentences only report a study, against labels made by hand."""

import json

import pytest

from conftest import CORPUS, ROOT
from ketqa.second_hand import is_second_hand

LABELS = [
    json.loads(line)
    for line in (ROOT / "tests/gold/second_hand.jsonl").read_text(encoding="utf-8").splitlines()
]


def test_rules_agree_with_the_labels() -> None:
    """The rules were written with the labels in view: a floor, not an estimate."""
    told = []
    for row in LABELS:
        text = (CORPUS / row["file"]).read_bytes().decode()[row["start"] : row["end"]]
        told.append((is_second_hand(text), row["second_hand"]))
    both = sum(said and true for said, true in told)
    assert len(told) >= 160
    assert both / sum(said for said, _ in told) >= 0.8
    assert both / sum(true for _, true in told) >= 0.85


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("Roberts et al. saw relief in most of them.", True),
        ("A recent study showed that sleep improved.", True),
        ("The drug was first made in 1962.", False),
        ("We will look at what studies have shown.", False),
        ("Our clinic is open on Sundays.", False),
        ("If you feel sick during the infusion, tell the nurse at once.", False),
    ],
)
def test_plain_cases(sentence: str, expected: bool) -> None:
    assert is_second_hand(sentence) is expected
