"""Ranked sentences -> quotes of whole sentences, every one cut from the store."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ketqa.match import Matches
from ketqa.reader import Reading
from ketqa.second_hand import is_second_hand
from ketqa.store import Store
from ketqa.twins import twin_key
from ketqa.types import Evidence, Sentence, Span

MAX_SENTENCES = 3
# A sentence that begins so cannot be understood without the one before it.
LEANS = re.compile(
    r"[\"'“‘(\[]*(?:It|Its|This|These|Those|They|Their|He|She|His|Her|Such|Both|"
    r"In addition|However|Thus|Therefore|As a result|Still|But|And|Also|Further|Unfortunately|"
    r"The (?:study|studies|results?|findings|researchers|authors|treatment|majority|drug|"
    r"trial|reviews?))\b"
)
# A leaning neighbour joins a quote when it is itself among the best this many sentences.
NEIGHBOUR_RANK = 12


@dataclass(frozen=True, slots=True)
class Quote:
    """A run of neighbouring sentences that is quoted as one, and the reading it grew from."""

    sentences: tuple[Sentence, ...]
    reading: Reading

    @property
    def span(self) -> Span:
        """The slice from the first sentence's start to the last one's end."""
        first, last = self.sentences[0].span, self.sentences[-1].span
        return Span(first.doc_id, first.start, last.end)


def gather_evidence(
    readings: Sequence[Reading],
    store: Store,
    matches: Matches,
    *,
    k: int,
    probability: Callable[[float], float],
) -> tuple[Evidence, ...]:
    """Return at most k quotes, best first.

    Args:
        readings: The sentences of the passages found, best first.
        store: Where the quotes are cut from.
        matches: The curated questions that were found.
        k: The most quotes.
        probability: How likely a quote answers, by how far its logit lies below the best.
    """
    quotes = choose_quotes(readings, store, k)
    return tuple(
        _evidence(
            quote,
            store,
            matches,
            rank=rank,
            confidence=probability(quotes[0].reading.logit - quote.reading.logit),
        )
        for rank, quote in enumerate(quotes, start=1)
    )


def choose_quotes(readings: Sequence[Reading], store: Store, k: int) -> list[Quote]:
    """Turn ranked sentences into at most k quotes that share no words with each other.

    A sentence that leans on its neighbour takes it in; a sentence already quoted, here or
    in the same words elsewhere, is not quoted again.
    """
    near = {reading.sentence.number for reading in readings[:NEIGHBOUR_RANK]}
    quoted: set[str] = set()
    quotes: list[Quote] = []
    for reading in readings:
        if len(quotes) == k:
            break
        if twin_key(reading.sentence.text) in quoted:
            continue
        run = _stand_alone(reading.sentence, near, quoted, store)
        quotes.append(Quote(tuple(run), reading))
        quoted.update(twin_key(sentence.text) for sentence in run)
    return quotes


def _stand_alone(
    sentence: Sentence, near: set[int], quoted: set[str], store: Store
) -> list[Sentence]:
    """Take in the neighbours without which a sentence cannot be understood."""
    passage = store.sentences(sentence.passage)
    free = [s.kind == "prose" and twin_key(s.text) not in quoted for s in passage]
    leans = [LEANS.match(s.text) is not None for s in passage]
    first = last = next(i for i, s in enumerate(passage) if s.number == sentence.number)
    while first > 0 and last - first + 1 < MAX_SENTENCES and leans[first] and free[first - 1]:
        first -= 1
    while last + 1 < len(passage) and last - first + 1 < MAX_SENTENCES:
        following = last + 1
        if not (leans[following] and free[following] and passage[following].number in near):
            break
        last = following
    return passage[first : last + 1]


def _evidence(
    quote: Quote, store: Store, matches: Matches, *, rank: int, confidence: float
) -> Evidence:
    span = quote.span
    document = store.document(span.doc_id)
    match = matches.meaning.get(quote.reading.sentence.number)
    return Evidence(
        rank=rank,
        confidence=confidence,
        quote=document.text[span.start : span.end],
        span=span,
        source=document.source,
        passage=store.passage(quote.sentences[0].passage),
        also_at=tuple(_same_words(quote, store)),
        page=document.layout.page(span.start),
        second_hand=any(is_second_hand(sentence.text) for sentence in quote.sentences),
        matched=store.question(match.question).text if match else None,
    )


def _same_words(quote: Quote, store: Store) -> Iterator[Span]:
    """Yield the other places where the corpus has the whole quote in the same words."""
    for twin in store.twins(quote.sentences[0]):
        last = twin
        for sentence in quote.sentences[1:]:
            following = store.following(last)
            if following is None or twin_key(following.text) != twin_key(sentence.text):
                break
            last = following
        else:
            yield Span(twin.span.doc_id, twin.span.start, last.span.end)
