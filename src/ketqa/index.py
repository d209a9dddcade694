"""Build, open, search and ask an index."""

from collections.abc import Sequence, Set
from pathlib import Path
from threading import Lock
from time import perf_counter
from typing import Self

from ketqa.abstain import answer_probability, decide, quote_probability, signals
from ketqa.answer import gather_evidence
from ketqa.build import silent
from ketqa.cluster.address import Address, find_place
from ketqa.cluster.engine import open_place
from ketqa.cluster.fill import build_anywhere
from ketqa.encode import Encoder, Rows, unit
from ketqa.errors import IndexDamaged
from ketqa.found import Found
from ketqa.lexical import LexicalIndex, weigh
from ketqa.lookup import MOST_PLACES, Lookup, check_quote, find_places
from ketqa.manifest import PASSAGES, REBUILD, SENTENCES, WORDS, Manifest
from ketqa.match import NO_MATCHES, QUESTIONS, Matches, QuestionIndex
from ketqa.models import find_model
from ketqa.notices import FAMILY, Kind, classify, notice_for
from ketqa.opening import Stages, check_model, choose_reader, open_encoder
from ketqa.parts import Engine, Here, open_rows, open_store
from ketqa.query import Query, check_question
from ketqa.reader import Asked, Engines, Reading, Weights
from ketqa.retrieve import Retriever
from ketqa.shards import Progress
from ketqa.talk import language_reply, reply_to
from ketqa.types import Answer, CuratedQuestion, Hit, Sentence
from ketqa.understand import Understanding

# How many passages the reader looks into.
READ_PASSAGES = 20
ALL = Stages()


