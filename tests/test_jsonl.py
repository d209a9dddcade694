from pathlib import Path

import pytest

from ketqa.errors import CorpusError
from ketqa.jsonl import read_rows


def test_rows_come_with_their_places(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text('{"a": "\\u2028"}\n\n{"a": 2}', encoding="utf-8")
    assert list(read_rows(file, CorpusError)) == [
        ({"a": "\u2028"}, f"{file}: line 1"),
        ({"a": 2}, f"{file}: line 3"),
    ]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"{}\n{", "line 2: not JSON"),
        (b"7", "line 1: must be an object"),
        (b"\xff", "is not UTF-8"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, data: bytes, told: str) -> None:
    (tmp_path / "a.jsonl").write_bytes(data)
    with pytest.raises(CorpusError, match=f"a.jsonl: {told}"):
        list(read_rows(tmp_path / "a.jsonl", CorpusError))
    with pytest.raises(CorpusError, match="none.jsonl: cannot be read"):
        list(read_rows(tmp_path / "none.jsonl", CorpusError))
