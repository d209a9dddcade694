"""Public test collections in BEIR form: passages found, and quotes, against their judgements.

A folder holds corpus.jsonl, queries.jsonl, and qrels.tsv (judged documents) or spans.jsonl
(answers by their places). Its index is kept in a cache, so that a second run is quick.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import ir_measures
import numpy as np
from ir_measures import AP, RR, Judged, Qrel, R, ScoredDoc, nDCG
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from ketqa.build import build_index, silent
from ketqa.errors import GoldFileError
from ketqa.index import Index
from ketqa.jsonl import read_rows
from ketqa.models import DEFAULT_MODEL, find_model
from ketqa.shards import Progress
from ketqa.types import Answer, Document, Source

MEASURES = [nDCG @ 10, R @ 10, R @ 100, RR @ 10, AP, Judged @ 10]
# Passages looked at for each query, so that 100 documents are among them.
DEPTH = 400
JOIN = "\n\n"
OVERLAP = 0.5

Count = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Query:
    """A query of a collection."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Answers:
    """Where one document answers a query: places in our text; empty where it does not."""

    doc_id: str
    places: tuple[tuple[int, int], ...]


def index_collection(
    folder: Path, cache: Path, *, model: str = DEFAULT_MODEL, progress: Progress = silent
) -> Path:
    """Build the index of a collection in the cache, or find it there; return its folder."""
    found = find_model(model, download=True)
    key = sha256(f"{folder.resolve()} {found.sha256}".encode()).hexdigest()[:16]
    index = cache / f"{folder.name}-{key}"
    build_index(load_documents(folder), index, found, progress=progress)
    return index


def load_documents(folder: Path) -> list[Document]:
    """Read corpus.jsonl; a document's text is its title, a blank line, and its text."""
    documents = []
    for row in _rows(folder / "corpus.jsonl"):
        text = JOIN.join(part for part in (row.get("title"), row["text"]) if part)
        digest = sha256(text.encode()).hexdigest()
        title = row.get("title") or row["_id"]
        documents.append(Document(Source(row["_id"], row["_id"], digest, title), text))
    return documents


def load_queries(folder: Path) -> list[Query]:
    """Read queries.jsonl."""
    return [Query(str(row["_id"]), row["text"]) for row in _rows(folder / "queries.jsonl")]


def load_qrels(folder: Path) -> list[Qrel]:
    """Read qrels.tsv."""
    try:
        lines = (folder / "qrels.tsv").read_text(encoding="utf-8").splitlines()[1:]
        return [Qrel(query, doc, int(gain)) for query, doc, gain in (x.split("\t") for x in lines)]
    except (OSError, ValueError) as error:
        raise GoldFileError(f"{folder / 'qrels.tsv'}: {error}") from None


def load_answers(folder: Path) -> dict[str, list[Answers]]:
    """Read spans.jsonl: by query, the documents judged and their answers' places."""
    shift = {
        row["_id"]: len(row["title"] + JOIN) if row.get("title") else 0
        for row in _rows(folder / "corpus.jsonl")
    }
    table: dict[str, list[Answers]] = {}
    for row in _rows(folder / "spans.jsonl"):
        by = shift[row["doc_id"]]
        places = tuple((by + answer["start"], by + answer["end"]) for answer in row["answers"])
        table.setdefault(str(row["query_id"]), []).append(Answers(row["doc_id"], places))
    return table


def bench_retrieval(index: Index, folder: Path, *, count: Count | None = None) -> list[ScoredDoc]:
    """Rank the documents for every judged query, each by its best passage."""
    judged = {qrel.query_id for qrel in load_qrels(folder)}
    queries = [query for query in load_queries(folder) if query.id in judged]
    run: list[ScoredDoc] = []
    for done, query in enumerate(queries, start=1):
        best: dict[str, float] = {}
        for hit in index.retrieve(index.prepare(index.understand(query.text)), DEPTH):
            doc_id = hit.passage.span.doc_id
            best[doc_id] = max(hit.score, best.get(doc_id, 0.0))
        run += [ScoredDoc(query.id, doc_id, score) for doc_id, score in best.items()]
        if count:
            count(done, len(queries))
    return run


def retrieval_figures(folder: Path, run: Sequence[ScoredDoc]) -> dict[str, float]:
    """Return nDCG@10, R@10, R@100, RR@10, AP and Judged@10, means over the queries."""
    found = ir_measures.calc_aggregate(MEASURES, load_qrels(folder), run)
    return {str(measure): float(found[measure]) for measure in MEASURES}


def ndcg_by_query(folder: Path, run: Sequence[ScoredDoc]) -> NDArray[np.float64]:
    """Return nDCG@10 of every judged query, (n,), in the order of their ids."""
    found = ir_measures.iter_calc([nDCG @ 10], load_qrels(folder), run)
    values = {row.query_id: float(row.value) for row in found}
    return np.array([values[query_id] for query_id in sorted(values)])


def trec_lines(run: Sequence[ScoredDoc]) -> Iterator[str]:
    """Yield a run in TREC form."""
    ordered = sorted(run, key=lambda row: (row.query_id, -row.score, row.doc_id))
    rank, before = 0, ""
    for row in ordered:
        rank = rank + 1 if row.query_id == before else 1
        before = row.query_id
        yield f"{row.query_id} Q0 {row.doc_id} {rank} {row.score:.6f} ketqa"


@dataclass(frozen=True, slots=True)
class Asked:
    """A query asked: whether anything answers it, the rank of the first right quote, if any."""

    answerable: bool
    rank: int | None
    confidence: float


def ask_collection(index: Index, folder: Path, *, count: Count | None = None) -> list[Asked]:
    """Ask every query that has answers judged."""
    answers = load_answers(folder)
    queries = [query for query in load_queries(folder) if query.id in answers]
    asked: list[Asked] = []
    for done, query in enumerate(queries, start=1):
        answer = index.ask(query.text, min_confidence=0)
        judged = answers[query.id]
        answerable = any(row.places for row in judged)
        asked.append(Asked(answerable, _rank(answer, judged), answer.confidence))
        if count:
            count(done, len(queries))
    return asked


def quote_figures(asked: Sequence[Asked]) -> dict[str, float]:
    """Return the figures of a collection.

    Returns:
        quote@1, @3, @5: share of answerable queries with an answer in the first quotes;
        auroc of the confidence, where some queries are unanswerable; and their numbers.
    """
    ranks = [query.rank for query in asked if query.answerable]
    figures = {
        f"quote@{k}": float(np.mean([rank is not None and rank <= k for rank in ranks]))
        for k in (1, 3, 5)
    }
    truth = [query.answerable for query in asked]
    if 0 < sum(truth) < len(truth):
        figures["auroc"] = float(roc_auc_score(truth, [query.confidence for query in asked]))
    return figures | {"answerable": len(ranks), "unanswerable": len(truth) - len(ranks)}


def _rank(answer: Answer, judged: Sequence[Answers]) -> int | None:
    places = [(row.doc_id, *place) for row in judged for place in row.places]
    for item in answer.evidence:
        for doc_id, start, end in places:
            shared = min(end, item.span.end) - max(start, item.span.start)
            shorter = min(end - start, item.span.end - item.span.start)
            if doc_id == item.span.doc_id and shared >= OVERLAP * shorter > 0:
                return item.rank
    return None


def _rows(file: Path) -> Iterator[dict[str, Any]]:
    return (row for row, _ in read_rows(file, GoldFileError))
