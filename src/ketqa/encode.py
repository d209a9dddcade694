"""Texts -> rows of length 1. The only file that knows sentence-transformers."""

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from ketqa.adapter import TENSORS, Adapter, apply_adapter
from ketqa.errors import ModelError
from ketqa.models import ModelFolder, base_of, check_tensors

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder, SentenceTransformer
    from torch import nn

Rows = NDArray[np.float32]

BATCH = 32


class Encoder(Protocol):
    """What the index needs of an embedding model."""

    @property
    def max_tokens(self) -> int:
        """The most tokens of text that one row can hold."""
        ...

    @property
    def family(self) -> str:
        """The fingerprint of the model, or of the one that it was adapted from."""
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the tokens of each text, special ones left out."""
        ...

    def encode_texts(self, texts: Sequence[str]) -> Rows:
        """Return (n, dim) float32, rows of length 1, for texts to be found."""
        ...

    def encode_queries(self, queries: Sequence[str]) -> Rows:
        """Return (n, dim) float32, rows of length 1, for texts that search."""
        ...


def load_model(path: Path) -> "SentenceTransformer":
    """Load a sentence-transformers model, or an adapter on top of the model it was made from.

    Raises:
        ModelError: The folder holds neither.
    """
    from sentence_transformers import SentenceTransformer

    _hush()
    adapter = Adapter.load(path)
    if adapter:
        model = load_model(base_of(adapter, path).path)
        check_tensors(adapter, path / TENSORS)
        apply_adapter(cast("nn.Module", model[0].auto_model), path)
        return model
    for file in path.rglob("pytorch_model*.bin"):
        if not any(file.parent.glob("*.safetensors")):
            raise ModelError(f"{file}: no .safetensors weights; other forms can hide code")
    try:
        return SentenceTransformer(
            str(path),
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True},
        )
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"{path} is no sentence-transformers model: {error}") from None


def load_cross_encoder(path: Path) -> "CrossEncoder":
    """Load a sentence-transformers cross-encoder that gives a pair one score.

    Raises:
        ModelError: The folder holds none.
    """
    from sentence_transformers import CrossEncoder

    try:
        config = json.loads((path / "config.json").read_text(encoding="utf-8"))
        kinds, labels = config.get("architectures") or [""], config.get("id2label") or {"0": ""}
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: config.json cannot be read ({error})") from None
    if not kinds[0].endswith("ForSequenceClassification") or len(labels) != 1:
        raise ModelError(f"{path} is no cross-encoder: it has no head that gives a pair one score")
    model: CrossEncoder = CrossEncoder(
        str(path),
        local_files_only=True,
        trust_remote_code=False,
        model_kwargs={"use_safetensors": True},
    )
    return model


def load_untaught(base: Path) -> "nn.Module":
    """Return an embedding model's transformer with a head of one score, all zeros."""
    import torch
    from transformers import AutoModelForSequenceClassification

    _hush()
    model: nn.Module = AutoModelForSequenceClassification.from_pretrained(
        base, num_labels=1, local_files_only=True, use_safetensors=True
    )
    for weight in model.get_submodule("classifier").parameters():
        torch.nn.init.zeros_(weight)
    return model.float()


def _hush() -> None:
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    # what it warns of in a model's settings, a person who indexes a folder cannot mend
    transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]


class AdaptedTransformer:
    """What an adapter's modules.json names, for ``SentenceTransformer(FOLDER)``."""

    @staticmethod
    def load(folder: str, **_: object) -> "nn.Module":
        """Return the adapted transformer of a folder."""
        module: nn.Module = load_model(Path(folder))[0]
        return module


class SentenceEncoder:
    """A sentence-transformers model on this machine."""

    def __init__(self, model: ModelFolder) -> None:
        """Load the model.

        Raises:
            ModelError: The folder holds no sentence-transformers model.
        """
        self.model = load_model(model.path)
        self.family = model.family
        self.dim = int(self.model.get_embedding_dimension() or 0)
        if not callable(self.model.tokenizer):
            raise ModelError(f"{model.path}: a model of this kind cannot be used; take another")
        special = len(self.model.tokenizer("")["input_ids"])
        self.max_tokens = int(self.model.max_seq_length or 512) - special

    @property
    def on_gpu(self) -> bool:
        """Whether sentence-transformers found a GPU to run it on."""
        return self.model.device.type != "cpu"

    @property
    def text_prompt(self) -> str:
        """What the model wants put before a text to be found."""
        return self._prompt("document", "passage", "corpus")

    @property
    def query_prompt(self) -> str:
        """What the model wants put before a text that searches."""
        return self._prompt("query")

    def _prompt(self, *names: str) -> str:
        prompts = self.model.prompts
        default = self.model.default_prompt_name
        known = [prompts[name] for name in (*names, default) if name in prompts]
        return known[0] or "" if known else ""

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the tokens of each text, special ones left out."""
        if not texts:
            return []
        encoded = self.model.tokenizer(
            list(texts), add_special_tokens=False, truncation=False, verbose=False
        )
        return [len(ids) for ids in encoded["input_ids"]]

    def encode_texts(self, texts: Sequence[str]) -> Rows:
        """Return (n, dim) float32, rows of length 1.

        A text too long for the model is read in windows, and its row is their mean, so
        that nothing is cut off in silence.
        """
        windows = [self._windows(text) for text in texts]
        rows = self.model.encode_document(
            [window for group in windows for window in group],
            batch_size=BATCH,
            normalize_embeddings=True,
            show_progress_bar=False,
            convert_to_numpy=True,
        )
        starts = np.cumsum([0, *(len(group) for group in windows)])
        means = [rows[low:high].mean(axis=0) for low, high in pairwise(starts)]
        return unit(np.array(means, dtype=np.float32).reshape(len(texts), self.dim))

    def encode_queries(self, queries: Sequence[str]) -> Rows:
        """Return (n, dim) float32, rows of length 1; what the model cannot hold is cut off."""
        rows = self.model.encode_query(
            list(queries),
            batch_size=BATCH,
            normalize_embeddings=True,
            show_progress_bar=False,
            convert_to_numpy=True,
        )
        return np.asarray(rows, dtype=np.float32).reshape(len(queries), self.dim)

    def _windows(self, text: str) -> list[str]:
        """Cut a text into slices that the model can hold; one slice where it fits whole."""
        if len(text) <= self.max_tokens:  # a token covers at least one character
            return [text]
        offsets = self.model.tokenizer(
            text, add_special_tokens=False, return_offsets_mapping=True, verbose=False
        )["offset_mapping"]
        groups = [
            offsets[low : low + self.max_tokens] for low in range(0, len(offsets), self.max_tokens)
        ]
        return [text[group[0][0] : group[-1][1]] for group in groups] or [text]


def unit(rows: Rows) -> Rows:
    """Scale rows to length 1; a row of zeros stays zero."""
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.asarray(rows / np.where(lengths == 0, 1, lengths), dtype=np.float32)
