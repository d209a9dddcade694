"""Build, open, search and ask an index."""

import logging
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from time import perf_counter
from typing import Self

from ketqa.abstain import answer_probability, decide, signals
from ketqa.answer import gather_evidence
from ketqa.build import PASSAGES, SENTENCES, STORE, WORDS, Progress, build_index, silent
from ketqa.dense import DenseIndex
from ketqa.encode import DEFAULT_MODEL, Encoder, Rows, SentenceEncoder, find_model
from ketqa.errors import IndexDamaged, IndexMismatch
from ketqa.fuse import best_first, weighted_sum
from ketqa.lexical import LexicalIndex
from ketqa.manifest import REBUILD, Manifest, current_build
from ketqa.query import build_query, check_question
from ketqa.reader import read, read_in_order
from ketqa.store import Store
from ketqa.types import Answer, Hit, Sentence

log = logging.getLogger(__name__)

# The best mean nDCG@10 over three public collections; benchmarks/retrieval.py, README.
DENSE_WEIGHT = 0.6
# How deep each retriever looks before their rankings are fused.
DEPTH = 100
# How many passages the reader looks into.
READ_PASSAGES = 20


class Index:
    """An index that is open for questions; safe to use from several threads.

    >>> index = Index.open("index")                            # doctest: +SKIP
    >>> index.ask("How long did relief last?").evidence[0].quote  # doctest: +SKIP
    """

    def __init__(
        self,
        build: Path,
        encoder: Encoder,
        *,
        dense_weight: float = DENSE_WEIGHT,
        reader: bool = True,
    ) -> None:
        """Open a finished build folder; ``Index.open`` finds it and its model.

        Args:
            build: The build's folder.
            encoder: The model that built it.
            dense_weight: The share of meaning, 0..1, in finding passages; words get the rest.
            reader: False leaves out the sentence reader: sentences rank as their passages.
        """
        manifest = Manifest.load(build)
        self.fingerprint = manifest.recipe.fingerprint
        self.store = Store(build / STORE)
        try:
            self.passage_vectors = DenseIndex.load(build / PASSAGES)
            self.sentence_vectors = DenseIndex.load(build / SENTENCES)
            self.words = LexicalIndex.load(build / WORDS)
        except (OSError, RuntimeError, ValueError) as error:
            raise IndexDamaged(f"{build}: cannot be opened ({error}); {REBUILD}") from None
        self.searched = {name: manifest.counts[name] for name in ("documents", "passages")}
        self._encoder = encoder
        self._dense_weight = dense_weight
        self._read = read if reader else read_in_order
        self._encoding = Lock()

    @classmethod
    def build(
        cls,
        corpus: str | Path,
        index: str | Path,
        *,
        model: str = DEFAULT_MODEL,
        progress: Progress = silent,
    ) -> Self:
        """Build an index of a folder, or update it, and open it.

        Raises:
            CorpusError: A document or ``sources.toml`` cannot be used.
            ModelError: There is no such model.
            IndexBusy: Another process is building in the same folder.
        """
        build_index(Path(corpus), Path(index), find_model(model, download=True), progress=progress)
        return cls.open(index)

    @classmethod
    def open(
        cls,
        index: str | Path = "index",
        *,
        model: str | None = None,
        dense_weight: float = DENSE_WEIGHT,
        reader: bool = True,
    ) -> Self:
        """Open an index.

        Args:
            index: Its folder.
            model: The embedding model's name or folder; as recorded where None.
            dense_weight: As for ``Index``.
            reader: As for ``Index``.

        Raises:
            IndexMissing: There is none.
            IndexMismatch: Another format of ketqa, or another model, built it.
            IndexDamaged: A file is gone or unreadable; ``verify_index`` checks them all.
            ModelError: Its model is not on this machine.
        """
        build = current_build(Path(index))
        recipe = Manifest.load(build).recipe
        found = find_model(model or recipe.model)
        if found.sha256 != recipe.model_sha256:
            raise IndexMismatch(
                f"{index}: built with model {recipe.model} ({recipe.model_sha256[:12]}), "
                f"opened with {found.name} ({found.sha256[:12]}); "
                f"{REBUILD} --model {found.name}"
            )
        return cls(build, SentenceEncoder(found), dense_weight=dense_weight, reader=reader)

    def close(self) -> None:
        """Let go of the files."""
        self.store.close()

    def __enter__(self) -> Self:
        """Return the index itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def search(self, question: str, k: int = 10) -> list[Hit]:
        """Return at most k passages that match, best first.

        Raises:
            QuestionError: The question is empty, too long, or not text.
        """
        query = check_question(question)
        return self.retrieve(query, self.encode(query), k)

    def ask(
        self,
        question: str,
        *,
        history: Sequence[str] = (),
        k: int = 5,
        min_confidence: float | None = None,
    ) -> Answer:
        """Answer a question with at most k quotes, or say that nothing here does.

        Args:
            question: In the person's own words.
            history: The earlier questions of the same chat, oldest first.
            k: The most quotes.
            min_confidence: Quote when the corpus answers with at least this probability,
                0..1, instead of the shipped threshold; 0 always quotes what lies nearest.

        Raises:
            QuestionError: The question is empty, too long, or not text.
        """
        if k < 1:
            raise ValueError(f"k must be at least 1, got {k}")
        start = perf_counter()
        query = build_query(question, history)
        row = self.encode(query)
        hits = self.retrieve(query, row, READ_PASSAGES)
        found = perf_counter()
        readings = self._read(query, row, self.candidates(hits), self.sentence_vectors, self.words)
        confidence = answer_probability(signals(query, readings, self.words))
        status = decide(confidence, min_confidence=min_confidence) if readings else "no_evidence"
        quotes = gather_evidence(readings, self.store, k=k, confidence=confidence)
        done = perf_counter()
        return Answer(
            question=question.strip(),
            query=query,
            status=status,
            confidence=confidence,
            evidence=quotes if status == "evidence" else (),
            related=quotes if status == "related" else (),
            searched=self.searched,
            timings_ms={
                "search": (found - start) * 1000,
                "read": (done - found) * 1000,
                "total": (done - start) * 1000,
            },
            index=self.fingerprint,
        )

    def encode(self, query: str) -> Rows:
        """Return the query's row, (dim,), of length 1."""
        with self._encoding:
            return self._encoder.encode_query(query)

    def retrieve(self, query: str, row: Rows, k: int) -> list[Hit]:
        """Return at most k passages by meaning and words together, best first."""
        near = self.passage_vectors.search(row, max(DEPTH, k)) if self._dense_weight else {}
        shared = self.words.search(query, max(DEPTH, k)) if self._dense_weight < 1 else {}
        fused = weighted_sum((near, shared), (self._dense_weight, 1 - self._dense_weight))
        best = best_first(fused, k)
        unseen = [number for number in best if number not in near]
        near |= dict(
            zip(unseen, map(float, self.passage_vectors.cosines(row, unseen)), strict=True)
        )
        return [
            self._hit(rank, number, fused[number], near[number], shared.get(number, 0.0))
            for rank, number in enumerate(best, start=1)
        ]

    def candidates(self, hits: Sequence[Hit]) -> list[tuple[Hit, Sentence]]:
        """Return every prose sentence of the passages found, with its passage."""
        return [
            (hit, sentence)
            for hit in hits
            for sentence in self.store.sentences(hit.passage.number)
            if sentence.kind == "prose"
        ]

    def _hit(self, rank: int, number: int, score: float, dense: float, lexical: float) -> Hit:
        passage = self.store.passage(number)
        source = self.store.document(passage.span.doc_id).source
        return Hit(rank, score, passage, source, dense, lexical)
