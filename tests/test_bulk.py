"""Shards made on a real Ray, on this machine: the same index, though a worker is killed."""

import os
import signal
from pathlib import Path

import pytest

from conftest import CORPUS, write_corpus
from ketqa.build import build_index
from ketqa.cli import main
from ketqa.cluster import bulk
from ketqa.cluster.bulk import Workers, make_shards
from ketqa.corpus import load_corpus
from ketqa.errors import KetqaError
from ketqa.manifest import BUILDS, SHARDS, Manifest, current_build
from ketqa.models import ModelFolder, find_adapted
from ketqa.verify import verify_index

pytest.importorskip("ray", reason="Ray is not installed: pip install 'ketqa[ray]'")
# Ray warns of its own settings as it reads them, and leaves sockets to the end of the process.
pytestmark = [
    pytest.mark.model,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

DOCUMENTS = 12


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Documents each of which is a shard."""
    monkeypatch.setattr("ketqa.shards.CHARACTERS", 1)
    text = (CORPUS / "medpage-today-stubborn-migraines.txt").read_text(encoding="utf-8")
    size = len(text) // DOCUMENTS
    parts = {f"{n:02}.txt": text[n * size : (n + 1) * size] for n in range(DOCUMENTS)}
    return write_corpus(tmp_path / "corpus", parts)


@pytest.fixture
def model() -> ModelFolder:
    found = find_adapted([one.source.sha256 for one in load_corpus(CORPUS)])
    assert found
    return found


def shards_made(index: Path) -> list[Path]:
    return sorted((index / BUILDS).glob(f"ray-*/{SHARDS}/[0-9a-f]*"))


def workers_alive() -> list[int]:
    """Return the processes that make shards, by their titles."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            title = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if title.startswith(b"ray::") and b"ShardMaker" in title:
            found.append(int(process.name))
    return found


def test_every_passage_is_there_once_though_a_worker_is_killed(
    corpus: Path, model: ModelFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index, plain = tmp_path / "index", tmp_path / "plain"
    killed: list[int] = []

    def kill(stage: str, done: int, total: int) -> None:
        assert (stage, total) == ("shards on Ray", DOCUMENTS)
        if done == 2:
            killed.extend(workers_alive()[:1])
            os.kill(killed[0], signal.SIGKILL)

    made = make_shards(corpus, index, model, workers=Workers(actors=2), progress=kill)
    assert (made, len(killed), len(shards_made(index))) == (DOCUMENTS, 1, DOCUMENTS)
    assert make_shards(corpus, index, model, workers=Workers(actors=2)) == 0
    monkeypatch.setattr("ketqa.build.make_shard", None)  # nothing is left to be made
    build_index(corpus, index, model)
    monkeypatch.undo()
    monkeypatch.setattr("ketqa.shards.CHARACTERS", 1)
    assert not [check for check in verify_index(index, corpus) if check.problem]
    build_index(corpus, plain, model)
    one, other = (Manifest.load(current_build(folder)) for folder in (index, plain))
    assert (one.recipe, one.counts) == (other.recipe, other.counts)
    assert same_rows(one, other)


def same_rows(one: Manifest, other: Manifest) -> bool:
    """Tell whether documents, passages and rows are the same, byte for byte."""
    kept = {name for name in one.files if name.endswith((".faiss", "centre.npy"))}
    return bool(kept) and all(one.files[name] == other.files[name] for name in kept)


def test_what_was_made_before_it_was_stopped_is_not_made_again(
    corpus: Path, model: ModelFolder, tmp_path: Path
) -> None:
    index = tmp_path / "index"

    def stop(_: str, done: int, __: int) -> None:
        if done == DOCUMENTS // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_shards(corpus, index, model, workers=Workers(actors=1), progress=stop)
    assert len(shards_made(index)) == DOCUMENTS // 2
    rest = make_shards(corpus, index, model, workers=Workers(actors=1))
    assert rest == DOCUMENTS - DOCUMENTS // 2


def test_a_ray_that_is_not_there_is_told(corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = main(["index", "--corpus", str(corpus), "--index", str(corpus / "i"), "--ray", "127.0.0.1:1"])  # fmt: skip
    assert told == 1
    assert "--ray 127.0.0.1:1: no Ray answers there" in capsys.readouterr().err


def test_no_ray_is_told_with_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(KetqaError, match=r"pip install 'ketqa\[ray\]'"):
        bulk.import_ray()
