import shutil
import sys
import threading
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer

import ketqa.cross
from conftest import CORPUS, write_corpus
from ketqa.adapter import TENSORS, apply_adapter
from ketqa.build import build_index
from ketqa.cross import (
    CROSS_PATH,
    MAX_TOKENS,
    CompiledCross,
    compile_cross,
    cross_fingerprint,
)
from ketqa.encode import load_untaught
from ketqa.errors import IndexDamaged, ModelError
from ketqa.index import Index
from ketqa.manifest import CROSS, current_build
from ketqa.models import find_model
from ketqa.opening import Stages
from ketqa.reader import read
from ketqa.rerank import DEPTH
from ketqa.runtime import import_openvino

pytestmark = pytest.mark.model

QUESTION = "How long did relief last?"
SENTENCES = [
    "Relief lasted about three weeks in most of the people who answered.",
    "The clinic opens at nine.",
    "The relief of the mountain range is shown on the map, and the road along it is long. " * 9,
    "",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cross") / CROSS
    compile_cross(CROSS_PATH, folder)
    return folder


@pytest.fixture(scope="module")
def plain_index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some of the documents, as a stranger's folder: no curated questions, the packaged model."""
    home = tmp_path_factory.mktemp("stranger")
    texts = {path.name: path.read_text("utf-8") for path in sorted(CORPUS.glob("*.txt"))[:2]}
    build_index(write_corpus(home / "corpus", texts), home / "index", find_model())
    return home / "index"


def test_compiled_scores_are_the_models_own(folder: Path) -> None:
    base = find_model().path
    model = load_untaught(base)
    apply_adapter(model, CROSS_PATH)
    tokens = AutoTokenizer.from_pretrained(base)(
        [QUESTION] * 4, SENTENCES, padding=True, truncation=True, max_length=MAX_TOKENS,
        return_tensors="pt",
    )  # fmt: skip
    with torch.no_grad():
        theirs = model.eval()(**tokens).logits[:, 0].numpy()
    ours = CompiledCross(folder).score(QUESTION, SENTENCES)
    assert ours == pytest.approx(theirs, abs=0.1)
    assert ours.argmax() == 0
    assert ours[0] > 0 > ours[1]


def test_a_score_is_the_same_from_every_thread(folder: Path) -> None:
    cross = CompiledCross(folder)
    many = [SENTENCES[n % 3] + f" {n}" for n in range(25)]
    expected = cross.score(QUESTION, many)
    found: list[bool] = []
    threads = [
        threading.Thread(
            target=lambda: found.append((cross.score(QUESTION, many) == expected).all())
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 4
    assert cross.score(QUESTION, []).shape == (0,)


def test_a_folder_without_curated_questions_is_read_with_it(plain_index: Path) -> None:
    with Index.open(plain_index) as index:
        asked = index.prepare(index.understand(QUESTION))
        fused = index.read(asked)
        before = read(asked, index.candidates(index.retrieve(asked, 20)), index.engines)
        weights = index.engines.weights["fusion"]
    scores = CompiledCross(current_build(plain_index) / CROSS).score(
        QUESTION, [reading.sentence.text for reading in before[:DEPTH]]
    )
    logits = np.array([reading.logit for reading in before[:DEPTH]])
    expected = weights["bias"] + weights["logit"] * logits + weights["cross"] * scores
    assert [reading.logit for reading in fused[:DEPTH]] == pytest.approx(sorted(expected)[::-1])
    assert [r.sentence for r in fused] != [r.sentence for r in before]
    assert [r.sentence for r in fused[DEPTH:]] == [r.sentence for r in before[DEPTH:]]
    assert all(one.logit >= other.logit for one, other in pairwise(fused))


def test_it_can_be_left_out(plain_index: Path) -> None:
    for stages in (Stages(reader=False), Stages(cross=False)):
        with Index.open(plain_index, stages=stages) as index:
            assert "fusion" not in index.engines.weights


def test_with_curated_questions_an_index_has_none(index_folder: Path) -> None:
    assert not (current_build(index_folder) / CROSS).exists()


def test_a_new_build_shares_it_with_the_old(plain_index: Path, tmp_path: Path) -> None:
    corpus = shutil.copytree(plain_index.parent / "corpus", tmp_path / "corpus")
    index = shutil.copytree(plain_index, tmp_path / "index", symlinks=True)
    before = (current_build(index) / CROSS / "model.bin").stat().st_ino
    (corpus / "more.txt").write_text("Sleep came late.\n")
    build_index(corpus, index, find_model())
    assert (current_build(index) / CROSS / "model.bin").stat().st_ino == before


def test_damage_in_an_index_is_named(plain_index: Path, tmp_path: Path) -> None:
    index = shutil.copytree(plain_index, tmp_path / "index")
    file = current_build(index) / CROSS / "model.bin"
    damaged = bytearray(file.read_bytes())
    damaged[1000] ^= 1
    file.write_bytes(damaged)
    with pytest.raises(IndexDamaged, match=r"cross/model.bin: was changed"):
        Index.open(index)
    (file.parent / "model.xml").write_text("no graph")
    with pytest.raises(IndexDamaged, match="the cross-encoder cannot be opened"):
        CompiledCross(file.parent).score("one", ["two"])


def test_without_the_packaged_file_it_goes_on_with_a_note(
    tmp_path: Path,
    four_documents: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    damaged = shutil.copytree(CROSS_PATH, tmp_path / "crossed")
    (damaged / TENSORS).write_bytes(b"nothing")
    monkeypatch.setattr(ketqa.cross, "CROSS_PATH", damaged)
    assert cross_fingerprint() == ""
    build_index(four_documents, tmp_path / "index", find_model())
    assert "going on without the cross-encoder" in caplog.text
    with Index.open(tmp_path / "index") as index:
        assert index.ask("How big was the dose?").searched["documents"] == 4
    with pytest.raises(ModelError, match="is gone, or not the file that was made"):
        compile_cross(damaged, tmp_path / "compiled")
    shutil.rmtree(damaged)
    with pytest.raises(ModelError, match="holds no adapter"):
        compile_cross(damaged, tmp_path / "compiled")


def test_that_of_another_release_is_left_out_with_a_note(
    plain_index: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("ketqa.opening.cross_fingerprint", lambda: "newer")
    with Index.open(plain_index) as index:
        assert "fusion" not in index.engines.weights
    assert "its cross-encoder is another release's" in caplog.text


def test_without_the_runtime_it_is_left_out_with_a_note(
    tmp_path: Path,
    four_documents: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "openvino", None)
        import_openvino.cache_clear()
        build_index(four_documents, tmp_path / "index", find_model())
        with Index.open(tmp_path / "index") as index:
            assert index.ask("How big was the dose?").searched["documents"] == 4
    import_openvino.cache_clear()
    assert "going on without the cross-encoder: OpenVINO is missing" in caplog.text
