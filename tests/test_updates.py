"""An updated index equals one that was built from nothing, whatever was done to the folder."""

import random
import shutil
import signal
import string
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import CORPUS, FOUR_DOCUMENTS, TopicEncoder, write_corpus
from ketqa.build import build_index
from ketqa.encode import Encoder, Rows
from ketqa.index import Index
from ketqa.manifest import BUILDS, SHARDS, Manifest, current_build
from ketqa.models import ModelFolder, find_model
from ketqa.shards import cut_runs
from ketqa.types import Document, Source
from ketqa.verify import verify_index

TOPICS = ModelFolder("topics", Path("topics"), "0" * 64)
QUESTIONS = ("What was the dose?", "Did the pain come back?", "Who pays the cost of sleep?")
NAMES = [f"{letter}{number}.txt" for letter in string.ascii_lowercase[:8] for number in range(3)]
SENTENCES = [
    "Pain fell by half.",
    "The pain came back after a week, they said.",
    "The dose was 0.5 mg/kg.",
    "A second dose came later, and the cost with it.",
    "People could sleep.",
    "Nobody pays the cost for you.",
    "Dose\n\n",
    "...",
]
TEXTS = st.lists(st.sampled_from(SENTENCES), min_size=1, max_size=6).map(" ".join)
EDITS = st.one_of(
    st.tuples(st.just("write"), st.sampled_from(NAMES), TEXTS),
    st.tuples(st.just("delete"), st.sampled_from(NAMES), st.just("")),
    st.tuples(st.just("move"), st.sampled_from(NAMES), st.sampled_from(NAMES)),
)


class CountingEncoder(TopicEncoder):
    """Remembers what it was asked to encode."""

    def __init__(self) -> None:
        self.encoded: list[str] = []

    def encode_texts(self, texts: Sequence[str]) -> Rows:
        self.encoded += texts
        return super().encode_texts(texts)


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut even a few sentences into several shards, and search some of them by lists."""
    monkeypatch.setattr("ketqa.shards.CHARACTERS", 150)
    monkeypatch.setattr("ketqa.shards.LISTS_ABOVE", 3)
    # no power cut is tested here, and waiting for the disk takes most of the time
    monkeypatch.setattr("ketqa.manifest.sync", lambda _: None)


def build(corpus: Path, index: Path, encoder: Encoder | None = None) -> None:
    build_index(corpus, index, TOPICS, tokens=8, encoder=encoder or TopicEncoder())


def contents(index: Path, encoder: Encoder | None = None) -> dict[str, Any]:
    """Return all that an index says: its texts, their places, and what it answers."""
    build = current_build(index)
    found: dict[str, Any] = {"fingerprint": Manifest.load(build).recipe.fingerprint}
    with Index(build, encoder or TopicEncoder()) as opened:
        store = opened.store
        found["counts"] = store.counts()
        found["documents"] = [store.document(doc_id) for doc_id in store.document_ids()]
        found["passages"] = [store.passage(n) for n in range(store.counts()["passages"])]
        found["sentences"] = list(store.all_sentences())
        found["rows"] = opened.engines.sentences.rows(range(store.counts()["sentences"])).tolist()
        found["centre"] = opened.engines.sentences.centre.tolist()
        for question in QUESTIONS:
            found[question] = [hit.to_dict() for hit in opened.search(question, 100)]
            answer = opened.ask(question, min_confidence=0).to_dict()
            found[f"{question} answered"] = {**answer, "timings_ms": None}
        found["words"] = (build / "vocabulary.txt").read_bytes()
    return found


def edit(corpus: Path, edits: Sequence[tuple[str, str, str]]) -> None:
    for kind, name, more in edits:
        file = corpus / name
        if kind == "write":
            file.write_text(more, encoding="utf-8")
        elif kind == "delete":
            file.unlink(missing_ok=True)
        elif file.exists():
            file.replace(corpus / more)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.lists(EDITS, min_size=1, max_size=4), min_size=1, max_size=4))
def test_an_update_equals_a_build_from_nothing(rounds: list[list[tuple[str, str, str]]]) -> None:
    with TemporaryDirectory() as folder:
        corpus = write_corpus(Path(folder) / "corpus", FOUR_DOCUMENTS)
        build(corpus, Path(folder) / "index")
        for edits in rounds:
            edit(corpus, edits)
            build(corpus, Path(folder) / "index")
        build(corpus, Path(folder) / "scratch")
        assert contents(Path(folder) / "index") == contents(Path(folder) / "scratch")
        assert not any(check.problem for check in verify_index(Path(folder) / "index", corpus))


def many_documents(folder: Path) -> Path:
    texts = {name: f"{SENTENCES[n % 6]} In {name}." for n, name in enumerate(NAMES)}
    return write_corpus(folder, texts)


def shards(index: Path) -> set[int]:
    """Return the inodes of the shards' stores: what is shared keeps them."""
    return {file.stat().st_ino for file in current_build(index).glob("shards/*/corpus.sqlite")}


