"""A corpus -> its shards, made by many processes on Ray. The only file that knows Ray.

A shard is a run of documents with all that is derived from them, and its name is the hash of
what it is made from (ketqa.shards). So it is also what a worker makes at once: one that is
killed has made nothing, and Ray gives its shard to another; one that is made again is the same.
Finished shards lie where a build that was cut off leaves them, and ``build_index`` takes them
over: the index is what it would be without Ray.
"""

import io
import os
import pickle
import secrets
import socket
import tarfile
import tempfile
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ketqa.build import PASSAGE_TOKENS, choose_model, lay_out, silent
from ketqa.compiled import CompiledEncoder, load_encoder
from ketqa.corpus import read_corpus
from ketqa.encode import SentenceEncoder
from ketqa.errors import KetqaError
from ketqa.lock import building
from ketqa.manifest import BUILDS, ENCODER, SHARDS, is_intact
from ketqa.models import ModelFolder
from ketqa.shards import Maker, Progress, make_shard

HERE = "local"
STAGE = "shards on Ray"
PROBE = 5.0  # seconds


@dataclass(frozen=True, slots=True)
class Workers:
    """Where Ray runs, ``HERE`` for a Ray of our own, and how many processes hold the model."""

    address: str = HERE
    actors: int = 2


def make_shards(
    corpus: Path,
    index: Path,
    model: ModelFolder | None = None,
    *,
    tokens: int = PASSAGE_TOKENS,
    workers: Workers,
    progress: Progress = silent,
) -> int:
    """Make the shards that an index lacks, for ``build_index`` to take over.

    Args:
        corpus: The documents' folder.
        index: The index's folder; made where it does not exist.
        model: As for ``build_index``.
        tokens: The most tokens of a passage.
        workers: Who makes them.
        progress: Called with (stage, shards done, shards in all).

    Returns:
        How many were made.

    Raises:
        CorpusError: A document or ``sources.toml`` cannot be used.
        IndexBusy: Another process is building here.
        KetqaError: Ray is not installed, or not at its address.
    """
    _check_there(workers.address)
    documents = read_corpus(corpus).documents
    model = model or choose_model(documents)
    recipe, runs = lay_out(documents, model, tokens)
    with building(index), tempfile.TemporaryDirectory() as scratch:
        made = _finished(index)
        lacking = {
            name: run for name, run in zip(recipe.shards, runs, strict=True) if name not in made
        }
        if not lacking:
            return 0
        into = index / BUILDS / f"ray-{secrets.token_hex(6)}" / SHARDS
        into.mkdir(parents=True)
        load_encoder(model, Path(scratch) / ENCODER)
        maker = (_pack(Path(scratch) / ENCODER), model, tokens)
        done = len(recipe.shards) - len(lacking)
        with closing(_on_ray(lacking, maker, workers)) as shards:
            for name, data in shards:
                _unpack(data, into / f".{name}")
                (into / f".{name}").rename(into / name)
                done += 1
                progress(STAGE, done, len(recipe.shards))
    return len(lacking)


def _finished(index: Path) -> set[str]:
    """Return the shards that some build has, finished and as they were."""
    found = (index / BUILDS).glob(f"*/{SHARDS}/[0-9a-f]*")
    return {shard.name for shard in found if is_intact(shard)}


class ShardMaker:
    """A process that holds the model and makes one shard after another."""

    def __init__(self, encoder: bytes, model: ModelFolder, tokens: int) -> None:
        """Open the model: compiled as it came, or with torch where there is a GPU."""
        self._folder = tempfile.TemporaryDirectory()
        compiled = Path(self._folder.name) / ENCODER
        _unpack(encoder, compiled)
        gpu = bool(import_ray().get_gpu_ids())
        here = CompiledEncoder(compiled) if encoder and not gpu else SentenceEncoder(model)
        self._maker = Maker(here, tokens, None, silent)

    def __call__(self, batch: Mapping[str, Any]) -> dict[str, list[Any]]:
        """Make one shard: ``run`` is its documents, pickled; ``data`` its folder, packed."""
        (name,), (run,) = batch["name"], batch["run"]
        with tempfile.TemporaryDirectory() as scratch:
            shard = Path(scratch) / str(name)
            make_shard(shard, pickle.loads(run), self._maker)  # noqa: S301, it is our own
            return {"name": [str(name)], "data": [_pack(shard)]}


def _on_ray(
    runs: Mapping[str, Sequence[Any]], maker: tuple[Any, ...], workers: Workers
) -> Generator[tuple[str, bytes], None, None]:
    """Yield each shard's name and its packed folder, as they are finished."""
    with _connected(workers) as ray:
        items = [{"name": name, "run": pickle.dumps(run)} for name, run in runs.items()]
        gpus = 1 if ray.cluster_resources().get("GPU", 0) >= workers.actors else 0
        made = ray.data.from_items(items, override_num_blocks=len(items)).map_batches(
            ShardMaker,
            fn_constructor_args=maker,
            batch_size=1,
            compute=ray.data.ActorPoolStrategy(size=workers.actors),
            num_gpus=gpus,
            **({} if gpus else {"num_cpus": 1}),
        )
        for row in made.iter_rows():
            yield row["name"], row["data"]


def _check_there(address: str) -> None:
    """See that something listens at an address; Ray itself would wait for it for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not port.isdigit():
        return
    try:
        socket.create_connection((host, int(port)), timeout=PROBE).close()
    except OSError as error:
        raise KetqaError(
            f"--ray {address}: no Ray answers there ({error}); start one with: ray start --head"
        ) from None


@contextmanager
def _connected(workers: Workers) -> Iterator[Any]:
    """Start a Ray of our own, for this machine alone, or join the one at an address."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # nothing phones home
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    ray = import_ray()
    how: dict[str, Any] = {"address": workers.address}
    if workers.address == HERE:
        how |= {"num_cpus": workers.actors + 1, "_node_ip_address": "127.0.0.1"}
        how |= {"include_dashboard": False}
    try:
        ray.init(**how, log_to_driver=False, logging_level="ERROR")
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise KetqaError(
            f"--ray {workers.address}: no Ray answers there ({str(error).splitlines()[0]}); "
            "start one with: ray start --head"
        ) from None
    try:
        ray.data.DataContext.get_current().enable_progress_bars = False
        yield ray
    finally:
        ray.shutdown()


def _pack(folder: Path) -> bytes:
    """Return a folder as bytes; nothing where there is none."""
    packed = io.BytesIO()
    if folder.exists():
        with tarfile.open(fileobj=packed, mode="w") as archive:
            archive.add(folder, arcname=".")
    return packed.getvalue()


def _unpack(packed: bytes, folder: Path) -> None:
    if packed:
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            archive.extraction_filter = getattr(tarfile, "data_filter", None)  # not in 3.11.2
            archive.extractall(folder)  # noqa: S202, our own


def import_ray() -> Any:  # noqa: ANN401, a module
    """Import Ray and Ray Data.

    Raises:
        KetqaError: They are not installed.
    """
    try:
        import ray
        import ray.data
    except ModuleNotFoundError as error:
        raise KetqaError(
            f"--ray needs {error.name}; install it with: pip install 'ketqa[ray]'"
        ) from None
    return ray
