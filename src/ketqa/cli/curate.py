"""The commands for curators: questions check, suggest, generate; adapt."""

import argparse
import random
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ketqa.cli.terminal import command, positive, print_json, progress_bar
from ketqa.errors import KetqaError

if TYPE_CHECKING:
    from ketqa.index import Index
    from ketqa.types import CuratedQuestion


def add_commands(commands: Any) -> None:
    """Declare the commands."""
    questions = commands.add_parser(
        "questions",
        help="check, suggest or generate the curated questions",
        description="Work on the curated questions of a corpus.",
    )
    actions = questions.add_subparsers(title="actions", required=True, metavar="ACTION")
    check = command(actions, "check", _check, "ask each question as if it were not there")
    check.add_argument("--sample", type=positive, metavar="N", help="check N of them, by chance")
    check.add_argument("--json", action="store_true", help="print one JSON object")

    suggest = command(actions, "suggest", _suggest, "list sentences that have few questions")
    suggest.add_argument("--enough", type=positive, default=5, help="questions (default: 5)")
    suggest.add_argument(
        "--log", type=Path, metavar="FILE", help="also list what this log's questions asked in vain"
    )
    suggest.add_argument("--least", type=positive, default=2, help="times asked (default: 2)")

    adapt = command(commands, "adapt", _adapt, "fine-tune the model on the curated questions")
    adapt.add_argument("--corpus", type=Path, default=Path("corpus"), help="the documents' folder")
    adapt.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="must not exist")
    adapt.add_argument("--model", default="all-MiniLM-L6-v2", metavar="NAME_OR_PATH")
    adapt.add_argument(
        "--pairs", type=Path, metavar="FILE.jsonl",
        help='other questions to mix in, one {"question", "text"} a line',
    )  # fmt: skip
    adapt.add_argument(
        "--gold", type=Path, metavar="GOLD.jsonl", help="calibrate on these; never trained on"
    )

    generate = command(
        actions, "generate", _generate, "let a language model that you run write questions"
    )
    generate.add_argument(
        "--corpus", type=Path, default=Path("corpus"), help="the documents' folder"
    )
    generate.add_argument("--endpoint", required=True, metavar="URL", help="ends in /v1, mostly")
    generate.add_argument("--model", required=True, metavar="NAME")
    generate.add_argument("--count", type=positive, default=8, help="a sentence (default: 8)")


def _check(options: argparse.Namespace) -> int:
    from ketqa.curation.check import FIRST, MEANING, check_questions
    from ketqa.index import Index

    found: Counter[str] = Counter()
    ranks: list[int] = []
    rows: list[dict[str, str]] = []
    with Index.open(options.index) as index, progress_bar() as bar:
        questions = _chosen(index, options.sample)
        for done, checked in enumerate(check_questions(index, questions), start=1):
            bar("questions", done, len(questions))
            if checked.rank:
                ranks.append(checked.rank)
            for finding in checked.findings:
                found[finding.trouble] += 1
                rows.append(
                    {
                        "trouble": finding.trouble,
                        "question": finding.question.text,
                        "about": finding.about,
                    }
                )
    figures = {
        f"first_{k}": sum(rank <= k for rank in ranks) / max(1, len(ranks)) for k in (1, FIRST)
    }
    if options.json:
        print_json({"questions": len(questions), **figures, "found": found, "findings": rows})
        return 0
    for row in rows:
        print(f"{row['trouble']:10} {row['question']}\n{'':10} {row['about']}")
    print(f"{len(questions):,} questions; sentence found first {figures['first_1']:.3f}, ", end="")
    print(f"among the first {FIRST} {figures[f'first_{FIRST}']:.3f}")
    for trouble, meaning in MEANING.items():
        print(f"{found[trouble]:6} {trouble}: {meaning}")
    return 0


def _chosen(index: "Index", most: int | None) -> "list[CuratedQuestion]":
    """Return the curated questions, or as many as are wanted, by chance."""
    questions = list(index.store.all_questions())
    if not questions:
        raise KetqaError("this index has no curated questions; see docs/questions.md")
    size = min(most or len(questions), len(questions))
    chosen = random.Random(0).sample(questions, size)  # noqa: S311, no secret
    return sorted(chosen, key=lambda question: question.number)


def _suggest(options: argparse.Namespace) -> int:
    from ketqa.curation.suggest import thin_sentences, unmet_searches
    from ketqa.index import Index

    with Index.open(options.index) as index:
        thin = thin_sentences(index, options.enough)
    for item in thin:
        span = item.sentence.span
        print(f"{item.questions:4} {span.doc_id}:{span.start}-{span.end} {item.sentence.text}")
    print(f"{len(thin)} sentences have fewer than {options.enough} questions")
    if options.log:
        for question, times in unmet_searches(options.log, options.least):
            print(f"{times:4} times asked in vain: {question}")
    return 0


def _adapt(options: argparse.Namespace) -> int:
    from ketqa.learn.corpus import adapt_corpus

    if options.out.exists():
        raise KetqaError(f"{options.out}: is there already; name a new folder with --out")
    with progress_bar() as bar:
        came = adapt_corpus(
            options.corpus,
            options.out,
            model=options.model,
            pairs=options.pairs,
            gold=options.gold,
            progress=bar,
        )
    print(
        f"{options.out}: {came.steps} steps; held-back questions whose sentence lies nearest: "
        f"{came.before:.3f} before, {came.after:.3f} after; "
        f"now run: ketqa index --model {options.out}"
    )
    return 0


def _generate(options: argparse.Namespace) -> int:
    from ketqa.curation.generate import ChatModel, generate_questions
    from ketqa.index import Index

    model = ChatModel(options.endpoint, options.model)
    with Index.open(options.index) as index, progress_bar() as bar:
        came = generate_questions(
            index,
            options.corpus,
            model,
            count=options.count,
            progress=lambda done, total: bar("sentences", done, total),
        )
    print(
        f"{came.kept} questions kept, {came.dropped} dropped because they did not find their "
        f"sentence, {came.unreadable} replies without questions; now run: ketqa index"
    )
    return 0
