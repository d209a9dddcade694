"""Rows -> the nearest texts. The only file that knows FAISS."""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import faiss
import numpy as np

from ketqa.encode import Rows, unit

ROWS, CENTRE = "rows.faiss", "centre.npy"


class DenseIndex:
    """Exact search by cosine over rows of length 1; text i is row i."""

    def __init__(self, index: faiss.Index, centre: Rows) -> None:
        """Wrap a FAISS index of rows and their (dim,) mean."""
        self._index = index
        self.centre = centre

    @classmethod
    def build(cls, rows: Rows) -> Self:
        """Index (n, dim) float32 rows of length 1."""
        index = faiss.IndexFlatIP(rows.shape[1])
        index.add(rows)
        return cls(index, np.asarray(rows.mean(axis=0), dtype=np.float32))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Open what ``save`` wrote."""
        return cls(faiss.read_index(str(folder / ROWS)), np.load(folder / CENTRE))

    def save(self, folder: Path) -> None:
        """Write the rows and their centre into a new folder."""
        folder.mkdir(parents=True)
        faiss.write_index(self._index, str(folder / ROWS))
        np.save(folder / CENTRE, self.centre)

    def __len__(self) -> int:
        """Return how many rows there are."""
        return int(self._index.ntotal)

    def search(self, query: Rows, k: int) -> dict[int, float]:
        """Return the cosines of the k nearest texts, for a (dim,) query of length 1."""
        cosines, numbers = self._index.search(query[None, :], min(k, len(self)))
        return {int(n): float(s) for n, s in zip(numbers[0], cosines[0], strict=True)}

    def cosines(self, query: Rows, numbers: Sequence[int]) -> Rows:
        """Return the cosines of the given texts, (len(numbers),)."""
        return np.asarray(self.rows(numbers) @ query, dtype=np.float32)

    def contrast(self, query: Rows, numbers: Sequence[int]) -> Rows:
        """Return how near the given texts are, beside the corpus as a whole.

        An encoder puts all texts of a narrow corpus into one corner of its space, and what
        they have in common drowns what tells them apart. Here the mean row is taken out:
        ``unit(query - centre) @ (row - centre)``, (len(numbers),). After Mu & Viswanath
        (ICLR 2018), without their scaling of the rows, which tells sentences apart worse.
        Whole passages are told apart better by the plain cosine.
        """
        rows = self.rows(numbers) - self.centre
        return np.asarray(rows @ unit(query - self.centre), dtype=np.float32)

    def rows(self, numbers: Sequence[int]) -> Rows:
        """Return the rows of the given texts, (len(numbers), dim)."""
        rows: Rows = self._index.reconstruct_batch(np.asarray(numbers, dtype=np.int64))
        return rows
