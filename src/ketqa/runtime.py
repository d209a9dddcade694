"""Models as graphs that the CPU runs by itself, without torch. The only file that knows OpenVINO.

Where the processor computes in bfloat16, so do the graphs.
"""

import sys
import warnings
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ketqa.errors import ModelError

if TYPE_CHECKING:
    from torch import nn

# Both cores on one batch: a question waits for nothing, and many texts lose nothing by it.
LATENCY = {"PERFORMANCE_HINT": "LATENCY"}


def save_graph(module: "nn.Module", example: Any, file: Path) -> None:  # noqa: ANN401, tensors
    """Trace a torch module on an example of its input, and write the graph.

    Raises:
        ModelError: OpenVINO is missing, or the module cannot be traced.
        OSError: The disk is full, or the folder may not be written.
    """
    import torch

    openvino = import_openvino()
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # the tracer's, about sizes that never change here
            graph = openvino.convert_model(module, example_input=example)
    except Exception as error:  # noqa: BLE001, whatever the tracer meets in a stranger's model
        raise ModelError(f"it cannot be compiled: {error}") from None
    try:
        openvino.save_model(graph, file)
    except RuntimeError as error:
        raise OSError(f"{file}: {error}") from None


def open_graph(file: Path) -> Any:  # noqa: ANN401, OpenVINO's has no types
    """Return a graph that is ready to run: call it with a list of its inputs.

    Raises:
        ModelError: OpenVINO is missing.
    """
    return import_openvino().compile_model(file, "CPU", LATENCY)


@cache
def import_openvino() -> ModuleType:
    """Import OpenVINO without the package by which it would tell its makers of every use.

    Raises:
        ModelError: It is missing.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    try:
        import openvino
    except ImportError:
        raise ModelError("OpenVINO is missing; install it with: pip install openvino") from None
    module: ModuleType = openvino
    return module
