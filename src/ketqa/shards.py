"""A run of documents -> a shard: their part of an index, in a folder of its own.

An index is a list of shards, and a shard is a run of neighbouring documents with all that is
derived from them: passages, sentences, rows, words. It is made from its documents, the model
and the settings alone, never from what was indexed before, and once made it never changes. An
update makes the shards whose documents changed and shares the others with the build before, so
that it costs what changed; and what comes out is what a build from nothing gives, to the last
number, score and tie, because it is put together from the same shards in the same order.

Where a run ends is decided by the documents' names, so that one document more or less moves
the ends beside it and no others (content-defined chunking: Muthitacharoen, Chen & Mazières,
SOSP 2001). A small corpus is one shard. Within a shard that must be made again, a document that
is still the same keeps its passages, sentences and rows.

Segments that take in what is new and mark what is gone would make a change that is spread over
the whole corpus cheaper, but they break ties in another order, and BM25 counts the words of
what is gone until they are merged: so they were not taken.
"""

import hashlib
import math
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from sys import maxsize

import numpy as np

from ketqa.dense import DenseIndex
from ketqa.encode import Encoder, Rows
from ketqa.hyphens import join_broken
from ketqa.known import Cut, Encode, Known
from ketqa.lexical import LexicalIndex
from ketqa.manifest import (
    PASSAGES,
    SENTENCES,
    STORE,
    WORDS,
    canonical,
    save_shard,
)
from ketqa.parts import share
from ketqa.split import pack_passages, split_sentences
from ketqa.tables import create_store
from ketqa.types import Document, Passage, Sentence, Span, source_dict
from ketqa.understand import save_part

# Characters of a shard on average: some 10,000 passages. None is cut below a quarter of it. With
# more of them each costs less to make again, but every search goes through all.
CHARACTERS = 6_000_000
# A shard of more passages than this has them in lists, in case the corpus has so many.
LISTS_ABOVE = 4096
# Characters that are encoded between two reports of progress: seconds. Texts of equally many tokens
# go through together, so that a step of few texts is slow.
ENCODE_CHARACTERS = 200_000

# Called with (stage, texts done, texts in all).
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Maker:
    """What a shard is made with; ``known`` is the index in use, if the same model made it."""

    encoder: Encoder
    tokens: int
    known: Known | None
    progress: Progress


def cut_runs(documents: Sequence[Document]) -> list[list[Document]]:
    """Cut documents, in their order, into the runs that become shards."""
    runs: list[list[Document]] = [[]]
    held = 0
    for document in documents:
        runs[-1].append(document)
        held += len(document.text)
        if 4 * held >= CHARACTERS and (held >= 2 * CHARACTERS or _ends_run(document)):
            runs.append([])
            held = 0
    return [run for run in runs if run]


def _ends_run(document: Document) -> bool:
    """Draw whether a run ends after a document, from its name, with odds by its length."""
    digest = hashlib.blake2b(document.source.id.encode(), digest_size=8).digest()
    drawn = int.from_bytes(digest) / 2**64
    return drawn < 1 - math.exp(-len(document.text) / CHARACTERS)


def name_shard(settings: object, run: Sequence[Document]) -> str:
    """Return 32 hexadecimal digits that differ where anything differs that a shard is made from."""
    digest = hashlib.sha256(canonical(settings))
    for document in run:
        text = hashlib.sha256(document.text.encode()).hexdigest()
        fields = {"source": source_dict(document.source), "layout": asdict(document.layout)}
        digest.update(canonical({**fields, "text": text}))
    return digest.hexdigest()[:32]


def share_shard(shard: Path, folder: Path) -> None:
    """Take a finished shard over into another build."""
    shutil.copytree(shard, folder, copy_function=share)


def make_shard(folder: Path, run: Sequence[Document], maker: Maker) -> None:
    """Make a shard in a new folder."""
    folder.mkdir(parents=True)
    cuts = [_cut(document, maker) for document in run]
    passages, sentences = _number(run, cuts)
    create_store(folder / STORE, run, passages, sentences)
    if passages:
        rows = _rows(PASSAGES, [(one, cut) for cut in cuts for one in cut.passages], maker)
        DenseIndex.build(rows, lists_above=LISTS_ABOVE).save(folder / PASSAGES)
        rows = _rows(SENTENCES, [(one, cut) for cut in cuts for one in cut.sentences], maker)
        DenseIndex.build(rows, lists_above=maxsize).save(folder / SENTENCES)
    LexicalIndex.build((passage.text for passage in passages), folder / WORDS)
    save_part(folder, run)
    sizes = {"documents": len(run), "passages": len(passages), "sentences": len(sentences)}
    save_shard(folder, sizes)


