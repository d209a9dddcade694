"""An answer -> JSON or CSV: every character as it is."""

import csv
import io
import json
from datetime import datetime

from ketqa import present
from ketqa.export.escape import cell
from ketqa.types import Answer, Evidence

COLUMNS = (
    "question", "status", "rank", "confidence", "quote", "file", "start", "end", "page",
    "title", "publisher", "author", "published", "url", "kind", "interest", "licence",
    "second_hand", "sha256", "index", "accessed", "standing",
)  # fmt: skip


def render_json(answer: Answer, accessed: datetime) -> str:
    """Return the answer as ``to_dict`` has it, the time, and what these words are."""
    table = {
        "standing": present.STANDING,
        "accessed": accessed.isoformat(),
        "answer": answer.to_dict(),
    }
    return json.dumps(table, ensure_ascii=False, indent=2) + "\n"


def render_csv(answer: Answer, accessed: datetime) -> str:
    """Return a row a quote, under a row of names; what is not stated is an empty cell.

    A cell that a spreadsheet might run as a formula has ' before it: take one off where
    ``'*[=+-@]`` begins a cell, blanks aside.
    """
    lines = io.StringIO()
    writer = csv.DictWriter(lines, COLUMNS, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writeheader()
    for item in answer.evidence or answer.related:
        row = _row(answer, item) | {"accessed": accessed.date().isoformat()}
        writer.writerow({name: cell(value) for name, value in row.items()})
    return lines.getvalue()


def _row(answer: Answer, item: Evidence) -> dict[str, str]:
    source = item.source
    return {
        "question": answer.question,
        "status": answer.status,
        "rank": str(item.rank),
        "confidence": f"{item.confidence:.4f}",
        "quote": item.quote,
        "file": source.file,
        "start": str(item.span.start),
        "end": str(item.span.end),
        "page": "" if item.page is None else str(item.page),
        "title": source.title,
        **{name: getattr(source, name) or "" for _, name in present.FIELDS},
        "licence": source.licence or "",
        "second_hand": "" if item.second_hand is None else str(item.second_hand).lower(),
        "sha256": source.sha256,
        "index": answer.index,
        "standing": present.STANDING,
    }
