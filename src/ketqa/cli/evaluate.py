"""The commands that measure: eval, bench-retrieval, bench-quotes, gold."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ketqa.cli.terminal import command, print_json, progress_bar
from ketqa.errors import KetqaError

if TYPE_CHECKING:
    from ketqa.evaluation.figures import Figure
    from ketqa.evaluation.score import Score

NEEDED = "install it with: pip install 'ketqa[eval]'"


def add_commands(commands: Any) -> None:
    """Declare the commands."""
    evaluate = command(commands, "eval", _eval, "score the answers to gold questions")
    evaluate.add_argument("gold", type=Path, metavar="GOLD.jsonl")
    evaluate.add_argument("--json", action="store_true", help="print one JSON object")
    evaluate.add_argument(
        "--report", type=Path, action="append", default=[], metavar="FILE",
        help="write a report, .html or .md; may be given twice",
    )  # fmt: skip
    evaluate.add_argument(
        "--compare", nargs="+", default=[], metavar="SETTING",
        help="also bm25, dense, no-reader, no-questions, ..., reader:MODEL, or an index's folder",
    )  # fmt: skip
    evaluate.add_argument(
        "--min-confidence", type=float, metavar="P",
        help="as for ask; 0 measures the ranking without the abstention",
    )  # fmt: skip
    evaluate.add_argument(
        "--gate", type=Path, metavar="BASELINE.json", help="fail where a figure falls below it"
    )
    evaluate.add_argument(
        "--write-baseline", type=Path, metavar="FILE", help="write the baseline for --gate"
    )

    for name, run, words in (
        ("bench-retrieval", _bench_retrieval, "rank the documents of a public collection"),
        ("bench-quotes", _bench_quotes, "quote from a public collection with answers' places"),
    ):
        bench = command(commands, name, run, words)
        bench.add_argument("folder", type=Path, metavar="FOLDER", help="in BEIR form")
        bench.add_argument("--json", action="store_true", help="print one JSON object")
        bench.add_argument("--model", default="all-MiniLM-L6-v2", metavar="NAME_OR_PATH")
        bench.add_argument("--cache", type=Path, default=_cache(), help="where indexes are kept")
        bench.add_argument(
            "--setting", default="shipped", help="shipped, bm25, dense, no-reader, ..."
        )
        if name == "bench-retrieval":
            bench.add_argument("--run", type=Path, dest="trec", help="write the run in TREC form")

    ablate = command(commands, "ablate", _ablate, "take each stage out in turn and compare")
    ablate.add_argument("gold", type=Path, nargs="+", metavar="GOLD.jsonl")
    ablate.add_argument(
        "--collections", type=Path, nargs="+", default=[], metavar="FOLDER", help="in BEIR form"
    )
    ablate.add_argument(
        "--settings", nargs="+", default=["bm25", "dense", "no-reader", "no-questions"],
        metavar="SETTING",
        help="what to compare with the shipped setting; as for eval --compare",
    )  # fmt: skip
    ablate.add_argument("--cache", type=Path, default=_cache(), help="where indexes are kept")
    ablate.add_argument("--write", type=Path, metavar="FILE.md", help="write the page here")

    gold = command(commands, "gold", _gold, "check a file of gold questions, or add to it")
    gold.add_argument("action", choices=("check", "add"))
    gold.add_argument("file", type=Path, metavar="FILE.jsonl")
    gold.add_argument(
        "--feedback", type=Path, metavar="FEEDBACK.jsonl",
        help='with add: review the questions of a file of feedback, {"question", "history"} a line',
    )  # fmt: skip


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "ketqa"


def _eval(options: argparse.Namespace) -> int:
    _need_extras()
    from ketqa.evaluation.figures import measure, measure_tags
    from ketqa.evaluation.report import save_report
    from ketqa.evaluation.significance import compare

    names = ["shipped", *(name for name in options.compare if name != "shipped")]
    runs = {name: _run(name, options) for name in names}
    differences = compare(runs) if len(runs) > 1 else []
    figures = {name: measure(scores) for name, scores in runs.items()} if _shows(options) else {}
    for file in options.report:
        save_report(file, runs, figures, differences)
    if options.write_baseline:
        _write_baseline(options.write_baseline, runs["shipped"])
    if options.json:
        print_json(
            {
                "settings": {
                    name: {key: _fields(figure) for key, figure in table.items()}
                    for name, table in figures.items()
                },
                "tags": measure_tags(runs["shipped"]),
                "differences": [_fields(row) for row in differences],
            }
        )
    elif not options.gate:
        _print_figures(figures)
        for row in differences:
            print(
                f"{row.second:16} {row.figure:8} {row.change:+.3f} "
                f"({row.low:+.3f} to {row.high:+.3f}) p={row.p:.4f} "
                f"wins {len(row.wins)} losses {len(row.losses)}"
            )
    return _gate(options.gate, runs["shipped"]) if options.gate else 0


def _run(name: str, options: argparse.Namespace) -> "list[Score]":
    from ketqa.evaluation.gold import load_gold
    from ketqa.evaluation.run import corpus_texts, open_setting, run_gold

    with open_setting(name, options.index) as index, progress_bar() as bar:
        questions = load_gold(options.gold, corpus_texts(index))
        return run_gold(
            index,
            questions,
            min_confidence=options.min_confidence,
            progress=lambda done: bar(name, done, len(questions)),
        )


def _shows(options: argparse.Namespace) -> bool:
    return bool(options.report or options.json or not options.gate)


def _print_figures(tables: "dict[str, dict[str, Figure]]") -> None:
    from ketqa.evaluation.report import show

    print(f"{'':20}" + "".join(f"{name:26}" for name in tables))
    for figure in next(iter(tables.values())):
        print(f"{figure:20}" + "".join(f"{show(table[figure]):26}" for table in tables.values()))


def _write_baseline(file: Path, scores: "Sequence[Score]") -> None:
    from ketqa.evaluation.gate import make_baseline

    file.write_text(json.dumps(make_baseline(scores), indent=1) + "\n", encoding="utf-8")


def _gate(file: Path, scores: "Sequence[Score]") -> int:
    from ketqa.evaluation.gate import find_falls, load_baseline

    falls = find_falls(scores, load_baseline(file))
    for fall in falls:
        print(f"FELL  {fall.figure}: {fall.now}, baseline {fall.baseline}", file=sys.stderr)
    for question in falls[0].questions if falls else ():
        print(f"      worse: {question}", file=sys.stderr)
    if not falls:
        print(f"{file}: no figure fell on {len(scores)} questions")
    return 1 if falls else 0


def _bench_retrieval(options: argparse.Namespace) -> int:
    _need_extras()
    from ketqa.evaluation.beir import bench_retrieval, retrieval_figures, trec_lines

    run = _bench(options, bench_retrieval)
    if options.trec:
        options.trec.write_text("\n".join(trec_lines(run)) + "\n", encoding="utf-8")
    _show_bench(options, retrieval_figures(options.folder, run))
    return 0


def _bench_quotes(options: argparse.Namespace) -> int:
    _need_extras()
    from ketqa.evaluation.beir import ask_collection, quote_figures

    _show_bench(options, quote_figures(_bench(options, ask_collection)))
    return 0


def _ablate(options: argparse.Namespace) -> int:
    _need_extras()
    from ketqa.evaluation.ablation import (
        ablate_collection,
        ablate_gold,
        ablation_page,
        ablation_table,
    )
    from ketqa.evaluation.beir import index_collection

    settings = options.settings
    with progress_bar() as bar:
        found = [ablate_gold(file, options.index, settings, bar) for file in options.gold]
        for folder in options.collections:
            index = index_collection(folder, options.cache, progress=bar)
            found += ablate_collection(folder, index, settings, bar)
    table = ablation_table(found, settings)
    print(table)
    if options.write:
        options.write.write_text(ablation_page(table, _made_with(options)), encoding="utf-8")
    return 0


def _made_with(options: argparse.Namespace) -> dict[str, str]:
    """Return the arguments that decide the figures; folders by their names alone."""
    arguments = {"ketqa ablate": " ".join(map(str, options.gold))}
    if options.collections:
        arguments["--collections"] = " ".join(folder.name for folder in options.collections)
    return arguments | {"--settings": " ".join(options.settings)}


def _bench(options: argparse.Namespace, run: Any) -> Any:
    from ketqa.evaluation.beir import index_collection
    from ketqa.evaluation.run import open_setting

    with progress_bar() as bar:
        folder = index_collection(options.folder, options.cache, model=options.model, progress=bar)
        with open_setting(options.setting, folder) as index:
            return run(
                index,
                options.folder,
                count=lambda done, total: bar("queries", done, total),
            )


def _show_bench(options: argparse.Namespace, figures: dict[str, float]) -> None:
    if options.json:
        print_json({"collection": options.folder.name, "setting": options.setting} | figures)
        return
    for name, value in figures.items():
        print(f"{name:14} {value:.4f}" if isinstance(value, float) else f"{name:14} {value}")


def _gold(options: argparse.Namespace) -> int:
    from ketqa.evaluation.gold import load_gold
    from ketqa.evaluation.run import corpus_texts
    from ketqa.index import Index

    with Index.open(options.index) as index:
        texts = corpus_texts(index)
        if options.action == "add":
            from ketqa.cli.annotate import add_question, review_feedback

            if options.feedback:
                review_feedback(index, options.file, texts, options.feedback)
            else:
                add_question(index, options.file, texts)
        questions = load_gold(options.file, texts)
    answerable = sum(question.expect == "evidence" for question in questions)
    print(f"{options.file}: {len(questions)} questions, {answerable} answerable: all in order")
    return 0


def _fields(record: Any) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__slots__}


def _need_extras() -> None:
    from importlib.util import find_spec

    for module in ("ir_measures", "jinja2", "matplotlib"):
        if find_spec(module) is None:
            raise KetqaError(f"this needs {module}; {NEEDED}")
