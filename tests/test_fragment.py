"""A text fragment marks the quote and nothing else, or is not given."""

from urllib.parse import unquote

from hypothesis import given
from hypothesis import strategies as st

from ketqa.fragment import text_fragment
from ketqa.types import Span


def fragment(text: str, quote: str, nth: int = 0) -> str | None:
    start = -1
    for _ in range(nth + 1):
        start = text.index(quote, start + 1)
    return text_fragment(text, Span("a", start, start + len(quote)))


def test_a_short_quote_is_written_out() -> None:
    assert fragment("It hurt. It helped, a lot. End.", "It helped, a lot.") == (
        ":~:text=It%20helped%2C%20a%20lot."
    )


def test_a_long_quote_is_named_by_its_ends() -> None:
    quote = "One two three four five six seven eight nine ten eleven twelve thirteen."
    assert fragment(f"Before. {quote} After.", quote) == (
        ":~:text=One%20two%20three%20four%20five%20six,eight%20nine%20ten%20eleven%20twelve%20thirteen."
    )


def test_words_said_twice_are_told_apart_by_what_stands_around() -> None:
    text = "In mice it worked. In men it worked. So."
    assert fragment(text, "it worked.", 1) == ":~:text=In%20men-,it%20worked." or (
        unquote(str(fragment(text, "it worked.", 1))).count("men") == 1
    )
    assert fragment("Yes. Yes. Yes. Yes. Yes. Yes. Yes. Yes. Yes. Yes. Yes.", "Yes.", 5) is None


def test_a_dash_is_not_taken_for_a_sign() -> None:
    assert fragment("Two-fold, so.", "Two-fold, so.") == ":~:text=Two%2Dfold%2C%20so."


@given(st.text("ab .\n", min_size=1, max_size=40), st.data())
def test_what_is_given_is_unique(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    quote = text[start:end]
    found = text_fragment(text, Span("a", start, end))
    if found and found.count(",") == 0 and "-" not in found:
        assert " ".join(text.split()).count(" ".join(quote.split())) >= 1
        assert quote == quote.strip()
