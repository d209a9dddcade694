"""A corpus folder -> an index on disk: built beside the old one, then switched to.

A build that is killed at any moment leaves the old index as it was, and the shards that it had
finished to the next build. Shards that are as they were are shared with the build in use, and
within the others what is known is not worked out again (ketqa.shards, ketqa.known). A build that
was ever in use is never written to: somebody may have it open.
"""

import logging
import secrets
import shutil
from collections.abc import Mapping, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ketqa.corpus import Corpus, read_corpus
from ketqa.cross import cross_fingerprint
from ketqa.dense import DenseIndex
from ketqa.encode import Encoder
from ketqa.errors import CorpusError, IndexDamaged, IndexMismatch, IndexMissing
from ketqa.files import Skipped
from ketqa.kept import Before, keep_cross, keep_encoder
from ketqa.known import Known
from ketqa.lexical import LexicalIndex
from ketqa.lexicon import hash_lexicon
from ketqa.lock import building
from ketqa.manifest import (
    BUILDS,
    FORMAT,
    MANIFEST,
    SHARDS,
    STORE,
    WORDS,
    Manifest,
    Recipe,
    current_build,
    is_intact,
    load_shard,
    pinned,
    record_corpus,
    switch_to,
)
from ketqa.match import QUESTION_WORDS, QUESTIONS
from ketqa.models import ModelFolder, find_adapted, find_model
from ketqa.parts import share
from ketqa.questions import find_answering, hash_questions, load_questions
from ketqa.shards import (
    Maker,
    Progress,
    cut_runs,
    encode_new,
    make_shard,
    name_shard,
    share_shard,
)
from ketqa.store import Store
from ketqa.tables import create_store
from ketqa.types import CuratedQuestion, Document
from ketqa.understand import save_understanding

log = logging.getLogger(__name__)

# What the packaged encoder can hold; 128 finds documents less well (README, "Figures").
PASSAGE_TOKENS = 254
# What documents are split with; and that, and what their rows and words are kept with.
SPLITTERS = ("sentencex", "langchain-text-splitters")
LIBRARIES = (*SPLITTERS, "faiss-cpu", "tantivy", "openvino")


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
class Plan:
    """What is built, of which documents for each shard, and with what.

    ``folder`` is where they lie, if they do. ``encoder`` is None where the model's own is to be
    compiled.
    """

    recipe: Recipe
    folder: Path | None
    runs: Sequence[Sequence[Document]]
    questions: Sequence[CuratedQuestion]
    model: ModelFolder
    encoder: Encoder | None
    progress: Progress


def silent(stage: str, done: int, total: int) -> None:
    """Show no progress."""


def build_index(
    corpus: Path | Sequence[Document],
    index: Path,
    model: ModelFolder | None = None,
    *,
    tokens: int = PASSAGE_TOKENS,
    progress: Progress = silent,
    encoder: Encoder | None = None,
) -> BuildReport:
    """Build an index, or leave it alone where nothing changed.

    Args:
        corpus: The documents' folder, with its curated questions if any, or the documents.
        index: The index's folder; made where it does not exist.
        model: The embedding model, from ``find_model``; the packaged one where None, adapted
            to the documents if that comes with ketqa.
        tokens: The most tokens of a passage.
        progress: Called with (stage, texts done, texts in all).
        encoder: What stands in for the model, if it is loaded already; not kept in the index.

    Raises:
        CorpusError: A document, ``sources.toml`` or a curated question cannot be used.
        ModelError: The model cannot be loaded.
        IndexBusy: Another process is building here.
        IndexUnwritable: The disk is full, or the folder may not be written.
    """
    folder = corpus if isinstance(corpus, Path) else None
    read = read_corpus(corpus) if isinstance(corpus, Path) else Corpus(list(corpus), [])
    documents = read.documents
    questions = load_questions(folder, documents) if folder else []
    model = model or choose_model(documents)
    recipe, runs = lay_out(documents, model, tokens)
    if folder:
        recipe = replace(recipe, curated={**hash_questions(folder), **hash_lexicon(folder)})
    if not questions:
        recipe = replace(recipe, cross=cross_fingerprint())
    with building(index):
        old = _usable(index)
        if old and old.recipe.fingerprint == recipe.fingerprint:
            report = BuildReport(recipe.fingerprint, dict(old.counts), changed=False, reused=0)
            # a killed build may have left one that nobody needs now
            _clear(index, keep=[file.parent for file in (index / BUILDS).glob(f"*/{MANIFEST}")])
        else:
            plan = Plan(recipe, folder, runs, questions, model, encoder, progress)
            report = _build(plan, index, old)
        if folder:
            record_corpus(index, folder)
    return replace(report, skipped=read.skipped, aside=read.aside)


def choose_model(documents: Sequence[Document]) -> ModelFolder:
    """Return the packaged model, adapted to the documents if that comes with ketqa."""
    return find_adapted([document.source.sha256 for document in documents]) or find_model()


def lay_out(
    documents: Sequence[Document], model: ModelFolder, tokens: int
) -> tuple[Recipe, list[list[Document]]]:
    """Return what shards an index of documents has, and the documents of each."""
    libraries = {name: _version(name) for name in LIBRARIES}
    frame = Recipe(
        FORMAT, model.name, model.sha256, tokens, libraries, shards=[], curated={}, cross=""
    )
    runs = cut_runs(documents)
    return replace(frame, shards=[name_shard(frame.settings, run) for run in runs]), runs


