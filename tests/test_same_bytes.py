"""Same input, same bytes: whatever the process, its threads, its folder, its hashes' seed."""

import json
from pathlib import Path

import pytest

from conftest import write_corpus
from crash import texts_of, write_round
from same_bytes import differences

pytestmark = pytest.mark.model


def test_two_builds_from_nothing_answer_with_the_same_bytes(tmp_path: Path) -> None:
    """One thread and two; the longer run is ``python tests/same_bytes.py``."""
    write_round(tmp_path / "corpus", 1)
    write_corpus(tmp_path / "corpus", {f"more/{name}": text for name, text in texts_of(2).items()})
    asked = ("What was the dose?", "Did the pain com back?", "Who pays?", "Wie lange?", "Hello")
    questions = tmp_path / "questions.jsonl"
    questions.write_text("\n".join(json.dumps({"question": one}) for one in asked))
    assert differences(tmp_path / "corpus", questions, tmp_path) == []
