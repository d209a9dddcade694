"""Make src/ketqa/weights/fused.json: how far the cross-encoder is believed, and how sure it makes.

    python training/fusion.py GOLD.jsonl DATA [--index index] [--cache FOLDER]

DATA holds the public collections by name. Three numbers are fitted on them: how the logits of
the reader and of the cross-encoder add up; each collection is then judged with what the others
gave, and that is printed. The abstention is fitted on curated questions that the cross-encoder
was not taught, asked as if there were none, and on questions that were written about other
people's documents; GOLD.jsonl sets the calibration and the thresholds.
"""

import argparse
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ketqa.cross import CROSS_PATH, CompiledCross, compile_cross, cross_fingerprint
from ketqa.evaluation.beir import OVERLAP, Answers, index_collection, load_answers, load_queries
from ketqa.index import Index
from ketqa.learn.examples import Example, curated_examples, gold_examples, make_example
from ketqa.learn.lesson import is_held_back
from ketqa.learn.weights import Floats, fit_confidence, fit_reader, logits_of, named, quote_at
from ketqa.opening import Stages
from ketqa.reader import FEATURES, load_weights
from ketqa.rerank import DEPTH
from ketqa.types import Sentence
from pairs import OURS, rows

COLLECTIONS = ("covidqa_dev", "evinf_pain_dev", "squad2_dev")
MOST = 500
# Whose written questions have nothing to do with the shipped documents, and how many of them.
ELSEWHERE, MOST_ELSEWHERE = "pubmedqa", 400
OUT = Path("src/ketqa/weights/fused.json")
ALONE = np.array([0.0, 1.0, 0.0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("gold", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--index", type=Path, default=Path("index"))
    parser.add_argument("--cache", type=Path, default=Path("index/collections"))
    options = parser.parse_args()
    cross = compiled_in(options.cache)
    public = {
        name: [
            fusion_example(example, cross)
            for example in collection_examples(options.data / name, options.cache)
        ]
        for name in COLLECTIONS
    }
    fusion = fit_reader([example for examples in public.values() for example in examples])
    for name, examples in public.items():
        others = fit_reader([one for other in public if other != name for one in public[other]])
        print(name, told(examples, ALONE), "with the cross-encoder", told(examples, others))
    with Index.open(options.index, stages=Stages(questions=False)) as index:
        examples = [fusion_example(example, cross) for example in unseen_examples(index)]
        gold = [fusion_example(example, cross) for example in gold_examples(index, options.gold)]
        rest = fit_confidence(examples, gold, fusion, index)
    table = {
        "reader": load_weights("plain")["reader"],
        "fusion": named(("bias", "logit", "cross"), fusion),
        **rest,
    }
    OUT.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    print(OUT.read_text(encoding="utf-8"))


def compiled_in(cache: Path) -> CompiledCross:
    """Return the packaged cross-encoder, compiled."""
    folder = cache / f"cross-{cross_fingerprint()[:12]}"
    if not folder.exists():
        compile_cross(CROSS_PATH, folder)
    return CompiledCross(folder)


def collection_examples(folder: Path, cache: Path) -> Iterator[Example]:
    """Yield examples of a collection's questions, at most ``MOST`` of them."""
    answers = load_answers(folder)
    queries = [query for query in load_queries(folder) if query.id in answers]
    drawn = random.Random(0).sample(queries, min(MOST, len(queries)))  # noqa: S311, no secret
    with Index.open(index_collection(folder, cache)) as index:
        for query in tqdm(drawn, desc=folder.name):
            judged = answers[query.id]
            yield make_example(
                index,
                index.prepare(index.understand(query.text)),
                lambda sentence, judged=judged: answers_it(sentence, judged),  # type: ignore[misc]
                answerable=any(row.places for row in judged),
                fold=0,
            )


def unseen_examples(index: Index) -> Iterator[Example]:
    """Yield examples of questions that the cross-encoder was not taught."""
    held = [
        question
        for question in index.store.all_questions()
        if is_held_back(question.text) and question.language == "en"
    ]
    yield from tqdm(curated_examples(index, held, len(held)), total=len(held), desc="held back")
    written = [q for row in rows(OURS) if row["set"] == ELSEWHERE for q in row["questions"]]
    chance = random.Random(0)  # noqa: S311, no secret
    for question in tqdm(chance.sample(written, MOST_ELSEWHERE), desc="of other documents"):
        asked = index.prepare(index.understand(question))
        yield make_example(index, asked, lambda _: False, answerable=False, fold=0)


def answers_it(sentence: Sentence, judged: Sequence[Answers]) -> bool:
    """Tell whether a sentence shares enough of an answer's place."""
    span = sentence.span
    places = [place for row in judged if row.doc_id == span.doc_id for place in row.places]
    return any(
        min(end, span.end) - max(start, span.start)
        >= OVERLAP * min(end - start, span.end - span.start)
        for start, end in places
    )


def fusion_example(example: Example, cross: CompiledCross) -> Example:
    """Return an example of what ``FusedReader`` weighs: (n, 2), of the reader's best sentences."""
    weights = load_weights("plain")["reader"]
    logits = logits_of(example, np.array([weights[name] for name in ("bias", *FEATURES)]))
    best = np.argsort(-logits, kind="stable")[:DEPTH]
    pairs = [example.pairs[at] for at in best]
    scores = cross.score(example.asked.query, [sentence.text for _, sentence in pairs])
    return replace(
        example,
        pairs=pairs,
        features=np.column_stack([logits[best], scores]),
        right=example.right[best],
    )


def told(examples: Sequence[Example], fusion: Floats) -> str:
    return ", ".join(f"quote@{k} {quote_at(examples, fusion, k):.3f}" for k in (1, 3))


if __name__ == "__main__":
    main()
