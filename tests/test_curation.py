"""Checking, suggesting and generating curated questions, on a small corpus and real parts."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from conftest import write_corpus
from ketqa.cli import main
from ketqa.curation.check import check_questions
from ketqa.curation.suggest import thin_sentences, unmet_searches
from ketqa.errors import CorpusError
from ketqa.index import Index
from ketqa.models import DEFAULT_MODEL

pytestmark = pytest.mark.model

TEXT = (
    "The infusion costs four hundred dollars. Most people felt dizzy for an hour. "
    "Relief lasted three weeks in half of the patients. The clinic opened in 1998.\n"
)
QUESTIONS = {
    "The infusion costs four hundred dollars.": ["How much is the infusion?", "What is the price?"],
    "Most people felt dizzy for an hour.": ["Does it make you dizzy?", "Is dizziness a side effect?"],
    "Relief lasted three weeks in half of the patients.": [
        "How long does it help?", "How many weeks of relief do people get?",
    ],
}  # fmt: skip


def entry(quote: str, questions: list[str], **more: str) -> dict[str, Any]:
    at = TEXT.index(quote)
    place = {"file": "a.txt", "start": at, "end": at + len(quote), "quote": quote}
    return {**place, "questions": questions, **more}


def build(folder: Path, entries: list[dict[str, Any]]) -> tuple[Path, Path]:
    corpus = write_corpus(folder / "corpus", {"a.txt": TEXT})
    lines = "\n".join(json.dumps(row) for row in entries)
    (corpus / "questions.jsonl").write_text(lines + "\n" if lines else "")
    (corpus / "unanswered.jsonl").write_text(
        '{"question": "Who owns the clinic?", "why": "owner"}\n'
    )
    Index.build(corpus, folder / "index", model=DEFAULT_MODEL).close()
    return corpus, folder / "index"


def entries() -> list[dict[str, Any]]:
    return [entry(quote, questions) for quote, questions in QUESTIONS.items()]


def test_good_questions_find_their_sentence_without_themselves(tmp_path: Path) -> None:
    _, index = build(tmp_path, entries())
    with Index.open(index) as opened:
        questions = list(opened.store.all_questions())
        checked = list(check_questions(opened, questions))
    assert [c.rank for c in checked[:6]] == [1] * 6
    assert checked[6].rank is None
    assert not any(c.findings for c in checked)


def test_a_question_at_the_wrong_sentence_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = entry("The clinic opened in 1998.", ["Does the infusion make people feel dizzy?"])
    _, index = build(tmp_path, [*entries(), wrong])
    assert main(["questions", "check", "--index", str(index), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [row["question"] for row in told["findings"] if row["trouble"] == "misplaced"] == [
        "Does the infusion make people feel dizzy?"
    ]
    assert told["first_1"] == pytest.approx(6 / 7)


def test_what_stands_twice_or_is_answered_after_all_is_found(tmp_path: Path) -> None:
    twice = entry("The infusion costs four hundred dollars.", ["How much is the infusion ??"])
    corpus, index = build(tmp_path, entries())
    lines = [json.dumps(row) for row in [*entries(), twice]]
    lines[-1] = lines[-1].replace("infusion ??", "infusions")
    (corpus / "questions.jsonl").write_text("\n".join(lines))
    (corpus / "unanswered.jsonl").write_text('{"question": "How long will it help?", "why": "?"}\n')
    with Index.build(corpus, index, model=DEFAULT_MODEL) as opened:
        checked = list(check_questions(opened, list(opened.store.all_questions())))
    found = {(f.trouble, f.question.text): f.about for c in checked for f in c.findings}
    assert found["duplicate", "How much is the infusions"] == "How much is the infusion?"
    assert found["answered", "How long will it help?"] == "How long does it help?"


def test_thin_sentences_come_fewest_first(tmp_path: Path) -> None:
    _, index = build(tmp_path, [*entries(), entry("The clinic opened in 1998.", ["When?"])])
    with Index.open(index) as opened:
        thin = [(t.questions, t.sentence.text) for t in thin_sentences(opened, enough=2)]
    assert thin == [(1, "The clinic opened in 1998.")]


def test_searches_in_vain_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "log.jsonl"
    rows = [("Is it legal?", "no_evidence"), ("is it legal", "related"), ("Cost?", "evidence")] * 2
    log.write_text("".join(json.dumps({"question": q, "status": s}) + "\n" for q, s in rows))
    assert unmet_searches(log, 2) == [("Is it legal?", 4)]
    assert unmet_searches(log, 5) == []
    _, index = build(tmp_path, entries())
    assert main(["questions", "suggest", "--index", str(index), "--log", str(log)]) == 0
    assert "4 times asked in vain: Is it legal?" in capsys.readouterr().out
    log.write_text("{}\n")
    with pytest.raises(CorpusError, match=r"log.jsonl: line 1: is no line of this log"):
        unmet_searches(log, 1)


class ChatServer(ThreadingHTTPServer):
    """A server that speaks the chat protocol and answers from a script."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), ChatHandler)
        self.prompts: list[str] = []
        self.models: list[str] = []
        self.fail_after = 99
        self.reply = ""

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class ChatHandler(BaseHTTPRequestHandler):
    server: ChatServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert self.path == "/v1/chat/completions"
        self.server.prompts.append(body["messages"][0]["content"])
        self.server.models.append(body["model"])
        if len(self.server.prompts) > self.server.fail_after:
            self.send_response(503)
            self.end_headers()
            self.wfile.write(b"out of memory")
            return
        message = {"role": "assistant", "content": self.server.reply}
        reply = json.dumps({"object": "chat.completion", "choices": [{"message": message}]})
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(reply.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002, the library's name
        pass


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with ChatServer() as found:
        thread = threading.Thread(target=found.serve_forever)
        thread.start()
        yield found
        found.shutdown()
        thread.join()


def generate(corpus: Path, index: Path, server: ChatServer) -> int:
    return main([
        "questions", "generate", "--corpus", str(corpus), "--index", str(index),
        "--endpoint", server.endpoint, "--model", "tiny", "--count", "3",
    ])  # fmt: skip


def test_generated_questions_are_kept_if_they_find_their_sentence(
    tmp_path: Path, server: ChatServer, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus, index = build(tmp_path, entries()[1:])
    server.reply = (
        'Of course! ["How much does the infusion cost in dollars?", "When was the clinic opened?",'
        ' "How long did relief last for patients?", "?", 7]'
    )
    assert generate(corpus, index, server) == 0
    assert "<<<The infusion costs four hundred dollars.>>> Most people" in server.prompts[0]
    assert set(server.models) == {"tiny"}
    rows = [json.loads(line) for line in (corpus / "questions.jsonl").read_text().splitlines()]
    made = {row["quote"]: row["questions"] for row in rows if row.get("generated") == "tiny"}
    assert (
        "How much does the infusion cost in dollars?"
        in made["The infusion costs four hundred dollars."]
    )
    assert "When was the clinic opened?" in made["The clinic opened in 1998."]
    asked = len(server.prompts)
    assert "questions kept" in capsys.readouterr().out
    assert generate(corpus, index, server) == 0
    assert len(server.prompts) == asked
    with Index.build(corpus, index, model=DEFAULT_MODEL) as opened:
        assert {q.generated for q in opened.store.all_questions()} == {None, "tiny"}


def test_a_run_that_is_cut_short_keeps_what_it_has_and_goes_on(
    tmp_path: Path, server: ChatServer, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus, index = build(tmp_path, [])
    server.reply = '["What about infusion cost, dizzy people, relief weeks and clinic opening?"]'
    server.fail_after = 2
    assert generate(corpus, index, server) == 1
    assert "answered 503: out of memory" in capsys.readouterr().err
    before = (corpus / "questions.jsonl").read_text()
    assert len(before.splitlines()) >= 1
    server.fail_after = 99
    assert generate(corpus, index, server) == 0
    after = (corpus / "questions.jsonl").read_text()
    assert after.startswith(before)
    rows = [json.loads(line) for line in after.splitlines()]
    assert len({row["start"] for row in rows}) == len(rows)


def test_a_server_that_is_not_there_or_speaks_otherwise_is_told(
    tmp_path: Path, server: ChatServer, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus, index = build(tmp_path, [])
    server.reply = "I would rather not."
    assert generate(corpus, index, server) == 0
    assert "0 questions kept" in capsys.readouterr().out
    arguments = ["questions", "generate", "--corpus", str(corpus), "--index", str(index)]
    assert main([*arguments, "--endpoint", "http://127.0.0.1:9", "--model", "m"]) == 1
    assert "cannot be reached" in capsys.readouterr().err