def split_documents(
    documents: Sequence[Document], encoder: Encoder, *, tokens: int
) -> tuple[list[Passage], list[Sentence]]:
    """Cut documents into passages of at most ``tokens`` tokens, and these into sentences."""
    return _number(documents, [_split(document, encoder, tokens) for document in documents])


def encode_new(
    texts: Sequence[str],
    encode: Encode,
    known: Callable[[str], Rows | None] | None,
    progress: Callable[[int, int], None],
) -> Rows:
    """Return (n, dim) rows, encoding only texts that are not known; progress in texts."""
    rows = [known(text) if known else None for text in texts]
    new = [number for number, row in enumerate(rows) if row is None]
    # texts of like length together: they go through faster
    new.sort(key=lambda number: len(texts[number]))
    progress(len(texts) - len(new), len(texts))
    done = len(texts) - len(new)
    for step in _steps(new, texts):
        read = [join_broken(texts[number]) for number in step]
        for number, row in zip(step, encode(read), strict=True):
            rows[number] = row
        done += len(step)
        progress(done, len(texts))
    return np.stack([row for row in rows if row is not None]).astype(np.float32)


def _steps(numbers: Sequence[int], texts: Sequence[str]) -> Iterator[list[int]]:
    """Cut numbers of texts into runs of some ``ENCODE_CHARACTERS``."""
    step: list[int] = []
    held = 0
    for number in numbers:
        step.append(number)
        held += len(texts[number])
        if held >= ENCODE_CHARACTERS:
            yield step
            step, held = [], 0
    if step:
        yield step


def _cut(document: Document, maker: Maker) -> Cut:
    known = maker.known.cut(document) if maker.known else None
    return known or _split(document, maker.encoder, maker.tokens)


def _split(document: Document, encoder: Encoder, tokens: int) -> Cut:
    """Cut one document, numbered from 0."""
    text, doc_id = document.text, document.source.id
    pieces = split_sentences(text, document.source.language, document.layout)
    sizes = encoder.count_tokens([text[piece.start : piece.end] for piece in pieces])
    cut = Cut([], [])
    for first, last in pack_passages(pieces, sizes, min(tokens, encoder.max_tokens)):
        span = Span(doc_id, pieces[first].start, pieces[last - 1].end)
        number = len(cut.passages)
        cut.passages.append(Passage(number, span, text[span.start : span.end]))
        for piece in pieces[first:last]:
            place = Span(doc_id, piece.start, piece.end)
            words = text[piece.start : piece.end]
            cut.sentences.append(Sentence(len(cut.sentences), number, place, piece.kind, words))
    return cut


def _number(
    documents: Sequence[Document], cuts: Sequence[Cut]
) -> tuple[list[Passage], list[Sentence]]:
    """Return passages and sentences with the documents' names, numbered from 0 through all."""
    passages: list[Passage] = []
    sentences: list[Sentence] = []
    for document, cut in zip(documents, cuts, strict=True):
        doc_id = document.source.id
        by = len(passages) - (cut.passages[0].number if cut.passages else 0)
        passages += [
            Passage(one.number + by, Span(doc_id, one.span.start, one.span.end), one.text)
            for one in cut.passages
        ]
        sentences += [
            Sentence(
                number,
                one.passage + by,
                Span(doc_id, one.span.start, one.span.end),
                one.kind,
                one.text,
            )
            for number, one in enumerate(cut.sentences, start=len(sentences))
        ]
    return passages, sentences


def _rows(folder: str, items: Sequence[tuple[Passage | Sentence, Cut]], maker: Maker) -> Rows:
    """Return the (n, dim) rows of passages or sentences, each with the cut it is from."""
    old = [one.number for one, cut in items if cut.rows_known]
    new = [one.text for one, cut in items if not cut.rows_known]
    is_new = np.array([not cut.rows_known for _, cut in items])
    known = maker.known
    parts = []
    if known and old:
        parts.append((~is_new, known.rows(folder, old)))
    if new:
        look_up = partial(known.row, folder) if known else None
        count = partial(maker.progress, folder)
        parts.append((is_new, encode_new(new, maker.encoder.encode_texts, look_up, count)))
    rows = np.empty((len(items), parts[0][1].shape[1]), np.float32)
    for where, found in parts:
        rows[where] = found
    return rows
