"""How long a command takes from its start to its end, in a process of its own.

    python benchmarks/start.py [--index index] [--rounds 15] [--write docs/benchmarks.md]

``python -c pass`` is measured beside them, in turn, since it is part of each.
"""

import argparse
import subprocess
import sys
from pathlib import Path
from statistics import median
from time import perf_counter

from ketqa.evaluation.page import write_part

RUN = "import sys; from ketqa.cli import main; sys.exit(main())"
QUESTION = "How long did relief last?"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--index", default="index")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--write", type=Path, help="put the table into this Markdown file")
    options = parser.parse_args()
    commands = {
        "`python -c pass`": ["-c", "pass"],
        "`ketqa --help`": ["-c", RUN, "--help"],
        "`ketqa ask`": ["-c", RUN, "ask", "--index", options.index, QUESTION],
    }
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(options.rounds + 1):
        for name, command in commands.items():
            start = perf_counter()
            subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)  # noqa: S603, our own commands
            taken[name].append(perf_counter() - start)
    lines = ["| | median, s | fastest, s | slowest, s |", "|---|---|---|---|"]
    for name, seconds in taken.items():
        warm = seconds[1:]  # the first round reads the files from the disk
        lines.append(f"| {name} | {median(warm):.2f} | {min(warm):.2f} | {max(warm):.2f} |")
    table = "\n".join(lines)
    print(table)
    if options.write:
        write_part(options.write, "start", table)


if __name__ == "__main__":
    main()
