"""Words -> the texts that share most of them. The only file that knows tantivy.

Texts are folded and cut into stems here, on a copy; the engine only sees the stems, so
documents, questions and sentences are always read the same way.
"""

import json
import math
import os
import re
import shutil
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self, cast

import numpy as np
import numpy.typing as npt
import tantivy

from ketqa.fold import INVISIBLE, SINGLE
from ketqa.hyphens import join_broken

# Robertson & Zaragoza 2009; tantivy's own values, fixed there.
K1, B = 1.2, 0.75
FOLDED = dict.fromkeys(map(ord, SINGLE), "'") | dict.fromkeys(map(ord, f"\u00ad{INVISIBLE}"), "")
APOSTROPHE = re.compile(r"'s\b|(?<=\w)'(?=\w)")
# A decimal number is one word, so that 0.5 does not match every 5.
WORDS = r"[0-9]+(?:\.[0-9]+)*|[\p{L}\p{N}]+"
WRITER_BYTES = 128 << 20
# What tantivy keeps beside its segments; and ours, the number of each segment's first text.
META, MANAGED, STARTS = "meta.json", ".managed.json", "starts.json"
# What a word weighs that the person did not type: benchmarks/lexicon.py.
ADDED = 0.5

# The stems of a query with their weights, above 0.
Terms = Mapping[str, float]


@cache
def _analyzer() -> tantivy.TextAnalyzer:
    return (
        tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.regex(WORDS))
        .filter(tantivy.Filter.lowercase())
        .filter(tantivy.Filter.ascii_fold())
        .filter(tantivy.Filter.stopword("english"))
        .filter(tantivy.Filter.stemmer("english"))
        .build()
    )


@cache
def _stemmer() -> tantivy.TextAnalyzer:
    return (
        tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.regex(WORDS))
        .filter(tantivy.Filter.lowercase())
        .filter(tantivy.Filter.ascii_fold())
        .filter(tantivy.Filter.stemmer("english"))
        .build()
    )


def stems(text: str) -> list[str]:
    """Return the stems of a text's words, in order, English stop words left out."""
    folded = unicodedata.normalize("NFKC", join_broken(text).translate(FOLDED))
    return list(_analyzer().analyze(APOSTROPHE.sub("", folded)))


def root(word: str) -> str:
    """Return the stem of one word, stop word or not; its parts run together."""
    return "".join(_stemmer().analyze(word))


def weigh(query: str, added: str = "") -> Terms:
    """Return the stems of a query with their weights.

    Args:
        query: The person's own words; each counts 1 as often as it stands there.
        added: Words that mean the same; each counts ``ADDED``, unless it is there already.
    """
    own = Counter(stems(query))
    return dict.fromkeys(stems(added), ADDED) | dict(own)


