"""ketqa beside other search libraries: the same texts, the same model, one machine, one run.

    python benchmarks/peers.py FOLDER ... [--systems ketqa bm25s ...] [--keep DIR]
        [--write docs/benchmarks.md]

FOLDERs hold collections in BEIR form. The systems and their settings stand in peer_systems.py,
their versions in requirements-peers.txt. Each builds and each searches in a process of its own,
one after another. What is measured is kept in DIR, and not measured again when a run that was
broken off is started anew; a new run wants a new DIR.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from ir_measures import ScoredDoc

from ketqa.evaluation.beir import (
    load_documents,
    load_qrels,
    load_queries,
    ndcg_by_query,
    retrieval_figures,
)
from ketqa.evaluation.page import write_part
from ketqa.evaluation.significance import holm, paired_difference
from peer_systems import DOCUMENTS, SHOWN, SYSTEMS

STEPS = Path(__file__).with_name("peer_systems.py")
# No system tells its makers of the run, or looks for a newer model.
QUIET = {"HAYSTACK_TELEMETRY_ENABLED": "False", "HF_HUB_OFFLINE": "1"}
SIGNIFICANT = 0.05
COLUMNS = (
    "collection",
    "system",
    "nDCG@10",
    "beside ketqa (95% interval)",
    "R@100",
    "to index, s",
    "of processor, s",
    f"{SHOWN} hits p50, ms",
    "p95",
    "of processor p50, ms",
    f"{DOCUMENTS} documents p50, ms",
    "p95",
    "peak MB to index",
    "peak MB to search",
)
SHOWN_VERSIONS = (
    "langchain-community",
    "langchain-huggingface",
    "txtai",
    "haystack-ai",
    "bm25s",
    "faiss-cpu",
    "sentence-transformers",
    "torch",
)

Row = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--systems", nargs="+", choices=SYSTEMS, default=list(SYSTEMS))
    parser.add_argument("--keep", type=Path, help="the folder for what is measured")
    parser.add_argument("--write", type=Path, help="put the table into this Markdown file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        kept = options.keep or Path(scratch)
        kept.mkdir(parents=True, exist_ok=True)
        tables = [measure_all(folder, options.systems, kept) for folder in options.folders]
    page = render(options.folders, tables)
    print(page)
    if options.write:
        write_part(options.write, "peers", page)


def measure_all(folder: Path, systems: Sequence[str], kept: Path) -> dict[str, Row]:
    """Return each system's figures on a collection, measured or as they were kept."""
    rows = {}
    for system in systems:
        file = kept / f"{folder.name}-{system}.json"
        if not file.exists():
            measured = measure(folder, system)
            file.write_text(json.dumps(measured), encoding="utf-8")
            told = {name: value for name, value in measured.items() if name != "values"}
            print(f"{folder.name}, {system}: {json.dumps(told)}", file=sys.stderr, flush=True)
        rows[system] = json.loads(file.read_text(encoding="utf-8"))
    return rows


def measure(folder: Path, system: str) -> Row:
    """Build and search in processes of their own; then judge what was found."""
    judged = {qrel.query_id for qrel in load_qrels(folder)}
    texts = [(document.source.id, document.text) for document in load_documents(folder)]
    queries = [(query.id, query.text) for query in load_queries(folder) if query.id in judged]
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        (scratch / "texts.json").write_text(json.dumps(texts), encoding="utf-8")
        (scratch / "queries.json").write_text(json.dumps(queries), encoding="utf-8")
        built = step("build", system, scratch)
        searched = step("search", system, scratch)
        run = [
            ScoredDoc(query, document, score)
            for query, hits in json.loads((scratch / "run.json").read_text(encoding="utf-8"))
            for document, score in best_passages(hits).items()
        ]
    figures = retrieval_figures(folder, run)
    shown, deep = (np.percentile(searched[name], (50, 95)) for name in ("shown_ms", "deep_ms"))
    cpu = np.median(searched["shown_cpu_ms"])
    return {
        "ndcg": figures["nDCG@10"],
        "recall": figures["R@100"],
        "index_s": [built["seconds"], built["cpu_s"]],
        "ms": [*shown, cpu, *deep],
        "mb": [built["peak_mb"], searched["peak_mb"]],
        "values": list(ndcg_by_query(folder, run)),
    }


def step(name: str, system: str, scratch: Path) -> Row:
    """Run one step of a system in a process of its own; return its figures."""
    command = [sys.executable, str(STEPS), name, system, str(scratch)]
    subprocess.run(command, check=True, stdout=sys.stderr, env={**os.environ, **QUIET})  # noqa: S603, our own command
    figures: Row = json.loads((scratch / "figures.json").read_text(encoding="utf-8"))
    return figures


def best_passages(hits: Sequence[tuple[str, float]]) -> dict[str, float]:
    """Give each document the score of its best passage."""
    best: dict[str, float] = {}
    for document, score in hits:
        best[document] = max(score, best.get(document, -np.inf))
    return best


def render(folders: Sequence[Path], tables: Sequence[dict[str, Row]]) -> str:
    told = iter(differences(tables))
    lines = [line(COLUMNS), line(["---"] * len(COLUMNS))]
    for folder, rows in zip(folders, tables, strict=True):
        for system, row in rows.items():
            beside = next(told) if system != "ketqa" and "ketqa" in rows else ""
            cells = [folder.name, system, f"{row['ndcg']:.3f}", beside, f"{row['recall']:.3f}"]
            cells += [f"{seconds:.0f}" for seconds in row["index_s"]]
            cells += [f"{ms:.1f}" for ms in row["ms"]]
            lines.append(line([*cells, *(f"{mb:,.0f}" for mb in row["mb"])]))
    used = [name for name in SYSTEMS if any(name in rows for rows in tables)]
    versions = ", ".join(f"{name} {version(name)}" for name in SHOWN_VERSIONS)
    star = "`\\*`: p < .05, paired permutation test, Holm's correction over the whole table."
    settings = [f"- **{name}**: {SYSTEMS[name].how}." for name in used]
    return "\n".join([*lines, "", star, "", *settings, "", f"Versions: {versions}."])


def differences(tables: Sequence[dict[str, Row]]) -> list[str]:
    """Return how much better or worse each peer's nDCG@10 is than ketqa's, in table order."""
    found = [
        paired_difference(np.array(row["values"]) - np.array(rows["ketqa"]["values"]))
        for rows in tables
        if "ketqa" in rows
        for system, row in rows.items()
        if system != "ketqa"
    ]
    real = [p < SIGNIFICANT for p in holm([one.p for one in found])]
    return [
        f"{one.change:+.3f} ({one.low:+.3f} to {one.high:+.3f})" + (" \\*" if star else "")
        for one, star in zip(found, real, strict=True)
    ]


def line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
