"""A message of a chat -> its answers, one for each question in it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ketqa.index import Index
from ketqa.notices import notice_for
from ketqa.talk import split_questions
from ketqa.types import Answer


def answer_each(
    index: Index,
    message: str,
    history: Sequence[str] = (),
    **how: Any,  # noqa: ANN401, handed on
) -> list[Answer]:
    """Answer each question of a message, later ones as following on earlier ones.

    Args:
        index: An open index.
        message: In the person's own words.
        history: The earlier questions of the chat, oldest first.
        how: As for ``Index.ask``. A notice that the message needs only as a whole stands
            at the first answer.

    Raises:
        QuestionError: The message is empty, too long, or not text.
    """
    parts = split_questions(message)
    answers = [
        index.ask(part, history=[*history, *parts[:number]], **how)
        for number, part in enumerate(parts)
    ]
    kind = index.classify(message) if len(parts) > 1 else None
    if kind and not any(answer.notices for answer in answers):
        notice = notice_for(kind, how.get("country"))
        answers[0] = replace(answers[0], notices=(notice,))
    return answers
