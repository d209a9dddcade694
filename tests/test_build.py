"""Building: nothing to do, reuse, two at once, and killed at any moment."""

import json
import logging
import multiprocessing
import os
import random
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from conftest import CORPUS, TopicEncoder, write_corpus
from ketqa.build import build_index
from ketqa.corpus import load_corpus
from ketqa.encode import Rows
from ketqa.errors import CorpusError, IndexBusy, IndexMissing
from ketqa.index import Index
from ketqa.manifest import BUILDS, CURRENT, current_build
from ketqa.models import find_model
from ketqa.shards import ENCODE_CHARACTERS, encode_new, split_documents
from ketqa.verify import verify_index


def test_passages_and_sentences_are_slices_numbered_through_the_corpus(
    four_documents: Path,
) -> None:
    documents = load_corpus(four_documents)
    passages, sentences = split_documents(documents, TopicEncoder(), tokens=8)
    texts = {document.source.id: document.text for document in documents}
    assert [passage.number for passage in passages] == list(range(len(passages)))
    assert [s.number for s in sentences] == list(range(len(sentences)))
    for span, text in [(p.span, p.text) for p in passages] + [(s.span, s.text) for s in sentences]:
        assert text == texts[span.doc_id][span.start : span.end]
    assert [p.text for p in passages] == [
        "The cost is high.",
        "Nobody pays the cost for you.",
        "Dose\n\nThe dose was 0.5 mg/kg.",
        "A second dose came later.",
        "Pain fell by half.",
        "The pain came back after a week.",
        "People could sleep. They did sleep all night.",
    ]


