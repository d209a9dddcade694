"""The files of builds in PostgreSQL, by their content. The only file that knows PostgreSQL.

A file is cut into parts, and is there whole or not at all: its parts come in one transaction.
What two builds have in common is there once. The schema, ``ketqa_v1``; a later one gets another
name:

part   sha256, number, data              the files' bytes, each file under its hash
build  collection, name, manifest, stored   a build, once ``stored`` is a time, and the hash of
                                         its manifest, which is a file like the others
file   collection, build, sha256         what a build consists of; written before it is sent, so
                                         that nobody removes what another is putting there
"""

import hashlib
import logging
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ketqa.cluster.address import Address
from ketqa.cluster.patience import ANSWER
from ketqa.errors import EngineAway, IndexDamaged, IndexMissing, KetqaError
from ketqa.manifest import REBUILD

if TYPE_CHECKING:
    from psycopg import Connection

# Bytes of a part: what is in memory of a file, here and there.
PART = 4 << 20
SCHEMA = """
SELECT pg_advisory_xact_lock(hashtext('ketqa_v1'));
CREATE SCHEMA IF NOT EXISTS ketqa_v1;
CREATE TABLE IF NOT EXISTS ketqa_v1.part (
    sha256 bytea, number integer, data bytea NOT NULL, PRIMARY KEY (sha256, number)
);
CREATE TABLE IF NOT EXISTS ketqa_v1.build (
    collection text, name text, manifest bytea NOT NULL, stored timestamptz,
    PRIMARY KEY (collection, name)
);
CREATE TABLE IF NOT EXISTS ketqa_v1.file (
    collection text, build text, sha256 bytea, PRIMARY KEY (collection, build, sha256),
    FOREIGN KEY (collection, build) REFERENCES ketqa_v1.build ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS file_sha256 ON ketqa_v1.file (sha256);
-- Rows of numbers do not become smaller, and to try takes longer than to send them.
ALTER TABLE ketqa_v1.part ALTER COLUMN data SET STORAGE EXTERNAL;
"""
LACKING = """
SELECT file.sha256 FROM ketqa_v1.file LEFT JOIN ketqa_v1.part
    ON part.sha256 = file.sha256 AND part.number = 0
WHERE file.collection = %(collection)s AND file.build = %(name)s AND part.number IS NULL
"""
# A server that is cut off without a word is noticed after so many seconds.
CONNECTION = {
    "connect_timeout": int(ANSWER),
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
    "application_name": "ketqa",
}
AGAIN = "run ketqa index again with the same address, on the machine that built it"


