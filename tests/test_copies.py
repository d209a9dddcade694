"""What a database keeps of a build is what was built: killed, damaged, fetched by two at once."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from shutil import copytree, rmtree
from typing import Any
from urllib.parse import quote

import pytest

from conftest import FOUR_DOCUMENTS, TopicEncoder, some_questions, write_corpus
from ketqa.build import build_index, silent
from ketqa.cluster import copies, documents
from ketqa.cluster.address import Address, find_place
from ketqa.cluster.copies import check_kept, drop_builds, fetch_build, keep_build
from ketqa.cluster.documents import Documents
from ketqa.cluster.engine import Milvus, open_place
from ketqa.cluster.fill import fill
from ketqa.errors import EngineAway, IndexDamaged, IndexMissing, KetqaError
from ketqa.index import Index
from ketqa.manifest import BUILDS, MANIFEST, SHARDS, STORE, Manifest, current_build
from ketqa.models import ModelFolder, hash_file
from ketqa.parts import share
from ketqa.verify import KEPT, verify_index
from milvus import Server
from postgres import PASSWORD, Postgres

QUESTION = "How long did relief last?"
TOPICS = ModelFolder("topics", Path("topics"), "0" * 64)
DOCUMENTS = {
    "documents=mysql://me@db/notes": "names no PostgreSQL; it must be postgresql://USER@HOST",
    "documents=postgresql://[db/notes": "is no address; it must be postgresql://",
    "documents=postgresql://me:secret@db/notes": "set PGPASSWORD or write ~/.pgpass",
    "documents=postgresql://db/notes?password=secret": "set PGPASSWORD or write ~/.pgpass",
    "documents=postgresql://db/notes%3Fsslmode=require%26password=secret": "set PGPASSWORD",
    "documents=postgresql://db/notes?sslmode=require&password=secret": "password: an address",
    "documents=postgresql://me:secret@db/notes&ef": "bad query field",
}


@pytest.mark.parametrize(("given", "told"), DOCUMENTS.items())
def test_the_address_of_a_database_that_is_none_or_holds_a_password_is_told(
    given: str, told: str
) -> None:
    with pytest.raises(KetqaError) as raised:
        find_place(f"milvus://localhost/notes?{given}")
    assert told in str(raised.value)
    assert "secret" not in str(raised.value)


def test_an_address_names_a_database_as_libpq_takes_it() -> None:
    text = "postgresql://me@db:5433/notes?sslmode=verify-full&target_session_attrs=read-write"
    place = find_place(f"milvus://db/notes?documents={quote(text, safe='')}&ef=512")
    assert isinstance(place, Address)
    assert (place.documents, place.ef) == (text, 512)
    assert place.database == "postgresql://me@db:5433/notes"


Place = Callable[[str], Address]


@pytest.fixture
def place(postgres: Postgres, tmp_path: Path) -> Iterator[Place]:
    """Addresses of machines that have a database in common; no Milvus is asked."""
    postgres.make("shared")
    yield lambda machine: Address.parse(
        f"milvus://nowhere/notes?store={tmp_path / machine}&documents={postgres.address('shared')}"
    )
    postgres.say("DROP DATABASE shared WITH (FORCE)")


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The hashes of the files that a database acknowledged."""
    return recorded(monkeypatch, "put")


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The hashes of the files that came from a database, whole."""
    found: list[str] = []
    fetch = copies._fetch

    def record(documents: Documents, begun: Path, sha256: str, name: str) -> None:
        fetch(documents, begun, sha256, name)
        found.append(sha256)

    monkeypatch.setattr(copies, "_fetch", record)
    return found


def recorded(monkeypatch: pytest.MonkeyPatch, name: str) -> list[str]:
    found: list[str] = []
    step = getattr(Documents, name)

    def record(self: Documents, sha256: str, *given: Any) -> Any:  # noqa: ANN401
        result = step(self, sha256, *given)
        found.append(sha256)
        return result

    monkeypatch.setattr(Documents, name, record)
    return found


def built(at: Address, texts: dict[str, str]) -> Path:
    """Build a small index into the folder of an address; returns the build."""
    folder = at.store.with_name(f"{at.store.name}-corpus")
    rmtree(folder, ignore_errors=True)
    build_index(write_corpus(folder, texts), at.store, TOPICS, encoder=TopicEncoder())
    return current_build(at.store)


def tree(folder: Path) -> dict[str, bytes]:
    """Return the files of a build; locks are made where they are needed."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".lock"
    }