def _usable(index: Path) -> Manifest | None:
    """Return the manifest of the build in use, or None where it must be built anew."""
    try:
        build = current_build(index)
        manifest = Manifest.load(build)
        manifest.check_files(build, quick=True)
    except IndexMissing:
        return None
    except (IndexDamaged, IndexMismatch) as error:
        log.warning("building anew: %s", error)
        return None
    return manifest


def _build(plan: Plan, index: Path, old: Manifest | None) -> BuildReport:
    in_use = current_build(index) if old else None
    recipe = plan.recipe
    name = f"{recipe.fingerprint[:12]}-{secrets.token_hex(3)}"
    build = index / BUILDS / name
    (build / SHARDS).mkdir(parents=True)
    reused = _take_over(recipe.shards, build)
    _clear(index, keep=(in_use, build))
    before = Before(in_use, old.recipe) if in_use and old else None
    encoder = plan.encoder or keep_encoder(plan.model, recipe, build, before)
    if recipe.cross and not plan.encoder:
        keep_cross(recipe, build, before)
    same_model = old and old.recipe.model_sha256 == recipe.model_sha256
    with (
        closing(Known(in_use, old, cuts=_same_cuts(old.recipe, recipe)))
        if in_use and old and same_model
        else nullcontext()
    ) as known:
        _make_shards(plan, build, encoder, known)
        counts = _add_questions(plan, build, encoder, known)
        reused += known.reused if known else 0
    shards = [build / SHARDS / shard for shard in recipe.shards]
    LexicalIndex.join([shard / WORDS for shard in shards], build / WORDS, share)
    save_understanding(build, shards, plan.folder, plan.questions)
    Manifest.of_build(recipe, counts, build, _hashes(shards)).save(build)
    switch_to(index, name)
    return BuildReport(recipe.fingerprint, counts, changed=True, reused=reused)


def _take_over(shards: Sequence[str], build: Path) -> int:
    """Share the finished shards of earlier builds, in use or killed; returns their rows."""
    rows = 0
    for other in build.parent.iterdir():
        if other == build:
            continue
        finished = (other / MANIFEST).exists()
        if finished and not _is_whole(other):
            continue
        for name in shards:
            shard, taken = other / SHARDS / name, build / SHARDS / name
            if shard.exists() and not taken.exists() and (finished or is_intact(shard)):
                share_shard(shard, taken)
                sizes = load_shard(taken)["counts"]
                rows += sizes["passages"] + sizes["sentences"]
    return rows


def _is_whole(build: Path) -> bool:
    try:
        Manifest.load(build).check_files(build, quick=True)
    except (IndexDamaged, IndexMismatch):
        return False
    return True


def _clear(index: Path, keep: Sequence[Path | None]) -> None:
    """Remove every build but those in use: what earlier and killed builds left."""
    used = pinned(index)
    for build in (index / BUILDS).iterdir():
        if build not in keep and build.name not in used:
            shutil.rmtree(build)


def _same_cuts(one: Recipe, other: Recipe) -> bool:
    """Tell whether two recipes split a document alike."""
    splitters = [[recipe.libraries[name] for name in SPLITTERS] for recipe in (one, other)]
    return one.passage_tokens == other.passage_tokens and splitters[0] == splitters[1]


def _make_shards(plan: Plan, build: Path, encoder: Encoder, known: Known | None) -> None:
    for number, (name, run) in enumerate(zip(plan.recipe.shards, plan.runs, strict=True), start=1):
        if not (build / SHARDS / name).exists():
            part = f", part {number} of {len(plan.runs)}" if len(plan.runs) > 1 else ""
            progress = partial(_progress_in, plan.progress, part)
            maker = Maker(encoder, plan.recipe.passage_tokens, known, progress)
            make_shard(build / SHARDS / name, run, maker)


def _progress_in(progress: Progress, part: str, stage: str, done: int, total: int) -> None:
    progress(f"{stage}{part}", done, total)


def _add_questions(
    plan: Plan, build: Path, encoder: Encoder, known: Known | None
) -> dict[str, int]:
    """Write the curated questions, their rows and words; returns the index's counts."""
    questions = plan.questions
    parts = [build / SHARDS / name / STORE for name in plan.recipe.shards]
    with Store(parts[0], parts) as store:
        counts = store.counts() | {"questions": len(questions)}
        if not counts["passages"]:
            raise CorpusError("the documents hold no words; is this the right folder?")
        answering = find_answering(questions, store)
    for question, numbers in zip(questions, answering, strict=True):
        if question.span and not numbers:
            raise CorpusError(
                f"questions.jsonl: {question.text!r}: there is no sentence in its place, "
                f"{question.span.doc_id}[{question.span.start}:{question.span.end}], that can be "
                "quoted; headings and questions cannot"
            )
    create_store(build / STORE, [], [], [], questions, answering)
    if questions:
        texts = [question.text for question in questions]
        look_up = partial(known.row, QUESTIONS) if known else None
        progress = partial(plan.progress, QUESTIONS)
        rows = encode_new(texts, encoder.encode_queries, look_up, progress)
        DenseIndex.build(rows).save(build / QUESTIONS)
        LexicalIndex.build(texts, build / QUESTION_WORDS)
    return counts


def _hashes(shards: Sequence[Path]) -> dict[str, str]:
    """Return the hashes of the shards' files, and of those that the joined words share."""
    found: dict[str, str] = {}
    for shard in shards:
        for file, sha256 in load_shard(shard)["files"].items():
            found[f"{SHARDS}/{shard.name}/{file}"] = sha256
            path = Path(file)
            if path.parent.name == WORDS and path.suffix != ".json":
                found[file] = sha256
    return found


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "none"
