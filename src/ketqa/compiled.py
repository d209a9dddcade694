"""An embedding model compiled for the CPU: no torch, several times as fast.

FOLDER/
  model.xml, model.bin   token numbers (n, length) -> rows (n, dim)
  tokenizer.json
  encoder.json           how the texts are put, how long they may be, and the model's family
  weights.json           the reader's, where the model brings its own

Texts of equally many tokens go through together and no others, so nothing is padded and a
row depends on its own text alone: to the last bit, whatever it was encoded with.
"""

import json
import logging
import shutil
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ketqa.adapter import READER_WEIGHTS
from ketqa.encode import Encoder, Rows, SentenceEncoder, unit
from ketqa.errors import IndexDamaged, ModelError
from ketqa.models import ModelFolder
from ketqa.runtime import import_openvino, open_graph, save_graph

if TYPE_CHECKING:
    from tokenizers import Encoding
    from torch import Tensor, nn

log = logging.getLogger(__name__)

MODEL, TOKENIZER, DESCRIPTION = "model.xml", "tokenizer.json", "encoder.json"
# Tokens that go through at once.
BATCH_TOKENS = 8192
# Modules that look at nothing but their input, so that they can be traced.
KNOWN = {"Transformer", "Pooling", "Dense", "Normalize", "LayerNorm", "Dropout"}
PROBES = (
    "Pain.",
    "How long did relief last?",
    "A longer text, to see that length is no matter. " * 6,
)
# The least cosine between a compiled row and torch's; bfloat16 gives .9999.
SAME = 0.999


@dataclass(frozen=True, slots=True)
class Description:
    """What a compiled model needs beside its weights."""

    family: str
    dim: int
    max_tokens: int
    text_prompt: str
    query_prompt: str


