"""A build folder -> its documents, its rows and its words, each shard after shard as one."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ketqa.dense import DenseIndex, Nearest
from ketqa.manifest import PASSAGES, STORE, Manifest
from ketqa.store import Store


class Engine(Protocol):
    """What searches the rows of one build, here or on a server."""

    def nearest(self, kind: str) -> Nearest:
        """Return the rows of the ``PASSAGES``, or of the curated ``QUESTIONS``."""
        ...

    def check(self) -> None:
        """See that it can search; raises ``EngineAway`` where it cannot."""
        ...

    def close(self) -> None:
        """Let go of what it holds."""
        ...


@dataclass(frozen=True, slots=True)
class Here:
    """The engine within this process: the rows in the build folder."""

    build: Path
    manifest: Manifest

    def nearest(self, kind: str) -> DenseIndex:
        """Return the rows of the passages or of the curated questions."""
        if kind == PASSAGES:
            return open_rows(PASSAGES, self.build, self.manifest)
        return DenseIndex.load(self.build / kind)

    def check(self) -> None:
        """Do nothing: it cannot be away."""

    def close(self) -> None:
        """Do nothing: files that are mapped are let go of with the rows."""


def open_store(build: Path, manifest: Manifest) -> Store:
    """Open the documents and the curated questions.

    Raises:
        IndexDamaged: A file is gone or is no store.
    """
    return Store(build / STORE, [shard / STORE for shard in manifest.shards(build)])


def open_rows(folder: str, build: Path, manifest: Manifest) -> DenseIndex:
    """Open the rows of all passages, or of all sentences; a shard without words has none."""
    parts = [shard / folder for shard in manifest.shards(build)]
    return DenseIndex.load(*(part for part in parts if part.exists()))


def share(file: str | Path, copy: str | Path) -> None:
    """Let two builds have a file that neither will change."""
    try:
        os.link(file, copy)
    except OSError:  # this file system has no links
        shutil.copyfile(file, copy)