@pytest.mark.model
def test_an_unchanged_corpus_is_no_work(four_documents: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    first = build_index(four_documents, index, find_model())
    build = current_build(index)
    before = {path: path.stat().st_mtime_ns for path in build.rglob("*")}
    second = build_index(four_documents, index, find_model())
    assert (first.changed, second.changed) == (True, False)
    assert second.fingerprint == first.fingerprint
    assert {path: path.stat().st_mtime_ns for path in build.rglob("*")} == before


@pytest.mark.model
def test_only_what_changed_is_encoded_again(four_documents: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    build_index(four_documents, index, find_model())
    write_corpus(four_documents, {"pain.txt": "Pain rose. It stayed.\n"})
    report = build_index(four_documents, index, find_model())
    # three passages and their seven sentences are as they were
    assert (report.changed, report.reused) == (True, 3 + 7)
    scratch = build_index(four_documents, tmp_path / "scratch", find_model())
    assert scratch.fingerprint == report.fingerprint
    with Index.open(index) as updated, Index.open(tmp_path / "scratch") as fresh:
        question = "Did the pain come back?"
        assert [h.to_dict() for h in updated.search(question)] == [
            h.to_dict() for h in fresh.search(question)
        ]
    assert len(list((index / BUILDS).iterdir())) == 2


@pytest.mark.model
def test_a_damaged_index_is_built_anew(
    four_documents: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    index = tmp_path / "index"
    build_index(four_documents, index, find_model())
    (current_build(index) / "corpus.sqlite").write_bytes(b"nothing")
    with caplog.at_level(logging.WARNING):
        assert build_index(four_documents, index, find_model()).changed
    assert "building anew" in caplog.text
    assert not any(check.problem for check in verify_index(index, four_documents))


@pytest.mark.model
def test_documents_without_a_word_are_told_and_nothing_is_switched(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus", {"a.txt": "...\n"})
    with pytest.raises(CorpusError, match="a.txt: holds no words"):
        build_index(corpus, tmp_path / "index", find_model())
    assert not (tmp_path / "index" / CURRENT).exists()


def test_a_second_builder_is_told_to_wait(four_documents: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    index.mkdir()
    with FileLock(index / ".lock"), pytest.raises(IndexBusy, match="another process is building"):
        build_index(four_documents, index, find_model())


def _build(corpus: Path, index: Path) -> None:
    build_index(corpus, index, find_model())


@pytest.mark.model
@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.long)])
def test_a_build_killed_at_any_moment_leaves_an_index_that_answers(
    tmp_path: Path, kills: int
) -> None:
    """As many kill -9, spread at random over a whole build."""
    index = tmp_path / "index"
    _build(_corpus(tmp_path, 0), index)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["sentence_transformers", "ketqa.build"])
    whole = _time_of_a_build(context, _corpus(tmp_path, 1), tmp_path / "timed")
    chance = random.Random(kills)
    killed, current = 0, "0"
    for attempt in range(2, 3 * kills):
        corpus = _corpus(tmp_path, attempt)
        process = context.Process(target=_build, args=(corpus, index))
        process.start()
        process.join(chance.uniform(0, whole))
        if process.is_alive() and process.pid:
            os.kill(process.pid, signal.SIGKILL)
            killed += 1
        process.join()
        assert not any(check.problem for check in verify_index(index, None))
        with Index.open(index) as opened:
            before, current = current, _round_of(opened)
            assert current in {before, str(attempt)}
            answer = opened.ask("How long did relief last?", min_confidence=0)
            assert "relief lasted for up to 3 weeks" in answer.evidence[0].quote
        if killed == kills:
            break
    assert killed == kills
    _build(corpus, index)
    assert not any(check.problem for check in verify_index(index, corpus))


def _corpus(tmp_path: Path, attempt: int) -> Path:
    """Write the shipped documents with a number behind every sentence, so that all are new."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in CORPUS.glob("*.txt")}
    return write_corpus(
        tmp_path / f"corpus{attempt}",
        {
            f"{attempt}-{name}": text.replace(". ", f" {attempt}. ").replace(
                ".\n", f" {attempt}.\n"
            )
            for name, text in texts.items()
        },
    )


def _round_of(index: Index) -> str:
    rounds = {doc_id.split("-")[0] for doc_id in index.store.document_ids()}
    assert len(rounds) == 1, "the documents of two builds are mixed"
    return rounds.pop()


def _time_of_a_build(
    context: multiprocessing.context.ForkServerContext, corpus: Path, index: Path
) -> float:
    """Measure one whole build, after one that warms the server up."""
    seconds = 0.0
    for attempt in range(2):
        start = time.perf_counter()
        process = context.Process(target=_build, args=(corpus, index / str(attempt)))
        process.start()
        process.join()
        seconds = time.perf_counter() - start
    return seconds


@pytest.mark.model
def test_a_question_about_a_heading_is_refused(four_documents: Path, tmp_path: Path) -> None:
    line = {"file": "dose.txt", "start": 0, "end": 4, "quote": "Dose", "questions": ["How much?"]}
    (four_documents / "questions.jsonl").write_text(json.dumps(line))
    with pytest.raises(CorpusError, match=r"'How much\?': there is no sentence .*dose.txt\[0:4\]"):
        build_index(four_documents, tmp_path / "index", find_model())
    with pytest.raises(IndexMissing):
        current_build(tmp_path / "index")


@pytest.mark.model
def test_a_changed_question_is_the_only_one_encoded_again(
    four_documents: Path, tmp_path: Path
) -> None:
    quote = "Pain fell by half."
    line = {"file": "pain.txt", "start": 0, "end": len(quote), "quote": quote}
    for questions, reused in (
        (["Did it help?", "How much less?"], 0),
        (["Did it help?", "New?"], 14),
    ):
        row = json.dumps({**line, "questions": questions})
        (four_documents / "questions.jsonl").write_text(row)
        report = build_index(four_documents, tmp_path / "index", find_model())
        assert report.changed
        assert report.reused == reused
        assert report.counts["questions"] == 2


def test_texts_are_encoded_in_steps_of_characters_and_come_back_in_order() -> None:
    texts = [f"{number:03} " + "x" * (1000 - number) for number in range(450)]
    steps: list[int] = []
    told: list[tuple[int, int]] = []

    def encode(step: Sequence[str]) -> Rows:
        steps.append(sum(map(len, step)))
        return np.array([[int(text[:3])] for text in step], dtype=np.float32)

    known = {texts[7]: np.array([7.0], dtype=np.float32)}
    rows = encode_new(texts, encode, known.get, lambda *done: told.append(done))
    assert rows[:, 0].tolist() == list(range(450))
    assert len(steps) == 2
    assert all(size < ENCODE_CHARACTERS + 1004 for size in steps)
    assert told[0] == (1, 450)
    assert told[-1] == (450, 450)
    assert len(told) == 3
