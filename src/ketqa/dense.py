"""Rows -> the nearest texts. The only file that knows FAISS."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, Self

import faiss
import numpy as np

from ketqa.encode import Rows, unit

ROWS, CENTRE = "rows.faiss", "centre.npy"
HALF = faiss.ScalarQuantizer.QT_fp16
# Up to this many rows a query is compared with every one: about 3 ms on 2 cores.
EXACT = 100_000
# Of more, with those in the nearest lists only: as many as it takes to find this share of the
# true 10 nearest, measured when the index is built.
RECALL, NEAREST = 0.99, 10
LIST_SAMPLE, PROBES, SEED = 48, 256, 0


class Nearest(Protocol):
    """What finds texts by their rows, here or on a server."""

    def search(self, query: Rows, k: int) -> dict[int, float]:
        """Return the cosines of the k nearest texts, for a (dim,) query of length 1."""
        ...

    def cosines(self, query: Rows, numbers: Sequence[int]) -> Rows:
        """Return the cosines of the given texts, (len(numbers),)."""
        ...


class DenseIndex:
    """Search by cosine over rows of length 1; text i is row i.

    Rows are kept in half precision, and are read from the disk where they are needed. Up to
    ``EXACT`` of them the search is exact, above that over inverted files (Sivic & Zisserman
    2003; Johnson et al. 2017) of whole rows, so that the cosines are exact in any case. The
    rows of a corpus may lie in several parts, one a shard, that are searched one by one.
    """

    def __init__(self, parts: Sequence[faiss.Index], centres: Sequence[Rows]) -> None:
        """Wrap FAISS indexes of rows, and the (dim,) mean of each."""
        self._parts = parts
        self._starts = np.cumsum([0, *(part.ntotal for part in parts)])
        sizes = [part.ntotal for part in parts]
        mean = centres[0] if len(parts) == 1 else np.average(centres, axis=0, weights=sizes)
        self.centre: Rows = np.asarray(mean, dtype=np.float32)

    @classmethod
    def build(cls, rows: Rows, *, lists_above: int | None = None) -> Self:
        """Index rows.

        Args:
            rows: (n, dim) float32, of length 1.
            lists_above: Sort more rows than this into lists, ``EXACT`` where None.
        """
        count, dim = rows.shape
        halves = rows.astype(np.float16).astype(np.float32)
        index: faiss.Index = faiss.IndexScalarQuantizer(dim, HALF, faiss.METRIC_INNER_PRODUCT)
        index.add(halves)
        if count > (EXACT if lists_above is None else lists_above):
            index = _with_lists(halves, exact=index)
        return cls([index], [np.asarray(halves.mean(axis=0), dtype=np.float32)])

    @classmethod
    def load(cls, *folders: Path) -> Self:
        """Open what ``save`` wrote, several parts as one."""
        parts = [faiss.read_index(str(one / ROWS), faiss.IO_FLAG_MMAP_IFC) for one in folders]
        index = cls(parts, [np.load(one / CENTRE) for one in folders])
        for part in parts:
            if isinstance(part, faiss.IndexIVF) and len(index) <= EXACT:
                part.nprobe = part.nlist  # all lists: exact
        return index

    def save(self, folder: Path) -> None:
        """Write the rows and their centre, in one part, into a new folder.

        Raises:
            OSError: The disk is full, or the folder may not be written.
        """
        (index,) = self._parts
        folder.mkdir(parents=True)
        try:
            faiss.write_index(index, str(folder / ROWS))
        except RuntimeError as error:
            raise OSError(f"{folder / ROWS}: {error}") from None
        np.save(folder / CENTRE, self.centre)

    def __len__(self) -> int:
        """Return how many rows there are."""
        return int(self._starts[-1])

    def search(self, query: Rows, k: int) -> dict[int, float]:
        """Return the cosines of the k nearest texts, for a (dim,) query of length 1."""
        found: list[tuple[float, int]] = []
        for start, part in zip(self._starts, self._parts, strict=False):
            with _one_thread():
                cosines, numbers = part.search(query[None, :], min(k, part.ntotal))
            found += [
                (float(cosine), int(start + number))
                for cosine, number in zip(cosines[0], numbers[0], strict=True)
                if number >= 0
            ]
        if len(self._parts) > 1:
            found.sort(key=lambda one: (-one[0], one[1]))
        return {number: cosine for cosine, number in found[:k]}

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
        wanted = np.asarray(numbers, dtype=np.int64)
        rows = np.empty((len(wanted), len(self.centre)), np.float32)
        parts = np.searchsorted(self._starts, wanted, side="right") - 1
        for part in np.unique(parts):
            here = parts == part
            with _one_thread():
                rows[here] = self._parts[part].reconstruct_batch(wanted[here] - self._starts[part])
        return rows


@contextmanager
def _one_thread() -> Iterator[None]:
    """Have FAISS start no threads: one query is work for one, and the others would spin.

    They take the cores from the encoder and the cross-encoder: an answer took twice as long.
    """
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(threads)


def _with_lists(rows: Rows, exact: faiss.Index) -> faiss.Index:
    """Sort rows into 4 sqrt(n) lists, of which as many are searched as ``RECALL`` takes."""
    count, dim = rows.shape
    lists = min(count, int(4 * count**0.5))
    centres = faiss.IndexFlatIP(dim)
    index = faiss.IndexIVFScalarQuantizer(centres, dim, lists, HALF, faiss.METRIC_INNER_PRODUCT)
    index.by_residual = False
    index.cp.min_points_per_centroid, index.cp.max_points_per_centroid = 1, LIST_SAMPLE
    random = np.random.default_rng(SEED)
    index.train(rows[random.choice(count, min(count, lists * LIST_SAMPLE), replace=False)])
    index.add(rows)
    index.make_direct_map(True)
    # points between three texts lie as far from any text as questions do, or farther
    probes = unit(rows[random.choice(count, (PROBES, 3))].mean(axis=1))
    truth = exact.search(probes, NEAREST)[1]
    index.nprobe = max(16, lists // 32)
    while index.nprobe < lists:
        found = index.search(probes, NEAREST)[1]
        shared = [len(set(ours) & set(right)) for ours, right in zip(found, truth, strict=True)]
        if sum(shared) >= RECALL * truth.size:
            break
        index.nprobe = min(lists, 2 * index.nprobe)
    return index
