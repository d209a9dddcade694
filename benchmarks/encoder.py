"""The compiled encoder beside SentenceTransformer.encode as it comes, in one run, in turn.

    python benchmarks/encoder.py FOLDER [--texts 256] [--rounds 5] [--write docs/benchmarks.md]

FOLDER holds a collection in BEIR form; its documents are the passages, each cut to what the
model can hold, its queries the questions, encoded one at a time.
"""

import argparse
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter

from ketqa.compiled import CompiledEncoder, compile_encoder
from ketqa.encode import Rows, SentenceEncoder, unit
from ketqa.evaluation.beir import load_documents, load_queries
from ketqa.evaluation.page import write_part
from ketqa.models import find_model

ASKED = 30


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--texts", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", type=Path, help="put the table into this Markdown file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        table = compare(options.folder, Path(scratch) / "compiled", options.texts, options.rounds)
    print(table)
    if options.write:
        write_part(options.write, "encoder", table)


def compare(folder: Path, compiled_to: Path, count: int, rounds: int) -> str:
    from sentence_transformers import SentenceTransformer

    model = find_model()
    eager = SentenceTransformer(str(model.path))
    own = SentenceEncoder(model)
    compile_encoder(own, model, compiled_to)
    compiled = CompiledEncoder(compiled_to)
    tokenizer = eager.tokenizer
    texts = []
    for document in load_documents(folder)[:count]:
        places = tokenizer(document.text, add_special_tokens=False, return_offsets_mapping=True)
        texts.append(document.text[: places["offset_mapping"][: own.max_tokens][-1][1]])
    asked = [query.text for query in load_queries(folder)[:ASKED]]

    def default(batch: Sequence[str]) -> Rows:
        rows: Rows = eager.encode(list(batch), show_progress_bar=False)
        return rows

    cosines = (compiled.encode_texts(texts) * unit(default(texts))).sum(axis=1)
    passages: dict[str, list[float]] = {"default": [], "ketqa": []}
    questions: dict[str, list[float]] = {"default": [], "ketqa": []}
    for _ in range(rounds):
        for name, run, ask in (
            ("default", default, default),
            ("ketqa", compiled.encode_texts, compiled.encode_queries),
        ):
            passages[name].append(len(texts) / seconds(run, texts))
            questions[name] += [1000 * seconds(ask, [one]) for one in asked]
    speed, wait = (
        {name: median(all_) for name, all_ in part.items()} for part in (passages, questions)
    )
    return "\n".join(
        [
            "| | SentenceTransformer.encode | ketqa | ratio |",
            "|---|---|---|---|",
            f"| passages a second | {speed['default']:.1f} | {speed['ketqa']:.1f} "
            f"| {speed['ketqa'] / speed['default']:.1f} |",
            f"| one question, ms | {wait['default']:.1f} | {wait['ketqa']:.1f} "
            f"| {wait['ketqa'] / wait['default']:.2f} |",
            "",
            f"{len(texts)} passages and {len(asked)} questions of {folder.name}, medians of "
            f"{rounds} rounds. The least cosine of a row with the other's: {cosines.min():.5f}.",
        ]
    )


def seconds(run: Callable[[Sequence[str]], Rows], texts: Sequence[str]) -> float:
    start = perf_counter()
    run(texts)
    return perf_counter() - start


if __name__ == "__main__":
    main()
