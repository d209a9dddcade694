"""One changed byte, anywhere that matters, is noticed and named."""

import os
import shutil
import sqlite3
from pathlib import Path

import pytest

from conftest import CORPUS
from ketqa.errors import IndexDamaged, IndexMismatch, IndexMissing, KetqaError
from ketqa.index import Index
from ketqa.manifest import CURRENT, ENCODER, FORMAT, MANIFEST, Manifest, current_build
from ketqa.tables import digest
from ketqa.verify import verify_index

pytestmark = pytest.mark.model


@pytest.fixture
def copy(index_folder: Path, tmp_path: Path) -> Path:
    return shutil.copytree(index_folder, tmp_path / "index")


def shard(index: Path) -> Path:
    """Return the one shard that the shipped documents are."""
    (found,) = (current_build(index) / "shards").iterdir()
    return found


def flip(file: Path, at: int) -> None:
    data = bytearray(file.read_bytes())
    data[at] ^= 1
    file.write_bytes(data)


def problems(index: Path, corpus: Path = CORPUS) -> str:
    return "\n".join(check.problem for check in verify_index(index, corpus) if check.problem)


def test_an_untouched_index_keeps_every_promise(index_folder: Path) -> None:
    checks = verify_index(index_folder, CORPUS)
    assert len(checks) == 6
    assert [check.problem for check in checks] == [""] * 6


def test_one_changed_byte_of_any_file_of_the_index_fails(index_folder: Path, copy: Path) -> None:
    build = current_build(copy)
    files = [path for path in build.rglob("*") if path.is_file() and path.suffix != ".lock"]
    assert len(files) >= 10
    for file in [*files, copy / CURRENT]:
        original = file.read_bytes()
        for at in {0, len(original) // 2, len(original) - 1}:
            flip(file, at)
            assert problems(copy), f"{file.name}, byte {at}: not noticed"
            file.write_bytes(original)
    assert problems(copy) == ""


def test_a_missing_file_is_named(copy: Path) -> None:
    (shard(copy) / "sentences" / "rows.faiss").unlink()
    assert "sentences/rows.faiss: is gone" in problems(copy)


def test_one_changed_byte_of_a_document_fails(index_folder: Path, tmp_path: Path) -> None:
    corpus = Path(shutil.copytree(CORPUS, tmp_path / "corpus"))
    flip(corpus / "medpage-today-stubborn-migraines.txt", 500)
    assert "its sha256 is" in problems(index_folder, corpus)
    (corpus / "sources.toml").unlink()
    assert "has changed; update with: ketqa index" in problems(index_folder, corpus)


def test_a_stored_text_changed_with_its_hashes_put_right_still_fails(copy: Path) -> None:
    build = current_build(copy)
    with sqlite3.connect(shard(copy) / "corpus.sqlite") as connection:
        connection.create_function("digest", 1, digest)
        connection.execute("UPDATE document SET text = replace(text, '3 weeks', '9 weeks')")
        connection.execute("UPDATE document SET digest = digest(text)")
    connection.close()
    manifest = Manifest.load(build)
    Manifest.of_build(manifest.recipe, manifest.counts, build).save(build)
    assert "the stored text is not the document's" in problems(copy)


def test_a_sentence_moved_with_its_hashes_put_right_still_fails(copy: Path) -> None:
    build = current_build(copy)
    with sqlite3.connect(shard(copy) / "corpus.sqlite") as connection:
        connection.execute("UPDATE sentence SET start = start - 9 WHERE number = 5")
    connection.close()
    manifest = Manifest.load(build)
    Manifest.of_build(manifest.recipe, manifest.counts, build).save(build)
    assert "sentence 5: " in problems(copy)


def rewrite(index: Path, old: str, new: str) -> None:
    manifest = current_build(index) / MANIFEST
    text = manifest.read_text(encoding="utf-8")
    assert old in text
    manifest.write_text(text.replace(old, new), encoding="utf-8")


def test_an_index_of_another_format_is_told_with_both_values(copy: Path) -> None:
    rewrite(copy, f'"format": {FORMAT}', '"format": 99')
    with pytest.raises(
        IndexMismatch, match=rf"format 99, this ketqa reads {FORMAT}; .*ketqa index"
    ):
        Index.open(copy)


def test_an_index_of_another_model_is_told_with_both_values(
    index_folder: Path, tmp_path: Path
) -> None:
    from ketqa.models import find_model

    model = Path(shutil.copytree(find_model().path, tmp_path / "other"))
    (model / "tokenizer_config.json").write_text("{}")
    with pytest.raises(
        IndexMismatch, match=r"built with model ketqa-adapted \(\w{12}\), opened with .*other"
    ):
        Index.open(index_folder, model=str(model))


@pytest.mark.parametrize(
    "name",
    [
        "corpus.sqlite",
        "words/meta.json",
        "questions/rows.faiss",
        "shards/*/corpus.sqlite",
        "shards/*/passages/rows.faiss",
    ],
)
def test_a_damaged_file_is_told_when_opening(copy: Path, name: str) -> None:
    (file,) = current_build(copy).glob(name)
    file.write_bytes(b"nothing of use")
    with pytest.raises(IndexDamaged, match="ketqa index"):
        Index.open(copy)


def test_one_changed_byte_of_the_encoder_is_told_when_opening(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of an index too large to be read whole, with the time of the file put back."""
    monkeypatch.setattr("ketqa.manifest.READ_WHOLE", 0)
    [file] = (current_build(copy) / ENCODER).glob("*.bin")
    flip(file, file.stat().st_size // 2)
    os.utime(file, (0, 0))
    with pytest.raises(IndexDamaged, match=f"{file.name}: was changed after it was built"):
        Index.open(copy)


def test_a_folder_without_an_index_is_told(tmp_path: Path) -> None:
    with pytest.raises(IndexMissing, match="no index here; build one with: ketqa index"):
        Index.open(tmp_path)
    (tmp_path / CURRENT).write_text("../../etc\n")
    with pytest.raises(KetqaError, match="names no build that is here"):
        Index.open(tmp_path)
