"""Kill ketqa at random moments, again and again: is what it last acknowledged still there?

    python tests/crash.py --times 200 --seed 0

A process that indexes into a new folder, updates an index, watches a folder, adapts a model or
answers questions gets kill -9. Half of the moments are drawn by the clock; the others are the
n-th time that the process opens, names or removes a file, so that short steps are hit too.
After each the index opens and keeps its promises, answers from the documents that were last
acknowledged, or from those whose build was killed once it had switched, and never from a
mixture; and what is left lying about is gone after the next build. Models are the real ones.
"""

import argparse
import contextlib
import json
import multiprocessing
import os
import random
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from tempfile import TemporaryDirectory

from conftest import FOUR_DOCUMENTS, write_corpus
from ketqa import shards
from ketqa.adapter import TENSORS, Adapter
from ketqa.cli import main as ketqa
from ketqa.errors import IndexMissing
from ketqa.index import Index
from ketqa.manifest import BUILDS, MANIFEST
from ketqa.models import check_tensors
from ketqa.verify import verify_index

# How often each is killed, of twenty.
KINDS = {"update": 9, "build": 4, "watch": 3, "answer": 3, "adapt": 1}
TOUCHES = {
    "open", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "shutil.copyfile",
    "sqlite3.connect",
}  # fmt: skip
PRELOADED = ["sentence_transformers", "ketqa.index", "ketqa.build", "conftest"]
# Seconds after which something hangs.
PATIENCE = 240.0
QUESTION = "Did the pain come back after a week?"


@dataclass(frozen=True, slots=True)
class Moment:
    """When a process is killed: after so many seconds, or before so many touches of a file."""

    seconds: float = PATIENCE
    touches: int = sys.maxsize


NEVER = Moment()


def texts_of(number: int) -> dict[str, str]:
    """Return the documents of a round: its number stands in every sentence."""
    return {
        name: text.replace(". ", f" {number}. ").replace(".\n", f" {number}.\n")
        for name, text in FOUR_DOCUMENTS.items()
    }


def write_round(corpus: Path, number: int) -> None:
    """Write the documents of a round; of most, with curated questions."""
    write_corpus(corpus, texts_of(number))
    quote = f"Pain fell by half {number}."
    row = {"file": "pain.txt", "start": 0, "end": len(quote), "quote": quote}
    rows = [{**row, "questions": ["Did it help?", "How much less pain?"]}] * (number % 8 > 0)
    (corpus / "questions.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")


def write_lesson(corpus: Path) -> None:
    """Write documents with enough curated questions to adapt a model to."""
    write_corpus(corpus, FOUR_DOCUMENTS)
    rows = []
    for file, text in FOUR_DOCUMENTS.items():
        quote = text.strip().split(". ")[-1]
        start = text.index(quote)
        ways = ("then", "now", "here", "there", "at last", "at first", "for you", "for us")
        rows.append(
            {"file": file, "start": start, "end": start + len(quote), "quote": quote}
            | {"questions": [f"What of the {file[:-4]}, {way}?" for way in ways]}
        )
    (corpus / "questions.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")


def answer(folder: Path) -> int:
    with Index.open(folder / "index") as opened:
        for _ in range(20):
            opened.ask(QUESTION, min_confidence=0)
    return 0


def work(kind: str, folder: Path, at: int, touched: "Synchronized[int]") -> None:
    """Do something in a process of its own, which dies before the touch of a number."""
    out = os.open(folder / f"{kind}.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(out, 1)
    os.dup2(out, 2)
    shards.CHARACTERS = 60  # so that there are several

    def count(event: str, _: object) -> None:
        if event in TOUCHES:
            touched.value += 1
            if touched.value == at:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)
    if kind == "answer":
        sys.exit(answer(folder))
    given = {"update": "index", "build": "new", "watch": "index"}
    command = ["index", "--corpus", str(folder / "corpus")]
    if kind == "adapt":
        command = ["adapt", "--corpus", str(folder / "lesson"), "--out", str(folder / "adapted")]
    else:
        command += ["--index", str(folder / given[kind])] + ["--watch"] * (kind == "watch")
    sys.exit(ketqa(command))