class Index:
    """An index that is open for questions; safe to use from several threads.

    >>> index = Index.open("index")                            # doctest: +SKIP
    >>> index.ask("How long did relief last?").evidence[0].quote  # doctest: +SKIP
    """

    def __init__(
        self,
        build: Path,
        encoder: Encoder,
        stages: Stages = ALL,
        weights: Weights | None = None,
        engine: Engine | None = None,
    ) -> None:
        """Open a finished build folder; ``Index.open`` finds it and its model.

        Args:
            build: The build's folder.
            encoder: The model that built it.
            stages: Which stages take part.
            weights: What the reader was taught, where the model brings its own.
            engine: What searches the rows; this process where None.

        Raises:
            IndexDamaged: A file is gone or unreadable.
            ModelError: There is no such cross-encoder.
        """
        manifest = Manifest.load(build)
        self.fingerprint = manifest.recipe.fingerprint
        self.store = open_store(build, manifest)
        self._engine = engine or Here(build, manifest)
        self.check = self._engine.check
        try:
            passages = self._engine.nearest(PASSAGES)
            sentences = open_rows(SENTENCES, build, manifest)
            words = LexicalIndex.load(build / WORDS)
            curated = stages.questions and manifest.counts["questions"] > 0
            asked = self._engine.nearest(QUESTIONS) if curated else None
            self._questions = QuestionIndex.load(build, asked, self.store) if asked else None
            documents = self.store.languages(questions=False)
            understood = Understanding.load(build, words, documents, stages.changes)
        except (OSError, RuntimeError, ValueError, IndexDamaged) as error:
            raise IndexDamaged(f"{build}: cannot be opened ({error}); {REBUILD}") from None
        self.searched = {name: manifest.counts[name] for name in ("documents", "passages")}
        self._encoder = encoder
        self.understand = understood.query
        self._languages = self.store.languages(questions=curated) | understood.languages
        self._retriever = Retriever(passages, words, self.store, stages.dense_weight)
        self._read, shipped = choose_reader(stages, build, manifest, curated=curated)
        own = weights if curated else None
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
            index: The index's folder, made where it does not exist, or its ``milvus://`` address.
            model: The embedding model's name or folder; the packaged one where None.
            progress: Called with (stage, texts done, texts in all).

        Raises:
            CorpusError: A document or ``sources.toml`` cannot be used.
            ModelError: There is no such model.
            IndexBusy: Another process is building in the same folder.
        """
        found = find_model(model, download=True) if model else None
        build_anywhere(Path(corpus), find_place(index), found, progress=progress)
        return cls.open(index)

    @classmethod
    def open(
        cls,
        index: str | Path | Address = "index",
        *,
        model: str | None = None,
        stages: Stages = ALL,
    ) -> Self:
        """Open an index.

        Args:
            index: Its folder, or its ``milvus://`` address.
            model: The embedding model's name or folder; as recorded where None.
            stages: Which stages take part.

        Raises:
            IndexMissing: There is none.
            IndexMismatch: Another format of ketqa, or another model, built it.
            IndexDamaged: A file is gone or unreadable; ``verify_index`` checks them all.
            ModelError: Its model is not on this machine.
            EngineAway: Its server does not answer.
        """
        place = find_place(index)
        build, engine = open_place(place)
        manifest = Manifest.load(build)
        if model:
            check_model(place, manifest.recipe, find_model(model))
        encoder, own = open_encoder(place, build, manifest)
        return cls(build, encoder, stages, own, engine)

    def close(self) -> None:
        """Let go of the files, and of the server if there is one."""
        self.store.close()
        self._engine.close()

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
        return self.retrieve(self.prepare(Query(check_question(question))), k)

    def ask(
        self,
        question: str,
        *,
        history: Sequence[str] = (),
        k: int = 5,
        min_confidence: float | None = None,
        country: str | None = None,
        as_typed: bool = False,
    ) -> Answer:
        """Answer a question with at most k quotes, or say that nothing here does.

        Args:
            question: In the person's own words.
            history: The earlier questions of the same chat, oldest first.
            k: The most quotes.
            min_confidence: Quote when the corpus answers with at least this probability,
                0..1, instead of the shipped threshold; 0 always quotes what lies nearest.
            country: Whose emergency numbers a notice names, ISO 3166-1.
            as_typed: Search the question's own words, whatever came before it.

        Raises:
            QuestionError: The question is empty, too long, or not text.
        """
        if k < 1:
            raise ValueError(f"k must be at least 1, got {k}")
        found = self.find(question, history=history, country=country, as_typed=as_typed)
        return self.answer(found, k=k, min_confidence=min_confidence)

    def find(
        self,
        question: str,
        *,
        history: Sequence[str] = (),
        country: str | None = None,
        as_typed: bool = False,
    ) -> Found:
        """Search for a question, as the first half of ``ask``, which has the arguments."""
        start = perf_counter()
        query = self.understand(question, history, as_typed=as_typed)
        asked = self.prepare(query)
        reply = reply_to(question, follows=bool(history))
        kind = None if reply else self.classify(question, None if query.translated else asked)
        return Found(
            question=question.strip(),
            query=query,
            asked=asked,
            hits=self.retrieve(asked, READ_PASSAGES) if not reply else [],
            notices=(notice_for(kind, country),) if kind else (),
            reply=reply,
            took=perf_counter() - start,
        )

    def answer(self, found: Found, *, k: int = 5, min_confidence: float | None = None) -> Answer:
        """Read what was found, as the second half of ``ask``, which has the arguments."""
        start, asked, reply = perf_counter(), found.asked, found.reply
        readings = self._read(asked, self.candidates(found.hits), self.engines)
        weights = self.engines.weights
        confidence = answer_probability(signals(asked, readings, self.engines.words), weights)
        status = (
            decide(confidence, weights, min_confidence=min_confidence)
            if readings
            else "no_evidence"
        )
        if status != "evidence" and not (reply or found.notices):
            reply = language_reply(found.question, self._languages)
        quotes = gather_evidence(
            readings,
            self.store,
            asked.matches,
            k=k,
            probability=lambda behind: quote_probability(confidence, behind, weights),
        )
        return Answer(
            question=found.question,
            query=found.query.text,
            status="no_evidence" if reply else status,
            confidence=0.0 if reply else confidence,
            evidence=quotes if status == "evidence" else (),
            related=quotes if status == "related" and not reply else (),
            searched=self.searched,
            timings_ms=found.timings_ms(perf_counter() - start),
            index=self.fingerprint,
            notices=found.notices,
            unanswered=self._turned_away_by(asked.matches)
            if status != "evidence" and not reply
            else None,
            changes=found.query.changes,
            reply=reply,
        )

    def verify_quote(self, text: str) -> Lookup:
        """Tell whether the documents have a text word for word, and where.

        Raises:
            QuestionError: It is too short to look up, too long, or not text.
        """
        text = check_quote(text)
        found = find_places(text, self.store, self.engines.words)
        places, more = tuple(found[:MOST_PLACES]), len(found) > MOST_PLACES
        return Lookup(text, places, more, self.searched, self.fingerprint)

    def classify(self, message: str, asked: Asked | None = None) -> Kind | None:
        """Return the kind of notice that a message needs, if any; nothing is searched.

        Args:
            message: In the person's own words, and no more than the message itself.
            asked: What it became, where that is known: its encoding may serve.
        """
        message = check_question(message)
        if self._encoder.family != FAMILY:
            return classify(message)
        return classify(
            message, asked.row if asked and asked.query == message else self._row(message)
        )

    def prepare(self, query: Query, *, without: Set[int] = frozenset()) -> Asked:
        """Encode a query and find the curated questions, but some, that it resembles."""
        row = self._row(query.text)
        if query.translated:
            row = unit(row + self._row(f"{query.text} {query.translated}"))
        terms = weigh(query.text, query.added)
        matches = (
            self._questions.match(terms, row, without=without) if self._questions else NO_MATCHES
        )
        return Asked(query.text, row, terms, matches)

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

    def _row(self, query: str) -> Rows:
        with self._encoding:
            row: Rows = self._encoder.encode_queries([query])[0]
        return row

    def _turned_away_by(self, matches: Matches) -> CuratedQuestion | None:
        nearest = matches.unanswered
        if nearest is None or nearest.cosine < matches.answered:
            return None
        return self.store.question(nearest.question)
