"""What built an index, and the hash of every file it consists of.

index/
  CURRENT          the name of the build in use; replacing this file is the switch
  CORPUS           the folder that the documents came from
  pins/            what else is in use: a file each, one name of a build a line
  builds/NAME/     manifest.json, corpus.sqlite (the curated questions), vocabulary.txt,
                   abbreviations.json, words/, encoder/; where the corpus has curated questions:
                   questions/, question_words/, and otherwise cross/; lexicon.toml if any
    shards/ID/     shard.json, corpus.sqlite (the documents), vocabulary.txt,
                   abbreviations.json, passages/, sentences/, words/
"""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

from ketqa.errors import IndexDamaged, IndexMismatch, IndexMissing
from ketqa.models import hash_file

FORMAT = 7
CURRENT, CORPUS, BUILDS, MANIFEST = "CURRENT", "CORPUS", "builds", "manifest.json"
PINS = "pins"
SHARDS, SHARD = "shards", "shard.json"
STORE, PASSAGES, SENTENCES, WORDS = "corpus.sqlite", "passages", "sentences", "words"
MODELS = ENCODER, CROSS = "encoder", "cross"
REBUILD = "build it again with: ketqa index"
# An index of at most so many bytes is read whole, to see that it is whole: 0.15 s.
READ_WHOLE = 256 << 20


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides what is in an index.

    ``shards`` are ids, in order; ``cross`` is the packaged cross-encoder's fingerprint, empty
    where none is wanted.
    """

    format: int
    model: str
    model_sha256: str
    passage_tokens: int
    libraries: Mapping[str, str]
    shards: Sequence[str]
    curated: Mapping[str, str]
    cross: str

    @property
    def settings(self) -> dict[str, Any]:
        """What is the same for every shard, whatever its documents."""
        return asdict(replace(self, shards=[], curated={}, cross=""))

    @property
    def fingerprint(self) -> str:
        """64 hexadecimal digits; the same recipe gives the same."""
        return hashlib.sha256(canonical(asdict(self))).hexdigest()


@dataclass(frozen=True, slots=True)
class Manifest:
    """A recipe, what came of it, and the sha256 of every file beside the manifest."""

    recipe: Recipe
    counts: Mapping[str, int]
    files: Mapping[str, str]

    @classmethod
    def of_build(
        cls,
        recipe: Recipe,
        counts: Mapping[str, int],
        build: Path,
        known: Mapping[str, str] | None = None,
    ) -> Self:
        """Describe a finished build folder; ``known`` are hashes of files that need no look."""
        return cls(recipe, counts, hash_files(build, known=known or {}))

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
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise IndexDamaged(f"{file}: cannot be read ({error}); {REBUILD}") from None
        if written != FORMAT:
            raise IndexMismatch(
                f"{build}: index format {written!r}, this ketqa reads {FORMAT}; {REBUILD}"
            )
        try:
            manifest = cls(Recipe(**table["recipe"]), table["counts"], table["files"])
            written_again = manifest._bytes()
        except (KeyError, TypeError, ValueError) as error:
            raise IndexDamaged(f"{file}: a field is wrong ({error!r}); {REBUILD}") from None
        if written_again != data:
            raise IndexDamaged(f"{file}: was changed after it was written; {REBUILD}")
        return manifest

    def check_files(self, build: Path, *, quick: bool = False) -> None:
        """Compare every file with its hash.

        Args:
            build: The build's folder.
            quick: Of an index larger than ``READ_WHOLE``, trust the files, but the models', that
                nobody wrote to since the manifest was written.

        Raises:
            IndexDamaged: A file was changed, added, is gone or cannot be read; the text names it.
        """
        try:
            known = self._trusted(build) if quick else {}
            found = hash_files(build, known)
        except OSError as error:
            raise IndexDamaged(
                f"{error.filename}: cannot be read ({error.strerror}); {REBUILD}"
            ) from None
        check_hashes(build, self.files, found)

    def _trusted(self, build: Path) -> dict[str, str]:
        since = (build / MANIFEST).stat().st_mtime_ns
        there = (build / name for name in self.files if (build / name).exists())
        large = sum(file.stat().st_size for file in there) > READ_WHOLE
        named = {name: one for name, one in self.files.items() if not name.startswith(MODELS)}
        return _untouched(build, named, since) if large else {}

    def shards(self, build: Path) -> list[Path]:
        """Return the folders of the shards, in order."""
        return [build / SHARDS / name for name in self.recipe.shards]

    def _bytes(self) -> bytes:
        table = {
            "fingerprint": self.recipe.fingerprint,
            "recipe": asdict(self.recipe),
            "counts": dict(self.counts),
            "files": dict(self.files),
        }
        return canonical({**table, "sha256": hashlib.sha256(canonical(table)).hexdigest()})


def current_build(index: Path) -> Path:
    """Return the folder of the build in use.

    Raises:
        IndexMissing: Nothing was built here.
        IndexDamaged: ``CURRENT`` names a build that is not there.
    """
    file = index / CURRENT
    try:
        line = file.read_text(encoding="ascii")
        name, whole = line.removesuffix("\n"), line.endswith("\n")
        there = whole and (index / BUILDS / name).is_dir()
    except FileNotFoundError:
        raise IndexMissing(f"{index}: no index here; build one with: ketqa index") from None
    except (OSError, ValueError) as error:
        raise IndexDamaged(f"{file}: cannot be read ({error}); {REBUILD}") from None
    if not name or "/" in name or not there:
        raise IndexDamaged(f"{file}: names no build that is here ({name!r}); {REBUILD}")
    return index / BUILDS / name


def switch_to(index: Path, name: str) -> None:
    """Put a finished build into use, in one atomic step that survives a power cut."""
    for path in sorted((index / BUILDS / name).rglob("*")):
        sync(path)
    sync(index / BUILDS)
    fresh = index / f"{CURRENT}.new"
    fresh.write_text(f"{name}\n", encoding="ascii")
    sync(fresh)
    fresh.replace(index / CURRENT)
    sync(index)


def record_corpus(index: Path, folder: Path) -> None:
    """Write down which folder the documents came from: a PDF's pages are drawn from there."""
    fresh = index / f"{CORPUS}.new"
    fresh.write_bytes(os.fsencode(folder.resolve()))
    fresh.replace(index / CORPUS)


