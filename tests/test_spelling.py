from pathlib import Path

import pytest

from ketqa.errors import IndexDamaged
from ketqa.spelling import Speller, count_words, save_words

PASSAGES = [
    "Ketamine relieved migraine in patients of the clinic. Migraine came back.",
    "Prednisone was given. The bladder and the kidneys were examined by Dr. Lauritsen.",
]


@pytest.fixture(scope="module")
def speller(tmp_path_factory: pytest.TempPathFactory) -> Speller:
    file = tmp_path_factory.mktemp("words") / "vocabulary.txt"
    save_words(
        file, count_words(PASSAGES), ["is it legal", "is it legl", "is that legal", "legal here?"]
    )
    return Speller.load(file)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("does ketmine help migrane", [("ketmine", "ketamine"), ("migrane", "migraine")]),
        ("my blader hurts", [("blader", "bladder")]),
        ("DOES KETMINE HELP", [("KETMINE", "ketamine")]),
        ("is it leagl", [("leagl", "legal")]),
        ("what is legl", [("legl", "legal")]),  # it stands in one curated question alone
        # right, though no word of this corpus
        ("does prednisolone help", []),
        ("does esketamine or norketamine help", []),
        ("a tumor, labor pains, colour", []),
        ("isn't it, and isnt it", []),
        ("children's kidneys", []),
        # names, abbreviations, numbers, another language, too short
        ("who is Lauritzen", []),
        ("KETA and NMDA and 0.5mg", []),
        ("¿la ketamina ayuda con la migrana de mi madre?", []),
        ("hlp me", []),
    ],
)
def test_only_misspelt_words_are_changed(
    speller: Speller, text: str, found: list[tuple[str, str]]
) -> None:
    assert speller.correct(text) == found


def test_the_nearer_word_wins_then_the_more_frequent() -> None:
    speller = Speller({"pains": 1, "paint": 9, "relief": 2, "relieve": 5})
    assert speller.correct("painz") == [("painz", "paint")]
    assert speller.correct("relieff") == [("relieff", "relief")]


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("one two three\n")
    with pytest.raises(IndexDamaged, match="words.txt: cannot be read"):
        Speller.load(tmp_path / "words.txt")
