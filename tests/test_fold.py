"""Folding: what counts as the same words, and the way back to the places."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ketqa.fold import FoldedText, fold
from ketqa.hyphens import left_out


@pytest.mark.parametrize(
    ("written", "copied"),
    [
        ("“Pain” isn’t gone", '"pain" isn\'t gone'),
        ("0.5\u00a0mg/kg  of\r\n\tketamine", "0.5 mg/kg of ketamine"),
        ("treat\u00adment of mi\u200bgraine", "treatment of migraine"),
        ("\ufeffe\ufb03cient \ufb01rst", "efficient first"),
        ("in 3–5 days — or −2 °C", "in 3-5 days - or -2 °C"),
        ("STRASSE ẞ", "straße ss"),
        ("cafe\u0301 résumé", "café re\u0301sume\u0301"),
        ("a\u0323\u0307", "a\u0307\u0323"),
        ("a treat-\r\n  ment of long-\nterm pain", "a treatment of long-term pain"),
        ("and so on…", "and so on..."),
        ("ＦＵＬＬ　ｗｉｄｔｈ", "full width"),
    ],
)
def test_two_copies_of_the_same_words_fold_to_the_same(written: str, copied: str) -> None:
    assert fold(written) == fold(copied)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("10⁵ cells", "105 cells"),
        ("1½ tablets", "11/2 tablets"),
        ("CO₂", "CO2"),
        ("résumé", "resume"),
        ("non responders", "nonresponders"),
        ("5 mg", "5. mg"),
        ("one-\nTwo", "oneTwo"),
    ],
)
def test_what_changes_the_meaning_is_kept(one: str, other: str) -> None:
    assert fold(one) != fold(other)


def test_a_place_is_found_in_the_text_as_it_was() -> None:
    text = "He said:\u00a0“The e\ufb00ect   was\u00ad large”."
    found = list(FoldedText.of(text).find(fold('"the EFFECT was large"')))
    assert [text[start:end] for start, end in found] == ["“The e\ufb00ect   was\u00ad large”"]


def test_half_a_ligature_and_a_letter_without_its_accent_are_not_found() -> None:
    assert list(FoldedText.of("no e\ufb00ect").find("no ef")) == []
    assert list(FoldedText.of("ef\ufb00ect").find("fect")) == []
    assert list(FoldedText.of("a cafe\u0301 here").find("a cafe")) == []
    assert list(FoldedText.of("a café here").find(fold("a café"))) == [(0, 6)]


TEXTS = st.text(
    st.one_of(
        st.characters(codec="utf-8"), st.sampled_from("aA-\n \u00a0\u00ad\u0301\u0323¨ﬁẞ“’…½")
    ),
    max_size=40,
)


@given(TEXTS)
@example("a ¨b")
@example("a-\na")
@example("x\u0323\u0307\u00a0 \u00ad y")
def test_the_way_back_has_a_place_for_every_folded_character(text: str) -> None:
    folded = FoldedText.of(text)
    assert len(folded.starts) == len(folded.folded)
    assert folded.starts == sorted(folded.starts)
    assert folded.folded.strip() == fold(text)


@given(TEXTS, st.integers(0, 40), st.integers(0, 40))
def test_a_slice_of_whole_characters_is_found_where_it_is(text: str, low: int, size: int) -> None:
    wanted = text[low : low + size]
    if not fold(wanted) or unicodedata.combining(fold(wanted)[0]):
        return
    after = text[low + size : low + size + 1]
    if after and (unicodedata.combining(after) or unicodedata.category(after) in ("Cf", "Mn")):
        return
    edges = (low, low + size)
    if any(start <= edge <= end for start, end in left_out(text) for edge in edges):
        return  # half of a word's break at the end of a line
    places = list(FoldedText.of(text).find(fold(wanted)))
    assert any(fold(text[start:end]) == fold(wanted) for start, end in places)


@given(TEXTS)
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)
