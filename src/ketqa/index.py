"""Build, open, search and ask an index."""

import logging
from collections.abc import Sequence, Set
from pathlib import Path
from threading import Lock
from time import perf_counter
from typing import Self

from ketqa.abstain import answer_probability, decide, quote_probability, signals
from ketqa.answer import gather_evidence
from ketqa.build import (
    ENCODER,
    PASSAGES,
    QUESTION_WORDS,
    QUESTIONS,
    SENTENCES,
    STORE,
    WORDS,
    Progress,
    build_index,
    silent,
)
from ketqa.compiled import CompiledEncoder
from ketqa.dense import DenseIndex
from ketqa.encode import Encoder, Rows, SentenceEncoder
from ketqa.errors import IndexDamaged, IndexMismatch, ModelError
from ketqa.lexical import LexicalIndex
from ketqa.manifest import REBUILD, Manifest, Recipe, current_build
from ketqa.match import NO_MATCHES, Matches, QuestionIndex
from ketqa.models import ADAPTED, ModelFolder, find_model
from ketqa.notices import classify, notice_for
from ketqa.query import build_query, check_question
from ketqa.reader import (
    Asked,
    Engines,
    Reader,
    Reading,
    Weights,
    load_own_weights,
    load_weights,
    read,
    read_in_order,
)
from ketqa.rerank import CrossReader
from ketqa.retrieve import DENSE_WEIGHT, Retriever
from ketqa.store import Store
from ketqa.types import Answer, CuratedQuestion, Hit, Sentence

