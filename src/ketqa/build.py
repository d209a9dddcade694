"""A corpus folder -> an index on disk: built beside the old one, then switched to.

A build that is killed at any moment leaves the old index as it was; the next build clears
away what it left. Rows of texts that an index of the same model already holds are reused.
"""

import hashlib
import logging
import os
import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from ketqa.compiled import CompiledEncoder, load_encoder
from ketqa.corpus import Corpus, read_corpus
from ketqa.dense import DenseIndex
from ketqa.encode import (
    Encoder,
    Rows,
)
from ketqa.errors import CorpusError, IndexBusy, IndexDamaged, IndexMismatch, IndexMissing
from ketqa.files import Skipped
from ketqa.hyphens import join_broken
from ketqa.lexical import LexicalIndex
from ketqa.lexicon import hash_lexicon
from ketqa.manifest import BUILDS, FORMAT, Manifest, Recipe, current_build, switch_to
from ketqa.match import QUESTION_WORDS, QUESTIONS
from ketqa.models import ModelFolder, find_adapted, find_model
from ketqa.questions import find_answering, hash_questions, load_questions
from ketqa.split import pack_passages, split_sentences
from ketqa.store import Store, create_store
from ketqa.types import CuratedQuestion, Document, Passage, Sentence, Span, source_dict
from ketqa.understand import save_understanding

log = logging.getLogger(__name__)

# What the packaged encoder can hold; 128 finds documents less well (README, "Figures").
PASSAGE_TOKENS = 254
ENCODE_STEP = 256
STORE, PASSAGES, SENTENCES, WORDS = "corpus.sqlite", "passages", "sentences", "words"
ENCODER = "encoder"
LIBRARIES = ("sentencex", "langchain-text-splitters", "faiss-cpu", "tantivy", "openvino")

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did; ``changed`` is False where the index was up to date already.

    ``skipped`` are the files that could not be read; ``aside`` counts the words, by document,
    that were set aside as no part of its text.
    """

    fingerprint: str
    counts: dict[str, int]
    changed: bool
    reused: int
    skipped: Sequence[Skipped] = ()
    aside: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Contents:
    """What goes into an index; ``folder`` is where it lies, if it does."""

    folder: Path | None
    documents: Sequence[Document]
    questions: Sequence[CuratedQuestion]


def silent(stage: str, done: int, total: int) -> None:
    """Show no progress."""


def build_index(
    corpus: Path | Sequence[Document],
    index: Path,
    model: ModelFolder | None = None,
    *,
    tokens: int = PASSAGE_TOKENS,
    progress: Progress = silent,
) -> BuildReport:
    """Build an index, or leave it alone where nothing changed.

    Args:
        corpus: The documents' folder, with its curated questions if any, or the documents.
        index: The index's folder; made where it does not exist.
        model: The embedding model, from ``find_model``; the packaged one where None, adapted
            to the documents if that comes with ketqa.
        tokens: The most tokens of a passage.
        progress: Called with (stage, texts done, texts in all).

    Raises:
        CorpusError: A document, ``sources.toml`` or a curated question cannot be used.
        ModelError: The model cannot be loaded.
        IndexBusy: Another process is building here.
    """
    folder = corpus if isinstance(corpus, Path) else None
    read = read_corpus(corpus) if isinstance(corpus, Path) else Corpus(list(corpus), [])
    documents = read.documents
    questions = load_questions(folder, documents) if folder else []
    if model is None:
        model = find_adapted([document.source.sha256 for document in documents]) or find_model()
    recipe = Recipe(
        format=FORMAT,
        model=model.name,
        model_sha256=model.sha256,
        passage_tokens=tokens,
        libraries={name: _version(name) for name in LIBRARIES},
        sources={document.source.id: source_line(document) for document in documents},
        curated={**hash_questions(folder), **hash_lexicon(folder)} if folder else {},
    )
    (index / BUILDS).mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(index / ".lock", timeout=0):
            old = _usable(index)
            if old and old.recipe.fingerprint == recipe.fingerprint:
                report = BuildReport(recipe.fingerprint, dict(old.counts), changed=False, reused=0)
            else:
                contents = Contents(folder, documents, questions)
                report = _build(contents, recipe, index, model, old, progress)
    except Timeout:
        raise IndexBusy(f"{index}: another process is building here; wait for it") from None
    return replace(report, skipped=read.skipped, aside=read.aside)


def split_documents(
    documents: Sequence[Document], encoder: Encoder, *, tokens: int = PASSAGE_TOKENS
) -> tuple[list[Passage], list[Sentence]]:
    """Cut documents into passages of at most ``tokens`` tokens, and these into sentences."""
    passages: list[Passage] = []
    sentences: list[Sentence] = []
    for document in documents:
        text, doc_id = document.text, document.source.id
        pieces = split_sentences(text, document.source.language, document.layout)
        sizes = encoder.count_tokens([text[piece.start : piece.end] for piece in pieces])
        for first, last in pack_passages(pieces, sizes, min(tokens, encoder.max_tokens)):
            span = Span(doc_id, pieces[first].start, pieces[last - 1].end)
            number = len(passages)
            passages.append(Passage(number, span, text[span.start : span.end]))
            sentences += [
                Sentence(
                    number=len(sentences) + offset,
                    passage=number,
                    span=Span(doc_id, piece.start, piece.end),
                    kind=piece.kind,
                    text=text[piece.start : piece.end],
                )
                for offset, piece in enumerate(pieces[first:last])
            ]
    return passages, sentences


def source_line(document: Document) -> str:
    """Return all that is known of a document in one line: its fields, its hash and its text's."""
    text = hashlib.sha256(document.text.encode()).hexdigest()
    fields = {**source_dict(document.source), "text": text, "reader": document.layout.reader}
    return " | ".join(f"{name}={value}" for name, value in fields.items() if value is not None)


