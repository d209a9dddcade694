import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ketqa.dense import DenseIndex
from ketqa.encode import Rows, unit


@pytest.fixture
def rows() -> Rows:
    return unit(np.random.default_rng(7).normal(size=(50, 8)).astype(np.float32))


def test_search_agrees_with_brute_force(rows: Rows) -> None:
    cosines = rows @ rows[3]
    expected = sorted(range(50), key=lambda n: -cosines[n])[:5]
    found = DenseIndex.build(rows).search(rows[3], 5)
    assert list(found) == expected
    assert found[3] == pytest.approx(1, abs=1e-3)


def test_search_returns_no_more_than_there_is(rows: Rows) -> None:
    assert len(DenseIndex.build(rows[:2]).search(rows[0], 10)) == 2


def test_contrast_is_worked_out_by_hand() -> None:
    dense = DenseIndex.build(np.array([[1, 0], [0, 1]], np.float32))
    # centre (.5, .5); query - centre = (.5, -.5), of length 1: (.7071, -.7071)
    assert dense.contrast(np.array([1, 0], np.float32), [0, 1]) == pytest.approx(
        [0.7071, -0.7071], abs=1e-4
    )


def test_what_was_saved_comes_back(rows: Rows, tmp_path: Path) -> None:
    dense = DenseIndex.build(rows)
    dense.save(tmp_path / "dense")
    loaded = DenseIndex.load(tmp_path / "dense")
    assert loaded.rows([4, 2]) == pytest.approx(rows[[4, 2]], abs=1e-3)
    assert np.array_equal(loaded.rows([4, 2]), dense.rows([4, 2]))
    assert np.array_equal(loaded.centre, dense.centre)


def test_rows_that_come_back_are_indexed_as_before(rows: Rows) -> None:
    dense = DenseIndex.build(rows)
    again = DenseIndex.build(dense.rows(range(50)))
    assert np.array_equal(again.rows(range(50)), dense.rows(range(50)))
    assert np.array_equal(again.centre, dense.centre)


def test_many_rows_are_searched_by_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(3)
    topics = random.normal(size=(100, 16))
    spread = random.normal(size=(4000, 16)) / 2
    rows = unit((topics[random.integers(100, size=4000)] + spread).astype(np.float32))
    queries = unit((topics + spread[:100]).astype(np.float32))
    exact = DenseIndex.build(rows)
    monkeypatch.setattr("ketqa.dense.EXACT", 1000)
    DenseIndex.build(rows).save(tmp_path / "lists")
    dense = DenseIndex.load(tmp_path / "lists")
    assert len(dense) == 4000
    assert np.array_equal(dense.rows([3999, 0]), exact.rows([3999, 0]))
    found, truth = ([index.search(query, 10) for query in queries] for index in (dense, exact))
    shared = [len(ours.keys() & right.keys()) for ours, right in zip(found, truth, strict=True)]
    assert sum(shared) >= 0.97 * 1000
    for ours, right in zip(found, truth, strict=True):
        for number in ours.keys() & right.keys():
            assert ours[number] == pytest.approx(right[number], abs=1e-6)
    looked_up = DenseIndex.build(rows, lists_above=len(rows))
    assert looked_up.search(queries[0], 10) == exact.search(queries[0], 10)


def test_parts_are_searched_as_one(
    rows: Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, part in (("a", rows[:20]), ("b", rows[20:21]), ("c", rows[21:])):
        DenseIndex.build(part, lists_above=5).save(tmp_path / name)
    folders = [tmp_path / name for name in "abc"]
    whole, parts = DenseIndex.build(rows), DenseIndex.load(*folders)
    assert len(parts) == 50
    assert np.array_equal(parts.rows([49, 0, 20, 21]), whole.rows([49, 0, 20, 21]))
    assert parts.centre == pytest.approx(whole.centre, abs=1e-6)
    # few as they are, all lists are searched, and the rows come as from one part
    for query in rows:
        assert list(parts.search(query, 10)) == list(whole.search(query, 10))
    one, other = DenseIndex.build(rows[:20]), DenseIndex.build(rows[:20])
    one.save(tmp_path / "d")
    other.save(tmp_path / "e")
    twice = DenseIndex.load(tmp_path / "d", tmp_path / "e")
    assert list(twice.search(rows[7], 2)) == [7, 27]  # a tie goes to the lower number


def test_lists_are_searched_in_part_only_above_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = unit(np.random.default_rng(5).normal(size=(3000, 8)).astype(np.float32))
    DenseIndex.build(rows, lists_above=100).save(tmp_path / "a")
    exact, found = DenseIndex.build(rows), DenseIndex.load(tmp_path / "a")
    assert all(found.search(row, 10) == exact.search(row, 10) for row in rows[:50])
    monkeypatch.setattr("ketqa.dense.EXACT", 100)
    some = DenseIndex.load(tmp_path / "a")
    assert any(some.search(row, 3000).keys() != exact.search(row, 3000).keys() for row in rows[:9])


COUNT_THREADS = """
import os, sys
from pathlib import Path
import faiss, numpy
from ketqa.dense import DenseIndex

dense = DenseIndex.load(Path(sys.argv[1]))
faiss.omp_set_num_threads(2)
before = len(os.listdir("/proc/self/task"))
dense.search(numpy.ones(8, numpy.float32), 5)
dense.rows(range(50))
print(len(os.listdir("/proc/self/task")) - before, faiss.omp_get_max_threads())
"""


def test_a_search_starts_no_threads_and_leaves_those_of_a_build_alone(
    rows: Rows, tmp_path: Path
) -> None:
    DenseIndex.build(rows).save(tmp_path / "dense")
    command = [sys.executable, "-c", COUNT_THREADS, str(tmp_path / "dense")]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said.split() == ["0", "2"]