def test_one_new_document_makes_one_shard_and_is_all_that_is_encoded(tmp_path: Path) -> None:
    corpus, encoder = many_documents(tmp_path / "corpus"), CountingEncoder()
    build(corpus, tmp_path / "index", encoder)
    before = shards(tmp_path / "index")
    assert len(before) >= 5
    encoder.encoded.clear()
    (corpus / "c1b.txt").write_text("The dose fell. It cost nothing.")
    build(corpus, tmp_path / "index", encoder)
    assert len(shards(tmp_path / "index") - before) <= 2
    assert sorted(encoder.encoded) == [
        "It cost nothing.", "The dose fell.", "The dose fell. It cost nothing."
    ]  # fmt: skip


def test_a_moved_document_is_not_encoded_again(tmp_path: Path) -> None:
    corpus, encoder = many_documents(tmp_path / "corpus"), CountingEncoder()
    build(corpus, tmp_path / "index", encoder)
    encoder.encoded.clear()
    (corpus / "a0.txt").rename(corpus / "h9.txt")
    build(corpus, tmp_path / "index", encoder)
    assert encoder.encoded == []


def test_a_sentence_that_any_document_had_is_not_encoded_again(tmp_path: Path) -> None:
    corpus, encoder = many_documents(tmp_path / "corpus"), CountingEncoder()
    build(corpus, tmp_path / "index", encoder)
    encoder.encoded.clear()
    (corpus / "new.txt").write_text(f"{SENTENCES[1]} This is new.")
    build(corpus, tmp_path / "index", encoder)
    assert SENTENCES[1] not in encoder.encoded
    assert "This is new." in encoder.encoded


def stop_after_the_shards(corpus: Path, index: Path, encoder: Encoder) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ketqa.build._add_questions", stop)
        with pytest.raises(KeyboardInterrupt):
            build(corpus, index, encoder)


def test_the_shards_of_a_build_that_was_killed_are_kept(tmp_path: Path) -> None:
    corpus, encoder = many_documents(tmp_path / "corpus"), CountingEncoder()
    stop_after_the_shards(corpus, tmp_path / "index", encoder)
    encoder.encoded.clear()
    build(corpus, tmp_path / "index", encoder)
    assert encoder.encoded == []
    assert len(list((tmp_path / "index" / BUILDS).iterdir())) == 1


def test_a_half_finished_shard_is_made_again(tmp_path: Path) -> None:
    corpus, encoder = many_documents(tmp_path / "corpus"), CountingEncoder()
    stop_after_the_shards(corpus, tmp_path / "index", encoder)
    shard = min(tmp_path.glob(f"index/{BUILDS}/*/{SHARDS}/*"))
    (shard / "corpus.sqlite").write_bytes(b"half")
    build(corpus, tmp_path / "index", encoder)
    build(corpus, tmp_path / "scratch")
    assert contents(tmp_path / "index") == contents(tmp_path / "scratch")


def test_a_build_in_use_is_never_written_to(tmp_path: Path) -> None:
    corpus = many_documents(tmp_path / "corpus")
    build(corpus, tmp_path / "index")
    in_use = current_build(tmp_path / "index")
    before = snapshot(in_use)
    with Index(in_use, TopicEncoder()) as opened:
        hits = opened.search(QUESTIONS[0])
        (corpus / "c1.txt").write_text("Other words about a dose.")
        (corpus / "d1.txt").unlink()
        build(corpus, tmp_path / "index")
        assert current_build(tmp_path / "index") != in_use
        assert snapshot(in_use) == before
        # the build after that clears the files away: who has them open does not notice
        (corpus / "c1.txt").write_text("A dose again.")
        build(corpus, tmp_path / "index")
        assert not in_use.exists()
        assert opened.search(QUESTIONS[0]) == hits


