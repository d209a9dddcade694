"""The disk is full, the folder may not be written, the clock jumps: told, and nothing is lost."""

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from conftest import FOUR_DOCUMENTS, TopicEncoder, write_corpus
from damage import TOPICS, outcome
from ketqa.build import BuildReport, build_index
from ketqa.corpus import read_corpus
from ketqa.errors import IndexBusy, IndexUnwritable, KetqaError
from ketqa.gather import Added, add_files
from ketqa.index import Index
from ketqa.learn import corpus as learning
from ketqa.manifest import BUILDS, MANIFEST, current_build
from ketqa.verify import verify_index
from made_files import PAGE

DISK = 2 << 20
NOBODY = 65534


def build(corpus: Path, index: Path) -> BuildReport:
    return build_index(corpus, index, TOPICS, tokens=8, encoder=TopicEncoder())


def check_right(index: Path, corpus: Path) -> None:
    """See that an index keeps its promises, and quotes documents as they are in a folder."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in corpus.glob("*.txt")}
    assert [check.problem for check in verify_index(index, None) if check.problem] == []
    assert outcome(index, texts) == "right"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no disk can be mounted here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def fill_up(disk: Path, but: int) -> None:
    """Leave so many bytes free on a disk."""
    ballast = disk / "ballast"
    ballast.unlink(missing_ok=True)
    room = os.statvfs(disk)
    ballast.write_bytes(b"x" * max(0, room.f_bavail * room.f_frsize - but))


def test_a_disk_that_fills_up_at_any_step_is_told_and_the_index_stays(
    disk: Path, four_documents: Path
) -> None:
    index = disk / "index"
    build(four_documents, index)
    write_corpus(four_documents, {"more.txt": "The dose fell. Sleep came late.\n"})
    told = set()
    for pages in range(0, DISK // 4096, 2):
        fill_up(disk, but=pages * 4096)
        try:
            report = build(four_documents, index)
        except IndexUnwritable as error:
            told.add(str(error).partition("(")[2].partition(";")[0])
            check_right(index, four_documents)
        else:
            break
    assert report.changed
    assert len(told) >= 5, told
    (disk / "ballast").unlink()
    write_corpus(four_documents, {"more.txt": "The dose rose.\n"})
    build(four_documents, index)
    assert len(list((index / BUILDS).iterdir())) == 2
    assert all((one / MANIFEST).exists() for one in (index / BUILDS).iterdir())
    check_right(index, four_documents)


def test_an_index_on_a_disk_for_reading_only_answers_and_is_not_updated(
    disk: Path, four_documents: Path
) -> None:
    index = disk / "index"
    build(four_documents, index)
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    check_right(index, four_documents)
    for _ in range(2):
        with pytest.raises(IndexUnwritable, match="cannot be written .*Read-only file system"):
            build(four_documents, index)
        write_corpus(four_documents, {"more.txt": "The dose fell.\n"})
    check_right(index, four_documents)


@pytest.mark.model
def test_the_command_tells_of_a_full_disk_in_one_line(disk: Path, four_documents: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import sys; from ketqa.cli import main; sys.exit(main())",
         "index", "--corpus", four_documents, "--index", disk / "index"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith(f"ketqa: {disk / 'index'}: cannot be written")


# What may not be read, what is done all the same, and what is told.
LOCKED = (
    ("", "ask", "right"),
    ("", "build", "index: cannot be written ([Errno 13]"),
    ("corpus/pain.txt", "build", "index: cannot be written ([Errno 13]"),
    ("corpus/pain.txt", "skip", "pain.txt: cannot be read: Permission denied"),
    ("index/CURRENT", "ask", "index/CURRENT: cannot be read"),
    ("index/builds", "ask", "index/CURRENT: cannot be read"),
    ("index/builds/*/shards/*/corpus.sqlite", "ask", "corpus.sqlite: cannot be read (Permission"),
    ("index/builds/*/words", "ask", "told "),
)


@contextmanager
def nobody(folder: Path, locked: str) -> Iterator[None]:
    """Be another user, who may not read some path in a folder."""
    modes = {path: path.stat().st_mode for path in folder.glob(locked)} if locked else {}
    for path in modes:
        path.chmod(0)
    os.setresuid(NOBODY, NOBODY, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)
        for path, mode in modes.items():
            path.chmod(mode)


def what_is_told(do: str, corpus: Path, index: Path) -> str:
    try:
        if do == "build":
            build(corpus, index)
        if do == "skip":
            return " ".join(one.reason for one in read_corpus(corpus).skipped)
        return " ".join([outcome(index), *(one.problem for one in verify_index(index, None))])
    except KetqaError as error:
        return str(error)


def test_what_may_not_be_read_or_written_is_told() -> None:
    if os.geteuid():
        pytest.skip("needs root, who may do anything, to become somebody who may not")
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        corpus, index = write_corpus(folder / "corpus", FOUR_DOCUMENTS), folder / "index"
        build(corpus, index)
        outcome(index)  # loads what is loaded when it is used
        for locked, do, told in LOCKED:
            with nobody(folder, locked):
                assert told in what_is_told(do, corpus, index)


def test_of_several_writers_at_once_one_writes_and_the_others_are_told(
    four_documents: Path, tmp_path: Path
) -> None:
    def write(number: int) -> str:
        corpus = write_corpus(tmp_path / str(number), FOUR_DOCUMENTS)
        write_corpus(corpus, {f"{number}.txt": f"The dose was {number}.\n"})
        try:
            build(corpus, tmp_path / "index")
        except IndexBusy:
            return "told"
        return "built"

    with ThreadPoolExecutor(6) as pool:
        came = list(pool.map(write, range(6)))
    assert "built" in came
    assert set(came) <= {"built", "told"}
    with Index(current_build(tmp_path / "index"), TopicEncoder()) as opened:
        (written,) = set(opened.store.document_ids()) - FOUR_DOCUMENTS.keys()
    check_right(tmp_path / "index", tmp_path / Path(written).stem)


@pytest.mark.parametrize("when", [0, 4_000_000_000], ids=["1970", "2096"])
def test_an_update_is_noticed_whatever_the_clock_says(
    four_documents: Path, tmp_path: Path, when: int
) -> None:
    index = tmp_path / "index"
    build(four_documents, index)
    file = four_documents / "pain.txt"
    times = file.stat()
    text = file.read_text(encoding="utf-8").replace("half", "nine")
    file.write_text(text, encoding="utf-8")
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    for path in [*index.rglob("*"), four_documents]:
        os.utime(path, (when, when))
    assert build(four_documents, index).changed
    with Index(current_build(index), TopicEncoder()) as opened:
        assert opened.store.document("pain.txt").text == text
    for path in index.rglob("*"):
        os.utime(path, (when, when))
    assert not build(four_documents, index).changed
    assert [check.problem for check in verify_index(index, four_documents) if check.problem] == []


def test_a_reader_without_memory_is_named_and_the_other_files_are_read(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "corpus", {"a.txt": "It fell.\n", "c.html": PAGE})
    (corpus / "b.html").write_bytes(b"<p>" + b"<i>a</i><b>b</b>" * 300_000)
    program = f"""
        import resource
        from pathlib import Path
        resource.setrlimit(resource.RLIMIT_AS, (400 << 20, 400 << 20))
        from ketqa.files import Skipped, read_folder
        for item in read_folder(Path({str(corpus)!r})):
            print(item.file, item.reason if isinstance(item, Skipped) else "read")
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    first, second, third = done.stdout.splitlines()
    assert (first, third) == ("a.txt read", "c.html read")
    assert second.startswith("b.html b.html: ")


