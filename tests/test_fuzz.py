"""What fuzzing found stays mended, and every target is fuzzed for a moment, without guidance."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fuzzing import OPENED, TARGETS
from ketqa.evaluation.gold import load_gold
from ketqa.formats.pdf import read_pdf
from seeds import LINE, SEEDS, seeds

DEEP = b"[" * 100_000
DIGITS = b"9" * 5_000
FOUND: list[tuple[str, bytes]] = [
    ("sources", b"source = 1"),
    ("sources", b"source = ['a.txt']"),
    ("sources", b"[source]\nfile = 'a.txt'"),
    ("sources", b"source = " + DEEP),
    ("sources", b"source = " + DIGITS),
    ("lexicon", b"lay = " + DEEP),
    ("lexicon", b"lay = " + DIGITS),
    ("questions", DEEP),
    ("questions", json.dumps({**LINE, "quote": None}).encode()),
    ("questions", json.dumps({**LINE, "voice": "\ud800"}).encode()),
    ("unanswered", b'{"question": "Is it legal?", "why": "\\ud800"}'),
    ("gold", DEEP),
    ("gold", b'{"id": 1, "question": 1, "history": 1, "expect": 1, "notice": 1, "gold": [], "tags": 1}'),
    ("gold", SEEDS["gold"][0].replace('"cost.txt"', '["cost.txt"]').encode()),
    ("gold", SEEDS["gold"][0].replace('"Nobody pays the cost for you."', "7").encode()),
    ("adapter", DEEP),
    ("adapter", SEEDS["adapter"][0].replace('"base"', '"\\nbase"').encode()),
    ("manifest", DEEP),
    ("manifest", b'{"recipe": {"format": 7}, "counts": 1, "files": {}}'),
    ("jsonl", b'{"_id": "\\ud800", "text": "It fell."}'),
    ("jsonl", b'{"_id": "7", "text": "It fell.", "title": "\\ud800"}'),
    ("jsonl", b'{"_id": "7", "text": "It \\u0000 fell."}'),
]  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def end() -> Iterator[None]:
    yield
    OPENED.close()


@pytest.mark.parametrize(("target", "data"), FOUND)
def test_what_was_found_stays_mended(target: str, data: bytes) -> None:
    TARGETS[target](data)


@pytest.mark.parametrize(
    ("title", "read"),
    [(b"<FEFFD800>", None), (b"<FEFF0041DC00D800>", None), (b"<FEFF004100000042>", "AB")],
)
def test_a_title_of_half_a_character_is_none_and_the_pdf_is_read(
    title: bytes, read: str | None
) -> None:
    (right,) = seeds("pdf")
    wrong = right.replace(b"(A leaflet)", title)
    assert wrong != right
    content = read_pdf(wrong, "a.pdf")
    assert content.text == read_pdf(right, "a.pdf").text
    assert content.found.get("title") == read


@pytest.mark.parametrize(
    "part", [b"<w:p/>", b"<p>", b"", b"<w:document xmlns:w='http://schemas.openxmlformats.org/wordprocessingml/2006/main'/>"]
)  # fmt: skip
def test_a_word_file_of_a_wrong_main_part_is_damaged(part: bytes) -> None:
    TARGETS["docx"](part)


@pytest.mark.parametrize(
    ("part", "other"),
    [
        (rb'"counts": {[^}]*}', b'"counts": 1'),
        (rb'"model": "', rb'"model": "\\ud800'),
        (rb'"passage_tokens"', rb'"passage_\\ntokens"'),
    ],
)
def test_a_manifest_of_wrong_fields_is_told(part: bytes, other: bytes) -> None:
    (right,) = seeds("manifest")
    wrong = re.sub(part, other, right)
    assert wrong != right
    TARGETS["manifest"](wrong)


def test_a_gold_quote_may_hold_any_separator(tmp_path: Path) -> None:
    text = "It fell.\u2028It rose.\x85It fell."
    row = json.loads(SEEDS["gold"][0]) | {"gold": [{"source": "a.txt", "quote": text}]}
    (tmp_path / "g.jsonl").write_text(json.dumps(row, ensure_ascii=False) + "\n", encoding="utf-8")
    (question,) = load_gold(tmp_path / "g.jsonl", {"a.txt": text})
    assert question.gold[0].quote == text


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_keeps_its_promise_whatever_it_is_given(target: str) -> None:
    """Bytes that are right, bytes with a piece of others in them, and any bytes."""
    right = seeds(target)

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(right), st.data())
    def fuzz(seed: bytes, data: st.DataObject) -> None:
        low = data.draw(st.integers(0, len(seed)))
        high = data.draw(st.integers(low, min(len(seed), low + 20)))
        TARGETS[target](seed[:low] + data.draw(st.binary(max_size=20)) + seed[high:])

    for seed in right:
        TARGETS[target](seed)
    fuzz()