def snapshot(build: Path) -> dict[Path, tuple[bytes, int]]:
    files = (path for path in build.rglob("*") if path.is_file())
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


@given(st.lists(st.integers(1, 400), max_size=60), st.integers(0, 59), st.integers(1, 400))
def test_runs_hold_every_document_in_order_and_one_more_moves_few(
    lengths: list[int], place: int, length: int
) -> None:
    documents = [
        Document(Source(f"{number:03}", f"{number:03}", "", ""), "x" * size)
        for number, size in enumerate(lengths)
    ]
    runs = cut_runs(documents)
    assert [document for run in runs for document in run] == documents
    assert all(runs)
    added = Document(Source(f"{place:03}b", "", "", ""), "x" * length)
    more = cut_runs(sorted([*documents, added], key=lambda document: document.source.id))
    assert [document for run in more for document in run if document != added] == documents


def test_one_document_more_moves_the_ends_beside_it_and_no_others() -> None:
    documents = [
        Document(Source(f"{number:04}", f"{number:04}", "", ""), "x" * 10) for number in range(3000)
    ]
    before = {tuple(document.source.id for document in run) for run in cut_runs(documents)}
    assert len(before) == pytest.approx(3000 * 10 / 150, rel=0.3)
    added = Document(Source("1500b", "", "", ""), "x" * 10)
    after = {
        tuple(document.source.id for document in run)
        for run in cut_runs([*documents[:1501], added, *documents[1501:]])
    }
    assert len(after - before) <= 5


@pytest.mark.model
def test_updates_with_the_real_model_answer_as_a_build_from_nothing(tmp_path: Path) -> None:
    """Ten rounds of random edits on the shipped documents."""
    chance = random.Random(8)
    corpus = Path(
        shutil.copytree(
            CORPUS, tmp_path / "corpus", ignore=shutil.ignore_patterns("*.jsonl", "*.toml")
        )
    )
    originals = {path.name: path.read_text(encoding="utf-8") for path in corpus.glob("*.txt")}
    model = find_model()
    for _ in range(10):
        name = chance.choice(sorted(originals))
        lines = originals[name].splitlines(keepends=True)
        chance.shuffle(lines)
        kind = chance.choice(["write", "write", "delete", "move"])
        more = "".join(lines[: len(lines) // 3]) if kind == "write" else f"moved-{name}"
        edit(corpus, [(kind, f"{chance.choice('ab')}-{name}", more)])
        build_index(corpus, tmp_path / "index", model)
    build_index(corpus, tmp_path / "scratch", model)
    with Index.open(tmp_path / "index") as updated, Index.open(tmp_path / "scratch") as fresh:
        for question in (
            "How long did relief last?",
            "What schedule drug is ketamine?",
            "Is it safe?",
        ):
            ours, theirs = (
                {**index.ask(question, min_confidence=0).to_dict(), "timings_ms": None}
                for index in (updated, fresh)
            )
            assert ours == theirs
            assert updated.search(question, 50) == fresh.search(question, 50)


@pytest.mark.model
def test_watch_follows_the_folder_and_goes_on_past_a_mistake(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus", FOUR_DOCUMENTS)
    # the index lies in the folder that is watched, which must not set it off
    index = corpus / "index"
    # a shell that starts the tests in the background has them ignore an interrupt
    program = (
        "import signal, sys, ketqa.cli; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "sys.exit(ketqa.cli.main())"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, "index", "--watch", "--corpus", str(corpus), "--index", str(index)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    ) as process:  # fmt: skip
        assert process.stdout
        lines = iter(process.stdout)

        def told(words: str) -> str:
            return next(line for line in lines if words in line)

        try:
            assert "4 documents" in told("built")
            told("watching")
            (corpus / "new.txt").write_text("The dose fell.")
            assert "5 documents" in told("built")
            told("watching")
            (corpus / "sources.toml").write_text("this is no TOML")
            assert "sources.toml" in told("ketqa: ")
            told("watching")
            (corpus / "sources.toml").unlink()
            (corpus / "new.txt").rename(corpus / "other.txt")
            (corpus / "cost.txt").unlink()
            assert "4 documents" in told("built")
            told("watching")
        finally:
            process.send_signal(signal.SIGINT)
            try:
                ended = process.wait(timeout=20)
            finally:
                process.kill()
        assert ended == 130
    with Index.open(index) as opened:
        assert opened.store.document_ids() == ["dose.txt", "other.txt", "pain.txt", "sleep.txt"]
