"""An answer -> Markdown, to be read by people."""

from datetime import datetime

from ketqa import present
from ketqa.export.escape import markdown
from ketqa.types import Answer, Evidence


def render_markdown(answer: Answer, accessed: datetime) -> str:
    """Return the question, the verdict, and each quote with its source below it."""
    parts = [f"# {_line(answer.question)}"]
    parts += [f"**{_line(notice.text)}**" for notice in answer.notices]
    parts += [_line(change) for change in present.changes(answer)]
    parts.append(_line(answer.reply or present.verdict(answer)))
    for item in answer.evidence or answer.related:
        parts += [f"## {item.rank}", _quoted(item.quote), _about(answer, item)]
    day = accessed.date().isoformat()
    parts.append(f"{present.STANDING} Taken from the documents on {day}; index {answer.index}.")
    return "\n\n".join(parts) + "\n"


def _quoted(quote: str) -> str:
    return "\n".join(f"> {line}" for line in markdown(quote).split("\n"))


def _line(text: str) -> str:
    return markdown(" ".join(text.split()))


def _about(answer: Answer, item: Evidence) -> str:
    source, span = item.source, item.span
    lines = [f"{label}: {value}" for label, value, _ in present.source_fields(source)]
    lines.insert(0, f"Title: {source.title}")
    lines.append(f"File: {source.file}, characters {span.start} to {span.end}")
    if source.licence:
        lines.append(f"Licence: {source.licence}")
    if item.page is not None:
        lines.append(f"Page: {item.page}")
    lines += [f"SHA-256 of the file: {source.sha256}", present.sureness(item, answer.status)]
    if item.second_hand:
        lines.append(present.SECOND_HAND)
    return "\n".join(f"- {_line(line)}" for line in lines)
