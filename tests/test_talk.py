import pytest

from ketqa.conversation import answer_each
from ketqa.coverage import cover
from ketqa.index import Index
from ketqa.talk import language_reply, reply_to, split_questions
from ketqa.web.desk import Desk
from ketqa.web.turns import Turn
from ketqa.web.words import Words

SERVED = {"en", "es", "fr", "de", "pt", "it"}


@pytest.mark.parametrize(
    ("message", "reply"),
    [
        ("Hello!", "Ask a question"),
        ("  GRACIAS ", "You are welcome"),
        ("What can you do?", "not a doctor"),
        ("why?", "What would you like to know"),
    ],
)
def test_what_is_no_question_gets_a_short_reply(message: str, reply: str) -> None:
    assert reply in (reply_to(message, follows=False) or "")


def test_a_question_is_no_greeting() -> None:
    for message in ("Hello, does ketamine help?", "thanks to whom?", "How does ketamine work?"):
        assert reply_to(message, follows=False) is None
    assert reply_to("why?", follows=True) is None
    assert reply_to("thanks", follows=True) is not None


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("Czy ketamina pomaga na migrenę?", "Zadaj pytanie"),
        ("Помогает ли кетамин при хронической мигрени у взрослых?", "Задайте вопрос"),
        ("ケタミンは片頭痛に効きますか?", "質問してください"),
    ],
)
def test_other_languages_are_told_in_their_own(message: str, words: str) -> None:
    reply = language_reply(message, SERVED)
    assert reply is not None
    assert words in reply
    assert "English" in reply


def test_languages_that_are_served_are_not_told_off() -> None:
    for message in ("Does it help?", "¿Ayuda la ketamina?", "Hilft Ketamin bei Migräne?", "NNT?"):
        assert language_reply(message, SERVED) is None
    assert "English" in (language_reply("¿Ayuda la ketamina con la migraña?", {"en"}) or "")


@pytest.mark.parametrize(
    ("message", "parts"),
    [
        ("How long does it last? And what does it cost?", 2),
        ("My wife has migraine. Does ketamine help her? How long does that last?", 2),
        ("Does it help? Really?", 1),
        ("Does it help? I have had migraine for ten years now.", 1),
        ("Does ketamine help", 1),
        ("is it safe? " * 6, 1),
    ],
)
def test_a_message_is_split_where_it_holds_several_questions(message: str, parts: int) -> None:
    assert len(split_questions(message)) == parts


@pytest.mark.model
def test_each_question_of_a_message_is_answered(index: Index) -> None:
    message = "How long did relief last? Does insurance pay for ketamine infusions?"
    first, second = answer_each(index, message)
    assert "3 weeks" in first.evidence[0].quote
    assert "insur" in " ".join(item.quote.lower() for item in second.evidence)
    assert second.question == "Does insurance pay for ketamine infusions?"


@pytest.mark.model
def test_a_notice_for_the_whole_message_comes_first(index: Index) -> None:
    message = "How long did relief last? And why can't I wake my mate up, he took a load of ket?"
    answers = answer_each(index, message, country="GB")
    assert [notice.kind for answer in answers for notice in answer.notices][:1] == ["emergency"]


@pytest.mark.model
def test_talk_is_answered_without_a_search(index: Index) -> None:
    answer = index.ask("Thank you!")
    assert (answer.status, answer.evidence, answer.related) == ("no_evidence", (), ())
    assert answer.reply == "You are welcome. Ask again whenever you like."
    assert answer.to_dict()["reply"] == answer.reply
    *_, shown = Desk(index, Words("en"), cover([])).stages([Turn("Thank you!")])
    assert answer.reply in shown
    assert "quotations" not in shown
    unserved = index.ask("Ile kosztuje bilet kolejowy do Warszawy?")
    assert unserved.reply is not None
    assert "Zadaj pytanie" in unserved.reply


@pytest.mark.model
def test_changes_are_told_and_can_be_undone(index: Index) -> None:
    answer = index.ask("and how long did that lsat?", history=["Does ketamine releive migraine?"])
    assert [change.kind for change in answer.changes] == ["spelling", "follow-up"]
    assert answer.query == "Does ketamine relieve migraine? and how long did that last?"
    assert answer.to_dict()["changes"][0] == {"kind": "spelling", "before": "lsat", "after": "last"}
    typed = index.ask(
        "and how long did that lsat?", history=["Does ketamine releive migraine?"], as_typed=True
    )
    assert (typed.query, typed.changes) == ("and how long did that lsat?", ())
