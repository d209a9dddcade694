"""The measuring commands, on the shipped corpus and on a small collection."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from conftest import CORPUS, ROOT, TopicEncoder
from ketqa import cli
from ketqa.build import PASSAGE_TOKENS
from ketqa.cli import main
from ketqa.cli.annotate import add_question, review_feedback
from ketqa.corpus import load_corpus
from ketqa.errors import GoldFileError
from ketqa.evaluation.ablation import Ablation, ablation_table
from ketqa.evaluation.gold import load_gold
from ketqa.evaluation.run import corpus_texts
from ketqa.index import Index
from ketqa.models import DEFAULT_MODEL
from ketqa.opening import Stages

pytestmark = pytest.mark.model

GOLD = ROOT / "tests/gold/dev.jsonl"
BASELINE = ROOT / "tests/gold/baseline.json"


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty gold questions, some of them unanswerable."""
    file = tmp_path_factory.mktemp("gold") / "few.jsonl"
    lines = GOLD.read_text(encoding="utf-8").splitlines()
    file.write_text("\n".join(lines[:12] + lines[-8:]), encoding="utf-8")
    return file


def test_the_defaults_told_by_help_are_the_ones_used() -> None:
    assert (cli.DEFAULT_MODEL, cli.PASSAGE_TOKENS) == (DEFAULT_MODEL, PASSAGE_TOKENS)


