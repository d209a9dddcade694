"""Whatever was trained, and the words it goes with, is what was shipped, to the last byte."""

import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import CORPUS
from ketqa import models, shipped
from ketqa.corpus import load_corpus
from ketqa.cross import CROSS_PATH, compile_cross
from ketqa.errors import ModelError
from ketqa.lexicon import _shipped as read_words
from ketqa.models import ADAPTED_PATH, find_adapted
from ketqa.notices.classify import _weights
from ketqa.reader import load_weights
from ketqa.shipped import PACKAGE, list_shipped
from ketqa.spelling import _right

# What is loaded first of each file; what it returns is kept, so it is asked without that.
LOADED: dict[str, Callable[[], object]] = {
    "lexicons/de.toml": lambda: read_words.__wrapped__("de"),
    "lexicons/en.toml": lambda: read_words.__wrapped__("en"),
    "lexicons/es.toml": lambda: read_words.__wrapped__("es"),
    "lexicons/fr.toml": lambda: read_words.__wrapped__("fr"),
    "lexicons/it.toml": lambda: read_words.__wrapped__("it"),
    "lexicons/pt.toml": lambda: read_words.__wrapped__("pt"),
    "medical.txt": _right.__wrapped__,
    "weights/fused.json": lambda: load_weights.__wrapped__("fused"),
    "weights/notices.npz": lambda: _weights.__wrapped__("rows"),
    "weights/plain.json": lambda: load_weights.__wrapped__("plain"),
    "weights/questions.json": lambda: load_weights.__wrapped__("questions"),
}


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of what is shipped, in the package's place."""
    folder = tmp_path / "package"
    for name in list_shipped():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(PACKAGE / name, folder / name)
    monkeypatch.setattr(shipped, "PACKAGE", folder)
    monkeypatch.setattr(models, "ADAPTED_PATH", folder / "adapted")
    return folder


def test_every_file_of_trained_numbers_has_a_hash_that_is_checked_at_load() -> None:
    adapted = {f"adapted/{path.relative_to(ADAPTED_PATH)}" for path in ADAPTED_PATH.rglob("*.*")}
    crossed = {f"crossed/{path.name}" for path in CROSS_PATH.iterdir()}
    assert set(list_shipped()) == set(LOADED) | adapted | crossed


@pytest.mark.parametrize("name", LOADED)
def test_one_changed_byte_of_a_file_is_told_and_nothing_is_loaded(copy: Path, name: str) -> None:
    assert LOADED[name]() is not None
    data = bytearray((copy / name).read_bytes())
    data[len(data) // 2] ^= 1
    (copy / name).write_bytes(data)
    with pytest.raises(ModelError, match=f"{name}: is gone, or not the file that came with ketqa"):
        LOADED[name]()
    (copy / name).unlink()
    with pytest.raises(ModelError, match="mend it with: pip install --force-reinstall"):
        LOADED[name]()


@pytest.mark.parametrize(
    "name", ["adapter.json", "adapter.safetensors", "weights.json", "modules.json"]
)
def test_one_changed_byte_of_the_adapted_model_and_the_base_does_in_its_place(
    copy: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    documents = [document.source.sha256 for document in load_corpus(CORPUS)]
    assert find_adapted(documents)
    file = copy / "adapted" / name
    # a blank more is the same JSON, and other bytes
    file.write_bytes(file.read_bytes() + b" ")
    with caplog.at_level(logging.WARNING):
        assert find_adapted(documents) is None
    assert f"{name}: is gone, or not the file that" in caplog.text


@pytest.mark.parametrize("name", ["adapter.json", "adapter.safetensors"])
def test_one_changed_byte_of_the_cross_encoder_is_told_before_it_is_compiled(
    copy: Path, name: str
) -> None:
    file = copy / "crossed" / name
    file.write_bytes(file.read_bytes() + b" ")
    with pytest.raises(ModelError, match=f"{name}: is gone, or not the file that"):
        compile_cross(copy / "crossed", copy / "compiled")
