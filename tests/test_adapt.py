"""Adapting the model to a corpus: what is written, and that nothing missing breaks anything."""

import json
import logging
import shutil
from pathlib import Path

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from conftest import CORPUS, write_corpus
from ketqa import models
from ketqa.adapter import DESCRIPTION, TENSORS, Adapter
from ketqa.build import build_index
from ketqa.cli import main
from ketqa.corpus import load_corpus
from ketqa.encode import SentenceEncoder
from ketqa.errors import CorpusError, ModelError
from ketqa.index import Index
from ketqa.learn.adapt import adapt
from ketqa.learn.lesson import is_held_back, load_pairs, make_lesson
from ketqa.manifest import Manifest, current_build
from ketqa.models import ADAPTED, DEFAULT_MODEL, find_adapted, find_model
from ketqa.questions import load_questions

pytestmark = pytest.mark.model

SENTENCES = {
    "The zorb costs four hundred dollars.": "What is the price of {}?",
    "Most people felt dizzy for an hour.": "Does {} make you dizzy?",
    "Relief lasted three weeks in half of them.": "How long does {} help?",
    "The clinic opened in 1998.": "When did the clinic with {} open?",
}
NAMES = [
    "it",
    "that",
    "this",
    "one",
    "the zorb",
    "a zorb",
    "the drug",
    "treatment",
    "the drip",
    "such a thing",
]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    text = " ".join(SENTENCES) + "\n"
    folder = write_corpus(tmp_path_factory.mktemp("adapt") / "corpus", {"a.txt": text})
    rows = [
        {
            "file": "a.txt", "start": text.index(quote), "end": text.index(quote) + len(quote),
            "quote": quote, "questions": [form.format(name) for name in NAMES],
        }
        for quote, form in SENTENCES.items()
    ]  # fmt: skip
    (folder / "questions.jsonl").write_text("\n".join(map(json.dumps, rows)))
    misses = [{"question": f"Who owns {name}?", "why": "owner"} for name in NAMES * 9]
    unique = {row["question"] + "!" * at: row for at, row in enumerate(misses)}
    lines = [
        json.dumps({**row, "question": f"{q} {at}"}) for at, (q, row) in enumerate(unique.items())
    ]
    (folder / "unanswered.jsonl").write_text("\n".join(lines))
    return folder


@pytest.fixture(scope="module")
def adapted(corpus: Path) -> Path:
    out = corpus.parent / "adapted"
    assert main(["adapt", "--corpus", str(corpus), "--out", str(out)]) == 0
    return out


def test_an_adapted_model_is_small_and_whole(adapted: Path) -> None:
    assert sum(file.stat().st_size for file in adapted.rglob("*")) < 25e6
    assert {"adapter.json", "adapter.safetensors", "modules.json", "weights.json"} <= {
        file.name for file in adapted.iterdir()
    }
    assert [path for path in adapted.parent.iterdir() if path.name.startswith("tmp")] == []


def test_it_loads_as_an_ordinary_model_and_differs_from_its_base(adapted: Path) -> None:
    texts = ["What is the price of it?", "The zorb costs four hundred dollars."]
    ours = SentenceEncoder(find_model(str(adapted))).encode_texts(texts)
    theirs = SentenceTransformer(str(adapted), trust_remote_code=True).encode(texts)
    assert ours == pytest.approx(theirs, abs=1e-5)
    base = SentenceEncoder(find_model()).encode_texts(texts)
    assert ours[0] @ ours[1] > base[0] @ base[1]


def test_an_index_of_it_says_so_and_uses_its_weights(
    corpus: Path, adapted: Path, tmp_path: Path
) -> None:
    with Index.build(corpus, tmp_path / "index", model=str(adapted)) as index:
        assert index.engines.weights == json.loads((adapted / "weights.json").read_text())
        answer = index.ask("How much do I pay for a zorb?", min_confidence=0)
        assert answer.evidence[0].quote == "The zorb costs four hundred dollars."
    with Index.build(corpus, tmp_path / "base", model=DEFAULT_MODEL) as base:
        assert base.fingerprint != answer.index
        assert base.engines.weights != json.loads((adapted / "weights.json").read_text())