class CompiledEncoder:
    """A model that ``compile_encoder`` wrote, ready to encode."""

    def __init__(self, folder: Path) -> None:
        """Open a folder.

        Raises:
            IndexDamaged: A file is gone or cannot be read.
            ModelError: OpenVINO is missing.
        """
        from tokenizers import Tokenizer

        import_openvino()
        try:
            table = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
            self.description = Description(**table)
            self._tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
            self._model = open_graph(folder / MODEL)
        except Exception as error:  # noqa: BLE001, the libraries' own have no common kind
            raise IndexDamaged(f"{folder}: the encoder cannot be opened: {error}") from None
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self.max_tokens = self.description.max_tokens
        self.family = self.description.family

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return the tokens of each text, special ones left out."""
        return [len(tokens) for tokens in self._tokens(texts)]

    def encode_texts(self, texts: Sequence[str]) -> Rows:
        """Return (n, dim) float32, rows of length 1; as ``SentenceEncoder.encode_texts``."""
        groups = [
            list(self._slices(text, tokens))
            for text, tokens in zip(texts, self._tokens(texts), strict=True)
        ]
        prompt = self.description.text_prompt
        rows = self._rows([prompt + piece for group in groups for piece in group])
        starts = np.cumsum([0, *(len(group) for group in groups)])
        means = [rows[low:high].mean(axis=0) for low, high in pairwise(starts)]
        return unit(np.array(means, dtype=np.float32).reshape(len(texts), self.description.dim))

    def encode_queries(self, queries: Sequence[str]) -> Rows:
        """Return (n, dim) float32, rows of length 1; what the model cannot hold is cut off."""
        return self._rows([self.description.query_prompt + query for query in queries])

    def _tokens(self, texts: Sequence[str]) -> "list[Encoding]":
        return self._tokenizer.encode_batch(list(texts), add_special_tokens=False)

    def _slices(self, text: str, tokens: "Encoding") -> Iterator[str]:
        if len(tokens) <= self.max_tokens:
            yield text
            return
        for low in range(0, len(tokens), self.max_tokens):
            places = tokens.offsets[low : low + self.max_tokens]
            yield text[places[0][0] : places[-1][1]]

    def _rows(self, texts: Sequence[str]) -> Rows:
        by_length: dict[int, list[int]] = defaultdict(list)
        encoded = self._tokens(texts)
        for number, tokens in enumerate(encoded):
            tokens.truncate(self.max_tokens)
            encoded[number] = self._tokenizer.post_process(tokens)
            by_length[len(encoded[number])].append(number)
        rows = np.zeros((len(texts), self.description.dim), np.float32)
        for length, numbers in by_length.items():
            step = max(1, BATCH_TOKENS // length)
            for low in range(0, len(numbers), step):
                batch = numbers[low : low + step]
                rows[batch] = self._model([np.array([encoded[n].ids for n in batch])])[0]
        return unit(rows)


def load_encoder(model: ModelFolder, folder: Path) -> Encoder:
    """Return a model's encoder, compiled into a new folder.

    Where there is a GPU, or OpenVINO is missing or cannot run this model as it is, it is
    sentence-transformers' own, with a note of the reason.

    Raises:
        ModelError: The model's folder holds no sentence-transformers model.
    """
    encoder = SentenceEncoder(model)
    if encoder.on_gpu:
        return encoder
    try:
        compile_encoder(encoder, model, folder)
        compiled = CompiledEncoder(folder)
        _check_same(encoder, compiled)
    except ModelError as reason:
        log.warning("%s runs on torch, which is slower: %s", model.name, reason)
        shutil.rmtree(folder, ignore_errors=True)
        return encoder
    return compiled


def compile_encoder(encoder: SentenceEncoder, model: ModelFolder, folder: Path) -> None:
    """Write a model, compiled, into a new folder.

    Raises:
        ModelError: OpenVINO is missing, or the model is of a kind that cannot be compiled.
    """
    import_openvino()
    modules = {type(module).__name__ for module in encoder.model}
    if not modules <= KNOWN:
        raise ModelError(f"its parts {', '.join(sorted(modules - KNOWN))} cannot be compiled")
    if not encoder.model.tokenizer.is_fast:
        raise ModelError("its tokenizer is not of the kind that has a tokenizer.json")
    folder.mkdir(parents=True)
    save_graph(_graph(encoder), _example(encoder), folder / MODEL)
    tokenizer = encoder.model.tokenizer.backend_tokenizer.to_str(pretty=True)
    (folder / TOKENIZER).write_text(tokenizer, encoding="utf-8")
    description = Description(
        family=model.family,
        dim=encoder.dim,
        max_tokens=encoder.max_tokens,
        text_prompt=encoder.text_prompt,
        query_prompt=encoder.query_prompt,
    )
    text = json.dumps(asdict(description), indent=1) + "\n"
    (folder / DESCRIPTION).write_text(text, encoding="utf-8")
    if (model.path / READER_WEIGHTS).exists():
        shutil.copyfile(model.path / READER_WEIGHTS, folder / READER_WEIGHTS)


def _graph(encoder: SentenceEncoder) -> "nn.Module":
    """Return the model as a module from token numbers, all of one length, to rows."""
    import torch

    class Graph(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = encoder.model

        def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
            everywhere = torch.ones_like(input_ids)
            features = {"input_ids": input_ids, "attention_mask": everywhere}
            rows: torch.Tensor = self.model(features)["sentence_embedding"]
            return rows

    return Graph().eval()


def _example(encoder: SentenceEncoder) -> "Tensor":
    import torch

    return torch.tensor(encoder.model.tokenizer(["one two", "six ten"])["input_ids"])


def _check_same(encoder: Encoder, compiled: Encoder) -> None:
    for one, other in (
        (encoder.encode_texts(PROBES), compiled.encode_texts(PROBES)),
        (encoder.encode_queries(PROBES), compiled.encode_queries(PROBES)),
    ):
        cosine = float((one * other).sum(axis=1).min())
        if not cosine >= SAME:
            raise ModelError(f"compiled, it gives other rows (cosine {cosine:.3f})")
