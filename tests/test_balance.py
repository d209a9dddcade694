"""Which answers need a quote on harms or limits, and which quotes are one."""

import pytest

from ketqa.balance import balance, needs_balance, speaks_of_harm
from ketqa.index import Index


@pytest.mark.parametrize(
    "text",
    [
        "Common side effects include dizziness and, in some cases, hallucinations.",
        "The results were mixed.",
        "It also had not yet been approved by the FDA.",
        "Long-term use of ketamine can lead to bladder and kidney problems.",
        "However, the pain levels increased again by the follow-up visit.",
    ],
)
def test_harms_and_limits_are_known_by_their_words(text: str) -> None:
    assert speaks_of_harm(text)


@pytest.mark.parametrize(
    "text",
    [
        "Relief lasted for up to 3 weeks with minimal side effects.",
        "All patients reported significant pain reduction.",
        "It was well tolerated, without serious adverse effects.",
    ],
)
def test_benefit_and_reassurance_are_neither(text: str) -> None:
    assert not speaks_of_harm(text)


@pytest.mark.model
def test_an_answer_on_benefit_brings_a_quote_on_harm_or_limits(index: Index) -> None:
    found = index.find("Does ketamine relieve migraine pain?")
    answer = index.answer(found)
    assert needs_balance(answer)
    beside = balance(index, found, answer)
    first = [item.quote for item in answer.evidence[:2]]
    assert any(map(speaks_of_harm, [*first, *([beside.quote] if beside else [])]))
    if beside:
        text = index.store.document(beside.span.doc_id).text
        assert text[beside.span.start : beside.span.end] == beside.quote


@pytest.mark.model
@pytest.mark.parametrize("question", ["What schedule drug is ketamine?", "Who won the world cup?"])
def test_other_answers_bring_none(index: Index, question: str) -> None:
    found = index.find(question)
    assert balance(index, found, index.answer(found)) is None
