"""Where an index is: in a folder, or at ``milvus://host:port/collection`` and in a folder.

The folder may be this machine's copy of what a PostgreSQL database keeps for all machines.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import parse_qsl, urlsplit

from ketqa.errors import KetqaError

SCHEME = "milvus://"
FORM = "milvus://HOST:PORT/COLLECTION?store=FOLDER&replicas=1&shards=1&ef=256&tls=0"
DATABASE = "postgresql://USER@HOST:PORT/DATABASE"
PORT = 19530
# What Milvus takes for a name, with room for what ketqa puts behind it.
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}")
# How many candidates a search keeps: at least as many as are asked for, which are up to 200. Of
# the true ten nearest among 200,000, 64 find .969 and 256 find .997 (docs/benchmarks.md).
EF = 256
# What libpq takes in an address and ketqa does not: it would be seen in the list of processes.
SECRETS = {"password", "sslpassword"}
NUMBERS = {"replicas": (1, 64), "shards": (1, 16), "ef": (EF, 32_768), "tls": (0, 1)}


@dataclass(frozen=True, slots=True)
class Address:
    """A Milvus server, a name in it, and the folder of what is not in Milvus.

    ``store`` has the documents, their words and the encoder; ``documents`` is the database that
    has them too, as libpq is told, empty where none does. ``replicas`` and ``shards`` are a
    collection's when it is made, ``ef`` is how widely it is searched.
    """

    host: str
    port: int
    collection: str
    store: Path
    replicas: int = 1
    shards: int = 1
    ef: int = EF
    tls: int = 0
    documents: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``FORM``, of which the host and the collection must be given.

        Raises:
            KetqaError: It is not of that form.
        """
        shown = text.partition("?")[0]
        if "@" in shown:
            raise KetqaError("put no password into an address; set KETQA_MILVUS_TOKEN instead")
        try:
            parts = urlsplit(text)
            host, port, query = parts.hostname, parts.port or PORT, parts.query
            given = dict(parse_qsl(query, strict_parsing=bool(query)))
        except ValueError as error:
            told = str(error).partition(":")[0]  # what follows is a part of the address
            raise KetqaError(f"{shown}: {told}; it must be {FORM}") from None
        name = parts.path.removeprefix("/")
        if not host or not NAME.fullmatch(name):
            raise KetqaError(f"{shown}: names no server or no collection; it must be {FORM}")
        store = Path(given.pop("store", "index"))
        documents = _check_database(given.pop("documents", ""))
        return cls(host, port, name, store, **_numbers(given), documents=documents)

    @property
    def uri(self) -> str:
        """What a client connects to."""
        return f"http{'s' * self.tls}://{self.host}:{self.port}"

    @property
    def database(self) -> str:
        """What names the database to a person."""
        return self.documents.partition("?")[0]

    @property
    def pin(self) -> str:
        """The name under which a folder pins what the address led to."""
        return f"{self.host}-{self.port}-{self.collection}"

    def __str__(self) -> str:
        """Return what names it to a person."""
        return f"{SCHEME}{self.host}:{self.port}/{self.collection}"


def find_place(index: str | Path | Address) -> Path | Address:
    """Return the folder or the address that an argument names.

    Raises:
        KetqaError: It is an address that is not of its form.
    """
    if isinstance(index, str):
        return Address.parse(index) if index.startswith(SCHEME) else Path(index)
    return index


def folder_of(place: Path | Address) -> Path:
    """Return the folder that holds an index, or all of it that is not in Milvus."""
    return place.store if isinstance(place, Address) else place


def _check_database(text: str) -> str:
    """Return the address of a database, if it is one without a password."""
    try:
        parts = urlsplit(text)
        secret = parts.password is not None or not SECRETS.isdisjoint(dict(parse_qsl(parts.query)))
    except ValueError:
        raise KetqaError(f"documents: is no address; it must be {DATABASE}") from None
    if secret:
        raise KetqaError("put no password into an address; set PGPASSWORD or write ~/.pgpass")
    if text and parts.scheme not in ("postgresql", "postgres"):
        raise KetqaError(f"documents: names no PostgreSQL; it must be {DATABASE}")
    return text


def _numbers(given: Mapping[str, str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for name, text in given.items():
        low, high = NUMBERS.get(name, (1, 0))
        if not (text.isascii() and text.isdigit() and low <= int(text) <= high):
            known = ", ".join(f"{one} {low} to {high}" for one, (low, high) in NUMBERS.items())
            shown = f"{name}={text}" if name in NUMBERS else name
            raise KetqaError(f"{shown}: an address can have store, documents, {known}")
        found[name] = int(text)
    return found
