"""The commands on a corpus folder: corpus add, corpus lint, corpus show."""

import argparse
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ketqa import present
from ketqa.cli.terminal import print_json, print_skipped
from ketqa.errors import KetqaError

if TYPE_CHECKING:
    from ketqa.formats.content import Content
    from ketqa.types import Document


def add_commands(commands: Any) -> None:
    """Declare the commands."""
    corpus = commands.add_parser(
        "corpus",
        help="add documents to a folder, check it, or show how they are read",
        description="Work on the documents' folder.",
    )
    actions = corpus.add_subparsers(title="actions", required=True, metavar="ACTION")
    add = _action(actions, "add", _add, "copy a file or a folder into the corpus")
    add.add_argument("given", type=Path, nargs="+", metavar="FILE_OR_FOLDER")

    lint = _action(actions, "lint", _lint, "list what a curator should look at")
    lint.add_argument("--json", action="store_true", help="print one JSON object a finding")

    show = _action(actions, "show", _show, "list the documents, or show how one is read")
    show.add_argument("file", nargs="?", metavar="FILE", help="its path below the folder")
    show.add_argument("--text", action="store_true", help="print its text and nothing else")


def _action(actions: Any, name: str, run: Any, words: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(
        name, help=words, description=f"{words[0].upper()}{words[1:]}."
    )
    parser.add_argument("--corpus", type=Path, default=Path("corpus"), help="the documents' folder")
    parser.set_defaults(run=run)
    return parser


def _add(options: argparse.Namespace) -> int:
    from ketqa.files import Skipped
    from ketqa.gather import add_files

    skipped = []
    added = 0
    for given in options.given:
        for item in add_files(given, options.corpus):
            if isinstance(item, Skipped):
                skipped.append(item)
                continue
            added += item.new
            print(f"{item.file}: {'added' if item.new else 'is there already'}")
            for content in item.contents[:1]:
                _print_found(content)
            if len(item.contents) > 1:
                print(f"  and {len(item.contents) - 1:,} more documents in this file")
    print_skipped(skipped)
    if added:
        count = present.count(added, "file")
        print(f"\n{count} added; now run: ketqa index --corpus {options.corpus}")
    return 1 if skipped and not added else 0


def _print_found(content: "Content") -> None:
    for name, value in content.found.items():
        print(f"  {name}: {value}")
    if "published" not in content.found:
        print("  published: not stated")
    print(f"  {_sizes(content)}")
    for note in content.notes:
        print(f"  note: {note}")


def _sizes(content: "Content") -> str:
    from ketqa.formats.content import WORD

    sizes = [present.count(len(WORD.findall(content.text)), "word")]
    if content.layout.pages:
        sizes.append(present.count(len(content.layout.pages), "page"))
    if content.layout.headings:
        sizes.append(present.count(len(content.layout.headings), "heading"))
    if content.aside:
        sizes.append(f"{present.count(len(WORD.findall(content.aside)), 'word')} set aside")
    return ", ".join(sizes)


def _lint(options: argparse.Namespace) -> int:
    from ketqa.lint import lint_corpus

    findings = lint_corpus(options.corpus)
    if options.json:
        for finding in findings:
            print_json(asdict(finding))
        return 0
    for finding in findings:
        told = finding.text.removeprefix(f"{finding.file}: ")
        print(f"{finding.file}: {finding.kind}: {told}")
    kinds = Counter(finding.kind for finding in findings)
    summary = ", ".join(f"{number:,} {kind}" for kind, number in kinds.most_common())
    print(f"{summary}" if findings else "nothing to look at", file=sys.stderr)
    return 0


def _show(options: argparse.Namespace) -> int:
    from ketqa.corpus import survey
    from ketqa.files import Skipped

    only = {options.file, options.file.split("#")[0]} if options.file else None
    shown = 0
    for item in survey(options.corpus, only):
        if isinstance(item, Skipped):
            print(f"ketqa: left out: {item.reason}", file=sys.stderr)
            continue
        document, content = item
        if options.file is None:
            print(f"{document.source.id}: {present.citation(document.source)} ({_sizes(content)})")
        elif options.file in {document.source.id, document.source.id.split("#")[0]}:
            _print_document(document, content, text=options.text)
        else:
            continue
        shown += 1
    if not shown:
        what = options.file or "any document"
        raise KetqaError(f"{options.corpus}: {what} is not there, or cannot be read")
    return 0


def _print_document(document: "Document", content: "Content", *, text: bool) -> None:
    if text:
        print(document.text, end="")
        return
    source = document.source
    print(source.id)
    for label, name in (("Title", "title"), *present.FIELDS, ("Licence", "licence")):
        value = getattr(source, name)
        witness = present.witness_words(source, name) or "the document says so"
        print(f"  {label}: {f'{value} ({witness})' if value else present.NOT_STATED}")
    print(f"  Read by: {document.layout.reader or 'taken as it is'}; {_sizes(content)}")
    for note in content.notes:
        print(f"  Note: {note}")
    if content.aside:
        print("  Set aside, and not searched:")
        for line in content.aside.splitlines():
            print(f"    {line}")
