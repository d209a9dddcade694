"""How fast shards are made by one process and on Ray, and what is lost when a worker is killed.

    python benchmarks/bulk.py [--corpus corpus] [--documents 24] [--write docs/benchmarks.md]

Each document is all texts of the corpus, one after another, and a shard of its own. All runs make
the same shards, in this process and then with one, two, and two actors of which one is killed half-
way; each into an index of its own, from which the passages are counted and compared.
"""

import argparse
import os
import signal
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import time

import ketqa.shards
from ketqa.build import build_index, silent
from ketqa.cluster.bulk import Workers, make_shards
from ketqa.corpus import load_corpus
from ketqa.evaluation.page import write_part
from ketqa.manifest import SHARD, Manifest, current_build
from ketqa.models import find_model
from ketqa.parts import open_store
from ketqa.shards import Progress
from ketqa.types import Span
from ketqa.verify import verify_index

HEAD = (
    "| made by | shards | until the first, s | passages a second from then on | ratio |",
    "|---|---|---|---|---|",
)
Passages = list[tuple[Span, str]]


@dataclass(frozen=True, slots=True)
class Made:
    """What one run made, and when each of its shards was there, in seconds from its start."""

    passages: Passages
    moments: list[float]
    makers: int

    @property
    def rate(self) -> float:
        """Passages a second once each maker has made a shard; all shards have as many."""
        rest = len(self.moments) - self.makers
        seconds = self.moments[-1] - self.moments[self.makers - 1]
        return len(self.passages) / len(self.moments) * rest / seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--corpus", type=Path, default=Path("corpus"))
    parser.add_argument("--documents", type=int, default=24)
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    ketqa.shards.CHARACTERS = 1  # each document is a shard
    with tempfile.TemporaryDirectory() as scratch:
        corpus = multiply(options.corpus, Path(scratch) / "corpus", options.documents)
        told = compare(corpus, Path(scratch))
    print(told)
    if options.write:
        write_part(options.write, "bulk", told)


def multiply(corpus: Path, into: Path, documents: int) -> Path:
    """Write as many documents, each with all the texts of a corpus under a title of its own."""
    into.mkdir()
    text = "\n\n".join(one.text for one in load_corpus(corpus))
    for number in range(documents):
        (into / f"{number:03}.txt").write_text(f"Number {number}.\n\n{text}", encoding="utf-8")
    return into


def compare(corpus: Path, scratch: Path) -> str:
    killed: list[int] = []
    ways: dict[str, tuple[int, Progress]] = {
        "this process": (0, silent),
        "1 actor": (1, silent),
        "2 actors": (2, silent),
        "2 actors, one killed": (2, partial(kill_half_way, killed)),
    }
    made = {
        name: make(corpus, scratch / str(at), actors, progress)
        for at, (name, (actors, progress)) in enumerate(ways.items())
    }
    alone = made["1 actor"].rate
    lines = [
        f"| {name} | {len(one.moments)} | {one.moments[0]:.1f} | {one.rate:.1f} "
        f"| {one.rate / alone:.2f} |"
        for name, one in made.items()
    ]
    first, *others = (one.passages for one in made.values())
    once = len(set(first)) == len(first) and all(first == other for other in others)
    if not (once and len(killed) == 1):
        raise SystemExit("a passage is missing or there twice, or no worker was killed")
    told = (
        f"{len(first)} passages, with their sentences, on {os.cpu_count()} cores. Each of the four "
        "indexes has every passage once, also the one of which a worker was killed (SIGKILL) half-"
        "way, and keeps every promise that `ketqa verify` checks."
    )
    return "\n".join([*HEAD, *lines, "", told])


def make(corpus: Path, index: Path, actors: int, progress: Progress) -> Made:
    """Make an index with so many actors; with none, in this process."""
    start, model = time(), find_model()
    if actors:
        make_shards(corpus, index, model, workers=Workers(actors=actors), progress=progress)
    build_index(corpus, index, model)
    broken = [check for check in verify_index(index, corpus) if check.problem]
    if broken:
        raise SystemExit(f"{broken[0].promise}: {broken[0].problem}")
    build = current_build(index)
    manifest = Manifest.load(build)
    # what is taken over keeps the time at which it was made
    made = [(shard / SHARD).stat().st_mtime for shard in manifest.shards(build)]
    with open_store(build, manifest) as store:
        found = [store.passage(number) for number in range(manifest.counts["passages"])]
    passages = [(one.span, one.text) for one in found]
    return Made(passages, sorted(moment - start for moment in made), max(actors, 1))


def kill_half_way(killed: list[int], _: str, done: int, total: int) -> None:
    if done == total // 2:
        killed.append(kill_a_worker())


def kill_a_worker() -> int:
    """Kill a process that makes shards; returns its id."""
    for process in Path("/proc").glob("[0-9]*"):
        title = (process / "cmdline").read_bytes()
        if title.startswith(b"ray::") and b"ShardMaker" in title:
            os.kill(int(process.name), signal.SIGKILL)
            return int(process.name)
    raise SystemExit("there is no worker to kill")


if __name__ == "__main__":
    main()
