"""How often an answer on a treatment's benefit has a harm or a limit on the first screen.

    python benchmarks/balance.py QUESTIONS.jsonl [--index index] [--each 3]

Each line has "questions", a list, or one "question". An answer counts where one of its first two
quotes speaks of benefit; the first screen holds these two and what stands under the heading
"harms and limits".
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

from ketqa.balance import FIRST, balance, needs_balance, speaks_of_harm
from ketqa.index import Index


def questions(file: Path, each: int) -> Iterator[str]:
    for line in file.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        yield from row["questions"][:each] if "questions" in row else [row["question"]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--index", default="index")
    parser.add_argument("--each", type=int, default=3, help="questions of a line (default: 3)")
    options = parser.parse_args()
    asked = on_benefit = already = brought = 0
    with Index.open(options.index) as index:
        for question in questions(options.file, options.each):
            asked += 1
            found = index.find(question)
            answer = index.answer(found)
            if not needs_balance(answer):
                continue
            on_benefit += 1
            if any(speaks_of_harm(item.quote) for item in answer.evidence[:FIRST]):
                already += 1
            elif balance(index, found, answer):
                brought += 1
    shown = already + brought
    print(f"{asked} questions, {on_benefit} answers on benefit")
    print(f"harm or limit on the first screen: {shown / on_benefit:.3f}")
    print(f"without the heading it would be: {already / on_benefit:.3f}")


if __name__ == "__main__":
    main()