def _usable(index: Path) -> Manifest | None:
    """Return the manifest of the build in use, or None where it must be built anew."""
    try:
        build = current_build(index)
        manifest = Manifest.load(build)
        manifest.check_files(build)
    except IndexMissing:
        return None
    except (IndexDamaged, IndexMismatch) as error:
        log.warning("building anew: %s", error)
        return None
    return manifest


def _build(
    contents: Contents,
    recipe: Recipe,
    index: Path,
    model: ModelFolder,
    old: Manifest | None,
    progress: Progress,
) -> BuildReport:
    in_use = current_build(index) if old else None
    _clear(index, keep=in_use)
    name = f"{recipe.fingerprint[:12]}-{secrets.token_hex(3)}"
    build = index / BUILDS / name
    build.mkdir()
    encoder = _encoder(model, build, in_use, recipe, old)
    passages, sentences = split_documents(contents.documents, encoder, tokens=recipe.passage_tokens)
    if not passages:
        raise CorpusError("the documents hold no words; is this the right folder?")
    questions = contents.questions
    answering = find_answering(questions, sentences)
    for question, numbers in zip(questions, answering, strict=True):
        if question.span and not numbers:
            raise CorpusError(
                f"questions.jsonl: {question.text!r}: there is no sentence in its place, "
                f"{question.span.doc_id}[{question.span.start}:{question.span.end}], that can be "
                "quoted; headings and questions cannot"
            )
    create_store(build / STORE, contents.documents, passages, sentences, questions, answering)
    known = _Known(in_use if old and old.recipe.model_sha256 == recipe.model_sha256 else None)
    for folder, texts, encode in (
        (PASSAGES, [passage.text for passage in passages], encoder.encode_texts),
        (SENTENCES, [sentence.text for sentence in sentences], encoder.encode_texts),
        (QUESTIONS, [question.text for question in questions], encoder.encode_queries),
    ):
        if texts:
            rows = _encode(texts, encode, known.of(folder), progress=partial(progress, folder))
            DenseIndex.build(rows, searched=folder != SENTENCES).save(build / folder)
    LexicalIndex.build((passage.text for passage in passages), build / WORDS)
    if questions:
        LexicalIndex.build((question.text for question in questions), build / QUESTION_WORDS)
    save_understanding(build, contents.folder, contents.documents, questions)
    counts = {
        "documents": len(contents.documents),
        "passages": len(passages),
        "sentences": len(sentences),
        "questions": len(questions),
    }
    Manifest.of_build(recipe, counts, build).save(build)
    switch_to(index, name)
    return BuildReport(recipe.fingerprint, counts, changed=True, reused=known.reused)


