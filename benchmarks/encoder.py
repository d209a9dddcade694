"""The compiled encoder beside SentenceTransformer.encode as it comes, in one run, in turn.

    python benchmarks/encoder.py FOLDER [--texts 256] [--rounds 5] [--write docs/benchmarks.md]

FOLDER holds a collection in BEIR form; its documents are the passages, each cut to what the
model can hold, then their sentences, since an index has rows of both; its queries are the
questions, encoded one at a time.
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
from ketqa.split import split_sentences

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

    sentences = [text[piece.start : piece.end] for text in texts for piece in split_sentences(text)]
    cosines = (compiled.encode_texts(texts) * unit(default(texts))).sum(axis=1)
    rows = {"passages a second": texts, "sentences a second": sentences}
    found: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in rows}
    waits: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for at, (run, ask) in enumerate(
            ((default, default), (compiled.encode_texts, compiled.encode_queries))
        ):
            for name, encoded in rows.items():
                found[name][at].append(len(encoded) / seconds(run, encoded))
            waits[at].extend(1000 * seconds(ask, [one]) for one in asked)
    lines = ["| | SentenceTransformer.encode | ketqa | ratio |", "|---|---|---|---|"]
    for name, measured in (*found.items(), ("one question, ms", waits)):
        theirs, ours = map(median, measured)
        lines.append(f"| {name} | {theirs:.1f} | {ours:.1f} | {ours / theirs:.2f} |")
    told = (
        f"{len(texts)} passages, their {len(sentences)} sentences and {len(asked)} questions of "
        f"{folder.name}, medians of {rounds} rounds. The least cosine of a passage's row with the "
        f"other's: {cosines.min():.5f}."
    )
    return "\n".join([*lines, "", told])


def seconds(run: Callable[[Sequence[str]], Rows], texts: Sequence[str]) -> float:
    start = perf_counter()
    run(texts)
    return perf_counter() - start


if __name__ == "__main__":
    main()
