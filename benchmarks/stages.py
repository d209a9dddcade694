"""What each stage gives on gold questions, as a whole and for each kind of question.

    python benchmarks/stages.py GOLD.jsonl ... --index index --base-index BASE [--reader MODEL]

BASE is an index made with ``ketqa index --base-model``. The ranking is measured on every question
(`--min-confidence 0`), the abstention as served.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ketqa.evaluation.figures import measure, measure_tags
from ketqa.evaluation.gold import load_gold
from ketqa.evaluation.report import show
from ketqa.evaluation.run import corpus_texts, open_setting, run_gold
from ketqa.evaluation.score import Score

RANKING = ("quote@1", "quote@3", "full@3", "auroc")


@dataclass(frozen=True, slots=True)
class Stage:
    """A name, and the index and the setting that make it."""

    name: str
    index: Path
    setting: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("gold", nargs="+", type=Path)
    parser.add_argument("--index", type=Path, default=Path("index"))
    parser.add_argument("--base-index", type=Path, required=True)
    parser.add_argument("--reader", help="a cross-encoder, as one more stage")
    options = parser.parse_args()
    stages = list(stages_of(options.index, options.base_index, options.reader))
    for file in options.gold:
        ranked = {stage.name: run(stage, file, 0) for stage in stages}
        served = {stage.name: run(stage, file, None) for stage in stages}
        print(f"\n## {file.stem}\n\n{whole_table(ranked, served)}\n\n{tag_table(ranked, served)}")


def stages_of(index: Path, base: Path, reader: str | None) -> Iterator[Stage]:
    yield Stage("plain", base, "no-questions")
    yield Stage("+ question index", base, "shipped")
    yield Stage("adapted encoder, no question index", index, "no-questions")
    yield Stage("adapted + question index (shipped)", index, "shipped")
    if reader:
        yield Stage("+ cross-encoder", index, f"reader:{reader}")


def run(stage: Stage, file: Path, min_confidence: float | None) -> list[Score]:
    with open_setting(stage.setting, stage.index) as index:
        questions = load_gold(file, corpus_texts(index))
        return run_gold(index, questions, min_confidence=min_confidence)


def whole_table(ranked: dict[str, list[Score]], served: dict[str, list[Score]]) -> str:
    """Return ranking with intervals, and how many are answered rightly and falsely as served."""
    lines = [_line(["stage", *RANKING, "answered", "false"]), _line(["---"] * (len(RANKING) + 3))]
    for name, scores in ranked.items():
        order, abstention = measure(scores), measure(served[name])
        cells = [show(order[figure]) for figure in RANKING]
        cells += [show(abstention[figure]) for figure in ("answered", "false")]
        lines.append(_line([name, *cells]))
    return "\n".join(lines)


def tag_table(ranked: dict[str, list[Score]], served: dict[str, list[Score]]) -> str:
    """Return quote@1 and quote@3 of each tag, and answered or falsely answered as served."""
    order = {name: measure_tags(scores) for name, scores in ranked.items()}
    abstention = {name: measure_tags(scores) for name, scores in served.items()}
    lines = [_line(["tag", "n", *ranked]), _line(["---"] * (len(ranked) + 2))]
    for tag, figures in next(iter(order.values())).items():
        cells = [_cell(order[name][tag], abstention[name][tag]) for name in ranked]
        lines.append(_line([tag, f"{figures['questions']:.0f}", *cells]))
    return "\n".join(lines)


def _cell(order: dict[str, float | None], abstention: dict[str, float | None]) -> str:
    figures = {name: order[name] for name in RANKING[:2]}
    figures |= {name: abstention[name] for name in ("answered", "false")}
    return ", ".join(f"{name} {value:.2f}" for name, value in figures.items() if value is not None)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    main()
