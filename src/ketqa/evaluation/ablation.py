"""Each stage taken out in turn, on gold questions and public collections: one Markdown table.

Every figure is a mean over questions, so that two settings can be compared question by
question.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ketqa.cluster.address import Address
from ketqa.evaluation.beir import ask_collection, bench_retrieval, ndcg_by_query
from ketqa.evaluation.gold import load_gold
from ketqa.evaluation.run import SETTINGS, corpus_texts, open_setting, run_gold
from ketqa.evaluation.significance import holm, paired_difference
from ketqa.index import Index

Floats = NDArray[np.float64]
# One setting's values of each figure, question by question.
Values = dict[str, Floats]
Count = Callable[[str, int, int], None]
SIGNIFICANT = 0.05
DEPTHS = (1, 3, 5)


SHIPPED = SETTINGS["shipped"]


@dataclass(frozen=True, slots=True)
class Ablation:
    """A set of questions under several settings, the shipped one first."""

    name: str
    settings: dict[str, Values]


def ablate_gold(
    file: Path, index: Path | Address, settings: Sequence[str], count: Count
) -> Ablation:
    """Ask gold questions under every setting, the abstention left out of the ranking."""

    def values(opened: Index, label: str) -> Values:
        questions = load_gold(file, corpus_texts(opened))
        scores = run_gold(
            opened,
            questions,
            min_confidence=0,
            progress=lambda done: count(label, done, len(questions)),
        )
        return _quote_values([score.rank for score in scores if score.answerable])

    return _ablate(f"{file.stem} (gold)", lambda name: open_setting(name, index), settings, values)


def ablate_collection(
    folder: Path, index: Path, settings: Sequence[str], count: Count
) -> Iterator[Ablation]:
    """Rank and quote from a collection under every setting, as far as it is judged for each.

    Settings that change nothing are left out: a collection has no curated questions, and
    without the readers documents are ranked as with them.
    """
    settings = [name for name in settings if SETTINGS.get(name, SHIPPED).questions]
    if (folder / "qrels.tsv").exists():
        stages = {name: SETTINGS.get(name, SHIPPED) for name in settings}
        ranking = [name for name, one in stages.items() if one.reader and one.cross]
        yield _ablate(
            f"{folder.name}: documents",
            lambda name: open_setting(name, index),
            ranking,
            lambda opened, label: {
                "nDCG@10": ndcg_by_query(
                    folder,
                    bench_retrieval(
                        opened, folder, count=lambda done, total: count(label, done, total)
                    ),
                )
            },
        )
    if (folder / "spans.jsonl").exists():
        yield _ablate(
            f"{folder.name}: quotes",
            lambda name: open_setting(name, index),
            settings,
            lambda opened, label: _quote_values(
                [
                    asked.rank
                    for asked in ask_collection(
                        opened, folder, count=lambda done, total: count(label, done, total)
                    )
                    if asked.answerable
                ]
            ),
        )


def ablation_table(ablations: Sequence[Ablation], settings: Sequence[str]) -> str:
    """Return a Markdown table: the shipped figure, then what each setting changes.

    Changes carry 95% paired bootstrap intervals; a star marks those that a paired permutation
    test calls real, p < .05 after Holm's correction over the whole table.
    """
    rows: list[list[str]] = []
    cells: list[tuple[int, int]] = []
    ps: list[float] = []
    for ablation in ablations:
        shipped = ablation.settings["shipped"]
        for figure, base in shipped.items():
            row = [ablation.name, figure, str(len(base)), f"{base.mean():.3f}"]
            for name in settings:
                if name in ablation.settings:
                    found = paired_difference(ablation.settings[name][figure] - base)
                    cells.append((len(rows), len(row)))
                    ps.append(found.p)
                    row.append(f"{found.change:+.3f} ({found.low:+.3f} to {found.high:+.3f})")
                else:
                    row.append("")
            rows.append(row)
    for (row_at, cell_at), p in zip(cells, holm(ps), strict=True):
        if p < SIGNIFICANT:
            rows[row_at][cell_at] += " \\*"
    head = ["questions", "figure", "n", "shipped", *settings]
    return "\n".join(_line(row) for row in [head, ["---"] * len(head), *rows])


def ablation_page(table: str, arguments: Mapping[str, str]) -> str:
    """Return the whole page that docs/ablation.md holds: the table, and how it was made."""
    made = " ".join(f"{name} {value}".strip() for name, value in arguments.items())
    return f"""# What each stage gives

Written by `ketqa ablate`; do not edit by hand. Made with `{made}`.

{table}

Read a row as: the shipped figure, then how much it changes under another setting, with a 95%
interval. `\\*`: p < .05, paired permutation test, Holm's correction over the whole table.
"""


def _ablate(
    name: str,
    opening: Callable[[str], AbstractContextManager[Index]],
    settings: Sequence[str],
    values: Callable[[Index, str], Values],
) -> Ablation:
    found: dict[str, Values] = {}
    for setting in ("shipped", *settings):
        with opening(setting) as index:
            found[setting] = values(index, f"{name}, {setting}")
    return Ablation(name, found)


def _quote_values(ranks: Sequence[int | None]) -> Values:
    return {
        f"quote@{k}": np.array([float(rank is not None and rank <= k) for rank in ranks])
        for k in DEPTHS
    }


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