class LexicalIndex:
    """BM25 over texts, numbered from 0 in the order they were built from."""

    def __init__(self, index: tantivy.Index, starts: Sequence[int] | None = None) -> None:
        """Wrap an index that ``build`` or ``join`` wrote; ``starts`` are its segments'."""
        self._searcher = index.searcher()
        self._starts = starts or [0] * self._searcher.num_segments
        self._schema = index.schema

    @classmethod
    def build(cls, texts: Iterable[str], folder: Path) -> Self:
        """Write an index of the texts into an empty folder and open it.

        Raises:
            OSError: The disk is full, or the folder may not be written.
        """
        folder.mkdir(parents=True)
        schema = (
            tantivy.SchemaBuilder()
            .add_integer_field("number", fast=True)
            .add_text_field("stems", tokenizer_name="whitespace", index_option="freq")
            .build()
        )
        try:
            index = tantivy.Index(schema, str(folder))
            # One thread keeps the texts in order, so that ties come out the same every time.
            writer = index.writer(WRITER_BYTES, num_threads=1)
            for number, text in enumerate(texts):
                writer.add_document(tantivy.Document(number=number, stems=" ".join(stems(text))))
            writer.commit()
            writer.wait_merging_threads()
            index.reload()
        except ValueError as error:  # the engine's word for all that goes wrong on the disk
            raise OSError(f"{folder}: {error}") from None
        for name in (META, MANAGED):  # the engine lets nobody but their owner read these
            table = (folder / name).read_bytes()
            (folder / name).unlink()
            (folder / name).write_bytes(table)
        return cls(index)

    @classmethod
    def join(cls, parts: Sequence[Path], folder: Path, share: Callable[[str, str], object]) -> Self:
        """Put what ``build`` wrote in several folders together in a new one, and open it.

        Its scores are those of one index of all their texts: tantivy counts words through all
        segments, and its segments never change, so that nothing is built again.

        Args:
            parts: Their folders, in the order of their texts.
            folder: The new one.
            share: Makes a file, its first argument, known under another name, its second.
        """
        folder.mkdir(parents=True)
        tables = [json.loads((part / META).read_text(encoding="utf-8")) for part in parts]
        sizes = [sum(one["max_doc"] for one in table["segments"]) for table in tables]
        segments, starts, files = [], [], [META]
        for part, table, start in zip(parts, tables, accumulate([0, *sizes]), strict=False):
            segments += table["segments"]
            starts += [start] * len(table["segments"])
            for one in table["segments"]:
                for file in sorted(part.glob(f"{one['segment_id'].replace('-', '')}.*")):
                    share(str(file), str(folder / file.name))
                    files.append(file.name)
        for name, table in (
            (META, {**tables[0], "segments": segments}),
            (MANAGED, files),
            (STARTS, starts),
        ):
            (folder / name).write_text(json.dumps(table), encoding="utf-8")
        return cls.load(folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Open what ``build`` or ``join`` wrote, or a copy where the folder may not be written."""
        starts = folder / STARTS
        first = json.loads(starts.read_text(encoding="utf-8")) if starts.exists() else None
        if os.access(folder, os.W_OK):
            return cls(tantivy.Index.open(str(folder)), first)
        # tantivy takes a lock in the folder even to read; what it maps outlives the copy
        with TemporaryDirectory() as copy:
            for file in folder.iterdir():
                shutil.copyfile(file, Path(copy, file.name))
            return cls(tantivy.Index.open(copy), first)

    def __len__(self) -> int:
        """Return how many texts there are."""
        return int(self._searcher.num_docs)

    def search(self, terms: Terms, k: int) -> dict[int, float]:
        """Return BM25 scores, all above 0, of at most k texts that share a word.

        Ties at the end of the list go to the lower number.
        """
        if not terms:
            return {}
        parts = [
            (tantivy.Occur.Should, tantivy.Query.boost_query(self._term(stem), weight))
            for stem, weight in terms.items()
        ]
        hits = self._searcher.search(tantivy.Query.boolean_query(parts), limit=k).hits
        numbers = self._numbers([address for _, address in hits])
        return {number: score for number, (score, _) in zip(numbers, hits, strict=True)}

    def having(self, stem: str) -> npt.NDArray[np.int64]:
        """Return the numbers of all texts that have a stem, (n,), sorted."""
        found = self._searcher.doc_freq("stems", stem)
        if not found:
            return np.empty(0, dtype=np.int64)
        query = tantivy.Query.term_query(self._schema, "stems", stem)
        addresses = [address for _, address in self._searcher.search(query, limit=found).hits]
        return np.sort(np.array(self._numbers(addresses), dtype=np.int64))

    def _numbers(self, addresses: list[tantivy.DocAddress]) -> list[int]:
        within = cast("list[int]", self._searcher.fast_field_values("number", addresses))
        return [
            self._starts[address.segment_ord] + number
            for number, address in zip(within, addresses, strict=True)
        ]

    def idf(self, stem: str) -> float:
        """Return how telling a stem is: the rarer in the corpus, the higher; above 0."""
        found = self._searcher.doc_freq("stems", stem)
        return math.log(1 + (len(self) - found + 0.5) / (found + 0.5))

    def best_possible(self, terms: Terms) -> float:
        """Return the BM25 score that no text can exceed for these terms."""
        return sum(weight * self.idf(stem) for stem, weight in terms.items()) * (K1 + 1)

    def score_texts(self, terms: Terms, texts: Sequence[str]) -> list[float]:
        """Return the BM25 score of texts outside the index, with the index's word rarity."""
        bags = [Counter(stems(text)) for text in texts]
        mean = sum(bag.total() for bag in bags) / max(1, len(bags)) or 1.0
        weights = [(stem, weight * self.idf(stem)) for stem, weight in terms.items()]
        return [
            sum(
                weight * bag[stem] * (K1 + 1) / (bag[stem] + K1 * (1 - B + B * bag.total() / mean))
                for stem, weight in weights
            )
            for bag in bags
        ]

    def _term(self, stem: str) -> tantivy.Query:
        return tantivy.Query.term_query(self._schema, "stems", stem)
