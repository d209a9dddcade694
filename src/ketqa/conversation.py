"""A message of a chat -> its answers, one for each question in it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from ketqa.found import Found
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
        how: As for ``Index.ask``. A notice that the message needs as a whole stands at the
            first answer, unless that one has its own.

    Raises:
        QuestionError: The message is empty, too long, or not text.
    """
    asking = answer_in_steps(index, message, history, **how)
    return [step for step in asking if isinstance(step, Answer)]


def answer_in_steps(
    index: Index,
    message: str,
    history: Sequence[str] = (),
    **how: Any,  # noqa: ANN401, handed on
) -> Iterator[Found | Answer]:
    """Yield what was found for each question of a message, then its answer.

    The arguments, and what is raised, are those of ``answer_each``.
    """
    parts = split_questions(message)
    kind = index.classify(message) if len(parts) > 1 else None
    whole = (notice_for(kind, how.get("country")),) if kind else ()
    reading = {name: how.pop(name) for name in ("k", "min_confidence") if name in how}
    for number, part in enumerate(parts):
        found = index.find(part, history=[*history, *parts[:number]], **how)
        found = replace(found, notices=found.notices or (whole if number == 0 else ()))
        yield found
        yield index.answer(found, **reading)
