"""The packaged cross-encoder: a question and a sentence read together, on the CPU, without torch.

FOLDER/
  model.xml, model.bin   token numbers of pairs (n, length) -> how well each answers (n, 1)
  tokenizer.json

It is all-MiniLM-L6-v2 with a head, taught by training/cross.py; the package holds the change to
the embedding model's weights alone (ketqa.adapter), and an index holds it compiled.
"""

import logging
import shutil
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ketqa.adapter import TENSORS, Adapter, apply_adapter
from ketqa.encode import load_untaught
from ketqa.errors import IndexDamaged, ModelError
from ketqa.models import base_of, check_tensors
from ketqa.runtime import import_openvino, open_graph, save_graph
from ketqa.shipped import check_shipped

if TYPE_CHECKING:
    from tokenizers import Tokenizer

log = logging.getLogger(__name__)

Floats = NDArray[np.float64]
CROSS_PATH = Path(__file__).parent / "crossed"
MODEL, TOKENIZER = "model.xml", "tokenizer.json"
# The model's inputs, and what the tokenizer calls them.
INPUTS = {"input_ids": "ids", "attention_mask": "attention_mask", "token_type_ids": "type_ids"}
# A longer pair is cut at the end of its longer text.
MAX_TOKENS = 96
# Pairs that go through together: those of like length, so that little is padded.
BATCH = 10


class CompiledCross:
    """What ``compile_cross`` wrote; opened when it is first asked. Safe to use from threads."""

    def __init__(self, folder: Path) -> None:
        """Name a folder.

        Raises:
            ModelError: OpenVINO is missing.
        """
        import_openvino()
        self._folder = folder
        self._turn = Lock()

    def score(self, question: str, sentences: Sequence[str]) -> Floats:
        """Return how well each sentence answers, (n,), in log odds.

        Raises:
            IndexDamaged: A file is gone or cannot be read.
        """
        with self._turn:
            pairs = [(question, sentence) for sentence in sentences]
            encoded = self._tokenizer.encode_batch(pairs)
            lengths = [sum(pair.attention_mask) for pair in encoded]
            order = sorted(range(len(pairs)), key=lambda at: (lengths[at], at))
            scores = np.zeros(len(pairs))
            for low in range(0, len(order), BATCH):
                batch = order[low : low + BATCH]
                longest = lengths[batch[-1]]
                inputs = [
                    np.array([getattr(encoded[at], part)[:longest] for at in batch])
                    for part in INPUTS.values()
                ]
                scores[batch] = self._model(inputs)[0][:, 0]
        return scores

    @cached_property
    def _model(self) -> Any:  # noqa: ANN401, OpenVINO's has no types
        try:
            return open_graph(self._folder / MODEL)
        except Exception as error:  # noqa: BLE001, the library's own has no common kind
            raise IndexDamaged(
                f"{self._folder}: the cross-encoder cannot be opened: {error}"
            ) from None

    @cached_property
    def _tokenizer(self) -> "Tokenizer":
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(self._folder / TOKENIZER))
        tokenizer.enable_truncation(MAX_TOKENS)
        tokenizer.enable_padding()
        return tokenizer


def cross_fingerprint() -> str:
    """Return what tells the packaged cross-encoder from another; empty where it is damaged."""
    try:
        return _adapter(CROSS_PATH).tensors_sha256
    except ModelError as error:
        log.warning("going on without the cross-encoder: %s", error)
        return ""


def save_cross(folder: Path) -> None:
    """Compile the packaged cross-encoder into a new folder; with a note where it cannot be."""
    try:
        compile_cross(CROSS_PATH, folder)
    except ModelError as reason:
        log.warning("going on without the cross-encoder: %s", reason)
        shutil.rmtree(folder, ignore_errors=True)


def compile_cross(source: Path, folder: Path) -> None:
    """Write a cross-encoder that is kept as an adapter, compiled, into a new folder.

    Raises:
        ModelError: OpenVINO is missing, or the adapter is damaged.
    """
    import torch

    base = base_of(_adapter(source), source)
    model = load_untaught(base.path)
    apply_adapter(model, source)

    class Graph(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
            logits: torch.Tensor = self.model(**dict(zip(INPUTS, inputs, strict=True))).logits
            return logits

    folder.mkdir(parents=True)
    example = tuple(torch.ones(2, 8, dtype=torch.int64) for _ in INPUTS)
    save_graph(Graph().eval(), example, folder / MODEL)
    shutil.copyfile(base.path / TOKENIZER, folder / TOKENIZER)


def _adapter(source: Path) -> Adapter:
    adapter = Adapter.load(source)
    if adapter is None:
        raise ModelError(f"{source}: holds no adapter")
    check_tensors(adapter, source / TENSORS)
    check_shipped(source)
    return adapter
