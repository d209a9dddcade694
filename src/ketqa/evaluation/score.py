"""(gold question, answer) -> what the answer is worth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from ketqa.evaluation.gold import FULL, GoldQuestion, GoldQuote, squash
from ketqa.twins import twin_key
from ketqa.types import Answer

# A quote counts when it holds at least this share of a gold sentence, and is no longer than
# this many times the gold sentence, or than this many characters.
LEAST_SHARE, MOST_TIMES, ALWAYS_SHORT = 0.5, 4, 400


@dataclass(frozen=True, slots=True)
class Score:
    """One question's score.

    ``rank`` is that of the first right quote, from 1; None where there is none. ``full_rank``
    counts only gold sentences that answer fully; ``covered`` is the share, 0..1, of the gold
    sources that the first five quotes come from; ``verbatim`` and ``repeated`` count quotes.
    """

    gold: GoldQuestion
    answer: Answer
    rank: int | None
    full_rank: int | None
    covered: float | None
    verbatim: int
    repeated: int

    @property
    def answerable(self) -> bool:
        """Whether the corpus answers."""
        return self.gold.expect == "evidence"

    @property
    def answered(self) -> bool:
        """Whether the answer says that it does."""
        return self.answer.status == "evidence"


def score_answer(gold: GoldQuestion, answer: Answer, texts: Mapping[str, str]) -> Score:
    """Score one answer; ``texts`` are the documents' texts, by file name."""
    quotes = [item.quote for item in answer.evidence]
    full = [entry for entry in gold.gold if entry.grade == FULL]
    sources = {entry.source for entry in gold.gold}
    found = {
        entry.source for entry in gold.gold if any(matches(entry.quote, q) for q in quotes[:5])
    }
    return Score(
        gold=gold,
        answer=answer,
        rank=first_right(gold.gold, quotes),
        full_rank=first_right(full, quotes),
        covered=len(found) / len(sources) if sources else None,
        verbatim=sum(
            texts.get(item.source.file, "")[item.span.start : item.span.end] == item.quote != ""
            for item in answer.evidence
        ),
        repeated=len(answer.evidence) - len({twin_key(item.quote) for item in answer.evidence}),
    )


def first_right(entries: Sequence[GoldQuote], quotes: Sequence[str]) -> int | None:
    """Return the rank, from 1, of the first quote that holds one of the gold sentences."""
    for rank, quote in enumerate(quotes, start=1):
        if any(matches(entry.quote, quote) for entry in entries):
            return rank
    return None


def matches(gold: str, quote: str) -> bool:
    """Tell whether a quote holds a gold sentence, or half of one, without much beside it."""
    wanted, given = squash(gold), squash(quote)
    if not wanted or not given:
        return False
    if given in wanted:
        return len(given) >= LEAST_SHARE * len(wanted)
    if len(given) > max(MOST_TIMES * len(wanted), ALWAYS_SHORT):
        return False
    common = SequenceMatcher(None, wanted, given, autojunk=False).find_longest_match().size
    return common >= LEAST_SHARE * len(wanted)
