import pytest

from ketqa.errors import QuestionError
from ketqa.query import MAX_CHARACTERS, build_query, check_question
from ketqa.types import Change


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("", "there is no question"),
        (" \n ?! ", "there is no question"),
        ("a" * 10_000, f"10,000 characters; ask in at most {MAX_CHARACTERS:,}"),
        ("pain\x00?", "not text"),
        ("pain \udcff", "not text"),
    ],
)
def test_what_cannot_be_asked_gets_a_clear_answer(question: str, told: str) -> None:
    with pytest.raises(QuestionError, match=told):
        check_question(question)


def test_a_question_of_any_script_may_be_asked() -> None:
    assert check_question(" ¿Ayuda? ") == "¿Ayuda?"
    assert check_question("片頭痛に効く?") == "片頭痛に効く?"


@pytest.mark.parametrize("question", ["and in children?", "how long did it last?", "why not?"])
def test_a_question_that_leans_is_searched_with_the_one_before(question: str) -> None:
    before = "Does ketamine help with migraine?"
    query = build_query(question, ["Who wrote the page of the clinic?", before])
    assert query.text == f"{before} {question}"
    assert query.changes == (Change("follow-up", question, query.text),)


def test_a_chain_of_questions_leads_back_to_its_subject() -> None:
    history = ["Who wrote this?", "Does ketamine help with migraine?", "and side effects?"]
    query = build_query("how long do they last?", history)
    assert query.text == " ".join([*history[1:], "how long do they last?"])
    endless = ["and then?"] * 5000
    assert len(build_query("and then?", endless).text) < MAX_CHARACTERS


def test_misspelt_words_are_searched_as_they_were_meant() -> None:
    query = build_query("is it saef? saefly", [], lambda text: [("saef", "safe")])
    assert query.text == "is it safe? saefly"
    assert query.changes == (Change("spelling", "saef", "safe"),)


def test_a_question_that_stands_alone_is_searched_alone() -> None:
    question = "Which side effects do infusions have?"
    assert build_query(question, ["Does ketamine help?"]).text == question
