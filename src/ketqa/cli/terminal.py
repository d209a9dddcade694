"""What the commands share: how they are declared, and how they show things."""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ketqa import present
from ketqa.cluster.address import find_place
from ketqa.types import Answer, Evidence, Hit, Status

if TYPE_CHECKING:
    from rich.console import Console

    from ketqa.files import Skipped
    from ketqa.lookup import Lookup

MATCHES = {
    "exact": "The documents have this text, character for character:",
    "equal": "The documents have this text, but for case, spaces or punctuation marks:",
    "absent": "The documents do not have this text.",
}


# More fill the screen, and a folder of pictures has thousands.
MOST_SKIPPED = 20


def command(
    commands: Any, name: str, run: Callable[[argparse.Namespace], int], words: str
) -> argparse.ArgumentParser:
    """Declare a command that works on an index."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=words, description=f"{words[0].upper()}{words[1:]}."
    )
    parser.add_argument(
        "--index",
        type=find_place,
        default=Path("index"),
        help="the index's folder, or milvus://HOST:PORT/COLLECTION",
    )
    parser.set_defaults(run=run)
    return parser


def positive(text: str) -> int:
    """Read a number of at least 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {number}")
    return number


@contextmanager
def progress_bar() -> Iterator[Callable[[str, int, int], None]]:
    """Show a bar on a terminal, and nothing elsewhere."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as bar:
        tasks: dict[str, Any] = {}

        def show(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=total)
            bar.update(tasks[stage], completed=done)

        yield show


def console() -> "Console":
    """Return where answers are printed; colours on a terminal only."""
    from rich.console import Console

    return Console(highlight=False, soft_wrap=True)


def print_json(table: dict[str, Any]) -> None:
    """Print one object in one line."""
    print(json.dumps(table, ensure_ascii=False), flush=True)


def print_answer(console: "Console", answer: Answer, *, heading: bool = False) -> None:
    """Print an answer: notices, the verdict, then each quote with its source."""
    if heading:
        console.print(f"\n== {answer.question}", style="bold", markup=False)
    for notice in answer.notices:
        console.print(f"{notice.text}\n", style="bold red", markup=False)
    if answer.reply:
        console.print(answer.reply, markup=False)
        return
    for line in present.changes(answer):
        console.print(line, style="dim", markup=False)
    console.print(present.verdict(answer), style="bold", markup=False)
    if answer.unanswered:
        console.print(present.turned_away(answer.unanswered), markup=False)
    for item in answer.evidence or answer.related:
        _print_evidence(console, item, answer.status)
    console.print(f"\n{present.STANDING}", style="dim", markup=False)


def _print_evidence(console: "Console", item: Evidence, status: Status) -> None:
    console.print(f"\n{item.rank}. {item.quote}", markup=False)
    console.print(f"   {present.citation(item.source)}", style="cyan", markup=False)
    if item.source.interest:
        console.print(f"   {item.source.interest}", style="yellow", markup=False)
    sure = present.sureness(item, status)
    page = f" · page {item.page}" if item.page else ""
    place = f"   {item.source.file}:{item.span.start}-{item.span.end}{page} · {sure}"
    console.print(place, style="dim", markup=False)
    if item.second_hand:
        console.print(f"   {present.SECOND_HAND}", style="dim", markup=False)
    if item.matched:
        console.print(f"   kept as an answer to: {item.matched}", style="dim", markup=False)
    for span in item.also_at:
        also = f"   also at {span.doc_id}:{span.start}-{span.end}"
        console.print(also, style="dim", markup=False)


def print_skipped(skipped: "Sequence[Skipped]") -> None:
    """Name the files that could not be read, and why; nothing where all were."""
    if not skipped:
        return
    print(
        f"\nleft out: {present.count(len(skipped), 'file')} (ketqa corpus lint lists all)",
        file=sys.stderr,
    )
    for item in skipped[:MOST_SKIPPED]:
        print(f"  {item.reason}", file=sys.stderr)
    if len(skipped) > MOST_SKIPPED:
        print(f"  and {len(skipped) - MOST_SKIPPED:,} more", file=sys.stderr)


def print_hits(console: "Console", hits: Sequence[Hit]) -> None:
    """Print passages, best first."""
    if not hits:
        console.print("No passage matches.", style="bold")
    for hit in hits:
        span = hit.passage.span
        console.print(f"\n{hit.rank}. {hit.passage.text}", markup=False)
        place = f"   {span.doc_id}:{span.start}-{span.end} · score {hit.score:.3f}"
        console.print(place, style="dim", markup=False)
        if hit.matched:
            console.print(f"   led here by: {hit.matched}", style="dim", markup=False)


def print_lookup(console: "Console", lookup: "Lookup") -> None:
    """Print where the documents have a text."""
    console.print(MATCHES[lookup.status], style="bold", markup=False)
    for place in lookup.places:
        console.print(f"\n   {place.quote}", markup=False)
        console.print(f"   {present.citation(place.source)}", style="cyan", markup=False)
        where = f"   {place.source.file}:{place.span.start}-{place.span.end} · {place.match}"
        console.print(where, style="dim", markup=False)
        if not place.whole_words:
            cut = "   Cut inside a word or a number there: it may say something else."
            console.print(cut, style="yellow", markup=False)
    if lookup.more:
        console.print("\nIt stands in more places than these.", style="dim", markup=False)
