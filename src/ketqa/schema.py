"""The JSON forms of answers, passages, look-ups and documents, for those who describe them.

``to_dict`` makes the JSON; these models tell other programs its shape, in OpenAPI and in MCP.
Offsets are Unicode code points, half open, into the document's text.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from ketqa.types import ChangeKind, SentenceKind, Status, Witness

Offset = Field(ge=0, description="in Unicode code points")
Probability = Field(ge=0, le=1)


class Model(BaseModel):
    """Fields that are not described are not there."""

    model_config = ConfigDict(extra="forbid")


class Place(Model):
    """``text[start:end]`` of a document."""

    start: int = Offset
    end: int = Offset


class PlaceElsewhere(Place):
    """``text[start:end]`` of the document named."""

    file: str


class Source(Model):
    """Where a document comes from; null where it does not state it."""

    id: str
    file: str
    title: str
    publisher: str | None
    author: str | None
    published: str | None
    url: str | None
    kind: str | None
    interest: str | None = Field(description="what its publisher sells, where it tells")
    language: str
    licence: str | None
    sha256: str = Field(description="of the text in UTF-8")
    said_by: dict[str, Witness]


class Passage(Place):
    """A run of neighbouring sentences."""

    number: int = Field(ge=0)
    text: str


class Evidence(Model):
    """One quote: ``quote`` equals its document's ``text[span.start:span.end]``."""

    rank: int = Field(ge=1)
    confidence: float = Probability
    quote: str
    span: Place
    source: Source
    passage: Passage
    page: int | None
    second_hand: bool | None
    also_at: list[PlaceElsewhere]
    matched: str | None


class Notice(Model):
    """A word of care."""

    kind: Literal["emergency", "advice"]
    text: str


class Change(Model):
    """One thing done to a question before it was searched."""

    kind: ChangeKind
    before: str
    after: str


class Unanswered(Model):
    """A question that is known to have no answer here."""

    number: int
    question: str
    why: str | None
    language: str
    voice: str | None
    generated: str | None


class Searched(Model):
    """How much was searched."""

    documents: int = Field(ge=0)
    passages: int = Field(ge=0)


class Answer(Model):
    """What the documents say to a question, or that they say nothing."""

    question: str
    query: str = Field(description="what was searched")
    changes: list[Change]
    reply: str | None
    status: Status
    confidence: float = Probability
    notices: list[Notice]
    evidence: list[Evidence]
    related: list[Evidence]
    unanswered: Unanswered | None
    searched: Searched
    timings_ms: dict[str, float]
    index: str
    version: Literal[1]


class Hit(Model):
    """A passage that matched."""

    rank: int = Field(ge=1)
    score: float
    dense: float
    lexical: float
    matched: str | None
    source: Source
    passage: Passage


class Hits(Model):
    """Passages, best first."""

    question: str
    hits: list[Hit]


class FoundPlace(Model):
    """A place of a text that was looked up; ``quote`` is what stands there."""

    match: Literal["exact", "equal"]
    quote: str
    span: Place
    source: Source
    whole_words: bool = Field(description="false where it begins or ends inside a word or number")


class Lookup(Model):
    """Whether the documents have a text word for word, and where."""

    text: str
    status: Literal["exact", "equal", "absent"]
    places: list[FoundPlace]
    more: bool = Field(description="true where there are more places than these")
    searched: Searched
    index: str
    version: Literal[1]


class Documents(Model):
    """A page of the documents' sources, in the order of their ids."""

    documents: list[Source]
    total: int = Field(ge=0)


class Sentence(Place):
    """A sentence of a document; only prose is ever quoted."""

    kind: SentenceKind


class Document(Model):
    """A document: its source, its whole text, and where its sentences and passages stand."""

    source: Source
    text: str
    sentences: list[Sentence]
    passages: list[Place]
