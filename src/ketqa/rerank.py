"""Readers that read question and sentence together: the packaged one, or the user's own."""

from collections.abc import Sequence
from dataclasses import replace

from ketqa.cross import CompiledCross
from ketqa.encode import load_cross_encoder
from ketqa.models import ModelFolder
from ketqa.reader import Asked, Engines, Reading, read
from ketqa.types import Hit, Sentence

# How many of the reader's best sentences they read.
DEPTH = 30


class FusedReader:
    """``read``, then its best ``DEPTH`` sentences weighed again, with what a cross-encoder says.

    The new logit is linear in the old one and the cross-encoder's; training/fusion.py makes the
    weights. The other sentences stay below, in their order.
    """

    def __init__(self, cross: CompiledCross) -> None:
        """Take the packaged cross-encoder, as an index has it compiled."""
        self._cross = cross

    def __call__(
        self, asked: Asked, candidates: Sequence[tuple[Hit, Sentence]], engines: Engines
    ) -> list[Reading]:
        """Rank sentences by how well they answer; as ``read``."""
        readings = read(asked, candidates, engines)
        best, rest = readings[:DEPTH], readings[DEPTH:]
        if not best:
            return []
        scores = self._cross.score(asked.query, [reading.sentence.text for reading in best])
        weights = engines.weights["fusion"]
        fused = [
            replace(
                reading,
                logit=weights["bias"] + weights["logit"] * reading.logit + weights["cross"] * score,
            )
            for reading, score in zip(best, map(float, scores), strict=True)
        ]
        fused.sort(key=lambda reading: (-reading.logit, reading.sentence.number))
        return fused + [
            replace(reading, logit=min(reading.logit, fused[-1].logit)) for reading in rest
        ]


class CrossReader:
    """``read``, then any sentence-transformers CrossEncoder.

    The order of the best ``DEPTH`` sentences is the cross-encoder's. How surely they answer
    stays what the reader's logits say, place by place, since those are calibrated.
    """

    def __init__(self, model: ModelFolder) -> None:
        """Load the cross-encoder.

        Raises:
            ModelError: The folder holds none.
        """
        self._model = load_cross_encoder(model.path)

    def __call__(
        self, asked: Asked, candidates: Sequence[tuple[Hit, Sentence]], engines: Engines
    ) -> list[Reading]:
        """Rank sentences by how well they answer; as ``read``."""
        readings = read(asked, candidates, engines)
        best = readings[:DEPTH]
        if not best:
            return []
        pairs = [(asked.query, reading.sentence.text) for reading in best]
        scores = self._model.predict(pairs, show_progress_bar=False)
        order = sorted(range(len(best)), key=lambda place: (-float(scores[place]), place))
        again = [replace(best[new], logit=old.logit) for new, old in zip(order, best, strict=True)]
        return again + readings[DEPTH:]
