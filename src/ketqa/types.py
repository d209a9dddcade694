"""The records that flow from the corpus to an answer. All are frozen.

Offsets are Unicode code points, half open, into ``Document.text``: a quote is always
``text[start:end]``. Numbers of sentences and passages count through the whole corpus
from 0, in the order of the documents. Scores are higher when better.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

from ketqa.errors import KetqaError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

# Of the JSON forms; it grows when a field changes its meaning or goes, not when one is added.
VERSION = 1
SentenceKind = Literal["prose", "heading", "question"]
Status = Literal["evidence", "related", "no_evidence"]
ChangeKind = Literal["spelling", "follow-up", "abbreviation", "lay", "language"]
Witness = Literal["document", "curator", "file"]
Record = TypeVar("Record", bound="DataclassInstance")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a document comes from; None means the document does not state it."""

    id: str
    file: str
    sha256: str
    title: str
    publisher: str | None = None
    author: str | None = None
    published: str | None = None
    url: str | None = None
    kind: str | None = None
    interest: str | None = None
    language: str = "en"
    licence: str | None = None
    said_by: Mapping[str, Witness] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Layout:
    """How a text lies in its file; empty where the file is the text and nothing more.

    ``reader`` is the library, with its version, that read the text or its headings. ``pages`` has
    the offset at which each page begins, ``headings`` the half-open places, in order, that the
    document itself marks as headings. ``wrapped`` tells that a line ends where the page had no
    more room, however long it is.
    """

    reader: str | None = None
    pages: tuple[int, ...] = ()
    headings: tuple[tuple[int, int], ...] = ()
    wrapped: bool = False

    @classmethod
    def of_json(cls, table: Mapping[str, Any]) -> Self:
        """Return the layout that ``dataclasses.asdict`` and JSON made this of."""
        headings = tuple((start, end) for start, end in table["headings"])
        return cls(table["reader"], tuple(table["pages"]), headings, table["wrapped"])

    def page(self, offset: int) -> int | None:
        """Return the page, counted from 1, that a place of the text is on; None without pages."""
        return bisect_right(self.pages, offset) or None


@dataclass(frozen=True, slots=True)
class Document:
    """One document: its source, its canonical text, and how this lies in its file."""

    source: Source
    text: str
    layout: Layout = field(default_factory=Layout)


@dataclass(frozen=True, slots=True)
class Span:
    """``text[start:end]`` of one document."""

    doc_id: str
    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise ValueError(f"a span must be 0 <= start < end, got {self.start}:{self.end}")


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence. Only prose is ever quoted: headings and questions answer nothing."""

    number: int
    passage: int
    span: Span
    kind: SentenceKind
    text: str


@dataclass(frozen=True, slots=True)
class CuratedQuestion:
    """A question that a curator wrote down beforehand, and what answers it.

    ``span`` is None where the documents do not answer it; ``why`` then says what they leave
    out. ``voice`` says how it is asked ("lay", "typo", ...), ``generated`` which model wrote
    it; None where a person did.
    """

    number: int
    text: str
    span: Span | None
    language: str = "en"
    voice: str | None = None
    why: str | None = None
    generated: str | None = None


@dataclass(frozen=True, slots=True)
class Passage:
    """A run of neighbouring sentences that fits the encoder, and the slice it covers."""

    number: int
    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that matched a query.

    ``rank`` counts from 1, ``score`` lies in 0..1. ``matched`` is the curated question that
    led here, where one did.
    """

    rank: int
    score: float
    passage: Passage
    source: Source
    dense: float
    lexical: float
    matched: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "rank": self.rank,
            "score": round(self.score, 4),
            "dense": round(self.dense, 4),
            "lexical": round(self.lexical, 4),
            "matched": self.matched,
            "source": source_dict(self.source),
            "passage": passage_dict(self.passage),
        }


@dataclass(frozen=True, slots=True)
class Evidence:
    """One quote: whole sentences, their place, their source, the passage around them.

    ``quote`` equals the document's ``text[span.start:span.end]``. ``confidence`` is the
    calibrated probability, 0..1, that the quote answers the question. ``also_at`` are
    the other places where the corpus says the same words. ``second_hand`` tells that it passes
    on what a study found. ``matched`` is the curated
    question that led here, where one did.
    """

    rank: int
    confidence: float
    quote: str
    span: Span
    source: Source
    passage: Passage
    also_at: tuple[Span, ...] = ()
    page: int | None = None
    second_hand: bool | None = None
    matched: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "rank": self.rank,
            "confidence": round(self.confidence, 4),
            "quote": self.quote,
            "span": place(self.span),
            "source": source_dict(self.source),
            "passage": passage_dict(self.passage),
            "page": self.page,
            "second_hand": self.second_hand,
            "also_at": [{"file": span.doc_id, **place(span)} for span in self.also_at],
            "matched": self.matched,
        }

    @classmethod
    def from_dict(cls, table: Mapping[str, Any]) -> Self:
        """Read what ``to_dict`` gave."""
        source, passage = _read(Source, table["source"]), table["passage"]
        return _read(
            cls,
            table,
            span=_read(Span, table["span"], doc_id=source.id),
            source=source,
            passage=_read(Passage, passage, span=_read(Span, passage, doc_id=source.id)),
            also_at=tuple(_read(Span, twin, doc_id=twin["file"]) for twin in table["also_at"]),
        )


