"""Make src/ketqa/weights/: what the reader and the abstention were taught.

    python training/weights.py GOLD.jsonl [--index index] [--out FOLDER]

The weights are fitted on the curated questions of the index; GOLD.jsonl sets the calibration
and the thresholds alone.
"""

import argparse
import json
from pathlib import Path

from tqdm import tqdm

from ketqa.index import Index
from ketqa.learn.examples import curated_examples, gold_examples
from ketqa.learn.weights import cross_validate, fit_weights
from ketqa.opening import Stages

MOST_ANSWERED, MOST_UNANSWERED = 3000, 1500


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("gold", type=Path)
    parser.add_argument("--index", type=Path, default=Path("index"))
    parser.add_argument("--out", type=Path, default=Path("src/ketqa/weights"))
    options = parser.parse_args()
    for name, questions in (("plain", False), ("questions", True)):
        with Index.open(options.index, stages=Stages(questions=questions)) as index:
            curated = list(index.store.all_questions())
            kinds = (
                ([q for q in curated if q.span and q.language == "en"], MOST_ANSWERED),
                ([q for q in curated if not q.span], MOST_UNANSWERED),
            )
            examples = [
                example
                for chosen, most in kinds
                for example in tqdm(curated_examples(index, chosen, most), total=most, desc=name)
            ]
            gold = gold_examples(index, options.gold)
            print(name, cross_validate(examples, index))
            table = fit_weights(examples, gold, index)
        file = options.out / f"{name}.json"
        file.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
        print(file.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
