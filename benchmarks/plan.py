"""What 10 million, 1 billion and 100 billion passages would take, reckoned from measurements.

    python benchmarks/plan.py --index index --write docs/scale.md

Measured: bytes a passage in an index folder, and passages encoded a second, here and now; a
real Milvus with the most rows in the table that benchmarks/cluster.py put into
docs/benchmarks.md. Assumed: what is in ``ASSUMED``. Simulated: a question waits for the slowest of
all nodes, whose times spread as those measured do.
"""

import argparse
import re
from pathlib import Path
from time import perf_counter

import numpy as np
from scipy.stats import norm

from ketqa.cluster.address import EF
from ketqa.compiled import CompiledEncoder
from ketqa.manifest import ENCODER, Manifest, current_build
from ketqa.parts import open_store

SIZES = {"10 million": 10**7, "1 billion": 10**9, "100 billion": 10**11}
ASSUMED = {
    "memory of a node, GB": 64.0,
    "cores of a node": 16.0,
    "dollars a GB of memory a month": 3.0,
    "dollars a GB of disk a month": 0.1,
    "dollars an hour of a core": 0.04,
}
PARTS = {"documents": "*.sqlite", "words": "words/*", "rows": "*/rows.faiss"}
DRAWS, Z95 = 2_000, 1.645
Figures = dict[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--index", type=Path, default=Path("index"))
    parser.add_argument("--measured", type=Path, default=Path("docs/benchmarks.md"))
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    figures = folder_figures(options.index) | milvus_figures(options.measured)
    lines = ["| measured, or assumed | |", "|---|---|"]
    lines += [f"| {name} | {shown(value)} |" for name, value in (figures | ASSUMED).items()]
    plans = [plan(size, figures) for size in SIZES.values()]
    lines += ["", f"| reckoned | {' | '.join(SIZES)} |", "|---" * (len(SIZES) + 1) + "|"]
    for name in plans[0]:
        lines.append(f"| {name} | {' | '.join(shown(one[name]) for one in plans)} |")
    told = "\n".join(lines)
    print(told)
    if options.write:
        page = options.write.read_text(encoding="utf-8")
        block = f"<!-- plan -->\n\n{told}\n\n<!-- /plan -->"
        page = re.sub(r"<!-- plan -->.*<!-- /plan -->", lambda _: block, page, flags=re.DOTALL)
        options.write.write_text(page, encoding="utf-8")


def shown(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"  # noqa: PLR2004, three digits


def folder_figures(index: Path) -> Figures:
    """Return bytes a passage in the shards of an index, and how fast its passages are encoded."""
    build = current_build(index)
    manifest = Manifest.load(build)
    count = manifest.counts["passages"]
    found: Figures = {
        f"bytes a passage on disk, {name}": sum(
            file.stat().st_size for shard in manifest.shards(build) for file in shard.glob(pattern)
        )
        / count
        for name, pattern in PARTS.items()
    }
    with open_store(build, manifest) as store:
        texts = [store.passage(number).text for number in range(count)]
    encoder = CompiledEncoder(build / ENCODER)
    encoder.encode_texts(texts[:8])
    start = perf_counter()
    encoder.encode_texts(texts)
    seconds = perf_counter() - start
    sentences = manifest.counts["sentences"] / count
    return found | {
        "sentences a passage": sentences,
        "passages, with their sentences, encoded a second": count / seconds / 2,
    }


def milvus_figures(page: Path) -> Figures:
    """Read what benchmarks/cluster.py wrote of the most rows."""
    block = page.read_text(encoding="utf-8").partition("<!-- cluster -->")[2]
    found = re.findall(rf"^\| [\d,]+ \|.*\| {EF} \|.*$", block, flags=re.MULTILINE)
    if not found:
        raise SystemExit(f"{page}: has no figures of Milvus; run benchmarks/cluster.py")
    cells = [float(cell.replace(",", "")) for cell in found[-1].strip("|").split("|")]
    rows, sent, indexed, held, _, _, p50, p95 = cells
    return {
        "rows of Milvus measured": rows,
        "bytes of memory a row in Milvus": held * 1e9 / rows,
        "rows a second into Milvus, indexed": rows / (sent + indexed),
        "search of those rows, p50 ms": p50,
        "search of those rows, p95 ms": p95,
    }


def plan(size: int, figures: Figures) -> Figures:
    """Reckon one size."""
    memory = size * figures["bytes of memory a row in Milvus"] / 1e9
    disk = size * sum(value for name, value in figures.items() if "on disk" in name) / 1e9
    nodes = int(np.ceil(memory / ASSUMED["memory of a node, GB"]))
    p50, p95 = search_times(size / nodes, nodes, figures)
    hours = size / figures["passages, with their sentences, encoded a second"] / 3600
    filling = size / figures["rows a second into Milvus, indexed"] / 3600
    monthly = (
        memory * ASSUMED["dollars a GB of memory a month"]
        + disk * ASSUMED["dollars a GB of disk a month"]
    )
    return {
        "memory of Milvus, one replica, GB": memory,
        "nodes": nodes,
        "disk of the store, GB": disk,
        "search of rows, p50 ms": p50,
        "search of rows, p95 ms": p95,
        "encoding, hours of this machine": hours,
        "filling Milvus, hours of this machine": filling,
        "dollars a month, one replica": monthly,
        "dollars to encode, once": hours * 2 * ASSUMED["dollars an hour of a core"],
    }


def search_times(held: float, nodes: int, figures: Figures) -> tuple[float, float]:
    """Draw how long the slowest of the nodes takes, each with its graphs one after another."""
    graphs = held / figures["rows of Milvus measured"]
    middle = figures["search of those rows, p50 ms"] * max(1.0, graphs / ASSUMED["cores of a node"])
    spread = np.log(
        figures["search of those rows, p95 ms"] / figures["search of those rows, p50 ms"]
    )
    random = np.random.default_rng(0)
    # the largest of n draws from a distribution, by its inverse, of one draw from 0..1
    highest = random.random(DRAWS) ** (1 / nodes)
    slowest = middle * np.exp(norm.ppf(highest) * spread / Z95)
    p50, p95 = np.percentile(slowest, (50, 95))
    return float(p50), float(p95)


if __name__ == "__main__":
    main()
