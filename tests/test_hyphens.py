import pytest

from ketqa.hyphens import join_broken
from ketqa.lexical import stems
from ketqa.twins import twin_key


@pytest.mark.parametrize(
    ("text", "copy"),
    [
        ("the treat-\nment of", "the treatment of"),
        ("the treat- \r\n ment of", "the treatment of"),
        ("a long-\nterm trial", "a long-term trial"),
        ("Double-\nblind", "Double-blind"),
        ("pre- and post-operative", "pre- and post-operative"),
        ("well-known\nand", "well-known\nand"),
        ("NMDA-\nReceptor", "NMDA-\nReceptor"),
        ("days 3-\n5", "days 3-\n5"),
    ],
)
def test_only_words_broken_at_the_end_of_a_line_are_joined(text: str, copy: str) -> None:
    assert join_broken(text) == copy


def test_a_broken_word_is_found_and_known_as_the_same() -> None:
    assert stems("the treat-\nment") == stems("the treatment")
    assert twin_key("The treat-\nment helped.") == twin_key("The treatment helped.")
