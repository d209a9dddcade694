import pytest
from hypothesis import given
from hypothesis import strategies as st

from ketqa.errors import CorpusError
from ketqa.formats.text import read_text


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_text_comes_back_exactly_as_its_bytes_say(text: str) -> None:
    assert read_text(text.encode(), "a.txt").text == text


def test_a_byte_order_mark_stays_so_that_offsets_agree_with_plain_utf8() -> None:
    assert read_text(b"\xef\xbb\xbfPain.", "a.txt").text == "\ufeffPain."


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"ab\xe9cd", r"notes.txt: byte 2: 0xe9 is not UTF-8 .*save the file as UTF-8"),
        (b"ab\0", r"notes.txt: byte 2: a zero byte"),
        ("Pain".encode("utf-16"), r"notes.txt: byte 0: this is UTF-16; save the file as UTF-8"),
    ],
)
def test_what_is_no_utf8_text_is_told_with_its_place(data: bytes, told: str) -> None:
    with pytest.raises(CorpusError, match=told):
        read_text(data, "notes.txt")
