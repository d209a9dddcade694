"""What misspelt words cost, and what correcting them gives back.

    python benchmarks/typos.py GOLD.jsonl ... [--index index]

Misspells one, two and three of the longer words of each answerable question, the same way every
time, and prints a Markdown table with and without the correction.
"""

import argparse
import random
import re
from dataclasses import replace
from pathlib import Path

from ketqa.evaluation.gold import GoldQuestion, load_gold
from ketqa.evaluation.run import SETTINGS, corpus_texts, run_gold
from ketqa.index import Index

ALPHABET, BESIDE = "abcdefghijklmnopqrstuvwxyz", "svxsrdfgohjknbpowearicqztx"
NEIGHBOURS = dict(zip(ALPHABET, BESIDE, strict=True))
LONGER = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("gold", nargs="+", type=Path)
    parser.add_argument("--index", type=Path, default=Path("index"))
    options = parser.parse_args()
    print("| misspelt words | setting | quote@1 | quote@3 | answered rightly as shipped |")
    print("|---|---|---|---|---|")
    for setting in ("no-spelling", "shipped"):
        with Index.open(options.index, stages=SETTINGS[setting]) as index:
            texts = corpus_texts(index)
            gold = [q for file in options.gold for q in load_gold(file, texts)]
            for words in range(4):
                show(index, setting, words, [q for q in gold if q.expect == "evidence"])


def show(index: Index, setting: str, words: int, gold: list[GoldQuestion]) -> None:
    chance = random.Random(words)  # noqa: S311, no secret
    spoilt = [replace(q, question=spoil(q.question, words, chance)) for q in gold]
    ranks = [score.rank for score in run_gold(index, spoilt, min_confidence=0)]
    shipped = [score.rank for score in run_gold(index, spoilt)]
    shares = [
        sum(rank is not None and rank <= k for rank in found) / len(gold)
        for found, k in ((ranks, 1), (ranks, 3), (shipped, 5))
    ]
    print(f"| {words} | {setting} | {' | '.join(f'{share:.3f}' for share in shares)} |")


def spoil(question: str, words: int, chance: random.Random) -> str:
    parts = re.split(r"(\W+)", question)
    longer = [at for at, part in enumerate(parts) if part.isalpha() and len(part) >= LONGER]
    for at in chance.sample(longer, min(words, len(longer))):
        parts[at] = misspell(parts[at], chance)
    return "".join(parts)


def misspell(word: str, chance: random.Random) -> str:
    at = chance.randrange(1, len(word) - 1)
    before, letter, after = word[:at], word[at], word[at + 1 :]
    return chance.choice(
        [
            before + after,
            before + letter + letter + after,
            before + NEIGHBOURS.get(letter.lower(), "e") + after,
            before + after[0] + letter + after[1:],
        ]
    )


if __name__ == "__main__":
    main()
