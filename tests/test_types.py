import json
from dataclasses import asdict, replace

import pytest

from ketqa.errors import KetqaError
from ketqa.types import (
    Answer,
    Change,
    CuratedQuestion,
    Evidence,
    Hit,
    Layout,
    Notice,
    Passage,
    Source,
    Span,
)


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


def full_answer() -> Answer:
    """An answer in which no field is empty, its numbers as short as JSON keeps them."""
    source = Source(
        "a/ü.txt", "a/ü.txt", "0" * 64, "T", "P", "A", "2020-01", "https://x.org", "news", "sells it",
        "de", "CC BY 4.0", {"title": "document", "publisher": "curator"},
    )  # fmt: skip
    passage = Passage(7, Span("a/ü.txt", 0, 8), "xx“q”\u00a0x")
    quote = Evidence(
        1, 0.9123, "“q”\u00a0", Span("a/ü.txt", 2, 6), source, passage,
        (Span("b.txt", 1, 5),), 3, True, "curated?",
    )  # fmt: skip
    return Answer(
        question="q?",
        query="before q?",
        status="evidence",
        confidence=0.5,
        evidence=(quote,),
        related=(quote,),
        searched={"documents": 1, "passages": 1},
        timings_ms={"total": 1.2},
        index="f" * 64,
        notices=(Notice("advice", "Ask a doctor."),),
        unanswered=CuratedQuestion(4, "why?", None, "fr", "lay", "not told", "a model"),
        changes=(Change("follow-up", "q?", "before q?"),),
        reply="Hello.",
    )


def test_an_answer_comes_back_whole_from_its_json() -> None:
    answer = full_answer()
    again = Answer.from_dict(json.loads(json.dumps(answer.to_dict())))
    assert again == answer
    assert again.to_dict() == answer.to_dict()


def test_a_passage_found_tells_in_json_where_it_stands_and_why_it_was_found() -> None:
    quote = full_answer().evidence[0]
    hit = Hit(2, 0.123456, quote.passage, quote.source, 0.234567, 0.345678, "curated?")
    assert hit.to_dict() == {
        "rank": 2,
        "score": 0.1235,
        "dense": 0.2346,
        "lexical": 0.3457,
        "matched": "curated?",
        "source": quote.to_dict()["source"],
        "passage": {"number": 7, "start": 0, "end": 8, "text": "xx“q”\u00a0x"},
    }


def test_fields_that_a_later_version_adds_are_left_out() -> None:
    table = full_answer().to_dict() | {"colour": "blue"}
    table["evidence"][0]["source"]["colour"] = "blue"
    assert Answer.from_dict(table) == full_answer()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"version": 2}, "this answer is of version 2; this ketqa reads 1"),
        ({"evidence": [{}]}, "this is not the JSON of an answer: KeyError"),
        ({"evidence": None}, "this is not the JSON of an answer: TypeError"),
        ({"notices": "no"}, "this is not the JSON of an answer: TypeError"),
    ],
)
def test_what_is_no_answer_is_told(change: dict[str, object], told: str) -> None:
    with pytest.raises(KetqaError, match=told):
        Answer.from_dict(full_answer().to_dict() | change)
    with pytest.raises(KetqaError, match="KeyError"):
        Answer.from_dict({})


def test_numbers_are_as_short_in_json_as_they_say_something() -> None:
    answer = replace(full_answer(), confidence=0.123456, timings_ms={"total": 1.26})
    table = answer.to_dict()
    assert (table["confidence"], table["timings_ms"]) == (0.1235, {"total": 1.3})


def test_what_nothing_answers_has_no_place_in_json() -> None:
    away = CuratedQuestion(1, "Is it legal?", None, why="law")
    table = replace(full_answer(), unanswered=away).to_dict()["unanswered"]
    assert table == {
        "number": 1, "question": "Is it legal?", "language": "en", "voice": None, "why": "law",
        "generated": None,
    }  # fmt: skip


def test_a_layout_comes_back_from_its_json_and_knows_its_pages() -> None:
    layout = Layout("a reader 1.0", (0, 5), ((1, 2), (3, 4)), wrapped=True)
    assert Layout.of_json(json.loads(json.dumps(asdict(layout)))) == layout
    assert [layout.page(place) for place in (0, 4, 5, 9)] == [1, 1, 2, 2]
    assert Layout().page(3) is None