def test_the_figures_agree_exactly_with_the_reference_scorer(
    index_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scorer = os.environ.get("KETQA_SCORER")
    if not scorer:
        pytest.skip("KETQA_SCORER names no reference scorer")
    assert main(["ask", "--questions", str(GOLD), "--json", "--index", str(index_folder)]) == 0
    answers = tmp_path / "answers.jsonl"
    answers.write_text(capsys.readouterr().out, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, scorer, GOLD, answers, CORPUS, "--json"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    reference = json.loads(done.stdout)
    assert main(["eval", str(GOLD), "--json", "--index", str(index_folder)]) == 0
    ours = json.loads(capsys.readouterr().out)["settings"]["shipped"]
    compared = ours.keys() & reference.keys()
    assert len(compared) >= 16
    for name in compared:
        value = ours[name]["value"]
        assert (None if value is None else round(value, 4)) == reference[name], name


def test_the_gate_passes_as_committed(index_folder: Path) -> None:
    assert main(["eval", str(GOLD), "--index", str(index_folder), "--gate", str(BASELINE)]) == 0


@pytest.mark.parametrize("change", [{"reader": False}, {"min_confidence": 0.95}])
def test_the_gate_fails_on_a_planted_regression(
    index_folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    change: dict[str, float],
) -> None:
    arguments = ["eval", str(GOLD), "--index", str(index_folder), "--gate", str(BASELINE)]
    if "reader" in change:
        monkeypatch.setitem(
            __import__("ketqa.evaluation.run", fromlist=["SETTINGS"]).SETTINGS,
            "shipped",
            Stages(reader=False),
        )
    else:
        arguments += ["--min-confidence", str(change["min_confidence"])]
    assert main(arguments) == 1
    told = capsys.readouterr().err
    assert "FELL  quote@3:" in told
    assert "worse: dev-" in told


def test_a_report_shows_every_question_and_needs_nothing_else(
    index_folder: Path, few: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, table = tmp_path / "report.html", tmp_path / "report.md"
    arguments = ["eval", str(few), "--index", str(index_folder), "--compare", "bm25", "no-reader"]
    assert main([*arguments, "--report", str(page), "--report", str(table)]) == 0
    html = page.read_text(encoding="utf-8")
    for line in few.read_text(encoding="utf-8").splitlines():
        assert json.loads(line)["id"] in html
    assert html.count("<svg") == 4
    assert "<mark>" in html
    for reference in ("src=", "<link", "@import", "url(http"):
        assert reference not in html
    markdown = table.read_text(encoding="utf-8")
    assert "| quote@1 |" in markdown
    rows = [line for line in markdown.splitlines() if line.startswith(("| ✓", "| ✗"))]
    assert len(rows) == 20
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 7 for row in rows)
    assert "no-reader" in capsys.readouterr().out


def test_a_gold_quote_that_is_gone_names_the_line(
    index_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = json.loads(GOLD.read_text(encoding="utf-8").splitlines()[0])
    row["gold"][0]["quote"] = "In 2017, nothing of the kind."
    drifted = tmp_path / "gold.jsonl"
    drifted.write_text(json.dumps(row))
    assert main(["gold", "check", str(drifted), "--index", str(index_folder)]) == 1
    assert "gold.jsonl: line 1: not in ketamine-for-chronic" in capsys.readouterr().err


def test_a_person_can_add_a_gold_question(index: Index, tmp_path: Path) -> None:
    replies: Iterator[str] = iter(
        ["What schedule drug is ketamine?", "", "1", "", "own-900", "", "factoid regulation"]
    )
    file = tmp_path / "gold.jsonl"
    add_question(index, file, corpus_texts(index), lambda prompt: next(replies))
    (question,) = load_gold(file, corpus_texts(index))
    assert question.gold[0].quote.startswith("Ketamine is a Schedule III drug")
    replies = iter(["Why?", "", "99"])
    with pytest.raises(GoldFileError, match="give numbers from the list; nothing was written"):
        add_question(index, file, corpus_texts(index), lambda prompt: next(replies))
    assert len(file.read_text().splitlines()) == 1


def test_feedback_is_reviewed_into_gold_lines(index: Index, tmp_path: Path) -> None:
    feedback, file = tmp_path / "feedback.jsonl", tmp_path / "gold.jsonl"
    feedback.write_text('{"question": "spam"}\n{"question": "Is it addictive?", "comment": "!"}\n')
    replies = iter(["n", "y", "1", "", "own-901", "", "safety"])
    review_feedback(index, file, corpus_texts(index), feedback, lambda prompt: next(replies))
    (question,) = load_gold(file, corpus_texts(index))
    assert (question.question, len(question.gold)) == ("Is it addictive?", 1)
    feedback.write_text("[]")
    with pytest.raises(GoldFileError, match="line 1: has no question"):
        review_feedback(index, file, corpus_texts(index), feedback, lambda prompt: "n")


@pytest.fixture
def collection(tmp_path: Path) -> Path:
    folder = tmp_path / "small"
    folder.mkdir()
    documents = {
        "d1": ("Pain", "The pain fell by half. It came back after a week."),
        "d2": ("Sleep", "People slept all night. Nobody woke up early."),
    }
    start = documents["d1"][1].index("It came")
    (folder / "corpus.jsonl").write_text(
        "\n".join(
            json.dumps({"_id": name, "title": title, "text": text})
            for name, (title, text) in documents.items()
        )
    )
    (folder / "queries.jsonl").write_text(
        '{"_id": "1", "text": "when did the pain come back"}\n{"_id": "2", "text": "what does it cost"}\n'
    )
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\n1\td1\t1\n")
    (folder / "spans.jsonl").write_text(
        json.dumps(
            {"query_id": "1", "doc_id": "d1", "answers": [{"start": start, "end": start + 27}]}
        )
        + '\n{"query_id": "2", "doc_id": "d2", "answers": []}\n'
    )
    return folder


def test_a_collection_is_ranked_and_quoted(
    collection: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [str(collection), "--json", "--cache", str(tmp_path / "cache")]
    run = tmp_path / "run.txt"
    assert main(["bench-retrieval", *arguments, "--run", str(run)]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert (figures["nDCG@10"], figures["RR@10"], figures["AP"]) == (1, 1, 1)
    assert run.read_text().splitlines()[0].split()[:4] == ["1", "Q0", "d1", "1"]
    assert main(["bench-quotes", *arguments]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert (figures["quote@1"], figures["auroc"]) == (1, 1)
    assert (figures["answerable"], figures["unanswerable"]) == (1, 1)


def test_stages_are_taken_out_in_turn(
    index_folder: Path, few: Path, collection: Path, tmp_path: Path
) -> None:
    page = tmp_path / "ablation.md"
    assert main([
        "ablate", str(few), "--index", str(index_folder), "--collections", str(collection),
        "--settings", "bm25", "no-reader", "--cache", str(tmp_path), "--write", str(page),
    ]) == 0  # fmt: skip
    written = page.read_text(encoding="utf-8")
    assert "--collections small --settings bm25 no-reader`" in written
    rows = [line.split(" | ") for line in written.splitlines() if line.startswith("| ")]
    assert [(row[0].strip("| "), row[1]) for row in rows[2:]] == [
        *[("few (gold)", f"quote@{k}") for k in (1, 3, 5)],
        ("small: documents", "nDCG@10"),
        *[("small: quotes", f"quote@{k}") for k in (1, 3, 5)],
    ]


def test_the_table_tells_changes_and_marks_the_real_ones() -> None:
    base, better = np.zeros(40), np.repeat([1.0, 0.0], [30, 10])
    ablations = [Ablation("a", {"shipped": {"f": base}, "x": {"f": better}, "y": {"f": base}})]
    row = ablation_table(ablations, ["x", "y"]).splitlines()[-1]
    assert re.fullmatch(
        r"\| a \| f \| 40 \| 0\.000 \| \+0\.750 \(\+0\.6\d\d to \+0\.8\d\d\) \\\* "
        r"\| \+0\.000 \(\+0\.000 to \+0\.000\) \|",
        row,
    )


def test_a_collection_that_is_not_there_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench-quotes", str(tmp_path), "--cache", str(tmp_path)]) == 1
    assert "corpus.jsonl: cannot be read" in capsys.readouterr().err


def test_the_fake_encoder_keeps_the_form_of_the_real_one() -> None:
    rows = TopicEncoder().encode_texts([d.text for d in load_corpus(CORPUS)])
    assert rows.shape == (5, 4)
