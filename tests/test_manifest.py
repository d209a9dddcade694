"""An index is the files that its manifest names, byte for byte, and no others."""

import os
from pathlib import Path

import pytest

from ketqa import manifest
from ketqa.errors import IndexDamaged
from ketqa.manifest import ENCODER, FORMAT, MANIFEST, Manifest, Recipe

RECIPE = Recipe(FORMAT, "a model", "0" * 64, 8, {}, [], {}, "")
MODEL = f"{ENCODER}/model.bin"


@pytest.fixture
def build(tmp_path: Path) -> Path:
    (tmp_path / ENCODER).mkdir()
    (tmp_path / MODEL).write_bytes(b"numbers")
    (tmp_path / "words.txt").write_bytes(b"words")
    Manifest.of_build(RECIPE, {"documents": 1}, tmp_path).save(tmp_path)
    return tmp_path


def check(build: Path, *, quick: bool = False) -> None:
    Manifest.load(build).check_files(build, quick=quick)


def test_a_file_that_was_changed_is_named(build: Path) -> None:
    check(build)
    (build / "words.txt").write_bytes(b"swords")
    with pytest.raises(IndexDamaged, match=r"words\.txt: was changed after it was built"):
        check(build)


def test_a_file_that_is_gone_is_named(build: Path) -> None:
    (build / "words.txt").unlink()
    with pytest.raises(IndexDamaged, match=r"words\.txt: is gone"):
        check(build)


def test_a_file_that_was_added_is_named(build: Path) -> None:
    (build / "more.txt").write_bytes(b"more")
    with pytest.raises(IndexDamaged, match=r"more\.txt: does not belong to the index"):
        check(build)


def test_a_manifest_that_was_changed_is_not_believed(build: Path) -> None:
    file = build / MANIFEST
    file.write_bytes(file.read_bytes().replace(b'"documents": 1', b'"documents": 2'))
    with pytest.raises(IndexDamaged, match="was changed after it was written"):
        check(build)


def test_a_model_is_compared_even_where_the_time_of_its_file_says_nothing(
    build: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manifest, "READ_WHOLE", 0)
    file = build / MODEL
    file.write_bytes(b"other numbers")
    os.utime(file, (0, 0))
    with pytest.raises(IndexDamaged, match=f"{MODEL}: was changed after it was built"):
        check(build, quick=True)