def _encoder(
    model: ModelFolder, build: Path, in_use: Path | None, recipe: Recipe, old: Manifest | None
) -> Encoder:
    """Return the encoder, compiled into the build, or as the build in use has it compiled."""
    same = old and (old.recipe.model_sha256, old.recipe.libraries["openvino"]) == (
        recipe.model_sha256,
        recipe.libraries["openvino"],
    )
    if same and in_use and (in_use / ENCODER).exists():
        shutil.copytree(in_use / ENCODER, build / ENCODER, copy_function=_link)
        return CompiledEncoder(build / ENCODER)
    return load_encoder(model, build / ENCODER)


def _link(file: str, copy: str) -> None:
    """Let two builds share a file that neither will change."""
    try:
        os.link(file, copy)
    except OSError:  # this file system has no links
        shutil.copyfile(file, copy)


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "none"


def _clear(index: Path, keep: Path | None) -> None:
    """Remove every build but the one in use: what earlier and killed builds left."""
    for build in (index / BUILDS).iterdir():
        if build != keep:
            shutil.rmtree(build)


class _Known:
    """The rows that the index in use already has, by the texts of each folder."""

    def __init__(self, build: Path | None) -> None:
        self.reused = 0
        self._folders: dict[str, tuple[DenseIndex, dict[str, int]]] = {}
        if build is None:
            return
        with Store(build / STORE) as store:
            texts = {
                PASSAGES: [store.passage(n).text for n in range(store.counts()["passages"])],
                SENTENCES: [sentence.text for sentence in store.all_sentences()],
                QUESTIONS: [question.text for question in store.all_questions()],
            }
        for folder, known in texts.items():
            if known:
                numbers = {join_broken(text): number for number, text in enumerate(known)}
                self._folders[folder] = (DenseIndex.load(build / folder), numbers)

    def of(self, folder: str) -> Callable[[str], Rows | None]:
        """Return a function from a text to its row in a folder, if it has one."""
        vectors, numbers = self._folders.get(folder, (None, {}))

        def row(text: str) -> Rows | None:
            if vectors is None or text not in numbers:
                return None
            self.reused += 1
            found: Rows = vectors.rows([numbers[text]])[0]
            return found

        return row


def _encode(
    texts: Sequence[str],
    encode: Callable[[Sequence[str]], Rows],
    known: Callable[[str], Rows | None],
    progress: Callable[[int, int], None],
) -> Rows:
    """Return (n, dim) rows, encoding only the texts that are new."""
    texts = [join_broken(text) for text in texts]
    rows = [known(text) for text in texts]
    new = [number for number, row in enumerate(rows) if row is None]
    # texts of like length together: a batch is padded to its longest
    new.sort(key=lambda number: len(texts[number]))
    progress(len(texts) - len(new), len(texts))
    for low in range(0, len(new), ENCODE_STEP):
        step = new[low : low + ENCODE_STEP]
        for number, row in zip(step, encode([texts[number] for number in step]), strict=True):
            rows[number] = row
        progress(len(texts) - len(new) + low + len(step), len(texts))
    return np.stack([row for row in rows if row is not None]).astype(np.float32)
