"""An answer -> BibTeX, RIS or CSL-JSON: an entry a document, its quotes in the entry's notes.

Names are given as the documents state them, never taken apart into first and last.
"""

import json
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from itertools import groupby
from pathlib import PurePosixPath
from typing import Any

from ketqa import present
from ketqa.export.escape import address, latex, one_line
from ketqa.types import Answer, Evidence, Source

# Between the quotes of one document in BibTeX.
PARAGRAPH = r" \par "


def render_bibtex(answer: Answer, accessed: datetime) -> str:
    """Return ``@misc`` entries; ``annote`` has the quotes."""
    entries = [f"{present.STANDING}\n"]
    for source, items in _by_source(answer):
        fields = {
            "title": f"{{{latex(source.title)}}}",
            "author": f"{{{latex(source.author)}}}" if source.author else "",
            "publisher": latex(source.publisher or ""),
            "date": source.published,
            **dict(zip(("year", "month"), _date(source), strict=False)),
            "howpublished": latex(source.kind or ""),
            "url": address(source.url or ""),
            "urldate": accessed.date().isoformat(),
            "language": latex(source.language),
            "note": latex(_about(source)),
            "annote": PARAGRAPH.join(latex(_placed(item)) for item in items),
        }
        lines = [f"  {name} = {{{value}}},\n" for name, value in fields.items() if value]
        entries.append(f"@misc{{{_key(source)},\n{''.join(lines)}}}\n")
    return "\n".join(entries)


def render_ris(answer: Answer, accessed: datetime) -> str:
    """Return records of lines that end in CR LF; each quote has its own ``N1``."""
    lines: list[str] = []
    for source, items in _by_source(answer):
        year, month, day = (*_date(source), "", "", "")[:3]
        fields = [
            ("TY", "ELEC" if source.url else "GEN"),
            ("ID", _key(source)),
            ("TI", source.title),
            ("AU", source.author),
            ("PB", source.publisher),
            ("PY", year),
            ("DA", f"{year}/{month}/{day}/" if year else ""),
            ("M3", source.kind),
            ("UR", address(source.url or "")),
            ("Y2", accessed.strftime("%Y/%m/%d/")),
            ("LA", source.language),
            ("N1", _about(source)),
            *(("N1", _placed(item)) for item in items),
        ]
        lines += [f"{tag}  - {one_line(value)}\r\n" for tag, value in fields if value]
        lines.append("ER  - \r\n")
    return "".join(lines)


def render_csl(answer: Answer, accessed: datetime) -> str:
    """Return a list of items; ``note`` has a line about the source, and then the quotes."""
    today = [accessed.year, accessed.month, accessed.day]
    items = []
    for source, quotes in _by_source(answer):
        issued = [int(part) for part in _date(source)]
        fields: dict[str, Any] = {
            "id": _key(source),
            "type": "webpage" if source.url else "document",
            "title": source.title,
            "author": [{"literal": source.author}] if source.author else None,
            "publisher": source.publisher,
            "issued": {"date-parts": [issued]} if issued else None,
            "genre": source.kind,
            "URL": source.url,
            "accessed": {"date-parts": [today]},
            "language": source.language,
            "note": "\n".join([_about(source), *(_placed(item) for item in quotes)]),
        }
        items.append({name: value for name, value in fields.items() if value})
    return json.dumps(items, ensure_ascii=False, indent=2) + "\n"


def _by_source(answer: Answer) -> Iterator[tuple[Source, Sequence[Evidence]]]:
    """Yield each document with its quotes in the order of the text, the best document first."""
    items = answer.evidence or answer.related
    order = list(dict.fromkeys(item.source.id for item in items))
    ranked = sorted(items, key=lambda item: (order.index(item.source.id), item.span.start))
    for _, quotes in groupby(ranked, key=lambda item: item.source.id):
        found = list(quotes)
        yield found[0].source, found


def _key(source: Source) -> str:
    """Return a name of the document that stays the same from export to export."""
    stem = re.sub("[^a-z0-9]+", "-", PurePosixPath(source.file).stem.lower()).strip("-")
    return f"{stem or 'document'}-{sha256(source.id.encode()).hexdigest()[:8]}"


def _date(source: Source) -> list[str]:
    """Return year, month and day, as many as are stated."""
    return source.published.split("-") if source.published else []


def _about(source: Source) -> str:
    interest = f" Commercial interest: {source.interest}." if source.interest else ""
    licence = f" Licence: {source.licence}." if source.licence else ""
    return f"{present.STANDING} File {source.file}, SHA-256 {source.sha256}.{interest}{licence}"


def _placed(item: Evidence) -> str:
    place = f"Characters {item.span.start} to {item.span.end}"
    return f"{place}{f', page {item.page}' if item.page else ''}: {item.quote}"
