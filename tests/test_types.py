import json

import pytest

from ketqa.types import Answer, Evidence, Passage, Source, Span


def test_a_span_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="0 <= start < end, got 3:3"):
        Span("a.txt", 3, 3)


def test_an_answer_in_json_has_the_fields_other_programs_rely_on() -> None:
    source = Source("a.txt", "a.txt", "0" * 64, "A title", said_by={"title": "document"})
    span = Span("a.txt", 2, 6)
    passage = Passage(0, Span("a.txt", 0, 8), "xxquotex")
    quote = Evidence(1, 0.91234, "quot", span, source, passage, also_at=(Span("b.txt", 1, 5),))
    answer = Answer(
        question="q?",
        query="q?",
        status="evidence",
        confidence=0.5,
        evidence=(quote,),
        related=(),
        searched={"documents": 1, "passages": 1},
        timings_ms={"total": 1.25},
        index="f" * 64,
    )
    table = json.loads(json.dumps(answer.to_dict()))
    assert table["version"] == 1
    assert table["evidence"][0]["span"] == {"start": 2, "end": 6}
    assert table["evidence"][0]["confidence"] == 0.9123
    assert table["evidence"][0]["also_at"] == [{"file": "b.txt", "start": 1, "end": 5}]
    assert table["evidence"][0]["source"]["publisher"] is None
    assert set(table) == {
        "question", "query", "status", "confidence", "notices", "evidence", "related",
        "searched", "timings_ms", "index", "version", "unanswered", "changes", "reply",
    }  # fmt: skip
