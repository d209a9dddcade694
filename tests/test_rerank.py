import shutil
from pathlib import Path

import pytest
import torch
from sentence_transformers import CrossEncoder

from ketqa.build import build_index
from ketqa.errors import ModelError
from ketqa.index import Index
from ketqa.models import DEFAULT_MODEL, find_model
from ketqa.opening import Stages
from ketqa.query import Query

pytestmark = pytest.mark.model

QUESTION = "How long did relief last?"


@pytest.fixture(scope="module")
def cross_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real cross-encoder, untaught: its scores mean nothing, but are always the same."""
    torch.manual_seed(1)
    folder = tmp_path_factory.mktemp("reader") / "cross"
    CrossEncoder(str(find_model().path), num_labels=1, device="cpu").save(str(folder))
    return folder


def test_it_puts_the_best_sentences_in_its_own_order(
    index: Index, index_folder: Path, cross_encoder: Path
) -> None:
    with Index.open(index_folder, stages=Stages(reader=str(cross_encoder))) as other:
        asked = other.prepare(Query(QUESTION))
        ours, theirs = index.read(asked), other.read(asked)
        answer, before = other.ask(QUESTION), index.ask(QUESTION)
    texts = [reading.sentence.text for reading in theirs[:30]]
    scores = CrossEncoder(str(cross_encoder), device="cpu").predict(
        [(QUESTION, text) for text in texts], show_progress_bar=False
    )
    assert list(scores) == pytest.approx(sorted(scores, reverse=True), abs=1e-4)
    numbers = [[reading.sentence.number for reading in readings] for readings in (ours, theirs)]
    assert numbers[0][:30] != numbers[1][:30]
    assert set(numbers[0][:30]) == set(numbers[1][:30])
    assert numbers[0][30:] == numbers[1][30:]
    # how sure it is does not move: an unknown model's scores are not probabilities
    assert [reading.logit for reading in theirs] == [reading.logit for reading in ours]
    assert answer.confidence == before.confidence


def test_what_is_no_cross_encoder_is_told(index_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is no cross-encoder"):
        Index.open(index_folder, stages=Stages(reader=DEFAULT_MODEL))
    shutil.copytree(find_model().path, tmp_path / "model")
    (tmp_path / "model" / "config.json").write_text("{")
    with pytest.raises(ModelError, match=r"config.json cannot be read"):
        Index.open(index_folder, stages=Stages(reader=str(tmp_path / "model")))


def test_nothing_found_is_nothing_read(tmp_path: Path, cross_encoder: Path) -> None:
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "a.txt").write_text("Is this a question?\n")
    build_index(tmp_path / "corpus", tmp_path / "index")
    with Index.open(tmp_path / "index", stages=Stages(reader=str(cross_encoder))) as opened:
        assert opened.ask("What is this?").status == "no_evidence"
