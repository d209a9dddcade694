"""A cross-encoder of the user's own: question and sentence read together, the best put first."""

from collections.abc import Sequence
from dataclasses import replace

from ketqa.encode import load_cross_encoder
from ketqa.models import ModelFolder
from ketqa.reader import Asked, Engines, Reading, read
from ketqa.types import Hit, Sentence

# How many of the reader's best sentences it reads.
DEPTH = 30


class CrossReader:
    """Takes the place of ``read``, on any sentence-transformers CrossEncoder.

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
