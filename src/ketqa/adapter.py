"""A low-rank change to an embedding model's weights: what ``ketqa adapt`` makes, as files.

FOLDER/
  adapter.safetensors   for each changed weight W: W.up (out, rank) and W.down (rank, in),
                        whose product is added to it, or W.add where it is no matrix
  adapter.json          the model it was made from, by name and fingerprint; the documents it
                        was made for, by sha256
  weights.json          the reader's and the abstention's weights that go with it
  modules.json, ...     so that sentence-transformers can load the folder too
After LoRA (Hu et al., ICLR 2022), but cut from a full fine-tuning by singular values.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from ketqa.errors import ModelError

if TYPE_CHECKING:
    from torch import Tensor, nn

TENSORS, DESCRIPTION, READER_WEIGHTS = "adapter.safetensors", "adapter.json", "weights.json"
UP, DOWN, ADD = ".up", ".down", ".add"


@dataclass(frozen=True, slots=True)
class Adapter:
    """What an adapter was made from, and for which documents."""

    base: str
    base_sha256: str
    documents: tuple[str, ...]
    tensors_sha256: str

    @classmethod
    def load(cls, folder: Path) -> Self | None:
        """Read an adapter's description; None where the folder is an ordinary model.

        Raises:
            ModelError: The description cannot be read.
        """
        file = folder / DESCRIPTION
        if not file.exists():
            return None
        try:
            table = json.loads(file.read_text(encoding="utf-8"))
            return cls(**{**table, "documents": tuple(table["documents"])})
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise ModelError(
                f"{file}: cannot be read ({error!r}); make it again: ketqa adapt"
            ) from None

    def save(self, folder: Path) -> None:
        """Write the description."""
        text = json.dumps(asdict(self), indent=1) + "\n"
        (folder / DESCRIPTION).write_text(text, encoding="utf-8")


def apply_adapter(module: "nn.Module", folder: Path) -> None:
    """Add an adapter's changes to a model's weights, in place.

    Raises:
        ModelError: The file is gone, damaged, or was made for other weights.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    file = folder / TENSORS
    try:
        tensors = load_file(file)
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{file}: cannot be read ({error}); make it again: ketqa adapt") from None
    weights = dict(module.named_parameters())
    for name, change in _changes(tensors).items():
        if name not in weights or weights[name].shape != change.shape:
            raise ModelError(
                f"{file}: {name} is no weight of this model; make it again: ketqa adapt"
            )
        weights[name].data += change


def cut_adapter(
    before: "Mapping[str, Tensor]", after: "Mapping[str, Tensor]", rank: int, file: Path
) -> None:
    """Write the difference of two sets of weights, in bfloat16.

    Matrices are cut to their ``rank`` first singular values.
    """
    import torch
    from safetensors.torch import save_file

    tensors: dict[str, Tensor] = {}
    for name, weight in after.items():
        change = (weight - before[name]).float()
        if not change.any():
            continue
        if change.ndim == 2:  # noqa: PLR2004, a matrix
            left, sizes, right = torch.linalg.svd(change, full_matrices=False)
            tensors[name + UP] = (left[:, :rank] * sizes[:rank]).bfloat16().contiguous()
            tensors[name + DOWN] = right[:rank].bfloat16().contiguous()
        else:
            tensors[name + ADD] = change.bfloat16()
    save_file(tensors, file)


def _changes(tensors: "Mapping[str, Tensor]") -> "dict[str, Tensor]":
    changes = {}
    for key, tensor in tensors.items():
        if key.endswith(UP):
            name = key.removesuffix(UP)
            changes[name] = tensor.float() @ tensors[name + DOWN].float()
        elif key.endswith(ADD):
            changes[key.removesuffix(ADD)] = tensor.float()
    return changes
