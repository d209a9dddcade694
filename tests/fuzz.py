"""Fuzz what reads files, questions and requests, guided by the code that each input reaches.

    python tests/fuzz.py TARGET --seconds 60      one target, or: all
    python tests/fuzz.py TARGET --replay FILE     once more what was found

Needs the group ``fuzz`` of pyproject.toml (atheris, libFuzzer for Python). What breaks a promise
is written to a file, named at the end, and the exit status is not 0.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import atheris

with atheris.instrument_imports(include=["ketqa"]):
    from fuzzing import TARGETS
from ketqa.evaluation.page import write_part
from seeds import seeds

DONE = re.compile(r"Done (\d+) runs in (\d+) second")
# An input that takes longer counts as found, and so does one that takes more memory, in MB.
SLOW, MEMORY = 20, 4096
LONGEST = 20_000


def fuzz(target: str, seconds: int, seed: int, kept: Path) -> None:
    """Fuzz one target in this process, which ends with it."""
    for number, data in enumerate(seeds(target)):
        (kept / f"seed-{number}").write_bytes(data)
    options = {
        "max_total_time": seconds, "seed": seed, "timeout": SLOW, "rss_limit_mb": MEMORY,
        "max_len": max(LONGEST, *map(len, seeds(target))), "artifact_prefix": f"fuzz-{target}-",
    }  # fmt: skip
    told = [f"-{name}={value}" for name, value in options.items()]
    atheris.Setup([sys.argv[0], str(kept), *told], TARGETS[target])
    atheris.Fuzz()


def fuzz_all(seconds: int, seed: int) -> list[tuple[str, int, int]]:
    """Fuzz each target in a process of its own; returns (target, runs, seconds) of each."""
    rows = []
    for target in TARGETS:
        command = [sys.executable, __file__, target, "--seconds", str(seconds), "--seed", str(seed)]
        done = subprocess.run(command, capture_output=True, check=False)
        told = (done.stdout[-3000:] + done.stderr[-3000:]).decode("utf-8", "replace")
        counted = DONE.search(told)
        if done.returncode or counted is None:
            sys.exit(f"{target}: a promise was broken\n{told}")
        rows.append((target, int(counted[1]), int(counted[2])))
        sys.stdout.write(f"{target}: {counted[0]}, nothing found\n")
        sys.stdout.flush()
    return rows


def table(rows: list[tuple[str, int, int]]) -> str:
    """Return what was run, in Markdown."""
    lines = [f"| {target} | {seconds} | {runs:,} |" for target, runs, seconds in rows]
    return "\n".join(["| target | seconds | inputs |", "|---|---|---|", *lines])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", choices=[*TARGETS, "all"])
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--replay", type=Path, metavar="FILE")
    parser.add_argument("--write", type=Path, metavar="PAGE")
    options = parser.parse_args()
    if options.replay:
        TARGETS[options.target](options.replay.read_bytes())
    elif options.target == "all":
        rows = fuzz_all(options.seconds, options.seed)
        if options.write:
            write_part(options.write, "fuzzing", table(rows))
    else:
        with TemporaryDirectory() as kept:
            fuzz(options.target, options.seconds, options.seed, Path(kept))


if __name__ == "__main__":
    main()
