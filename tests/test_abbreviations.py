import pytest

from ketqa.abbreviations import count_definitions, find_abbreviations, find_definitions


@pytest.mark.parametrize(
    ("text", "short", "long"),
    [
        ("patients with chronic migraine (CM) and", "CM", "chronic migraine"),
        ("new daily persistent headache (NDPH).", "NDPH", "new daily persistent headache"),
        ("the N-methyl-D-aspartate (NMDA) receptor", "NMDA", "N-methyl-D-aspartate"),
        ("a visual analogue scale (VAS; 0 to 10)", "VAS", "visual analogue scale"),
        ("emergency department\n(ED) visits; emergency department (ED)", "ED", "emergency department"),
    ],
)  # fmt: skip
def test_a_definition_is_found(text: str, short: str, long: str) -> None:
    assert list(find_definitions(text)) == [(short, long)]


@pytest.mark.parametrize(
    "text",
    [
        "it was given (see below)",
        "half of them (50%) slept",
        "the Food and Drug Administration (in 1970)",
        "it was cold. Masks (CM) were used",
        "chronic migraine (XYZ)",
        "(CM)",
        "a very long sentence that has c far from m and more words than its letters allow (CM)",
    ],
)
def test_what_is_no_definition_is_left(text: str) -> None:
    assert list(find_definitions(text)) == []


def test_the_most_frequent_meaning_wins() -> None:
    texts = ["chronic migraine (CM)", "cluster mix (CM)", "Chronic migraine (CM)"]
    halves = [count_definitions(texts[:1]), count_definitions(texts[1:])]
    assert find_abbreviations(halves) == {"CM": "chronic migraine"}