def test_the_folder_must_be_new_and_there_must_be_questions(
    corpus: Path, adapted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["adapt", "--corpus", str(corpus), "--out", str(adapted)]) == 1
    assert "is there already" in capsys.readouterr().err
    few = write_corpus(tmp_path / "few", {"a.txt": "One sentence.\n"})
    assert main(["adapt", "--corpus", str(few), "--out", str(tmp_path / "x")]) == 1
    assert "at least 20 curated questions" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()
    bad = tmp_path / "pairs.jsonl"
    bad.write_text('{"question": "q"}\n')
    with pytest.raises(CorpusError, match="pairs.jsonl: line 1: must be"):
        load_pairs(bad)


def test_what_is_held_back_is_not_taught(corpus: Path) -> None:
    documents = load_corpus(corpus)
    questions = load_questions(corpus, documents)
    lesson = make_lesson({d.source.id: d for d in documents}, questions, [("q", "t")])
    taught = {text for texts in lesson.questions for text in texts} | set(lesson.near_misses)
    assert lesson.held
    assert not taught & {text for text, _ in lesson.held}
    assert not any(is_held_back(text) for text in lesson.near_misses)
    for text, number in lesson.held:
        assert any(
            q.text == text and q.span and documents[0].text[q.span.start : q.span.end]
            == lesson.sentences[number]
            for q in questions
        )  # fmt: skip


def test_adapting_is_the_same_every_time(corpus: Path, tmp_path: Path) -> None:
    documents = load_corpus(corpus)
    lesson = make_lesson({d.source.id: d for d in documents}, load_questions(corpus, documents))
    rows = []
    for name in "ab":
        adapt(find_model(), lesson, tmp_path / name, ["x"], passes=2, progress=lambda *_: None)
        rows.append(SentenceEncoder(find_model(str(tmp_path / name))).encode_texts(["a zorb"]))
    assert np.abs(rows[0] - rows[1]).max() < 1e-3


@pytest.mark.parametrize("damage", ["cut", "gone", "other base", "no json"])
def test_a_damaged_adapter_is_told(adapted: Path, tmp_path: Path, damage: str) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(adapted, copy)
    description = json.loads((copy / DESCRIPTION).read_text())
    if damage == "cut":
        (copy / TENSORS).write_bytes((copy / TENSORS).read_bytes()[:-100])
    elif damage == "gone":
        (copy / TENSORS).rename(copy / "elsewhere.safetensors")
    elif damage == "other base":
        (copy / DESCRIPTION).write_text(json.dumps({**description, "base_sha256": "0" * 64}))
    else:
        (copy / DESCRIPTION).write_text("{")
    with pytest.raises(ModelError, match=str(copy)):
        SentenceEncoder(find_model(str(copy)))


def test_the_shipped_documents_get_the_shipped_adapter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    hashes = [document.source.sha256 for document in load_corpus(CORPUS)]
    found = find_adapted(hashes)
    assert found is not None
    assert (found.name, found.sha256) != (DEFAULT_MODEL, find_model().sha256)
    assert find_adapted(hashes[1:]) is None
    assert find_adapted([]) is None

    copy = tmp_path / "adapted"
    shutil.copytree(found.path, copy)
    (copy / TENSORS).write_bytes(b"nonsense")
    monkeypatch.setattr(models, "ADAPTED_PATH", copy)
    with caplog.at_level(logging.WARNING):
        assert find_adapted(hashes) is None
    assert "going on with all-MiniLM-L6-v2" in caplog.text
    shutil.rmtree(copy)
    assert find_adapted(hashes) is None


def test_a_small_corpus_of_its_own_uses_the_base_model(corpus: Path, tmp_path: Path) -> None:
    build_index(corpus, tmp_path / "index")
    assert Manifest.load(current_build(tmp_path / "index")).recipe.model == DEFAULT_MODEL


def test_the_shipped_index_names_the_adapter(index_folder: Path) -> None:
    recipe = Manifest.load(current_build(index_folder)).recipe
    assert (recipe.model, recipe.model_sha256) == (ADAPTED, find_model(ADAPTED).sha256)
    assert Adapter.load(find_model(ADAPTED).path) is not None
