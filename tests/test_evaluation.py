"""Figures agree with other implementations, and tell better from worse."""

import json
import math
from dataclasses import replace
from pathlib import Path

import ir_measures
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ir_measures import Qrel, ScoredDoc

from conftest import CORPUS, ROOT
from ketqa.corpus import load_corpus
from ketqa.errors import GoldFileError
from ketqa.evaluation import figures as fig
from ketqa.evaluation.gate import find_falls, load_baseline, make_baseline
from ketqa.evaluation.gold import GoldQuestion, GoldQuote, load_gold, parse_gold
from ketqa.evaluation.score import Score, matches, score_answer
from ketqa.evaluation.significance import compare, holm
from ketqa.types import Answer, Evidence, Notice, Passage, Source, Span, Status

TEXTS = {document.source.file: document.text for document in load_corpus(CORPUS)}
GOLD_FILES = [ROOT / f"tests/gold/{name}.jsonl" for name in ("dev", "own", "blind")]
TEXT = "Pain fell by half in most. Sleep came back. Nobody fell ill at all."
SOURCE = Source("a.txt", "a.txt", "0", "A")


def answer(*quotes: str, confidence: float = 0.5, status: Status = "evidence") -> Answer:
    items = []
    for rank, quote in enumerate(quotes, start=1):
        start = TEXT.index(quote)
        span = Span("a.txt", start, start + len(quote))
        passage = Passage(0, Span("a.txt", 0, len(TEXT)), TEXT)
        items.append(Evidence(rank, confidence, quote, span, SOURCE, passage))
    return Answer(
        "q?", "q?", status, confidence, tuple(items), (), {"documents": 1, "passages": 1},
        {"total": 10.0}, "f" * 64,
    )  # fmt: skip


def gold(name: str, *quotes: str, grade: int = 2) -> GoldQuestion:
    entries = tuple(GoldQuote("a.txt", quote, grade) for quote in quotes)
    expect = "evidence" if quotes else "no_evidence"
    return GoldQuestion(name, "q?", (), expect, "none", entries, ("factoid",))  # type: ignore[arg-type]


def scored(question: GoldQuestion, given: Answer) -> Score:
    return score_answer(question, given, {"a.txt": TEXT})


PAIN, SLEEP, ILL = "Pain fell by half in most.", "Sleep came back.", "Nobody fell ill at all."


@pytest.fixture
def scores() -> list[Score]:
    """Right at rank 1, right at rank 2, never right; and two that nothing answers."""
    return [
        scored(gold("first", PAIN), answer(PAIN, SLEEP, confidence=0.9)),
        scored(gold("second", PAIN), answer(SLEEP, PAIN, confidence=0.6)),
        scored(gold("never", ILL), answer(PAIN, confidence=0.3)),
        scored(gold("turned-away"), answer(confidence=0.2, status="no_evidence")),
        scored(gold("fooled"), answer(SLEEP, confidence=0.7)),
    ]


def test_figures_are_worked_out_by_hand(scores: list[Score]) -> None:
    assert fig.quote_at(1)(scores) == pytest.approx(1 / 3)
    assert fig.quote_at(3)(scores) == pytest.approx(2 / 3)
    assert fig.reciprocal_rank(scores) == pytest.approx((1 + 0.5 + 0) / 3)
    assert fig.answered(scores) == 1
    assert fig.falsely_answered(scores) == 0.5
    # pairs: .9 > .2 .7, .6 > .2, .3 > .2: four of six
    assert fig.auroc(scores) == pytest.approx(4 / 6)
    assert fig.verbatim(scores) == 1
    assert fig.repeated(scores) == 0
    # surest first: right, fooled, second place, never right, turned away
    assert list(fig.risk_coverage(scores)[1]) == pytest.approx([0, 1 / 2, 2 / 3, 3 / 4, 4 / 5])
    # said .9 .7 .6 .3 .2, true 1 0 1 1 0
    assert fig.calibration_error(scores) == pytest.approx((0.1 + 0.7 + 0.4 + 0.7 + 0.2) / 5)


