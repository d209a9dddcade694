"""Build an index twice and ask it, each time as differently as may be: are the answers the same?

    python tests/same_bytes.py corpus tests/gold/dev.jsonl

Two processes: one has one processor, one thread and a seed for its hashes, the other two threads
and another seed. Each builds an index of the folder from nothing, in a folder of its own, and
answers every question of the file. What they print, and what their indexes hold but for the
names that the full-text engine draws, must be the same to the last byte.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from ketqa.build import build_index
from ketqa.index import Index
from ketqa.manifest import Manifest, current_build


def answers(corpus: Path, index: Path, questions: Path) -> list[str]:
    """Build an index of a folder; returns what it answers, and the hashes of what it holds."""
    build_index(corpus, index)
    lines = []
    with Index.open(index) as opened:
        for line in questions.read_text(encoding="utf-8").splitlines():
            asked = json.loads(line)
            history = asked.get("history", [])
            answer = opened.ask(asked["question"], history=history, min_confidence=0).to_dict()
            lines.append(json.dumps({**answer, "timings_ms": None}, ensure_ascii=False))
    files = Manifest.load(current_build(index)).files
    # the engine draws the names of its files, and other files name them
    kept = [name for name in files if not {"words", "question_words"} & set(Path(name).parts)]
    return [*lines, *(f"{name} {files[name]}" for name in kept if Path(name).name != "shard.json")]


def in_a_process(corpus: Path, index: Path, questions: Path, threads: int) -> list[str]:
    """Return ``answers`` of a process with so many threads, and processors where they can be set."""
    tests, source = Path(__file__).parent, Path(__file__).parent.parent / "src"
    processors = ",".join(map(str, sorted(os.sched_getaffinity(0))[:threads]))
    done = subprocess.run(
        ["taskset", "-c", processors, sys.executable, __file__, str(corpus), str(questions), "--index", str(index)],
        env={
            **os.environ,
            "OMP_NUM_THREADS": str(threads),
            "PYTHONHASHSEED": str(threads),
            "PYTHONPATH": f"{source}{os.pathsep}{tests}",
        },
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def differences(corpus: Path, questions: Path, folder: Path) -> list[str]:
    """Return the lines that differ; none where all is the same."""
    one, two = (
        in_a_process(corpus, folder / str(threads), questions, threads) for threads in (1, 2)
    )
    assert len(one) == len(two)
    return [
        f"- {ours}\n+ {theirs}" for ours, theirs in zip(one, two, strict=True) if ours != theirs
    ]


def main() -> int:
    """Compare two processes; or, with ``--index``, be one of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--index", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.index:
        lines = answers(options.corpus, options.index, options.questions)
        sys.stdout.write("".join(f"{line}\n" for line in lines))
        return 0
    with TemporaryDirectory() as folder:
        found = differences(options.corpus, options.questions, Path(folder))
    asked = len(options.questions.read_text(encoding="utf-8").splitlines())
    sys.stdout.write("".join(f"{line[:2000]}\n" for line in found))
    sys.stdout.write(f"{asked} questions, 2 builds: {len(found)} differences\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
