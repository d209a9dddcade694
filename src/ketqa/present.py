"""Plain words for what an answer holds; the page and the command line say the same."""

from ketqa.types import Answer, CuratedQuestion, Evidence, Source, Status

STANDING = "These are quotations, not medical advice."
SECOND_HAND = "Second-hand: this passes on what a study found; the study itself is not quoted here."
NOT_STATED = "not stated"
# From the calibrated probability that a quote answers, to words anyone can weigh.
BANDS = ((0.7, "very likely an answer"), (0.4, "likely an answer"), (0.0, "possibly an answer"))
FIELDS = (
    ("Publisher", "publisher"),
    ("Author", "author"),
    ("Published", "published"),
    ("Address", "url"),
    ("Kind", "kind"),
    ("Commercial interest", "interest"),
)


def sureness(evidence: Evidence, status: Status) -> str:
    """Say how sure it is that a quote answers, within an answer of this status."""
    if status == "related":
        return "near it, perhaps no answer"
    return next(words for least, words in BANDS if evidence.confidence >= least)


def verdict(answer: Answer) -> str:
    """Say in one sentence what was found."""
    documents = count(answer.searched["documents"], "document")
    if answer.status == "evidence":
        return f"{count(len(answer.evidence), 'quote')}, word for word, from {documents} searched."
    if answer.status == "related":
        return (
            f"Nothing in these {documents} clearly answers that. "
            "The sentences nearest to it, which may not answer it:"
        )
    return f"Nothing in these {documents} answers that."


def changes(answer: Answer) -> list[str]:
    """Say what was done to a question before it was searched, a line each; mostly nothing."""
    spelt = [
        f"{change.before} → {change.after}"
        for change in answer.changes
        if change.kind == "spelling"
    ]
    lines = [f"Spelling: {', '.join(spelt)}"] if spelt else []
    if any(change.kind == "follow-up" for change in answer.changes):
        lines.append(f"Read with what you asked before: {answer.query}")
    added = [
        f"{change.after} (for {change.before})"
        for change in answer.changes
        if change.kind in ("abbreviation", "lay", "language")
    ]
    return [*lines, f"Also searched: {', '.join(added)}"] if added else lines


def turned_away(unanswered: CuratedQuestion) -> str:
    """Say which curated question without an answer a question is like."""
    return f"Your question is like one that is known to have no answer here: “{unanswered.text}”"


def source_fields(source: Source) -> list[tuple[str, str, str]]:
    """Return (label, value, who says so) of a source; what it does not state says so."""
    return [
        (label, value or NOT_STATED, witness_words(source, field) if value else "")
        for label, field in FIELDS
        for value in [getattr(source, field)]
    ]


def witness_words(source: Source, field: str) -> str:
    """Say who tells a field; empty where the document itself does."""
    witness = source.said_by.get(field, "document")
    return {"document": "", "curator": "added by the curator", "file": "the file's name"}[witness]


def citation(source: Source) -> str:
    """Return a source in one line, what it does not state left out."""
    parts = (source.title, source.publisher, source.author, source.published, source.kind)
    return " · ".join(part for part in parts if part)


def count(number: int, noun: str) -> str:
    """Return the number with its noun: ``1 quote``, ``5 quotes``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
