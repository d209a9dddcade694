"""A query -> the passages that match, by meaning, by words, and by curated questions."""

from collections.abc import Mapping
from dataclasses import dataclass

from ketqa.dense import Nearest
from ketqa.fuse import best_first, weighted_sum
from ketqa.lexical import LexicalIndex
from ketqa.match import Match, Matches
from ketqa.reader import Asked
from ketqa.store import Store
from ketqa.types import Hit

# The best mean nDCG@10 over three public collections; benchmarks/retrieval.py, README.
DENSE_WEIGHT = 0.6
# The share of the curated questions, where any are found: benchmarks/questions.py.
QUESTION_WEIGHT = 0.5
# How deep each ranking goes before they are fused.
DEPTH = 100


@dataclass(frozen=True, slots=True)
class Retriever:
    """Search over the passages of a store: their rows, their words.

    ``dense_weight`` is the share of meaning, 0..1; words get the rest.
    """

    vectors: Nearest
    words: LexicalIndex
    store: Store
    dense_weight: float

    def retrieve(self, asked: Asked, k: int) -> list[Hit]:
        """Return at most k passages, best first."""
        near = self.vectors.search(asked.row, max(DEPTH, k)) if self.dense_weight else {}
        shared = self.words.search(asked.terms, max(DEPTH, k)) if self.dense_weight < 1 else {}
        led = self._led_to(asked.matches)
        share = QUESTION_WEIGHT if led else 0.0
        fused = weighted_sum(
            (near, shared, {passage: match.cosine for passage, match in led.items()}),
            (self.dense_weight * (1 - share), (1 - self.dense_weight) * (1 - share), share),
        )
        best = best_first(fused, k)
        unseen = [number for number in best if number not in near]
        cosines = self.vectors.cosines(asked.row, unseen)
        near |= dict(zip(unseen, map(float, cosines), strict=True))
        return [
            Hit(
                rank=rank,
                score=fused[number],
                passage=(passage := self.store.passage(number)),
                source=self.store.document(passage.span.doc_id).source,
                dense=near[number],
                lexical=shared.get(number, 0.0),
                matched=self.store.question(led[number].question).text if number in led else None,
            )
            for rank, number in enumerate(best, start=1)
        ]

    def _led_to(self, matches: Matches) -> Mapping[int, Match]:
        """Return each passage that a curated question points into, with its best match."""
        best: dict[int, Match] = {}
        for number, match in matches.meaning.items():
            passage = self.store.sentence(number).passage
            if passage not in best or match.cosine > best[passage].cosine:
                best[passage] = match
        return best
