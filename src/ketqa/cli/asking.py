"""How a question is asked, and the command that takes its answer away: export."""

import argparse
import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from ketqa.cli.terminal import command, positive
from ketqa.errors import KetqaError

# As in ketqa.export, which need not be loaded for --help; a test holds them equal.
FORMS = ("md", "json", "csv", "bibtex", "ris", "csl", "annotation")


def add_asking(parser: argparse.ArgumentParser) -> None:
    """Let a command take what a question is asked with, beside its words."""
    parser.add_argument(
        "--history", nargs="+", default=[], metavar="EARLIER", help="earlier questions of the chat"
    )
    parser.add_argument("-k", type=positive, default=5, help="the most quotes (default: 5)")
    parser.add_argument(
        "--min-confidence",
        type=float,
        metavar="P",
        help="quote when the corpus answers with at least this probability; 0 always quotes",
    )
    parser.add_argument(
        "--as-typed", action="store_true", help="search exactly these words, spelt as they are"
    )
    reader = parser.add_mutually_exclusive_group()
    add_reader(reader)
    reader.add_argument(
        "--no-reader",
        action="store_false",
        dest="reader",
        help="quote sentences in the order of their passages",
    )
    parser.add_argument(
        "--country", metavar="CODE", help="whose emergency numbers to name: US, DE, ..."
    )


def add_reader(parser: argparse._ActionsContainer) -> None:
    """Let a command take a cross-encoder."""
    parser.add_argument(
        "--reader",
        metavar="NAME_OR_PATH",
        default=True,
        help="a sentence-transformers CrossEncoder that puts the best sentences in order again",
    )


def how(options: argparse.Namespace) -> dict[str, Any]:
    """Return what a question is asked with, beside its words and its history."""
    return {name: getattr(options, name) for name in ("k", "min_confidence", "country", "as_typed")}


def add_commands(commands: Any) -> None:
    """Declare the command."""
    export = command(commands, "export", _export, "take an answer's quotes away, in another form")
    export.add_argument("question", metavar="QUESTION", help="in your own words")
    export.add_argument("--format", required=True, choices=FORMS, help="which form")
    export.add_argument(
        "--output", type=Path, metavar="FILE", help="write a file, not the standard output"
    )
    add_asking(export)


def _export(options: argparse.Namespace) -> int:
    from ketqa.export import export_answer
    from ketqa.index import Index
    from ketqa.opening import Stages

    with Index.open(options.index, stages=Stages(reader=options.reader)) as index:
        answer = index.ask(options.question, history=options.history, **how(options))
        export = export_answer(
            answer,
            options.format,
            accessed=datetime.now().astimezone(),
            document=index.store.document,
        )
    if options.output:
        _write(options.output, export.data)
    else:
        print(export.text, end="")
    return 0


def _write(file: Path, data: bytes) -> None:
    """Write a file as a whole or not at all."""
    part = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        part.write_bytes(data)
        part.replace(file)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise KetqaError(f"{file}: cannot be written: {error.strerror}") from None
