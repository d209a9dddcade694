import pytest

from ketqa.errors import QuestionError
from ketqa.query import MAX_CHARACTERS, build_query, check_question


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
    history = ["What is a migraine?", "Does ketamine help?"]
    assert build_query(question, history) == f"Does ketamine help? {question}"


def test_a_question_that_stands_alone_is_searched_alone() -> None:
    question = "Which side effects do infusions have?"
    assert build_query(question, ["Does ketamine help?"]) == question
