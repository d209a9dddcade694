"""The command line: the only room that prints. Answers go to stdout, all else to stderr."""

import argparse
import json
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ketqa import present
from ketqa.cli.asking import add_asking, how
from ketqa.cli.asking import add_commands as add_export
from ketqa.cli.corpus import add_commands as add_corpus
from ketqa.cli.curate import add_commands as add_curating
from ketqa.cli.evaluate import add_commands as add_measuring
from ketqa.cli.serving import add_commands as add_serving
from ketqa.cli.terminal import (
    command,
    console,
    positive,
    print_answer,
    print_hits,
    print_json,
    print_lookup,
    print_skipped,
    progress_bar,
)
from ketqa.cluster.address import folder_of
from ketqa.errors import KetqaError, QuestionError

# As in ketqa.models and ketqa.build, which are slow to load; a test holds them equal.
DEFAULT_MODEL = "all-MiniLM-L6-v2"
PASSAGE_TOKENS = 254
EPILOG = """\
examples:
  ketqa index                                   build the index of corpus/, or update it
  ketqa ask "How long did relief last?"
  ketqa ask "and in children?" --history "Does ketamine help?"
  ketqa export "Is it safe?" --format bibtex     quotes with their sources, to take away
  ketqa serve                                   the chat page, on this machine only

Every quote is cut from its document, character for character. Nothing is generated,
and nothing leaves this machine.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 fine, 1 a told error, 2 wrong usage."""
    _show_warnings()
    try:
        options = _parser().parse_args(arguments)
        return int(options.run(options))
    except KetqaError as error:
        print(f"ketqa: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # The reader went away (| head): nothing is wrong, and Python must not complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:  # a full disk, a folder that may not be written
        print(f"ketqa: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ketqa",
        description="Ask a question, get the exact sentences that answer it, each with its source.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"ketqa {_version()}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    index = command(commands, "index", _index, "build the index of a folder, or update it")
    index.add_argument("--corpus", type=Path, default=Path("corpus"), help="the documents' folder")
    index.add_argument(
        "--passage-tokens",
        type=positive,
        default=PASSAGE_TOKENS,
        help="the most tokens of a passage (default: %(default)s)",
    )
    index.add_argument(
        "--ray",
        nargs="?",
        const="local",
        metavar="ADDRESS",
        help="split and encode on Ray: at this address, or on this machine where none is given",
    )
    index.add_argument(
        "--actors", type=positive, default=2, help="processes on Ray, each with the model (2)"
    )
    index.add_argument(
        "--watch", action="store_true", help="go on, and update the index when the folder changes"
    )
    model = index.add_mutually_exclusive_group()
    model.add_argument(
        "--model",
        metavar="NAME_OR_PATH",
        help=f"a sentence-transformers model, or what ketqa adapt made (default: {DEFAULT_MODEL}, "
        "which comes with ketqa, in the form that was adapted to the documents if there is one)",
    )
    model.add_argument(
        "--base-model",
        action="store_const",
        const=DEFAULT_MODEL,
        dest="model",
        help=f"{DEFAULT_MODEL} as it is, not adapted",
    )

    ask = command(commands, "ask", _ask, "answer a question with quotes")
    asked = ask.add_mutually_exclusive_group(required=True)
    asked.add_argument("question", nargs="?", metavar="QUESTION", help="in your own words")
    asked.add_argument(
        "--questions",
        type=Path,
        metavar="FILE.jsonl",
        help='one {"id", "question", "history"} a line; answers come one a line, with --json',
    )
    add_asking(ask)
    ask.add_argument("--json", action="store_true", help="print one JSON object an answer")

    add_export(commands)

    search = command(commands, "search", _search, "list the passages that match")
    search.add_argument("question", metavar="QUESTION", help="in your own words")
    search.add_argument("-k", type=positive, default=10, help="the most passages (default: 10)")
    search.add_argument("--json", action="store_true", help="print one JSON object")

    add_corpus(commands)
    add_measuring(commands)
    add_curating(commands)

    verify = command(commands, "verify", _verify, "check every promise that can be checked")
    verify.add_argument("--corpus", type=Path, default=Path("corpus"), help="the documents' folder")
    verify.add_argument(
        "--quote",
        metavar="TEXT",
        help="tell instead whether the documents have this text, word for word, and where; "
        "the exit code is 1 where they have not",
    )
    verify.add_argument("--json", action="store_true", help="print the quote's places as JSON")

    add_serving(commands)
    return parser


def _version() -> str:
    from importlib.metadata import version

    return version("ketqa")


def _show_warnings() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("ketqa: %(message)s"))
    logger = logging.getLogger("ketqa")
    logger.handlers = [handler]


def _index(options: argparse.Namespace) -> int:
    if not options.watch:
        return _build(options)
    from ketqa.watch import watch

    for _ in watch(options.corpus, ignore=folder_of(options.index)):
        try:
            _build(options)
        except KetqaError as error:  # the index in use stays; the next change may mend it
            print(f"ketqa: {error}", file=sys.stderr)
        print("watching for changes (stop with Ctrl-C)", file=sys.stderr, flush=True)
    return 0


def _build(options: argparse.Namespace) -> int:
    from ketqa.cluster.bulk import Workers
    from ketqa.cluster.fill import build_anywhere
    from ketqa.models import find_model

    with progress_bar() as progress:
        report = build_anywhere(
            options.corpus,
            options.index,
            find_model(options.model, download=True) if options.model else None,
            tokens=options.passage_tokens,
            workers=Workers(options.ray, options.actors) if options.ray else None,
            progress=progress,
        )
    size = ", ".join(present.count(n, name.removesuffix("s")) for name, n in report.counts.items())
    if report.changed:
        print(f"{options.index}: built: {size}; {report.reused:,} vectors reused", flush=True)
    else:
        print(f"{options.index}: nothing changed, nothing to do: {size}")
    if report.aside:
        words = present.count(sum(report.aside.values()), "word")
        files = present.count(len(report.aside), "document")
        print(
            f"set aside in {files}: {words} (menus, running heads, references); ketqa corpus show"
        )
    print_skipped(report.skipped)
    return 0


def _ask(options: argparse.Namespace) -> int:
    from ketqa.conversation import answer_each
    from ketqa.index import Index
    from ketqa.opening import Stages

    if options.questions:
        return _ask_file(options)
    with Index.open(options.index, stages=Stages(reader=options.reader)) as index:
        if options.json:
            answer = index.ask(options.question, history=options.history, **how(options))
            print_json(answer.to_dict())
            return 0
        answers = answer_each(index, options.question, options.history, **how(options))
    for answer in answers:
        print_answer(console(), answer, heading=len(answers) > 1)
    return 0


def _ask_file(options: argparse.Namespace) -> int:
    """Answer a file of questions; all are checked before the first is answered."""
    from ketqa.index import Index
    from ketqa.opening import Stages

    if not options.json:
        raise KetqaError("--questions needs --json: answers to a file come as JSON, one a line")
    rows = list(_read_questions(options.questions))
    with Index.open(options.index, stages=Stages(reader=options.reader)) as index:
        for row in rows:
            answer = index.ask(row["question"], history=row["history"], **how(options))
            print_json({"id": row["id"], "answer": answer.to_dict()})
    return 0


def _read_questions(file: Path) -> Iterator[dict[str, Any]]:
    from ketqa.query import build_query

    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise KetqaError(f"{file}: cannot be read: {error}") from None
    for number, line in enumerate(lines, start=1):
        where = f"{file}: line {number}"
        try:
            row = json.loads(line)
            checked = {"id": row["id"], "question": row["question"]}
            checked["history"] = list(row.get("history", []))
            build_query(checked["question"], checked["history"])
        except QuestionError as error:
            raise KetqaError(f"{where}: {error}") from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise KetqaError(
                f'{where}: must be {{"id": "...", "question": "...", "history": ["..."]}}'
            ) from None
        yield checked


def _search(options: argparse.Namespace) -> int:
    from ketqa.index import Index

    with Index.open(options.index) as index:
        hits = index.search(options.question, options.k)
    if options.json:
        print_json({"question": options.question, "hits": [hit.to_dict() for hit in hits]})
    else:
        print_hits(console(), hits)
    return 0


def _verify(options: argparse.Namespace) -> int:
    if options.quote is not None:
        return _verify_quote(options)
    from ketqa.verify import verify_index

    checks = verify_index(options.index, options.corpus)
    for check in checks:
        print(f"{'FAILED' if check.problem else 'kept  '}  {check.promise}")
        if check.problem:
            print(f"        {check.problem}")
    return 1 if any(check.problem for check in checks) else 0


def _verify_quote(options: argparse.Namespace) -> int:
    from ketqa.index import Index

    with Index.open(options.index) as index:
        lookup = index.verify_quote(options.quote)
    if options.json:
        print_json(lookup.to_dict())
    else:
        print_lookup(console(), lookup)
    return 0 if lookup.places else 1
