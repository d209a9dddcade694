"""What built an index, and the hash of every file it consists of.

index/
  CURRENT          the name of the build in use; replacing this file is the switch
  builds/NAME/     manifest.json, corpus.sqlite, vocabulary.txt, abbreviations.json,
                   encoder/, passages/, sentences/, words/; where the corpus has them:
                   questions/, question_words/, lexicon.toml
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from ketqa.errors import IndexDamaged, IndexMismatch, IndexMissing
from ketqa.models import hash_file

FORMAT = 5
CURRENT, BUILDS, MANIFEST = "CURRENT", "builds", "manifest.json"
REBUILD = "build it again with: ketqa index"


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides what is in an index."""

    format: int
    model: str
    model_sha256: str
    passage_tokens: int
    libraries: Mapping[str, str]
    sources: Mapping[str, str]
    curated: Mapping[str, str]

    @property
    def fingerprint(self) -> str:
        """64 hexadecimal digits; the same recipe gives the same."""
        return hashlib.sha256(_canonical(asdict(self))).hexdigest()


@dataclass(frozen=True, slots=True)
class Manifest:
    """A recipe, what came of it, and the sha256 of every file beside the manifest."""

    recipe: Recipe
    counts: Mapping[str, int]
    files: Mapping[str, str]

    @classmethod
    def of_build(cls, recipe: Recipe, counts: Mapping[str, int], build: Path) -> Self:
        """Describe a finished build folder."""
        return cls(recipe, counts, _hash_files(build))

    def save(self, build: Path) -> None:
        """Write ``manifest.json`` into the build folder."""
        (build / MANIFEST).write_bytes(self._bytes())

    @classmethod
    def load(cls, build: Path) -> Self:
        """Read and check ``manifest.json``.

        Raises:
            IndexDamaged: It is gone, or not byte for byte what was written.
            IndexMismatch: It was written by another format of index.
        """
        file = build / MANIFEST
        try:
            data = file.read_bytes()
            table: dict[str, Any] = json.loads(data)
            written = table["recipe"]["format"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise IndexDamaged(f"{file}: cannot be read ({error}); {REBUILD}") from None
        if written != FORMAT:
            raise IndexMismatch(
                f"{build}: index format {written!r}, this ketqa reads {FORMAT}; {REBUILD}"
            )
        try:
            manifest = cls(Recipe(**table["recipe"]), table["counts"], table["files"])
        except (KeyError, TypeError) as error:
            raise IndexDamaged(f"{file}: a field is wrong ({error}); {REBUILD}") from None
        if manifest._bytes() != data:
            raise IndexDamaged(f"{file}: was changed after it was written; {REBUILD}")
        return manifest

    def check_files(self, build: Path, within: str = "") -> None:
        """Compare every file, or those in one folder, with its hash.

        Raises:
            IndexDamaged: A file was changed, added or is gone; the text names it.
        """
        found = _hash_files(build, within)
        expected = {name for name in self.files if Path(name).is_relative_to(within)}
        for name in sorted(expected | found.keys()):
            if name not in found:
                raise IndexDamaged(f"{build / name}: is gone; {REBUILD}")
            if name not in self.files:
                raise IndexDamaged(f"{build / name}: does not belong to the index; {REBUILD}")
            if found[name] != self.files[name]:
                raise IndexDamaged(f"{build / name}: was changed after it was built; {REBUILD}")

    def _bytes(self) -> bytes:
        return _canonical(
            {
                "fingerprint": self.recipe.fingerprint,
                "recipe": asdict(self.recipe),
                "counts": dict(self.counts),
                "files": dict(self.files),
            }
        )


def current_build(index: Path) -> Path:
    """Return the folder of the build in use.

    Raises:
        IndexMissing: Nothing was built here.
        IndexDamaged: ``CURRENT`` names a build that is not there.
    """
    file = index / CURRENT
    try:
        name = file.read_text(encoding="ascii").removesuffix("\n")
    except FileNotFoundError:
        raise IndexMissing(f"{index}: no index here; build one with: ketqa index") from None
    except (OSError, UnicodeDecodeError) as error:
        raise IndexDamaged(f"{file}: cannot be read ({error}); {REBUILD}") from None
    build = index / BUILDS / name
    if not name or "/" in name or not build.is_dir():
        raise IndexDamaged(f"{file}: names no build that is here ({name!r}); {REBUILD}")
    return build


def switch_to(index: Path, name: str) -> None:
    """Put a finished build into use, in one atomic step that survives a power cut."""
    for path in sorted((index / BUILDS / name).rglob("*")):
        _sync(path)
    _sync(index / BUILDS)
    fresh = index / f"{CURRENT}.new"
    fresh.write_text(f"{name}\n", encoding="ascii")
    _sync(fresh)
    fresh.replace(index / CURRENT)
    _sync(index)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _hash_files(build: Path, within: str = "") -> dict[str, str]:
    return {
        path.relative_to(build).as_posix(): hash_file(path)
        for path in sorted((build / within).rglob("*"))
        if path.is_file() and path.name != MANIFEST and path.suffix != ".lock"
    }


def _canonical(table: object) -> bytes:
    return json.dumps(table, indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n"
