"""Check every promise of an index that can be checked on disk."""

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from ketqa.cluster.address import Address
from ketqa.cluster.copies import check_kept
from ketqa.cluster.engine import Collection, open_place
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
)
from ketqa.match import QUESTION_WORDS, QUESTIONS
from ketqa.parts import Here, open_rows, open_store
from ketqa.shards import name_shard
from ketqa.store import Store
from ketqa.types import Document

log = logging.getLogger(__name__)

Look = Callable[[Path], None]
# How many rows are looked at together, and in how many places of a collection at the most.
STEP, LOOKS = 500, 20


@dataclass(frozen=True, slots=True)
class Check:
    """One promise, and what is wrong with it; kept where ``problem`` is empty."""

    promise: str
    problem: str = ""


def verify_index(index: Path | Address, corpus: Path | None) -> list[Check]:
    """Check an index, and its documents where their folder is given.

    Returns:
        One check a promise; after the first that fails, those that build on it are left out.
    """
    checks: list[Check] = []
    try:
        build, engine = open_place(index)
    except KetqaError as error:
        return [Check(PROMISES[0][0], str(error))]
    promises: list[tuple[str, Look]] = [*PROMISES]
    if engine:
        promises.append((SERVED, partial(_check_served, engine)))
    if isinstance(index, Address) and index.documents:
        promises.append((KEPT, partial(check_kept, address=index)))
    for promise, look in promises:
        try:
            look(build)
        except KetqaError as error:
            return [*checks, Check(promise, str(error))]
        checks.append(Check(promise))
    if corpus is not None:
        checks.append(_check_corpus(build, corpus))
    return checks


class _Broken(KetqaError):
    """A promise that does not hold."""


def _check_files(build: Path) -> None:
    Manifest.load(build).check_files(build)


def _check_texts(build: Path) -> None:
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


def _check_places(build: Path) -> None:
    with _open(build) as store:
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


def _check_questions(build: Path) -> None:
    with _open(build) as store:
        for question in store.all_questions():
            span = question.span
            if span and span.end > len(store.document(span.doc_id).text):
                raise _Broken(f"question {question.number}: its place is not in {span.doc_id}")


def _check_sizes(build: Path) -> None:
    manifest = Manifest.load(build)
    counts = manifest.counts
    with _open(build) as store:
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


def _check_served(engine: Collection, build: Path) -> None:
    counts = Manifest.load(build).counts
    built, found = counts["passages"] + counts["questions"], engine.count()
    if found != built:
        raise _Broken(f"the server has {found:,} rows, built were {built:,}")
    here = Here(build, Manifest.load(build))
    for kind in (kind for kind in (PASSAGES, QUESTIONS) if counts[kind]):
        rows, served = here.nearest(kind), engine.nearest(kind)
        for low in range(0, counts[kind], max(STEP, counts[kind] // LOOKS)):
            numbers = range(low, min(low + STEP, counts[kind]))
            if not np.array_equal(rows.rows(numbers), served.rows(numbers)):
                raise _Broken(f"{kind} {low} to {numbers[-1]}: the server has other rows")


def _check_corpus(build: Path, corpus: Path) -> Check:
    promise = f"the documents in {corpus} are the ones that were indexed"
    try:
        found = {document.source.id: document for document in load_corpus(corpus)}
    except KetqaError as error:
        return Check(promise, str(error))
    with _open(build) as store:
        recorded = set(store.document_ids())
        for file in sorted(recorded | found.keys()):
            if file not in found or file not in recorded:
                state = "new" if file in found else "gone"
                return Check(promise, f"{file}: is {state}; update with: ketqa index")
            if found[file] != store.document(file):
                return Check(promise, f"{file}: has changed; update with: ketqa index")
    return Check(promise)


def _open(build: Path) -> Store:
    return open_store(build, Manifest.load(build))


def _sha256(document: Document) -> str:
    return hashlib.sha256(document.text.encode()).hexdigest()


PROMISES: tuple[tuple[str, Look], ...] = (
    ("every file of the index is the one that was built", _check_files),
    ("stored texts are the documents' own, character for character", _check_texts),
    ("every sentence lies whole within its passage, none overlap", _check_places),
    ("every curated question's place is in its document", _check_questions),
    ("vectors and words cover every passage, sentence and question", _check_sizes),
)
KEPT = "the database has every file, byte for byte"
SERVED = "the server has every row, and they are the index's to the last bit"
