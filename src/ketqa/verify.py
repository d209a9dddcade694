"""Check every promise of an index that can be checked on disk."""

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path

from ketqa.corpus import load_corpus
from ketqa.dense import DenseIndex
from ketqa.errors import KetqaError
from ketqa.lexical import LexicalIndex
from ketqa.manifest import (
    PASSAGES,
    SENTENCES,
    STORE,
    WORDS,
    Manifest,
    current_build,
)
from ketqa.match import QUESTION_WORDS, QUESTIONS
from ketqa.parts import open_rows, open_store
from ketqa.shards import name_shard
from ketqa.store import Store
from ketqa.types import Document

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Check:
    """One promise, and what is wrong with it; kept where ``problem`` is empty."""

    promise: str
    problem: str = ""


def verify_index(index: Path, corpus: Path | None) -> list[Check]:
    """Check an index, and its documents where their folder is given.

    Returns:
        One check a promise; after the first that fails, those that build on it are left out.
    """
    checks: list[Check] = []
    for promise, look in (
        ("every file of the index is the one that was built", _check_files),
        ("stored texts are the documents' own, character for character", _check_texts),
        ("every sentence lies whole within its passage, none overlap", _check_places),
        ("every curated question's place is in its document", _check_questions),
        ("vectors and words cover every passage, sentence and question", _check_sizes),
    ):
        try:
            look(index)
        except KetqaError as error:
            return [*checks, Check(promise, str(error))]
        checks.append(Check(promise))
    if corpus is not None:
        checks.append(_check_corpus(index, corpus))
    return checks


class _Broken(KetqaError):
    """A promise that does not hold."""


def _check_files(index: Path) -> None:
    build = current_build(index)
    Manifest.load(build).check_files(build)


def _check_texts(index: Path) -> None:
    build = current_build(index)
    manifest = Manifest.load(build)
    for shard in manifest.shards(build):
        with Store(shard / STORE) as store:
            documents = list(store.documents())
        for document in documents:
            is_file = document.layout.reader is None and "#" not in document.source.id
            if is_file and _sha256(document) != document.source.sha256:
                raise _Broken(f"{document.source.id}: the stored text is not the document's")
        if name_shard(manifest.recipe.settings, documents) != shard.name:
            raise _Broken(f"shard {shard.name}: a stored text or source is not the document's")


def _check_places(index: Path) -> None:
    with _open(index) as store:
        before = None
        for sentence in store.all_sentences():
            passage = store.passage(sentence.passage).span
            span = sentence.span
            if not passage.start <= span.start < span.end <= passage.end:
                raise _Broken(f"sentence {sentence.number}: lies outside its passage")
            if before and before.doc_id == span.doc_id and before.end > span.start:
                raise _Broken(f"sentence {sentence.number}: overlaps the one before it")
            if span.end > len(store.document(span.doc_id).text) or not sentence.text.strip():
                raise _Broken(f"sentence {sentence.number}: holds no text of its document")
            before = span


def _check_questions(index: Path) -> None:
    with _open(index) as store:
        for question in store.all_questions():
            span = question.span
            if span and span.end > len(store.document(span.doc_id).text):
                raise _Broken(f"question {question.number}: its place is not in {span.doc_id}")


def _check_sizes(index: Path) -> None:
    build = current_build(index)
    manifest = Manifest.load(build)
    counts = manifest.counts
    with _open(index) as store:
        found = {
            "the store": store.counts(),
            "the vectors": {
                "passages": len(open_rows(PASSAGES, build, manifest)),
                "sentences": len(open_rows(SENTENCES, build, manifest)),
            },
            "the words": {"passages": len(LexicalIndex.load(build / WORDS))},
        }
    if counts["questions"]:
        found["the vectors"]["questions"] = len(DenseIndex.load(build / QUESTIONS))
        found["the words"]["questions"] = len(LexicalIndex.load(build / QUESTION_WORDS))
    for where, sizes in found.items():
        for name, size in sizes.items():
            if size != counts[name]:
                raise _Broken(f"{where}: {size} {name}, built were {counts[name]}")


def _check_corpus(index: Path, corpus: Path) -> Check:
    promise = f"the documents in {corpus} are the ones that were indexed"
    try:
        found = {document.source.id: document for document in load_corpus(corpus)}
    except KetqaError as error:
        return Check(promise, str(error))
    with _open(index) as store:
        recorded = set(store.document_ids())
        for file in sorted(recorded | found.keys()):
            if file not in found or file not in recorded:
                state = "new" if file in found else "gone"
                return Check(promise, f"{file}: is {state}; update with: ketqa index")
            if found[file] != store.document(file):
                return Check(promise, f"{file}: has changed; update with: ketqa index")
    return Check(promise)


def _open(index: Path) -> Store:
    build = current_build(index)
    return open_store(build, Manifest.load(build))


def _sha256(document: Document) -> str:
    return hashlib.sha256(document.text.encode()).hexdigest()