def test_a_grade_of_one_counts_for_quote_but_not_for_full() -> None:
    scores = [scored(gold("part", PAIN, grade=1), answer(PAIN))]
    assert fig.quote_at(1)(scores) == 1
    assert fig.full_at(1)(scores) is None


def test_a_quote_that_is_no_slice_is_counted_against_verbatim() -> None:
    broken = answer(PAIN)
    broken = replace(broken, evidence=(replace(broken.evidence[0], quote="Pain fell by HALF"),))
    assert fig.verbatim([scored(gold("x", PAIN), broken)]) == 0


def test_notices_have_recall_and_precision() -> None:
    def notice(wanted: str, *given: str) -> Score:
        notices = tuple(Notice(kind, "…") for kind in given)  # type: ignore[arg-type]
        return scored(replace(gold("n"), notice=wanted), replace(answer(), notices=notices))

    scores = [notice("emergency", "emergency"), notice("emergency"), notice("none", "emergency")]
    assert fig.notice_rate("emergency", "recall")(scores) == 0.5
    assert fig.notice_rate("emergency", "precision")(scores) == 0.5
    assert fig.notice_rate("advice", "recall")(scores) is None


def test_an_interval_holds_its_value(scores: list[Score]) -> None:
    for name, figure in fig.measure(scores * 5).items():
        if figure.value is not None and figure.low is not None and figure.high is not None:
            assert figure.low - 1e-9 <= figure.value <= figure.high + 1e-9, name


words = st.text("ab ’'“\u00a0.", min_size=1, max_size=40)


@given(words, words)
def test_matching_agrees_with_its_definition(wanted: str, given: str) -> None:
    """The definition, spelt out with the longest common substring by brute force."""
    from ketqa.evaluation.gold import squash

    g, q = squash(wanted), squash(given)
    common = max(
        (len(g[i:j]) for i in range(len(g)) for j in range(i, len(g) + 1) if g[i:j] in q), default=0
    )
    short = len(q) <= max(4 * len(g), 400)
    expected = bool(g and q) and (
        len(q) >= 0.5 * len(g) if q in g and g not in q else common >= 0.5 * len(g) and short
    )
    assert matches(wanted, given) == expected


def test_ndcg_agrees_with_a_second_implementation() -> None:
    chance = np.random.default_rng(3)
    qrels, run, expected = [], [], []
    for query in map(str, range(20)):
        gains = {f"d{n}": int(chance.integers(0, 4)) for n in range(15)}
        points = {f"d{n}": float(chance.random()) for n in range(30)}
        qrels += [Qrel(query, doc, gain) for doc, gain in gains.items()]
        run += [ScoredDoc(query, doc, point) for doc, point in points.items()]
        ranked = sorted(points, key=lambda doc: -points[doc])[:10]
        best = sorted(gains.values(), reverse=True)[:10]
        dcg = sum(gains.get(doc, 0) / math.log2(n + 2) for n, doc in enumerate(ranked))
        ideal = sum(gain / math.log2(n + 2) for n, gain in enumerate(best))
        expected.append(dcg / ideal)
    measure = ir_measures.nDCG @ 10
    found = ir_measures.calc_aggregate([measure], qrels, run)[measure]
    assert found == pytest.approx(np.mean(expected), abs=1e-6)


def test_holm_is_worked_out_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []


def test_a_real_difference_is_told_from_none(scores: list[Score]) -> None:
    better = [replace(score, rank=1) for score in scores[:3]] * 8
    rows = {row.figure: row for row in compare({"a": scores[:3] * 8, "b": better})}
    assert rows["quote@1"].change == pytest.approx(2 / 3)
    assert rows["quote@1"].p < 0.01
    assert rows["quote@1"].low > 0
    assert set(rows["quote@1"].wins) == {"second", "never"}
    same = compare({"a": scores[:3], "b": scores[:3]})
    assert [(row.change, row.p) for row in same] == [(0, 1)] * 3


