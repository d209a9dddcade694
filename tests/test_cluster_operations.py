"""A server that is away, killed, filled by halves, or filled anew while somebody asks."""

import json
import logging
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from starlette.testclient import TestClient

from conftest import some_questions
from ketqa.build import build_index
from ketqa.cli import main
from ketqa.cluster import fill as module
from ketqa.cluster.address import EF, Address, find_place
from ketqa.cluster.engine import Collection, Milvus, open_place
from ketqa.cluster.fill import fill
from ketqa.cluster.patience import ANSWER
from ketqa.coverage import cover
from ketqa.encode import Rows
from ketqa.errors import EngineAway, IndexMismatch, IndexMissing, KetqaError
from ketqa.index import Index
from ketqa.manifest import BUILDS, PASSAGES, Manifest, current_build
from ketqa.parts import Here, share
from ketqa.verify import verify_index
from ketqa.web.api import build_api
from ketqa.web.desk import Desk
from ketqa.web.guard import Access
from ketqa.web.turns import Turn
from ketqa.web.words import Words
from milvus import SERVER, Lite, Server, Standalone

log = logging.getLogger(__name__)
QUESTION = "How long did relief last?"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("milvus://localhost", "names no server or no collection"),
        ("milvus:///ketqa", "names no server or no collection"),
        ("milvus://localhost:99999/ketqa", "Port out of range"),
        ("milvus://localhost/9lives", "names no server or no collection"),
        (
            "milvus://localhost/ketqa?ef=10",
            "ef=10: an address can have store, documents, replicas 1 to 64",
        ),
        (
            "milvus://localhost/ketqa?replica=2",
            "replica: an address can have store, documents, replicas",
        ),
        ("milvus://localhost/ketqa?store", "bad query field"),
        ("milvus://me:secret@localhost/ketqa", "set KETQA_MILVUS_TOKEN instead"),
    ],
)
def test_an_address_that_is_none_is_told(text: str, told: str) -> None:
    with pytest.raises(KetqaError, match=told) as raised:
        find_place(text)
    assert "secret" not in str(raised.value)


def test_an_address_names_a_server_a_collection_and_a_folder() -> None:
    assert find_place("milvus://db/notes") == Address("db", 19530, "notes", Path("index"), ef=EF)
    full = find_place("milvus://db:7/notes?store=/srv/notes&replicas=2&shards=3&ef=512&tls=1")
    assert full == Address("db", 7, "notes", Path("/srv/notes"), 2, 3, 512, 1)
    assert isinstance(full, Address)
    assert (str(full), full.uri) == ("milvus://db:7/notes", "https://db:7")
    assert find_place("index") == Path("index")


