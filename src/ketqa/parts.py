"""A build folder -> its documents, its rows and its words, each shard after shard as one."""

import os
import shutil
from pathlib import Path

from ketqa.dense import DenseIndex
from ketqa.manifest import STORE, Manifest
from ketqa.store import Store


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
