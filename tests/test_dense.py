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
    assert found[3] == pytest.approx(1)


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
    assert np.array_equal(loaded.rows([4, 2]), rows[[4, 2]])
    assert np.array_equal(loaded.centre, dense.centre)