def test_what_is_fetched_is_what_was_built_and_each_content_travels_once(
    place: Place, sent: list[str], fetched: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "PART", 1000)
    build = built(place("a"), FOUR_DOCUMENTS)
    files = tree(build)
    assert keep_build(place("a"), build, silent) == len(set(files.values())) < len(files)
    assert keep_build(place("a"), build, silent) == 0
    fetch_build(place("b"), build.name)
    copy = place("b").store / BUILDS / build.name
    assert tree(copy) == files
    assert sorted(fetched) == sorted(sent)
    assert len(sent) == len(set(sent))
    assert max(map(len, files.values())) > 3 * documents.PART
    Manifest.load(copy).check_files(copy)
    assert [path.name for path in copy.parent.iterdir()] == [build.name]


def test_no_part_of_a_file_is_larger_than_was_said(
    place: Place, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "PART", 1000)
    build = built(place("a"), FOUR_DOCUMENTS)
    keep_build(place("a"), build, silent)
    rows = postgres.say("SELECT max(length(data)), sum(length(data)) FROM ketqa_v1.part", "shared")
    assert rows == [(1000, sum(map(len, set(tree(build).values()))))]


def test_an_update_sends_only_the_shards_that_changed(
    place: Place, postgres: Postgres, sent: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ketqa.shards.CHARACTERS", 40)
    one = built(place("a"), FOUR_DOCUMENTS)
    keep_build(place("a"), one, silent)
    fetch_build(place("b"), one.name)
    whole, sent[:] = len(sent), []
    two = built(place("a"), FOUR_DOCUMENTS | {"pain.txt": "The pain did not come back.\n"})
    keep_build(place("a"), two, silent)
    before, after = Manifest.load(one).recipe.shards, Manifest.load(two).recipe.shards
    (new,) = set(after) - set(before)
    assert (len(before), len(after)) == (3, 3)
    files = {name: hash_file(two / name) for name in tree(two)}
    of_shards = {name for name in files if name.startswith(SHARDS) and files[name] in sent}
    assert {name.split("/")[1] for name in of_shards} == {new}
    assert 0 < len(sent) < whole / 2
    came = recorded(monkeypatch, "get")
    fetch_build(place("b"), two.name)
    assert sorted(came) == sorted(sent)
    assert tree(place("b").store / BUILDS / two.name) == tree(two)


def test_builds_that_nobody_is_led_to_any_more_are_removed_and_no_other_collection_s(
    place: Place, postgres: Postgres
) -> None:
    other = Address.parse(f"milvus://nowhere/other?store={place('o').store}&documents={postgres.address('shared')}")  # fmt: skip
    theirs = built(other, {"cost.txt": FOUR_DOCUMENTS["cost.txt"]})
    begun = Documents(other)
    keep_build(other, theirs, silent)
    begun.begin("begun", "00" * 32, ["11" * 32])
    begun.put(hash_file(place("o").store / "CURRENT"), place("o").store / "CURRENT")
    begun.begin("begun", "00" * 32, [hash_file(place("o").store / "CURRENT")])
    begun.close()
    builds = []
    for number in range(3):
        builds.append(built(place("a"), FOUR_DOCUMENTS | {"cost.txt": f"The cost is {number}.\n"}))
        keep_build(place("a"), builds[-1], silent)
        fetch_build(place("b"), builds[-1].name)
        drop_builds(place("a"), [build.name for build in builds[-2:]])
    rows = postgres.say("SELECT name FROM ketqa_v1.build WHERE collection = 'notes'", "shared")
    assert {name for (name,) in rows} == {build.name for build in builds[1:]}
    here = {path.name for path in (place("b").store / BUILDS).iterdir()}
    assert here == {build.name for build in builds[1:]}
    check_kept(builds[2], place("a"))
    check_kept(theirs, other)
    orphans = "SELECT count(*) FROM ketqa_v1.part WHERE sha256 NOT IN (SELECT sha256 FROM ketqa_v1.file)"  # fmt: skip
    assert postgres.say(orphans, "shared") == [(0,)]
    kept = f"SELECT count(*) FROM ketqa_v1.part WHERE sha256 = '\\x{hash_file(place('o').store / 'CURRENT')}'"  # fmt: skip
    assert postgres.say(kept, "shared") == [(1,)]
    with pytest.raises(IndexMissing, match=f"has not the build {builds[0].name}; run ketqa index"):
        fetch_build(place("c"), builds[0].name)
    with pytest.raises(IndexMissing, match="has not the build begun"):
        fetch_build(other, "begun")


@pytest.mark.parametrize("which", [STORE, MANIFEST])
def test_a_byte_that_changed_in_the_database_is_named_and_put_there_anew(
    place: Place, postgres: Postgres, sent: list[str], which: str
) -> None:
    build = built(place("a"), FOUR_DOCUMENTS)
    keep_build(place("a"), build, silent)
    file = next(build.rglob(which))
    change = (
        "UPDATE ketqa_v1.part SET data = set_byte(data, 7, get_byte(data, 7) # 1) "
        f"WHERE sha256 = '\\x{hash_file(file)}'"
    )
    postgres.say(change, "shared")
    name = file.relative_to(build).as_posix()
    told = rf"^postgresql://\S+: {name} is not what was put there; .* run ketqa index again"
    for _ in range(2):
        with pytest.raises(IndexDamaged, match=told):
            fetch_build(place("b"), build.name)
        assert not (place("b").store / BUILDS / build.name).exists()
        assert not list(place("b").store.rglob("new"))
    with pytest.raises(IndexDamaged, match=told):
        check_kept(build, place("a"))
    sent.clear()
    assert keep_build(place("a"), build, silent) == 0
    assert keep_build(place("a"), build, silent, whole=True) == 1
    assert sent == [hash_file(file)]
    fetch_build(place("b"), build.name)
    assert tree(place("b").store / BUILDS / build.name) == tree(build)


def test_a_build_is_not_there_before_the_last_of_its_files_is(place: Place) -> None:
    build = built(place("a"), FOUR_DOCUMENTS)
    *files, last = copies._files(build).items()
    with closing(Documents(place("a"))) as database:
        database.prepare()
        database.begin(build.name, hash_file(build / MANIFEST), [one for one, _ in [*files, last]])
        for sha256, file in files:
            database.put(sha256, file)
        with pytest.raises(IndexMissing, match=f"files of {build.name} are gone again; run ketqa"):
            database.finish(build.name)
        with pytest.raises(IndexMissing, match="has not the build"):
            fetch_build(place("b"), build.name)
        database.put(*last)
        database.finish(build.name)
    fetch_build(place("b"), build.name)


def test_a_file_that_changed_where_it_was_built_is_not_put(place: Place) -> None:
    build = built(place("a"), FOUR_DOCUMENTS)
    file = next(build.rglob("vocabulary.txt"))
    file.write_bytes(b"other words\n")
    with pytest.raises(IndexDamaged, match=r"vocabulary\.txt: was changed after it was built"):
        keep_build(place("a"), build, silent)
    with pytest.raises(IndexMissing, match="has not the build"):
        fetch_build(place("b"), build.name)


def test_a_name_that_leads_out_of_the_folder_is_not_followed(place: Place) -> None:
    build = built(place("a"), FOUR_DOCUMENTS)
    manifest = Manifest.load(build)
    outside = {**manifest.files, "../../../escaped": hash_file(build / STORE)}
    Manifest(manifest.recipe, manifest.counts, outside).save(build)
    (build / "../../../escaped").write_bytes((build / STORE).read_bytes())
    keep_build(place("a"), build, silent)
    with pytest.raises(IndexDamaged, match="escaped is not what was put there"):
        fetch_build(place("deep/b"), build.name)
    assert not list(place("deep").store.rglob("escaped"))


@pytest.mark.parametrize(
    ("name", "sha256"),
    [
        ("../escaped", "0" * 64),
        ("shards/../../escaped", "0" * 64),
        ("/etc/escaped", "0" * 64),
        ("words.txt", "../escaped"),
        ("words.txt", "0" * 63),
    ],
)
def test_neither_a_name_nor_a_hash_can_be_a_way_out(name: str, sha256: str) -> None:
    at = Address.parse("milvus://nowhere/notes?store=a&documents=postgresql://nowhere/shared")
    copies._check_name(at, "shards/one/words.txt", "0" * 64)
    with pytest.raises(IndexDamaged, match="is not what was put there"):
        copies._check_name(at, name, sha256)


def test_two_that_fetch_at_once_into_one_folder_get_one_copy(
    place: Place, fetched: list[str]
) -> None:
    build = built(place("a"), FOUR_DOCUMENTS)
    keep_build(place("a"), build, silent)
    told: list[Exception] = []

    def fetch() -> None:
        try:
            fetch_build(place("b"), build.name)
        except KetqaError as error:
            told.append(error)

    threads = [threading.Thread(target=fetch) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == []
    assert tree(place("b").store / BUILDS / build.name) == tree(build)
    assert len(fetched) == len(set(fetched))


def test_fetching_that_was_cut_off_goes_on_where_it_was(
    place: Place, fetched: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    build = built(place("a"), FOUR_DOCUMENTS)
    keep_build(place("a"), build, silent)
    get, asked = Documents.get, [0]

    def cut_off(self: Documents, sha256: str) -> Iterator[bytes]:
        """End in the middle of the fourth file, as a kill would."""
        for data in get(self, sha256):
            asked[0] += 1
            if asked[0] == 4:
                yield data[: len(data) // 2]
                raise KeyboardInterrupt
            yield data

    with monkeypatch.context() as patched:
        patched.setattr(Documents, "get", cut_off)
        with pytest.raises(KeyboardInterrupt):
            fetch_build(place("b"), build.name)
    assert len(fetched) == 3
    copy = place("b").store / BUILDS / build.name
    assert not copy.exists()
    damaged = copy.with_name(f"{build.name}.part") / "build" / STORE
    damaged.write_bytes(b"")  # as a power cut would leave what was not on the disk yet
    again, fetched[:] = list(fetched), []
    fetch_build(place("b"), build.name)
    assert [one for one in again if one in fetched] == [hash_file(copy / STORE)]
    assert tree(copy) == tree(build)


def test_a_user_who_may_only_read_fetches_and_is_told_that_it_may_not_write(
    place: Place, postgres: Postgres, tmp_path: Path
) -> None:
    build = built(place("a"), FOUR_DOCUMENTS)
    reader = postgres.address("shared", "reader")
    only = Address.parse(f"milvus://nowhere/notes?store={tmp_path / 'b'}&documents={reader}")
    with pytest.raises(EngineAway, match="password authentication failed") as raised:
        Documents(only).prepare()
    assert PASSWORD not in str(raised.value)
    postgres.say(f"CREATE ROLE reader LOGIN PASSWORD '{PASSWORD}'", "shared")
    with pytest.raises(IndexMissing, match="has no documents of this ketqa; run ketqa index"):
        fetch_build(only, build.name)
    keep_build(place("a"), build, silent)
    postgres.say("GRANT USAGE ON SCHEMA ketqa_v1 TO reader", "shared")
    postgres.say("GRANT SELECT ON ALL TABLES IN SCHEMA ketqa_v1 TO reader", "shared")
    fetch_build(only, build.name)
    assert tree(only.store / BUILDS / build.name) == tree(build)
    told = "refuses this .permission denied for table build.*; see what its user may do"
    with pytest.raises(KetqaError, match=told):
        keep_build(only, only.store / BUILDS / build.name, silent)


@pytest.fixture(scope="module")
def leaving(postgres: Postgres) -> Iterator[Postgres]:
    """The server, which the tests below kill; it runs again afterwards."""
    yield postgres
    postgres.kill()
    postgres.start()


def machine(lite: Server, name: str, store: Path, documents: str) -> Address:
    return Address.parse(lite.address(name, store, documents=documents))


@pytest.mark.model
def test_a_database_that_is_killed_while_files_come_moves_nobody_and_loses_nothing(
    lite: Server,
    leaving: Postgres,
    small_index: Path,
    tmp_path: Path,
    sent: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = Path(copytree(small_index, tmp_path / "a", copy_function=share))
    kept = leaving.make("killed")
    here, there = (machine(lite, "killed_files", one, kept) for one in (store, tmp_path / "b"))
    fill(here)
    first = current_build(store)
    with Index.open(there) as index:
        expected = index.ask(QUESTION).to_dict() | {"timings_ms": {}}
    build_index(some_questions(tmp_path / "corpus", 40), store)
    second = current_build(store)
    sent.clear()

    def stop(stage: str, done: int, total: int) -> None:
        if stage == copies.STAGE and len(sent) == 3:
            leaving.kill()

    monkeypatch.setattr(copies, "WRITE", 0.6)
    with pytest.raises(EngineAway, match="does not answer as it should"):
        fill(here, progress=stop)
    milvus = Milvus(here)
    assert milvus.serving() == milvus.name_of(first.name)
    with Index.open(there) as index:
        assert index.ask(QUESTION).to_dict() | {"timings_ms": {}} == expected
    monkeypatch.setattr(copies, "ANSWER", 0.6)
    nowhere = machine(lite, "killed_files", tmp_path / "c", kept)
    with pytest.raises(EngineAway, match=r"^the database at postgresql://ketqa@127.0.0.1:\d+/kill"):
        open_place(nowhere)
    assert not nowhere.store.exists()
    told = [check.problem for check in verify_index(there, None) if check.promise == KEPT]
    assert "does not answer as it should" in told[0]

    leaving.start()
    acknowledged = list(sent)
    files = copies._files(second)
    with closing(Documents(here)) as database:
        assert [database.has(one, files[one]) for one in acknowledged] == [True] * 3
        lacking = database.lacking(second.name)
    assert lacking.isdisjoint(acknowledged)
    sent.clear()
    assert fill(here)
    assert set(sent) == lacking
    assert milvus.serving() == milvus.name_of(second.name)
    milvus.close()
    assert not [check for check in verify_index(nowhere, None) if check.problem]
    assert tree(nowhere.store / BUILDS / second.name) == tree(second)


@pytest.mark.model
def test_the_same_command_mends_what_changed_in_the_database(
    lite: Server, leaving: Postgres, small_index: Path, tmp_path: Path
) -> None:
    here = machine(lite, "mended", small_index, leaving.make("mended"))
    assert fill(here)
    assert not fill(here)
    leaving.say("DELETE FROM ketqa_v1.part WHERE number = 0 AND length(data) = (SELECT max(length(data)) FROM ketqa_v1.part)", "mended")  # fmt: skip
    there = machine(lite, "mended", tmp_path / "b", leaving.address("mended"))
    with pytest.raises(IndexDamaged, match="is not what was put there"):
        open_place(there)
    assert fill(here)
    build, engine = open_place(there)
    assert engine
    engine.close()
    assert build.name == current_build(small_index).name