def recorded_corpus(index: Path) -> Path | None:
    """Return the folder that the documents came from; None where nothing is written down."""
    try:
        return Path(os.fsdecode((index / CORPUS).read_bytes()))
    except FileNotFoundError:
        return None


def pin(index: Path, name: str, builds: Sequence[str]) -> None:
    """Keep builds from being removed, in place of those that were kept under this name."""
    (index / PINS).mkdir(exist_ok=True)
    fresh = index / PINS / f".{name}"
    fresh.write_text("".join(f"{build}\n" for build in builds), encoding="ascii")
    sync(fresh)
    fresh.replace(index / PINS / name)
    sync(index / PINS)


def pinned(index: Path) -> set[str]:
    """Return the names of the builds that are kept, under any name."""
    return {build for file in (index / PINS).glob("*") for build in file.read_text().split()}


def sync(path: Path) -> None:
    """Wait until a file or a folder is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_intact(shard: Path) -> bool:
    """Tell whether a shard was finished and nobody wrote to it since."""
    try:
        files = load_shard(shard)["files"]
        since = (shard / SHARD).stat().st_mtime_ns
        check_hashes(shard, files, hash_files(shard, known=_untouched(shard, files, since)))
    except (OSError, ValueError, KeyError, TypeError, IndexDamaged):
        return False
    return True


def load_shard(shard: Path) -> dict[str, Any]:
    """Read ``shard.json``: the counts of a shard, and the hashes of its files."""
    table: dict[str, Any] = json.loads((shard / SHARD).read_bytes())
    return table


def save_shard(shard: Path, counts: Mapping[str, int]) -> None:
    """Write ``shard.json``, the last of a shard's files, once the others are on the disk."""
    for path in [*shard.rglob("*"), shard]:
        sync(path)
    table = {"counts": dict(counts), "files": hash_files(shard)}
    fresh = shard / f"{SHARD}.new"
    fresh.write_bytes(canonical(table))
    sync(fresh)
    fresh.replace(shard / SHARD)


def _untouched(folder: Path, files: Mapping[str, str], since: int) -> dict[str, str]:
    """Return the hashes of the files that were last written before a time, in nanoseconds."""
    return {
        name: sha256
        for name, sha256 in files.items()
        if (folder / name).exists() and (folder / name).stat().st_mtime_ns < since
    }


def check_hashes(folder: Path, expected: Mapping[str, str], found: Mapping[str, str]) -> None:
    """Compare hashes by file.

    Raises:
        IndexDamaged: They differ; the text names the first file.
    """
    for name in sorted(expected.keys() | found.keys()):
        if name not in found:
            raise IndexDamaged(f"{folder / name}: is gone; {REBUILD}")
        if name not in expected:
            raise IndexDamaged(f"{folder / name}: does not belong to the index; {REBUILD}")
        if found[name] != expected[name]:
            raise IndexDamaged(f"{folder / name}: was changed after it was built; {REBUILD}")


def hash_files(folder: Path, known: Mapping[str, str] = MappingProxyType({})) -> dict[str, str]:
    """Return the sha256 of every file but the descriptions and locks; as known where it is."""
    names = {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path not in (folder / MANIFEST, folder / SHARD)
    }
    return {
        name: known.get(name) or hash_file(path)
        for name, path in names.items()
        if path.suffix != ".lock"
    }


def canonical(table: object) -> bytes:
    """Return the one JSON form of a table."""
    return json.dumps(table, indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n"