def test_the_gate_passes_unchanged_and_names_what_got_worse(scores: list[Score]) -> None:
    baseline = json.loads(json.dumps(make_baseline(scores)))
    assert find_falls(scores, baseline) == []
    worse = [replace(scores[0], rank=None), *scores[1:]]
    falls = find_falls(worse, baseline)
    assert {"quote@1", "quote@3", "rr"} <= {fall.figure for fall in falls}
    assert falls[0].questions == ("first",)
    better = [scores[0], replace(scores[1], rank=1), *scores[2:]]
    assert find_falls(better, baseline) == []


def test_a_baseline_of_other_questions_is_refused(scores: list[Score], tmp_path: Path) -> None:
    with pytest.raises(GoldFileError, match="not those of the baseline"):
        find_falls(scores[:3], make_baseline(scores))
    with pytest.raises(GoldFileError, match="make one with: ketqa eval GOLD --write-baseline"):
        load_baseline(tmp_path / "none.json")
    (tmp_path / "half.json").write_text('{"gold": ""}')
    with pytest.raises(GoldFileError, match="lacks 'figures'"):
        load_baseline(tmp_path / "half.json")


def test_every_conflict_has_two_sides_of_its_own_gold_sentences() -> None:
    gold = {q.id: q for file in GOLD_FILES for q in load_gold(file, TEXTS)}
    rows = map(json.loads, (ROOT / "tests/gold/sides.jsonl").read_text("utf-8").splitlines())
    sides = {row["id"]: row["sides"] for row in rows}
    assert set(sides) == {q.id for q in gold.values() if "conflict" in q.tags}
    for name, (one, other) in sides.items():
        assert one, name
        assert other, name
        assert not set(one) & set(other), name
        assert max(one + other) < len(gold[name].gold), name


@pytest.mark.parametrize("file", GOLD_FILES, ids=lambda file: file.stem)
def test_the_gold_questions_fit_the_corpus(file: Path) -> None:
    assert len(load_gold(file, TEXTS)) >= 100


LINE = {
    "id": "x", "question": "q?", "history": [], "expect": "evidence", "notice": "none",
    "gold": [{"source": "a.txt", "quote": PAIN, "grade": 2}], "tags": ["factoid"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"gold": [{"source": "a.txt", "quote": "Pain rose.", "grade": 2}]}, "not in a.txt"),
        ({"gold": [{"source": "b.txt", "quote": PAIN, "grade": 2}]}, "no document 'b.txt'"),
        ({"gold": [{"source": "a.txt", "quote": PAIN, "grade": 3}]}, "a grade must be 1 or 2"),
        ({"gold": [{"quote": PAIN}]}, "must have source and quote"),
        ({"gold": []}, "expect and gold disagree"),
        ({"notice": "panic"}, "notice must be one of none, advice, emergency"),
        ({"tags": []}, "there are no tags"),
        ({"tags": ["odd"]}, "unknown tags: odd"),
        ({"tags": ["follow-up"]}, "tag follow-up and history disagree"),
        ({"tags": ["multi-source"]}, "tag multi-source and gold disagree"),
        ({"expect": "no_evidence", "gold": []}, "near-miss or off-topic"),
        ({"question": " "}, "the question is empty"),
    ],
)
def test_a_gold_line_that_is_wrong_is_named(change: dict[str, object], told: str) -> None:
    parse_gold(json.dumps(LINE), "line 7", {"a.txt": TEXT})
    with pytest.raises(GoldFileError, match=f"line 7: .*{told}"):
        parse_gold(json.dumps({**LINE, **change}), "line 7", {"a.txt": TEXT})


def test_the_same_question_twice_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "gold.jsonl"
    file.write_text("\n".join(json.dumps({**LINE, "id": name}) for name in "ab"))
    with pytest.raises(GoldFileError, match="line 2: the same id or question stands in line 1"):
        load_gold(file, {"a.txt": TEXT})