log = logging.getLogger(__name__)

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
        reader: bool | str = True,
        questions: bool = True,
        weights: Weights | None = None,
    ) -> None:
        """Open a finished build folder; ``Index.open`` finds it and its model.

        Args:
            build: The build's folder.
            encoder: The model that built it.
            dense_weight: The share of meaning, 0..1, in finding passages; words get the rest.
            reader: False leaves out the sentence reader: sentences rank as their passages;
                a name or folder puts that cross-encoder behind it.
            questions: False leaves out the curated questions.
            weights: What the reader was taught, where the model brings its own.

        Raises:
            IndexDamaged: A file is gone or unreadable.
            ModelError: There is no such cross-encoder.
        """
        manifest = Manifest.load(build)
        self.fingerprint = manifest.recipe.fingerprint
        self.store = Store(build / STORE)
        try:
            passages = DenseIndex.load(build / PASSAGES)
            sentences = DenseIndex.load(build / SENTENCES)
            words = LexicalIndex.load(build / WORDS)
            curated = questions and manifest.counts["questions"] > 0
            self._questions = self._open_questions(build) if curated else None
        except (OSError, RuntimeError, ValueError) as error:
            raise IndexDamaged(f"{build}: cannot be opened ({error}); {REBUILD}") from None
        self.searched = {name: manifest.counts[name] for name in ("documents", "passages")}
        self._encoder = encoder
        self._retriever = Retriever(passages, words, self.store, dense_weight)
        self._read = _choose_reader(reader)
        shipped = load_weights("questions" if self._questions else "plain")
        own = weights if self._questions else None
        self.engines = Engines(sentences, words, own or shipped)
        self._encoding = Lock()

    @classmethod
    def build(
        cls,
        corpus: str | Path,
        index: str | Path,
        *,
        model: str | None = None,
        progress: Progress = silent,
    ) -> Self:
        """Build an index of a folder, or update it, and open it.

        Args:
            corpus: The documents' folder.
            index: The index's folder; made where it does not exist.
            model: The embedding model's name or folder; the packaged one where None.
            progress: Called with (stage, texts done, texts in all).

        Raises:
            CorpusError: A document or ``sources.toml`` cannot be used.
            ModelError: There is no such model.
            IndexBusy: Another process is building in the same folder.
        """
        found = find_model(model, download=True) if model else None
        build_index(Path(corpus), Path(index), found, progress=progress)
        return cls.open(index)

    @classmethod
    def open(
        cls,
        index: str | Path = "index",
        *,
        model: str | None = None,
        dense_weight: float = DENSE_WEIGHT,
        reader: bool | str = True,
        questions: bool = True,
    ) -> Self:
        """Open an index.

        Args:
            index: Its folder.
            model: The embedding model's name or folder; as recorded where None.
            dense_weight: As for ``Index``.
            reader: As for ``Index``.
            questions: As for ``Index``.

        Raises:
            IndexMissing: There is none.
            IndexMismatch: Another format of ketqa, or another model, built it.
            IndexDamaged: A file is gone or unreadable; ``verify_index`` checks them all.
            ModelError: Its model is not on this machine.
        """
        build = current_build(Path(index))
        manifest = Manifest.load(build)
        if model:
            _check_model(Path(index), manifest.recipe, find_model(model))
        encoder, own = _open_encoder(Path(index), build, manifest)
        return cls(
            build,
            encoder,
            dense_weight=dense_weight,
            reader=reader,
            questions=questions,
            weights=own,
        )

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
        return self.retrieve(self.prepare(check_question(question)), k)

    def ask(
        self,
        question: str,
        *,
        history: Sequence[str] = (),
        k: int = 5,
        min_confidence: float | None = None,
        country: str | None = None,
    ) -> Answer:
        """Answer a question with at most k quotes, or say that nothing here does.

        Args:
            question: In the person's own words.
            history: The earlier questions of the same chat, oldest first.
            k: The most quotes.
            min_confidence: Quote when the corpus answers with at least this probability,
                0..1, instead of the shipped threshold; 0 always quotes what lies nearest.
            country: Whose emergency numbers a notice names, ISO 3166-1.

        Raises:
            QuestionError: The question is empty, too long, or not text.
        """
        if k < 1:
            raise ValueError(f"k must be at least 1, got {k}")
        start = perf_counter()
        kind = classify(check_question(question))
        asked = self.prepare(build_query(question, history))
        hits = self.retrieve(asked, READ_PASSAGES)
        found = perf_counter()
        readings = self._read(asked, self.candidates(hits), self.engines)
        weights = self.engines.weights
        confidence = answer_probability(signals(asked, readings, self.engines.words), weights)
        status = (
            decide(confidence, weights, min_confidence=min_confidence)
            if readings
            else "no_evidence"
        )
        quotes = gather_evidence(
            readings,
            self.store,
            asked.matches,
            k=k,
            probability=lambda behind: quote_probability(confidence, behind, weights),
        )
        done = perf_counter()
        return Answer(
            question=question.strip(),
            query=asked.query,
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
            notices=(notice_for(kind, country),) if kind else (),
            unanswered=self._turned_away_by(asked.matches) if status != "evidence" else None,
        )

    def prepare(self, query: str, *, without: Set[int] = frozenset()) -> Asked:
        """Encode a query and find the curated questions, but some, that it resembles."""
        with self._encoding:
            row: Rows = self._encoder.encode_queries([query])[0]
        matches = (
            self._questions.match(query, row, without=without) if self._questions else NO_MATCHES
        )
        return Asked(query, row, matches)

    def retrieve(self, asked: Asked, k: int) -> list[Hit]:
        """Return at most k passages, best first."""
        return self._retriever.retrieve(asked, k)

    def read(self, asked: Asked) -> list[Reading]:
        """Return the sentences of the passages found, best first."""
        hits = self.retrieve(asked, READ_PASSAGES)
        return self._read(asked, self.candidates(hits), self.engines)

    def candidates(self, hits: Sequence[Hit]) -> list[tuple[Hit, Sentence]]:
        """Return every prose sentence of the passages found, with its passage."""
        return [
            (hit, sentence)
            for hit in hits
            for sentence in self.store.sentences(hit.passage.number)
            if sentence.kind == "prose"
        ]

    def _open_questions(self, build: Path) -> QuestionIndex:
        vectors = DenseIndex.load(build / QUESTIONS)
        return QuestionIndex(vectors, LexicalIndex.load(build / QUESTION_WORDS), self.store)

    def _turned_away_by(self, matches: Matches) -> CuratedQuestion | None:
        nearest = matches.unanswered
        if nearest is None or nearest.cosine < matches.answered:
            return None
        return self.store.question(nearest.question)


def _open_encoder(index: Path, build: Path, manifest: Manifest) -> tuple[Encoder, Weights | None]:
    """Return the encoder of a build, and the reader's weights that its model brings."""
    compiled = build / ENCODER
    if compiled.exists():
        manifest.check_files(build, ENCODER)
        try:
            return CompiledEncoder(compiled), load_own_weights(compiled)
        except ModelError as error:
            log.warning("going on with torch, which is slower: %s", error)
    found = find_model(manifest.recipe.model)
    _check_model(index, manifest.recipe, found)
    return SentenceEncoder(found), load_own_weights(found.path)


def _choose_reader(reader: bool | str) -> Reader:
    if isinstance(reader, str):
        return CrossReader(find_model(reader))
    return read if reader else read_in_order


def _check_model(index: Path, recipe: Recipe, found: ModelFolder) -> None:
    if found.sha256 != recipe.model_sha256:
        again = "" if found.name == ADAPTED else f" --model {found.name}"
        raise IndexMismatch(
            f"{index}: built with model {recipe.model} ({recipe.model_sha256[:12]}), "
            f"opened with {found.name} ({found.sha256[:12]}); {REBUILD}{again}"
        )
