"""A build folder -> the encoder and the reader to open it with, and which stages take part."""

import logging
from dataclasses import dataclass
from pathlib import Path

from ketqa.cluster.address import Address
from ketqa.compiled import CompiledEncoder
from ketqa.cross import CompiledCross, cross_fingerprint
from ketqa.encode import Encoder, SentenceEncoder
from ketqa.errors import IndexMismatch, ModelError
from ketqa.manifest import CROSS, ENCODER, REBUILD, Manifest, Recipe
from ketqa.models import ADAPTED, ModelFolder, find_model
from ketqa.reader import Reader, Weights, load_own_weights, load_weights, read, read_in_order
from ketqa.rerank import CrossReader, FusedReader
from ketqa.retrieve import DENSE_WEIGHT
from ketqa.types import ChangeKind
from ketqa.understand import CHANGES

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Stages:
    """Which stages answer a question; all do, unless one is to be measured without it.

    ``dense_weight`` is the share of meaning, 0..1, in finding passages; words get the rest.
    ``reader``: False ranks sentences as their passages; a name or folder puts that
    cross-encoder behind the reader. ``cross``: False leaves out the packaged cross-encoder, where
    an index has it. ``questions``: False leaves out the curated questions.
    ``changes``: what may be done to a question before it is searched.
    """

    dense_weight: float = DENSE_WEIGHT
    reader: bool | str = True
    cross: bool = True
    questions: bool = True
    changes: frozenset[ChangeKind] = CHANGES


def open_encoder(
    index: Path | Address, build: Path, manifest: Manifest
) -> tuple[Encoder, Weights | None]:
    """Check a build, and return its encoder and the reader's weights that its model brings.

    Raises:
        IndexDamaged: A file is not what was written, or the encoder cannot be opened.
        IndexMismatch: The model is not the one that built the index.
        ModelError: It is not on this machine.
    """
    manifest.check_files(build, quick=True)
    compiled = build / ENCODER
    if compiled.exists():
        try:
            return CompiledEncoder(compiled), load_own_weights(compiled)
        except ModelError as error:
            log.warning("going on with torch, which is slower: %s", error)
    found = find_model(manifest.recipe.model)
    check_model(index, manifest.recipe, found)
    return SentenceEncoder(found), load_own_weights(found.path)


def choose_reader(
    stages: Stages, build: Path, manifest: Manifest, *, curated: bool
) -> tuple[Reader, Weights]:
    """Return the reader of a build and the shipped weights that go with it.

    Args:
        stages: Which take part.
        build: The build's folder.
        manifest: Of the build.
        curated: Whether curated questions take part.

    Raises:
        IndexDamaged: The cross-encoder in the build is not what was written.
        ModelError: There is no such cross-encoder of the user's own.
    """
    weights = load_weights("questions" if curated else "plain")
    if isinstance(stages.reader, str):
        return CrossReader(find_model(stages.reader)), weights
    if not stages.reader:
        return read_in_order, weights
    cross = build / CROSS
    if not (stages.cross and cross.exists()):
        return read, weights
    if manifest.recipe.cross != cross_fingerprint():
        log.warning(
            "%s: its cross-encoder is another release's and is left out; %s", build, REBUILD
        )
        return read, weights
    try:
        return FusedReader(CompiledCross(cross)), load_weights("fused")
    except ModelError as error:
        log.warning("going on without the cross-encoder: %s", error)
        return read, weights


def check_model(index: Path | Address, recipe: Recipe, found: ModelFolder) -> None:
    """Compare a model with the one that built an index.

    Raises:
        IndexMismatch: They are not the same.
    """
    if found.sha256 != recipe.model_sha256:
        again = "" if found.name == ADAPTED else f" --model {found.name}"
        raise IndexMismatch(
            f"{index}: built with model {recipe.model} ({recipe.model_sha256[:12]}), "
            f"opened with {found.name} ({found.sha256[:12]}); {REBUILD}{again}"
        )
