"""A turn of a chat -> the query that is searched. What was searched is always shown.

A question that leans on the one before it ("and how long did that last?") is searched
together with it; any other stands alone.
"""

import re
import unicodedata
from collections.abc import Sequence

from ketqa.errors import QuestionError

# Room for a rambling account of somebody's pain, and far beyond what an encoder reads.
MAX_CHARACTERS = 2000
# Not text: control characters other than tab and line ends, lone surrogates.
BINARY = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
SHORT = 3
LEANS = re.compile(
    r"^\W*(?:and|or|but|so|then|why|what about|how about|what else|who says)\b"
    r"|\b(?:it|its|they|them|their|those|these|this|he|she|his|her)\b",
    re.IGNORECASE,
)


def check_question(question: str) -> str:
    """Return the question without outer white space.

    Raises:
        QuestionError: It is empty, too long, or not text.
    """
    if BINARY.search(question):
        raise QuestionError("this question holds bytes that are not text; type it in words")
    stripped = question.strip()
    if not any(unicodedata.category(character)[0] in "LN" for character in stripped):
        raise QuestionError("there is no question; type what you want to know, in your own words")
    if len(stripped) > MAX_CHARACTERS:
        raise QuestionError(
            f"this question has {len(stripped):,} characters; "
            f"ask in at most {MAX_CHARACTERS:,}, one thing at a time"
        )
    return stripped


def build_query(question: str, history: Sequence[str] = ()) -> str:
    """Return the query for a question, given the earlier ones of its chat, oldest first."""
    question = check_question(question)
    if not history or not _leans(question):
        return question
    return f"{check_question(history[-1])} {question}"


def _leans(question: str) -> bool:
    return len(question.split()) <= SHORT or LEANS.search(question) is not None