@pytest.mark.model
def test_the_command_line_takes_the_address_in_the_place_of_the_folder(
    lite: Server, small_index: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    store = Path(copytree(small_index, tmp_path / "index", copy_function=share))
    address = lite.address("by_hand", store)
    corpus = str(some_questions(tmp_path / "corpus", 12))
    assert main(["ask", QUESTION, "--index", address]) == 1
    assert "no index there; build one: ketqa index --index milvus://" in capsys.readouterr().err
    assert main(["index", "--corpus", corpus, "--index", address]) == 0
    assert capsys.readouterr().out.startswith(f"milvus://127.0.0.1:{lite.port}/by_hand: built: ")
    assert main(["index", "--corpus", corpus, "--index", address]) == 0
    assert "nothing changed" in capsys.readouterr().out
    found = []
    for index in (address, str(small_index)):
        assert main(["ask", QUESTION, "--json", "--index", index]) == 0
        found.append(json.loads(capsys.readouterr().out) | {"timings_ms": {}})
    assert found[0] == found[1]
    assert main(["verify", "--corpus", corpus, "--index", address]) == 0
    assert "kept    the server has every row" in capsys.readouterr().out


def test_what_lies_at_an_address_is_not_taken_for_something_else(
    lite: Server, small_index: Path, tmp_path: Path
) -> None:
    address = Address.parse(lite.address("mistaken", small_index))
    with Milvus(address).asked() as client:
        client.create_collection("mistaken", dimension=4)
    with pytest.raises(IndexMismatch, match="is a collection already; give another name"):
        fill(address)
    with pytest.raises(IndexMismatch, match="leads to mistaken, whose build is not in the folder"):
        open_place(address)
    with pytest.raises(IndexMissing, match="no index here"):
        fill(Address.parse(lite.address("other", tmp_path)))


@pytest.fixture(scope="module")
def leaving(small_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that the tests kill and start again."""
    with Lite(tmp_path_factory.mktemp("leaving")) as server:
        fill(Address.parse(server.address("away", small_index)))
        yield server


@pytest.mark.model
def test_a_server_that_is_away_is_told_soon_everywhere_and_found_again(
    leaving: Server, small_index: Path
) -> None:
    with Index.open(leaving.address("away", small_index)) as index:
        expected = index.ask(QUESTION).evidence
        with TestClient(build_api(index, Access()), raise_server_exceptions=False) as client:
            assert client.get("/healthz").status_code == 200
            leaving.kill()
            start = time.monotonic()
            with pytest.raises(EngineAway, match=r"milvus://127.0.0.1:\d+/away does not answer"):
                index.ask(QUESTION)
            assert time.monotonic() - start < 2 * ANSWER
            health = client.get("/healthz")
            assert (health.status_code, health.headers["Retry-After"]) == (503, "10")
            asked = client.post("/v1/ask", json={"question": QUESTION})
            assert (asked.status_code, asked.json()["title"]) == (503, "Service Unavailable")
            assert "does not answer" in asked.json()["detail"]
        desk = Desk(index, Words("en"), cover(index.store.sources()))
        *_, shown = desk.stages([Turn(QUESTION, False)])
        assert "The search engine at milvus://" in shown
        with pytest.raises(EngineAway):
            Index.open(leaving.address("away", small_index))
        leaving.start()
        Index.open(leaving.address("away", small_index)).close()  # loads what this server forgot
        assert index.ask(QUESTION).evidence == expected


@pytest.mark.model
def test_rows_that_a_server_does_not_show_are_asked_for_again_until_the_time_is_up(
    lite: Server, small_index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a node of Milvus shows nothing for seconds after it was started again."""
    address = Address.parse(lite.address("hidden", small_index))
    fill(address)
    build = current_build(small_index)
    here = Here(build, Manifest.load(build)).nearest(PASSAGES)
    rows, numbers = here.rows(range(len(here))), range(len(here))
    collection = name_of(address)
    with Index.open(address) as index:
        expected = [item.quote for item in index.ask(QUESTION).evidence]
        with collection.milvus.asked() as client:
            client.delete(collection.name, ids=list(numbers), partition_name=PASSAGES)
        monkeypatch.setattr("ketqa.cluster.engine.ANSWER", 0.3)
        with pytest.raises(EngineAway, match="1 of its rows are gone; fill it again: ketqa index"):
            index.search(QUESTION)
        monkeypatch.undo()
        again = threading.Timer(1.0, module._insert, [collection, PASSAGES, numbers, rows])
        again.start()
        assert [item.quote for item in index.ask(QUESTION).evidence] == expected
        again.join()


@pytest.mark.model
def test_a_server_that_refuses_for_a_moment_is_asked_again(lite: Server, small_index: Path) -> None:
    """As Milvus does when one of the nodes that held a collection is replaced."""
    address = Address.parse(lite.address("refusing", small_index))
    fill(address)
    collection = name_of(address)
    with Index.open(address) as index:
        expected = index.ask(QUESTION).evidence
        with collection.milvus.asked() as client:
            client.release_collection(collection.name)
        again = threading.Timer(1.0, collection.load)
        again.start()
        assert index.ask(QUESTION).evidence == expected
        again.join()


@pytest.mark.model
@pytest.mark.parametrize("kind", [Lite, *([Standalone] if SERVER else [])])
def test_what_a_server_acknowledged_is_there_after_it_was_killed(
    kind: type[Lite] | type[Standalone],
    small_index: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is killed half-way; what was begun is then gone on with, and nothing is there twice."""
    monkeypatch.setattr("ketqa.cluster.fill.WRITE", 3.0)
    with kind(tmp_path / "server") as server:
        address = Address.parse(server.address("killed", small_index))
        acknowledged = [0]

        def count(_: str, done: int, total: int) -> None:
            acknowledged.append(done)
            if done > total / 2 and len(acknowledged) < total / 10:
                server.kill()

        with pytest.raises(EngineAway):
            fill(address, batch=20, progress=count)
        server.start()
        monkeypatch.setattr("ketqa.cluster.fill.WRITE", 180.0)
        collection = name_of(address)
        sizes = Manifest.load(current_build(small_index)).counts
        total = sizes["passages"] + sizes["questions"]
        sent: list[int] = []
        insert = module._insert

        def send(to: Collection, kind: str, numbers: Sequence[int], rows: Rows) -> None:
            sent.extend(numbers)
            insert(to, kind, numbers, rows)

        monkeypatch.setattr(module, "_insert", send)
        assert fill(address, batch=20)
        lost = len(sent) - (total - acknowledged[-1])
        told = f"{acknowledged[-1]} rows acknowledged of {total}, {max(lost, 0)} lost"
        log.info("%s: %s", kind.__name__, told)
        assert 0 < acknowledged[-1] < total
        assert lost <= 0  # less than 0 where rows came that were not acknowledged any more
        assert collection.count() == total
        assert not [check for check in verify_index(address, None) if check.problem]


def name_of(address: Address) -> Collection:
    milvus = Milvus(address)
    return Collection(milvus, milvus.name_of(current_build(address.store).name))


@pytest.mark.model
def test_a_new_build_is_switched_to_in_one_step_and_the_one_before_stays(
    lite: Server, small_index: Path, tmp_path: Path
) -> None:
    store = Path(copytree(small_index, tmp_path / "index", copy_function=share))
    address = Address.parse(lite.address("renewed", store))
    fill(address)
    builds = [current_build(store).name]
    with Index.open(address) as old:
        before = old.ask(QUESTION).to_dict()
        for each in (40, 60):
            build_index(some_questions(tmp_path / f"corpus{each}", each), store)
            builds.append(current_build(store).name)
            seen = asking(address, builds)
            assert fill(address)
            assert seen() == set(builds[-2:])
            if each == 40:
                after = old.ask(QUESTION).to_dict()
                assert after | {"timings_ms": {}} == before | {"timings_ms": {}}
    with Milvus(address).asked() as client:
        here = {name for name in client.list_collections() if name.startswith("renewed")}
    assert here == {Milvus(address).name_of(build) for build in builds[1:]}
    assert {path.name for path in (store / BUILDS).iterdir()} >= set(builds[1:])


def asking(address: Address, builds: list[str]) -> Any:  # noqa: ANN401
    """Look up, again and again, which build the address leads to; it is never none."""
    seen: set[str] = set()
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            build, engine = open_place(address)
            assert engine is not None
            assert len(engine.nearest(PASSAGES).rows([0])) == 1
            engine.close()
            seen.add(build.name)

    thread = threading.Thread(target=look)
    thread.start()

    def end() -> set[str]:
        time.sleep(0.3)
        over.set()
        thread.join()
        return seen

    return end
