"""A build's files: a folder -> the database that keeps them, and from there to another's folder.

A folder is filled in a place of its own beside the builds, ``NAME.part/``, and gets its name in
one step once every file in it has its hash. What was fetched before a stop is not fetched again,
nor what an earlier build in the folder has already.
"""

import hashlib
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path, PurePosixPath

from ketqa.cluster.address import Address
from ketqa.cluster.documents import AGAIN, Documents
from ketqa.cluster.patience import ANSWER, WRITE, patiently
from ketqa.errors import IndexDamaged, IndexMismatch, IndexMissing
from ketqa.lock import building
from ketqa.manifest import BUILDS, MANIFEST, PINS, Manifest, current_build, pin, pinned, sync
from ketqa.models import hash_file
from ketqa.parts import share
from ketqa.shards import Progress

STAGE = "to PostgreSQL"
SHA256 = re.compile(r"[0-9a-f]{64}")


def keep_build(address: Address, build: Path, progress: Progress, *, whole: bool = False) -> int:
    """Put a build's files into the database of an address, if it has one.

    Args:
        address: Names the database.
        build: The build's folder.
        progress: Called with (stage, files that are there, files in all).
        whole: Compare what is there, and put what is not the same there anew.

    Returns:
        How many files were put.

    Raises:
        EngineAway: The database does not answer; what it acknowledged is kept.
        IndexDamaged: A file of the build was changed.
    """
    with _connected(address) as documents:
        if documents is None:
            return 0
        files = _files(build)
        patiently(documents.prepare, ANSWER)
        begin = partial(documents.begin, build.name, hash_file(build / MANIFEST), list(files))
        patiently(begin, WRITE)
        wanted = patiently(partial(documents.lacking, build.name), WRITE)
        if whole:
            wanted |= set(_differing(documents, files))
        for done, sha256 in enumerate(sorted(wanted), start=len(files) - len(wanted) + 1):
            patiently(partial(documents.put, sha256, files[sha256]), WRITE)
            progress(STAGE, done, len(files))
        patiently(partial(documents.finish, build.name), WRITE)
    return len(wanted)


def drop_builds(address: Address, keep: Sequence[str]) -> None:
    """Remove all builds but some from the database, if there is one."""
    with _connected(address) as documents:
        if documents:
            patiently(partial(documents.drop, keep), WRITE)


def check_kept(build: Path, address: Address) -> None:
    """See that the database has every file of a build, byte for byte.

    Raises:
        EngineAway: The database does not answer.
        IndexDamaged: A file is gone there, or is not the same; the text names it.
        IndexMissing: The build is not there.
    """
    with closing(Documents(address)) as documents:
        patiently(partial(documents.manifest, build.name), ANSWER)
        files = _files(build)
        for sha256 in _differing(documents, files):
            raise _damaged(address, files[sha256].relative_to(build))


def fetch_build(address: Address, name: str) -> None:
    """Bring a build from the database into the folder of an address.

    Two that fetch at once into one folder do so one after the other, and the second finds it.

    Raises:
        EngineAway: The database does not answer; what was fetched is gone on with.
        IndexDamaged: A file there is not the one that was put there; the text names it.
        IndexMissing: The build is not there.
        IndexUnwritable: The disk is full, or the folder may not be written.
    """
    with closing(Documents(address)) as documents:
        manifest = patiently(partial(documents.manifest, name), ANSWER)
        with building(address.store, wait=True):
            build = address.store / BUILDS / name
            if not build.is_dir():
                begun = build.with_name(f"{name}.part")
                for other in set(build.parent.glob("*.part")) - {begun}:
                    shutil.rmtree(other)
                _fetch_files(documents, manifest, begun)
                for path in sorted(begun.rglob("*")):
                    sync(path)
                (begun / "build").rename(build)
                shutil.rmtree(begun)
                sync(build.parent)
            _keep_two(address, name)


def _fetch_files(documents: Documents, manifest: str, begun: Path) -> None:
    """Fetch the files that are not there into ``begun``/build."""
    build, held = begun / "build", _held(begun.parent)
    build.mkdir(parents=True, exist_ok=True)
    if not _is(build / MANIFEST, manifest):
        patiently(partial(_fetch, documents, begun, manifest, MANIFEST), ANSWER)
    files = Manifest.load(build).files
    for name, sha256 in sorted(files.items()):
        _check_name(documents.address, name, sha256)
        path = build / name
        if not _is(path, sha256):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            if sha256 in held and _is(held[sha256], sha256):
                share(held[sha256], path)
            else:
                patiently(partial(_fetch, documents, begun, sha256, name), ANSWER)
        held[sha256] = path
    # files that are older than their manifest need not be read to see that they are whole
    (build / MANIFEST).touch()


def _fetch(documents: Documents, begun: Path, sha256: str, name: str) -> None:
    """Fetch one file under a name that is none of the build's, and give it its own when whole."""
    fresh, digest = begun / "new", hashlib.sha256()
    with fresh.open("wb") as file, closing(documents.get(sha256)) as parts:
        for data in parts:
            digest.update(data)
            file.write(data)
    if digest.hexdigest() != sha256:
        fresh.unlink()
        raise _damaged(documents.address, name)
    fresh.replace(begun / "build" / name)


def _held(builds: Path) -> dict[str, Path]:
    """Return the files of the finished builds in a folder, by their hashes."""
    held: dict[str, Path] = {}
    for build in builds.glob("*"):
        with suppress(IndexDamaged, IndexMismatch):
            held |= _files(build)
    return held


def _files(build: Path) -> dict[str, Path]:
    """Return the files of a build, its manifest among them, by their hashes."""
    files = {sha256: build / name for name, sha256 in Manifest.load(build).files.items()}
    return files | {hash_file(build / MANIFEST): build / MANIFEST}


def _is(path: Path, sha256: str) -> bool:
    return path.is_file() and hash_file(path) == sha256


def _differing(documents: Documents, files: Mapping[str, Path]) -> Iterator[str]:
    """Yield the hashes of the files that the database has not byte for byte."""
    for sha256, file in files.items():
        if not patiently(partial(documents.has, sha256, file), ANSWER):
            yield sha256


def _check_name(address: Address, name: str, sha256: str) -> None:
    """See that a file's name stays within the build's folder."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not SHA256.fullmatch(sha256):
        raise _damaged(address, name)


def _damaged(address: Address, name: object) -> IndexDamaged:
    return IndexDamaged(
        f"{address.database}: {name} is not what was put there; to put it there anew, {AGAIN}"
    )


def _keep_two(address: Address, name: str) -> None:
    """Keep this build and the one that was fetched before it, and remove those from before that."""
    store, pins = address.store, address.store / PINS / address.pin
    before = pins.read_text(encoding="ascii").split() if pins.exists() else []
    pin(store, address.pin, [name, *(one for one in before if one != name)][:2])
    used = pinned(store)
    with suppress(IndexMissing, IndexDamaged):  # a folder that only copies has none
        used.add(current_build(store).name)
    for one in set(before) - used:
        shutil.rmtree(store / BUILDS / one, ignore_errors=True)


@contextmanager
def _connected(address: Address) -> "Iterator[Documents | None]":
    if not address.documents:
        yield None
        return
    with closing(Documents(address)) as documents:
        yield documents
