"""Two quotes are said to differ only where that is sure."""

import pytest

from ketqa.differences import find_difference
from ketqa.types import Answer, Evidence, Passage, Source, Span


def answer(question: str, *quotes: str) -> Answer:
    evidence = []
    for rank, quote in enumerate(quotes, 1):
        span = Span(f"{rank}.txt", 0, len(quote))
        source = Source(span.doc_id, span.doc_id, "0" * 64, "T")
        evidence.append(Evidence(rank, 0.9, quote, span, source, Passage(rank, span, quote)))
    return Answer(
        question, question, "evidence", 0.9, tuple(evidence), (), {"documents": 2}, {}, "0"
    )


@pytest.mark.parametrize(
    ("question", "first", "second", "parts"),
    [
        (
            "How long did relief last?",
            "Relief lasted for up to 3 weeks.",
            "Some had relief for 2 weeks.",
            ("3 weeks", "2 weeks"),
        ),
        (
            "Which dose of ketamine was infused?",
            "Low doses of ketamine (0.2-0.3 mg/kg) were given.",
            "Patients had ketamine at a dose of 0.5 mg/kg.",
            ("0.2-0.3 mg/kg", "0.5 mg/kg"),
        ),
        (
            "Has the FDA approved ketamine?",
            "The FDA has approved ketamine for anesthesia.",
            "The FDA has not yet approved ketamine for migraine.",
            ("approved", "not yet approved"),
        ),
    ],
)
def test_a_number_a_dose_or_a_not_is_told(
    question: str, first: str, second: str, parts: tuple[str, str]
) -> None:
    found = find_difference(answer(question, first, second))
    assert found is not None
    (start, end), (other_start, other_end) = found.first_part, found.second_part
    assert (first[start:end], second[other_start:other_end]) == parts


@pytest.mark.parametrize(
    ("question", "first", "second"),
    [
        ("How long did relief last?", "Relief lasted 3 weeks.", "Relief was for 3 weeks."),
        ("How long did relief last?", "Relief lasted 3 weeks.", "Relief lasted 40 minutes."),
        ("How long did relief last?", "Relief lasted 3 weeks.", "A study ran for 2 weeks."),
        ("How long did relief last?", "Relief lasted 3 weeks, or 4 weeks.", "Relief: 2 weeks."),
        ("Who felt relief?", "Relief lasted 3 weeks.", "Relief lasted 2 weeks."),
        ("What is the dose?", "A dose of 0.5 mg/kg.", "A dose of 0.2 mg/kg/hr."),
        ("Is it approved by the FDA?", "The FDA approved it.", "Botox did not help."),
        ("Is it approved by the FDA?", "It is not approved.", "It was never approved."),
    ],
)
def test_what_is_not_sure_is_not_told(question: str, first: str, second: str) -> None:
    assert find_difference(answer(question, first, second)) is None