class Documents:
    """A database, connected to when it is first asked."""

    def __init__(self, address: Address) -> None:
        """Name a database; nothing is connected yet."""
        self.address = address
        self._connection: Connection | None = None

    def close(self) -> None:
        """Let go of the connection."""
        if self._connection:
            self._connection.close()
        self._connection = None

    @contextmanager
    def asked(self) -> "Iterator[Connection]":
        """Give the connection; what goes wrong with it becomes an error that says what to do.

        Raises:
            EngineAway: The database does not answer, or not as it should.
            IndexMissing: Nothing was ever put there.
            KetqaError: It does not let this user do that.
        """
        psycopg, database = import_psycopg(), self.address.database
        try:
            if self._connection is None:
                # prepared statements would not get through what pools connections
                self._connection = psycopg.connect(
                    self.address.documents, autocommit=True, prepare_threshold=None, **CONNECTION
                )
            yield self._connection
        except psycopg.OperationalError as error:
            self.close()
            raise EngineAway(
                f"the database at {database} does not answer as it should ({_told(error)}); "
                "see that it runs, and try again"
            ) from None
        except psycopg.errors.UndefinedTable:
            raise IndexMissing(f"{database}: has no documents of this ketqa; {AGAIN}") from None
        except psycopg.Error as error:
            self.close()
            raise KetqaError(
                f"the database at {database} refuses this ({_told(error)}); see what its user may "
                "do: docs/cluster.md"
            ) from None

    def prepare(self) -> None:
        """Make the tables, where they are not there."""
        with self.asked() as connection:
            (there,) = _one(connection, "SELECT to_regclass('ketqa_v1.file') IS NOT NULL")
            if not there:
                with connection.transaction():
                    connection.execute(SCHEMA)

    def begin(self, build: str, manifest: str, files: Sequence[str]) -> None:
        """Write down that a build consists of the files with these hashes; not that it is there."""
        key = {"collection": self.address.collection, "name": build}
        with self.asked() as connection, connection.transaction():
            connection.execute(
                "INSERT INTO ketqa_v1.build VALUES (%(collection)s, %(name)s, %(manifest)s, NULL) "
                "ON CONFLICT DO NOTHING",
                key | {"manifest": bytes.fromhex(manifest)},
            )
            connection.execute(
                "INSERT INTO ketqa_v1.file SELECT %(collection)s, %(name)s, unnest(%(files)s) "
                "ON CONFLICT DO NOTHING",
                key | {"files": [bytes.fromhex(one) for one in files]},
            )

    def lacking(self, build: str) -> set[str]:
        """Return the hashes of the files of a build that are not there."""
        with self.asked() as connection:
            rows = connection.execute(LACKING, self._key(build), binary=True).fetchall()
        return {sha256.hex() for (sha256,) in rows}

    def put(self, sha256: str, file: Path) -> None:
        """Put a file there, in the place of what may be there, and wait until it is safe.

        Raises:
            IndexDamaged: It has another hash.
        """
        key, digest = bytes.fromhex(sha256), hashlib.sha256()
        with self.asked() as connection, connection.transaction():
            connection.execute("DELETE FROM ketqa_v1.part WHERE sha256 = %s", [key])
            for number, data in enumerate(cut(file)):
                digest.update(data)
                connection.execute(
                    "INSERT INTO ketqa_v1.part VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
                    [key, number, data],
                )
            if digest.hexdigest() != sha256:
                raise IndexDamaged(f"{file}: was changed after it was built; {REBUILD}")

    def finish(self, build: str) -> None:
        """Say that a build is there.

        Raises:
            IndexMissing: Not all of its files are.
        """
        with self.asked() as connection:
            done = connection.execute(
                "UPDATE ketqa_v1.build SET stored = coalesce(stored, now()) "
                "WHERE collection = %(collection)s AND name = %(name)s "
                f"AND NOT EXISTS ({LACKING})",
                self._key(build),
            )
        if done.rowcount != 1:
            raise IndexMissing(f"{self.address.database}: files of {build} are gone again; {AGAIN}")

    def manifest(self, build: str) -> str:
        """Return the hash of a build's manifest.

        Raises:
            IndexMissing: The build is not there, or not yet.
        """
        with self.asked() as connection:
            row = _one(
                connection,
                "SELECT encode(manifest, 'hex') FROM ketqa_v1.build WHERE stored IS NOT NULL "
                "AND collection = %(collection)s AND name = %(name)s",
                self._key(build),
            )
        if row is None:
            raise IndexMissing(f"{self.address.database}: has not the build {build}; {AGAIN}")
        return str(row[0])

    def get(self, sha256: str) -> Generator[bytes, None, None]:
        """Yield a file's parts, one in memory at a time; nothing where it is not there."""
        query = "SELECT data FROM ketqa_v1.part WHERE sha256 = %s ORDER BY number"
        with self.asked() as connection, connection.cursor() as cursor:
            for (data,) in cursor.stream(query, [bytes.fromhex(sha256)], binary=True):
                yield data

    def has(self, sha256: str, file: Path) -> bool:
        """Tell whether the database has a file byte for byte; the bytes stay there."""
        query = "SELECT sha256(data) FROM ketqa_v1.part WHERE sha256 = %s ORDER BY number"
        with self.asked() as connection:
            rows = connection.execute(query, [bytes.fromhex(sha256)], binary=True).fetchall()
        return [found for (found,) in rows] == [hashlib.sha256(one).digest() for one in cut(file)]

    def drop(self, keep: Sequence[str]) -> None:
        """Remove the builds of this collection but some, and the files that none has any more."""
        with self.asked() as connection, connection.transaction():
            # a build that is begun meanwhile waits, and then sees what is gone
            connection.execute("LOCK TABLE ketqa_v1.build IN SHARE ROW EXCLUSIVE MODE")
            connection.execute(
                "DELETE FROM ketqa_v1.build WHERE collection = %s AND name <> ALL (%s)",
                [self.address.collection, list(keep)],
            )
            connection.execute(
                "DELETE FROM ketqa_v1.part WHERE NOT EXISTS "
                "(SELECT FROM ketqa_v1.file WHERE file.sha256 = part.sha256)"
            )

    def _key(self, build: str) -> dict[str, str]:
        return {"collection": self.address.collection, "name": build}


def cut(file: Path) -> Iterator[bytes]:
    """Yield a file in parts; an empty one is one empty part."""
    with file.open("rb") as opened:
        yield opened.read(PART)
        while data := opened.read(PART):
            yield data


def import_psycopg() -> Any:  # noqa: ANN401, a module
    """Import the client, without its own log: what goes wrong is raised, and told once.

    Raises:
        KetqaError: It is not installed.
    """
    try:
        import psycopg
    except ImportError:
        raise KetqaError(
            "PostgreSQL needs psycopg; install it with: pip install 'ketqa[cluster]'"
        ) from None
    logging.getLogger("psycopg").setLevel(logging.CRITICAL)
    return psycopg


def _one(connection: "Connection", query: str, values: Any = None) -> Any:  # noqa: ANN401, a row
    return connection.execute(query, values).fetchone()


def _told(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or "no reason given"
