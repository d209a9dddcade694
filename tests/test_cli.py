import json
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import CORPUS, write_corpus
from ketqa.cli import main


def test_help_names_every_command_and_loads_nothing_slow() -> None:
    code = (
        "import sys; from ketqa.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "slow = {'torch', 'faiss', 'gradio', 'tantivy', 'numpy', 'rich'} & set(sys.modules)\n"
        "sys.exit(f'loaded: {slow}' if slow else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    for command in ("index", "ask", "search", "verify", "serve", "mcp"):
        assert f"\n    {command} " in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [[], ["ask"], ["ask", "q", "-k", "0"], ["nonsense"], ["ask", "q", "--questions", "f"]],
)
def test_wrong_usage_exits_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 2
    assert "usage: ketqa" in capsys.readouterr().err


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(arguments)
    told = capsys.readouterr()
    return code, told.out, told.err


def test_a_missing_index_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, "ask", "pain?", "--index", str(tmp_path))
    assert (code, out) == (1, "")
    assert err == f"ketqa: {tmp_path}: no index here; build one with: ketqa index\n"


@pytest.mark.model
@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("", "ketqa: there is no question; type what you want to know, in your own words\n"),
        ("x" * 10_000, "ketqa: this question has 10,000 characters; ask in at most 2,000"),
        ("\x01\x02", "ketqa: this question holds bytes that are not text"),
    ],
)
def test_a_question_that_cannot_be_asked_is_told_in_one_line(
    index_folder: Path, capsys: pytest.CaptureFixture[str], question: str, told: str
) -> None:
    code, out, err = run(capsys, "ask", question, "--index", str(index_folder))
    assert (code, out) == (1, "")
    assert err.startswith(told)
    assert err.count("\n") == 1


@pytest.mark.model
def test_ask_prints_the_quote_its_source_and_its_place(
    index_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(
        capsys, "ask", "What schedule drug is ketamine?", "--index", str(index_folder), "-k", "1"
    )
    assert (code, err) == (0, "")
    assert "1. Ketamine is a Schedule III drug" in out
    assert "Ketamine For Migraines · Mind Peace Clinics" in out
    assert "sells ketamine treatment" in out
    assert "mind-peace-clinics-ketamine-for-migraines.txt:" in out
    assert "not medical advice" in out
    assert "\x1b" not in out


@pytest.mark.model
def test_json_is_all_that_stands_on_stdout(
    index_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(
        capsys, "ask", "and for how long?", "--history", "Does it help?", "--json",
        "--index", str(index_folder), "--min-confidence", "0",
    )  # fmt: skip
    answer = json.loads(out)
    assert code == 0
    assert answer["query"] == "Does it help? and for how long?"
    assert len(answer["evidence"]) == 5


@pytest.mark.model
def test_a_file_of_questions_gives_one_answer_a_line(
    index_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "questions.jsonl"
    file.write_text(
        '{"id": 1, "question": "Is it safe?", "history": []}\n{"id": "b", "question": "Who?"}\n'
    )
    code, out, _ = run(
        capsys, "ask", "--questions", str(file), "--json", "--index", str(index_folder)
    )
    rows = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [row["id"] for row in rows] == [1, "b"]
    assert rows[0]["answer"]["question"] == "Is it safe?"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('{"id": 1}', 'line 2: must be {"id": "...", "question": "...", "history": ["..."]}'),
        ("not json", "line 2: must be"),
        ('{"id": 1, "question": " "}', "line 2: there is no question"),
    ],
)
def test_a_bad_line_is_named_before_anything_is_answered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, told: str
) -> None:
    file = tmp_path / "questions.jsonl"
    file.write_text(f'{{"id": 0, "question": "Why?"}}\n{line}\n')
    code, out, err = run(capsys, "ask", "--questions", str(file), "--json")
    assert (code, out) == (1, "")
    assert told in err


@pytest.mark.model
def test_search_lists_passages(index_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(
        capsys, "search", "insurance", "-k", "2", "--json", "--index", str(index_folder)
    )
    hits = json.loads(out)["hits"]
    assert (code, [hit["rank"] for hit in hits]) == (0, [1, 2])
    _, out, _ = run(capsys, "search", "insurance", "-k", "2", "--index", str(index_folder))
    assert hits[0]["passage"]["text"] in out


@pytest.mark.model
def test_index_says_when_there_is_nothing_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus = write_corpus(tmp_path / "corpus", {"a.txt": "Pain fell.\n"})
    arguments = ("index", "--corpus", str(corpus), "--index", str(tmp_path / "index"))
    built = run(capsys, *arguments)
    assert built[0] == 0
    assert "built: 1 document, 1 passage, 1 sentence" in built[1]
    assert built[2] == ""
    assert "nothing changed, nothing to do" in run(capsys, *arguments)[1]


@pytest.mark.model
def test_verify_exits_with_1_where_a_promise_is_broken(
    index_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(capsys, "verify", "--index", str(index_folder), "--corpus", str(CORPUS))
    assert code == 0
    assert out.count("kept") == 6
    code, out, _ = run(capsys, "verify", "--index", str(tmp_path), "--corpus", str(CORPUS))
    assert code == 1
    assert "FAILED  every file of the index" in out


@pytest.mark.model
def test_the_installed_command_answers(index_folder: Path) -> None:
    command = Path(sys.executable).with_name("ketqa")
    done = subprocess.run(
        [command, "ask", "Is it addictive?", "--index", index_folder, "--json"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["question"] == "Is it addictive?"


@pytest.mark.model
def test_the_reader_can_be_left_out_and_a_notice_comes_first(
    index_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    question = ["ask", "How long did relief last?", "--index", str(index_folder), "--json"]
    assert main(question) == main([*question, "--no-reader"]) == 0
    read, unread = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert [e["quote"] for e in read["evidence"]] != [e["quote"] for e in unread["evidence"]]
    danger = ["ask", "he's not breathing", "--country", "DE", "--index", str(index_folder)]
    assert main(danger) == 0
    assert capsys.readouterr().out.startswith("This sounds like an emergency. Call 112 now")
    assert main(["search", "how long did it last", "--index", str(index_folder), "-k", "1"]) == 0
    assert "led here by: " in capsys.readouterr().out


@pytest.mark.model
def test_verify_quote_prints_the_places_or_exits_with_1(
    index_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ("--index", str(index_folder), "--quote")
    code, out, _ = run(capsys, "verify", *where, "RELIEF lasted for up to 3 weeks")
    assert code == 0
    assert out.startswith("The documents have this text, but for case")
    assert "\n   relief lasted for up to 3 weeks\n" in out
    assert "medpage-today-stubborn-migraines.txt:1963-1994 · equal" in out
    code, out, _ = run(capsys, "verify", *where, "amine is a Schedule III drug")
    assert "Cut inside a word or a number there" in out
    code, out, _ = run(capsys, "verify", *where, "relief lasted for up to 3 years", "--json")
    assert (code, json.loads(out)["status"], json.loads(out)["places"]) == (1, "absent", [])
    code, out, err = run(capsys, "verify", *where, "relief")
    assert (code, out) == (1, "")
    assert err.startswith("ketqa: this quotation has 6 characters")