@dataclass(frozen=True, slots=True)
class Notice:
    """A word of care beside an answer: the question tells of an emergency, or asks for advice."""

    kind: Literal["emergency", "advice"]
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    """One thing done to a question before it was searched; the last three kinds add words."""

    kind: ChangeKind
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the corpus says to a question, or that it says nothing.

    ``confidence`` is the calibrated probability, 0..1, that the corpus answers. ``query``
    is what was searched, ``changes`` what was done to the question for it. ``reply`` is what is
    said to a message that is no question, or in a language that cannot be searched.
    ``evidence`` is empty unless ``status`` is "evidence";
    ``related`` holds what lies nearest where ``status`` is "related".
    """

    question: str
    query: str
    status: Status
    confidence: float
    evidence: tuple[Evidence, ...]
    related: tuple[Evidence, ...]
    searched: Mapping[str, int]
    timings_ms: Mapping[str, float]
    index: str
    notices: tuple[Notice, ...] = ()
    unanswered: CuratedQuestion | None = None
    changes: tuple[Change, ...] = ()
    reply: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, of the version it names."""
        return {
            "question": self.question,
            "query": self.query,
            "changes": [
                {"kind": change.kind, "before": change.before, "after": change.after}
                for change in self.changes
            ],
            "reply": self.reply,
            "status": self.status,
            "confidence": round(self.confidence, 4),
            "notices": [{"kind": notice.kind, "text": notice.text} for notice in self.notices],
            "evidence": [item.to_dict() for item in self.evidence],
            "related": [item.to_dict() for item in self.related],
            "unanswered": self.unanswered and _question_dict(self.unanswered),
            "searched": dict(self.searched),
            "timings_ms": {stage: round(ms, 1) for stage, ms in self.timings_ms.items()},
            "index": self.index,
            "version": VERSION,
        }

    @classmethod
    def from_dict(cls, table: Mapping[str, Any]) -> Self:
        """Read what ``to_dict`` gave; fields that it did not give are left out.

        Raises:
            KetqaError: It is the JSON of another version, or of something else.
        """
        try:
            if table["version"] != VERSION:
                raise KetqaError(
                    f"this answer is of version {table['version']!r}; this ketqa reads {VERSION}"
                )
            asked = table["unanswered"]
            return _read(
                cls,
                table,
                evidence=tuple(map(Evidence.from_dict, table["evidence"])),
                related=tuple(map(Evidence.from_dict, table["related"])),
                notices=tuple(_read(Notice, notice) for notice in table["notices"]),
                unanswered=asked
                and _read(CuratedQuestion, asked, text=asked["question"], span=None),
                changes=tuple(_read(Change, change) for change in table["changes"]),
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise KetqaError(f"this is not the JSON of an answer: {error!r}") from None


def source_dict(source: Source) -> dict[str, Any]:
    """Return the JSON form of a source."""
    table = {one.name: getattr(source, one.name) for one in fields(source)}
    return table | {"said_by": dict(source.said_by)}


def passage_dict(passage: Passage) -> dict[str, Any]:
    """Return the JSON form of a passage."""
    return {"number": passage.number, **place(passage.span), "text": passage.text}


def place(span: Span) -> dict[str, int]:
    """Return the JSON form of a place within one document."""
    return {"start": span.start, "end": span.end}


def _question_dict(question: CuratedQuestion) -> dict[str, Any]:
    """Return the JSON form of a question that nothing answers, so without a place."""
    table = {one.name: getattr(question, one.name) for one in fields(question)}
    return {"question": table.pop("text")} | {name: table[name] for name in table if name != "span"}


def _read(cls: type[Record], table: Mapping[str, Any], **given: Any) -> Record:  # noqa: ANN401
    """Make a record of the fields given and, for the rest, of a table's."""
    rest = [one.name for one in fields(cls) if one.name not in given]
    return cls(**{name: table[name] for name in rest}, **given)
