"""A damaged index says so, or quotes its documents word for word; nothing in between."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT, TopicEncoder, write_corpus
from damage import QUESTIONS, TOPICS, Damage, damaged, files_of, make_index, outcome, try_damage
from ketqa.build import build_index
from ketqa.errors import IndexDamaged
from ketqa.index import Index
from ketqa.manifest import Manifest, current_build


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_index(tmp_path_factory.mktemp("damage"))


def test_damage_to_any_file_is_named_and_never_gives_a_wrong_quote(index: Path) -> None:
    times = 3 * len(files_of(index))
    assert try_damage(index, times, seed=1)["told"] > 0.9 * times
    assert outcome(index) == "right"


def test_the_longer_run_is_one_command() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tests" / "damage.py", "--times", "5", "--seed", "3"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("5 damages, seed 3: ")


def store_of(index: Path) -> Path:
    (file,) = current_build(index).glob("shards/*/corpus.sqlite")
    return file


def change(index: Path, statement: str) -> None:
    with sqlite3.connect(store_of(index)) as connection:
        connection.execute(statement)
    connection.close()


def ask_all(opened: Index) -> None:
    for question in QUESTIONS:
        opened.ask(question, min_confidence=0)


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE document SET text = replace(text, 'half', 'nine')", "its stored text was changed"),
        ("UPDATE sentence SET start = start + 3", "is not where it was cut"),
    ],
)
def test_no_quote_is_cut_from_a_store_that_changed_unnoticed(
    tmp_path: Path, statement: str, told: str
) -> None:
    """As in an index too large to be read whole whenever it is opened."""
    index = make_index(tmp_path)
    change(index, statement)
    with (
        Index(current_build(index), TopicEncoder()) as opened,
        pytest.raises(IndexDamaged, match=told),
    ):
        ask_all(opened)


def test_a_store_that_is_damaged_while_it_is_open_is_told(tmp_path: Path) -> None:
    index = make_index(tmp_path)
    with Index(current_build(index), TopicEncoder()) as opened:
        file = store_of(index)
        data = file.read_bytes()
        file.write_bytes(data[:4096] + b"\xff" * (len(data) - 4096))
        with pytest.raises(IndexDamaged, match="cannot be read .*malformed.*ketqa index"):
            ask_all(opened)


def test_of_a_large_index_what_nobody_wrote_to_is_trusted(
    index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = current_build(index)
    (rows,) = build.glob("shards/*/passages/rows.faiss")
    manifest = Manifest.load(build)

    def look() -> str:
        try:
            manifest.check_files(build, quick=True)
        except IndexDamaged as error:
            return str(error)
        return ""

    def look_after_a_touch() -> str:
        os.utime(rows)
        return look()

    bit = Damage("bit", 90)
    assert "rows.faiss: was changed" in damaged(rows, bit, look)
    monkeypatch.setattr("ketqa.manifest.READ_WHOLE", 0)
    assert damaged(rows, bit, look) == ""
    assert "rows.faiss: was changed" in damaged(rows, bit, look_after_a_touch)


def test_an_update_takes_nothing_over_from_a_damaged_index(tmp_path: Path) -> None:
    index = make_index(tmp_path)
    (rows,) = current_build(index).glob("shards/*/sentences/rows.faiss")
    data, times = rows.read_bytes(), rows.stat()
    rows.write_bytes(Damage("bit", len(data) - 3)(data))
    os.utime(rows, ns=(times.st_atime_ns, times.st_mtime_ns))
    write_corpus(tmp_path / "corpus", {"more.txt": "The dose fell.\n"})
    for folder in ("index", "scratch"):
        build_index(
            tmp_path / "corpus", tmp_path / folder, TOPICS, tokens=8, encoder=TopicEncoder()
        )
    ours, theirs = (
        {
            name: one
            for name, one in Manifest.load(current_build(tmp_path / folder)).files.items()
            if name.endswith("rows.faiss")
        }
        for folder in ("index", "scratch")
    )
    assert ours == theirs