def test_a_reader_ends_in_time_though_whoever_asked_was_killed(tmp_path: Path) -> None:
    program = """
        from ketqa.formats import sandbox
        sandbox.PROGRAM = (
            "import time; from ketqa.formats import sandbox; "
            "sandbox._answer = lambda *_: time.sleep(600); sandbox.serve()"
        )
        reader = sandbox.Sandbox(seconds=2)
        reader._process = reader._start()
        print(reader._process.pid, flush=True)
        reader.read(b"It fell.", "a.txt", "text")
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        reader = Path(f"/proc/{int(process.stdout.readline())}")
        time.sleep(0.3)
        process.send_signal(signal.SIGKILL)
    end = time.monotonic() + 20
    while reader.exists() and "Z" not in (reader / "stat").read_text().split()[2]:
        assert time.monotonic() < end, "the reader goes on"
        time.sleep(0.1)


def test_a_copy_into_the_corpus_that_is_cut_short_is_no_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = write_corpus(tmp_path / "given", FOUR_DOCUMENTS) / "pain.txt"
    corpus = tmp_path / "corpus"

    def cut_short(source: Path, target: Path) -> None:
        target.write_bytes(source.read_bytes()[:9])
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copyfile", cut_short)
        patch.setattr(Path, "unlink", lambda *_, **__: None)  # as after kill -9
        with pytest.raises(KeyboardInterrupt):
            list(add_files(given, corpus))
    assert not (corpus / "pain.txt").exists()
    (added,) = add_files(given, corpus)
    assert isinstance(added, Added)
    assert added.new
    assert [path.name for path in corpus.iterdir()] == ["pain.txt"]
    assert (corpus / "pain.txt").read_text(encoding="utf-8") == FOUR_DOCUMENTS["pain.txt"]


def test_a_model_that_is_adapted_is_there_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a kill leaves is cleared by the next; of two at once one is told."""
    corpus = write_corpus(tmp_path / "corpus", FOUR_DOCUMENTS)
    made = tmp_path / ".out.new" / "model"
    seen: list[bool] = []

    def adapt(_: object, __: object, folder: Path, *___: object, **____: object) -> None:
        assert not made.exists(), "what was left is not cleared"
        folder.mkdir(parents=True)
        (folder / "weights").write_text("whole")
        with pytest.raises(IndexBusy, match="another process"):
            learning.adapt_corpus(corpus, out, model="m", progress=lambda *_: None)
        seen.append(out.exists())

    out = tmp_path / "out"
    for name, stand_in in (("adapt", adapt), ("_teach_reader", lambda *_: None)):
        monkeypatch.setattr(learning, name, stand_in)
    for name in ("make_lesson", "find_model"):
        monkeypatch.setattr(learning, name, lambda *_: None)
    made.mkdir(parents=True)
    (made / "half").write_text("half")
    learning.adapt_corpus(corpus, out, model="m", progress=lambda *_: None)
    assert seen == [False]
    assert {path.name for path in out.iterdir()} == {"weights"}
    assert not list(tmp_path.glob(".*"))
