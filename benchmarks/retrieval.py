"""Compare full text, dense and fused ranking on a test collection.

    python benchmarks/retrieval.py FOLDER ... [--budget 254] [--cache DIR]

FOLDER holds corpus.jsonl, queries.jsonl and qrels.tsv in BEIR form. Documents are ranked
by their best passage. Prints nDCG@10 of each ranking, and of the fusion for every weight.
"""

import argparse
import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path

import ir_measures
import numpy as np
from ir_measures import ScoredDoc, nDCG
from tqdm import tqdm

from ketqa.build import PASSAGE_TOKENS
from ketqa.dense import DenseIndex
from ketqa.encode import Rows, SentenceEncoder
from ketqa.evaluation.beir import load_documents, load_qrels, load_queries
from ketqa.fuse import reciprocal_rank_fusion, weighted_sum
from ketqa.lexical import LexicalIndex
from ketqa.models import find_model
from ketqa.shards import split_documents

DEPTH = 200
WEIGHTS = [step / 10 for step in range(1, 10)]

Scores = dict[int, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--budget", type=int, default=PASSAGE_TOKENS)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "ketqa-rows")
    options = parser.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    encoder = SentenceEncoder(find_model())
    for folder in options.folders:
        compare(folder, encoder, options.budget, options.cache)


def compare(folder: Path, encoder: SentenceEncoder, budget: int, cache: Path) -> None:
    split, _ = split_documents(load_documents(folder), encoder, tokens=budget)
    owners = [passage.span.doc_id for passage in split]
    passages = [passage.text for passage in split]
    qrels = load_qrels(folder)
    judged = {qrel.query_id for qrel in qrels}
    queries = [query for query in load_queries(folder) if query.id in judged]
    dense = DenseIndex.build(encode(passages, encoder, cache))
    with tempfile.TemporaryDirectory() as scratch:
        lexical = LexicalIndex.build(passages, Path(scratch) / "lexical")
        found = [
            (
                query.id,
                dense.search(encoder.encode_queries([query.text])[0], DEPTH),
                lexical.search(query.text, DEPTH),
            )
            for query in tqdm(queries, desc="queries", leave=False)
        ]

    def measure(rank: Callable[[Scores, Scores], Scores]) -> float:
        run = [
            ScoredDoc(name, doc, score)
            for name, near, shared in found
            for doc, score in by_document(rank(near, shared), owners).items()
        ]
        return float(ir_measures.calc_aggregate([nDCG @ 10], qrels, run)[nDCG @ 10])

    print(f"{folder.name}: {len(passages)} passages of at most {budget} tokens")
    print(f"  bm25   {measure(lambda *both: both[1]):.3f}")
    print(f"  dense  {measure(lambda *both: both[0]):.3f}")
    print(f"  rrf    {measure(lambda *both: reciprocal_rank_fusion(both)):.3f}")
    for weight in WEIGHTS:
        score = measure(lambda *both, w=weight: weighted_sum(both, (w, 1 - w)))
        print(f"  {weight:.1f} dense + {1 - weight:.1f} bm25  {score:.3f}")


def encode(passages: list[str], encoder: SentenceEncoder, cache: Path) -> Rows:
    """Encode passages, or read the rows of an earlier run over the same texts."""
    key = hashlib.sha256("\0".join(passages).encode()).hexdigest()[:16]
    file = cache / f"{key}.npy"
    if not file.exists():
        step = 512
        parts = [
            encoder.encode_texts(passages[low : low + step])
            for low in tqdm(range(0, len(passages), step), desc="encode", leave=False)
        ]
        np.save(file, np.concatenate(parts))
    rows: Rows = np.load(file)
    return rows


def by_document(scores: Scores, owners: list[str]) -> dict[str, float]:
    """Give each document the score of its best passage."""
    best: dict[str, float] = {}
    for number, score in scores.items():
        best[owners[number]] = max(score, best.get(owners[number], -np.inf))
    return best


if __name__ == "__main__":
    main()
