"""The figures that scale.py wrote, as a table and a plot of a Markdown page.

    python benchmarks/scale_page.py scale.json --write docs/benchmarks.md

The plot is put beside the page, as scale.svg.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from ketqa.evaluation.page import write_part
from scale import COLUMNS, Figures, shown

PLOTTED = {
    "milliseconds": ("dense_p50_ms", "words_p50_ms", "open_ms"),
    "seconds": ("dense_build_s", "words_build_s"),
    "MB": ("disk_mb", "build_mb", "search_mb"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("figures", type=Path)
    parser.add_argument("--write", type=Path, required=True, help="the Markdown page")
    options = parser.parse_args()
    rows: list[Figures] = json.loads(options.figures.read_text(encoding="utf-8"))
    plot = options.write.with_name("scale.svg")
    draw([row for row in rows if row["kind"] == "passages"], plot)
    picture = f"![Time and size against the number of passages, both on log scales]({plot.name})"
    write_part(options.write, "scale", f"{table(rows)}\n\n{picture}")


def table(rows: Sequence[Figures]) -> str:
    lines = [f"| {' | '.join(COLUMNS.values())} |", f"|{'---|' * len(COLUMNS)}"]
    lines += [f"| {' | '.join(shown(row[name]) for name in COLUMNS)} |" for row in rows]
    return "\n".join(lines)


def draw(rows: Sequence[Figures], file: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    # the same figures give the same file, byte for byte
    mpl.rcParams["svg.hashsalt"] = "ketqa"
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, len(PLOTTED), figsize=(12, 4), layout="constrained")
    for axis, (unit, names) in zip(axes, PLOTTED.items(), strict=True):
        for name in names:
            sizes = [float(row["size"]) for row in rows]
            label = COLUMNS[name].split(",")[0]
            axis.loglog(sizes, [float(row[name]) for row in rows], marker="o", label=label)
        axis.set(xlabel="passages", ylabel=unit)
        axis.grid(visible=True, which="both", alpha=0.3)
        axis.legend()
    figure.savefig(file, metadata={"Date": None})


if __name__ == "__main__":
    main()