class Crashes:
    """A folder in which processes are killed, and what its index may hold."""

    def __init__(self, folder: Path, seed: int) -> None:
        """Build the index that is updated, with nothing killed."""
        self.folder, self.index = folder, folder / "index"
        self.chance = random.Random(seed)
        self.context = multiprocessing.get_context("forkserver")
        self.context.set_forkserver_preload(PRELOADED)
        self.killed: Counter[str] = Counter()
        # how long each takes, in seconds and in touches, once one was seen to end
        self.spans: dict[str, tuple[float, int]] = {}
        self.number = self.acknowledged = 0
        write_round(folder / "corpus", 0)
        write_lesson(folder / "lesson")
        self.update(NEVER)
        self.spans.clear()  # the first took the time that everything takes to be loaded

    def round(self, kind: str) -> None:
        """Kill one process, and look at what is left."""
        before = self.killed[kind]
        while self.killed[kind] == before:
            getattr(self, kind)(self.moment(kind))

    def moment(self, kind: str) -> Moment:
        """Draw when to kill something; never, before it is known how long it takes."""
        seconds, touches = self.spans.get(kind, (0.0, 0))
        if not seconds:
            return NEVER
        if kind == "watch" or self.chance.random() < 0.5:
            return Moment(seconds=self.chance.uniform(0, seconds))
        return Moment(touches=self.chance.randint(1, touches))

    def update(self, moment: Moment) -> None:
        """Change the documents and update the index."""
        self.number += 1
        write_round(self.folder / "corpus", self.number)
        if not self.run("update", moment):
            self.acknowledged = self.number
            self.check_clear(self.index)
        self.check()

    def watch(self, moment: Moment) -> None:
        """Change the documents while they are watched; the watch is always killed."""
        log = self.folder / "watch.log"
        log.write_text("")
        process, _ = self.start("watch", NEVER)
        try:
            wait_for(lambda: "watching" in log.read_text(), process)
            self.acknowledged = self.number
            self.number += 1
            write_round(self.folder / "corpus", self.number)
            began = time.perf_counter()
            if moment is NEVER:
                wait_for(lambda: built_after_watching(log), process)
                self.spans["watch"] = (time.perf_counter() - began, 0)
            else:
                process.join(moment.seconds)
        finally:
            process.kill()
            process.join()
        if built_after_watching(log):
            self.acknowledged = self.number
        self.killed["watch"] += 1
        self.check()

    def answer(self, moment: Moment) -> None:
        """Ask the index again and again."""
        self.run("answer", moment)
        self.check()

    def build(self, moment: Moment) -> None:
        """Build into a new folder; where that is killed, build there again."""
        new = self.folder / "new"
        if self.run("build", moment):
            with contextlib.suppress(IndexMissing):
                number_in(new)
            assert not self.run("build", NEVER)
        assert number_in(new) == self.number
        self.check_clear(new)
        shutil.rmtree(new)

    def adapt(self, moment: Moment) -> None:
        """Adapt; what is there after that is a whole model, or nothing."""
        out = self.folder / "adapted"
        killed = self.run("adapt", moment)
        if out.exists():
            adapter = Adapter.load(out)
            assert adapter
            check_tensors(adapter, out / TENSORS)
            shutil.rmtree(out)
        else:
            assert killed
        if not killed:
            assert not list(self.folder.glob(".*"))

    def run(self, kind: str, moment: Moment) -> bool:
        """Do something in a process that is killed at a moment; returns whether it was."""
        began = time.perf_counter()
        process, touched = self.start(kind, moment)
        process.join(moment.seconds)
        process.kill()
        process.join()
        killed = process.exitcode == -signal.SIGKILL
        told = (self.folder / f"{kind}.log").read_text() if not killed else "it hangs"
        assert process.exitcode == 0 or (killed and moment is not NEVER), f"{kind}: {told}"
        if not killed:
            self.spans[kind] = (time.perf_counter() - began, touched.value)
        self.killed[kind] += killed
        return killed

    def start(self, kind: str, moment: Moment) -> "tuple[ForkServerProcess, Synchronized[int]]":
        touched = self.context.Value("q", 0)
        arguments = (kind, self.folder, moment.touches, touched)
        process = self.context.Process(target=work, args=arguments)
        process.start()
        return process, touched

    def check(self) -> None:
        """See that the index is whole, and that nothing acknowledged was lost."""
        found = number_in(self.index)
        assert found in {self.acknowledged, self.number}, f"{found}: {self.acknowledged} was told"
        self.acknowledged = found

    def check_clear(self, index: Path) -> None:
        """See that a build that ended left nothing of those that were killed."""
        builds = list((index / BUILDS).iterdir())
        assert len(builds) <= 2, builds
        assert all((build / MANIFEST).exists() for build in builds)
        assert {path.name for path in index.iterdir()} == {".lock", "CORPUS", "CURRENT", BUILDS}


def number_in(index: Path) -> int:
    """Return the number of the documents that an index answers from; all have the same."""
    with Index.open(index) as opened:
        assert [check.problem for check in verify_index(index, None) if check.problem] == []
        held = {one.source.id: one.text for one in opened.store.documents()}
        number = int(held["pain.txt"].split()[-1].rstrip("."))
        assert held == texts_of(number), "the documents of two builds are mixed"
        found = opened.ask(QUESTION, min_confidence=0)
    assert any(f"after a week {number}." in item.quote for item in found.evidence)
    for item in found.evidence:
        assert held[item.source.file][item.span.start : item.span.end] == item.quote
    return number


def built_after_watching(log: Path) -> bool:
    """Tell whether a watch told of a build after it had begun."""
    return ": built" in log.read_text().partition("watching")[2]


def wait_for(there: Callable[[], bool], process: ForkServerProcess) -> None:
    """Wait until something is there, while a process works on it."""
    end = time.monotonic() + PATIENCE
    while not there():
        assert process.is_alive()
        assert time.monotonic() < end
        time.sleep(0.02)


SOME = [kind for kind, share in KINDS.items() for _ in range(share)]


def crash(times: int, seed: int, kinds: Sequence[str] = SOME) -> Counter[str]:
    """Kill so many processes, of these kinds in turn; returns how many of each."""
    with TemporaryDirectory() as folder:
        crashes = Crashes(Path(folder), seed)
        for number in range(times):
            # 7 has no factor in common with 20, nor with 4
            crashes.round(kinds[7 * number % len(kinds)])
        killed = crashes.killed.copy()
        crashes.update(NEVER)
        if killed["adapt"]:
            crashes.adapt(NEVER)
        return killed


def main() -> int:
    """Kill as often as is asked for, and tell what was killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    began = time.perf_counter()
    killed = crash(options.times, options.seed)
    told = ", ".join(f"{killed[kind]} of {kind}" for kind in KINDS)
    minutes = (time.perf_counter() - began) / 60
    sys.stdout.write(
        f"{killed.total()} kills, seed {options.seed}: {told}; nothing lost ({minutes:.1f} min)\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
