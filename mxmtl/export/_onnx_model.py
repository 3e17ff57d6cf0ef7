"""A whole ONNX model: preprocessing, network, activations, and what they mean as metadata."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any, Dict, Mapping

import mxnet as mx
import numpy as np

from .._version import __version__
from ..model import Model, ModelFile
from ..nets import logits_symbol
from ..tasks import Task
from ._onnx_convert import check_operators, convert
from ._onnx_graph import IR_VERSION, OPSET, Graph, import_onnx

FORMAT = "1"  # of the metadata
LIMIT = 2**31 - 1  # bytes in one protobuf message
INPUT = "images"


def predictions_symbol(model: Model) -> mx.sym.Symbol:
    """Return the network with activations and temperatures: its outputs are predictions."""
    logits = logits_symbol(model.symbol, model.tasks)
    temperature = model.file.temperature
    with mx.name.NameManager():  # the same names each time, so the same files
        outputs = [
            task.activate(mx.sym, _cooled(part, temperature.get(task.name, 1.0)), name=task.name)
            for task, part in zip(model.tasks, logits)
        ]
    return mx.sym.Group(outputs)


def _cooled(logits: mx.sym.Symbol, temperature: float) -> mx.sym.Symbol:
    return logits if temperature == 1.0 else logits / temperature


def onnx_bytes(model: Model, *, inside: bool = True, metadata: Mapping[str, str] = {}) -> bytes:
    """Return the content of an ONNX file that predicts what the model predicts.

    Parameters
    ----------
    model : Model
        From `load_model`.
    inside : bool
        Whether the graph takes pixels, uint8 (N, height, width, channels), and scales them
        itself; else it takes what `Preprocessing` makes, float32 (N, channels, height, width).
    metadata : mapping of str
        More ``metadata_props`` for the file, such as ``license``; not ``mxmtl.*``.

    Raises
    ------
    UnsupportedOperatorError
        Naming what cannot be put into ONNX, before anything is computed.
    ValueError
        If the file would be larger than ONNX allows, or the checker refuses it; for metadata
        that mxmtl writes itself.
    """
    own = sorted(name for name in metadata if name.startswith("mxmtl."))
    if own:
        raise ValueError(f"metadata {own}: what begins with mxmtl. is written by mxmtl itself.")
    symbol = predictions_symbol(model)
    check_operators(symbol)
    onnx = import_onnx()
    shape = tuple(model.file.preprocessing.data_shape)
    name = input_name(model)
    graph = Graph([name, *model.tasks.names])
    data = _prepared(graph, name, model.file) if inside else name
    args, auxs = model.params
    made = convert(graph, symbol, {**args, **auxs}, data=data, data_shape=shape)
    for tensor, task in zip(made, model.tasks):
        graph.output(tensor, task.name)
    info, kinds = onnx.helper.make_tensor_value_info, onnx.TensorProto
    taken = (kinds.UINT8, ["N", *shape[1:], shape[0]]) if inside else (kinds.FLOAT, ["N", *shape])
    given = [info(task.name, kinds.FLOAT, ["N", task.num_outputs]) for task in model.tasks]
    proto = onnx.helper.make_model(
        onnx.helper.make_graph(
            graph.nodes, "mxmtl", [info(name, *taken)], given, graph.used_initializers()
        ),
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="mxmtl",
        producer_version=__version__,
    )
    onnx.helper.set_model_props(proto, {**describe(model, inside), **metadata})
    return _checked(onnx, proto)


def describe(model: Model, inside: bool) -> Dict[str, str]:
    """Return the metadata by which a reader without mxmtl knows what goes in and comes out."""
    facts = {
        "mxmtl.outputs": [_output(task, model.file) for task in model.tasks],
        "mxmtl.preprocessing": {**asdict(model.file.preprocessing), "inside": inside},
        "mxmtl.tasks": model.tasks.to_dict(),
        "mxmtl.temperature": model.file.temperature,
    }
    texts = {name: json.dumps(fact, ensure_ascii=False) for name, fact in facts.items()}
    return {"mxmtl.format": FORMAT, "mxmtl.model": model.name, **texts}


def _output(task: Task, file: ModelFile) -> Dict[str, Any]:
    # Thresholds as they are in force, also where none were tuned.
    answer = task.answer(np.zeros(task.num_outputs), file.thresholds.get(task.name))
    output = {"name": task.name, "kind": task.kind, "names": list(task.names)}
    return {**output, "thresholds": list(answer.thresholds.values())}


def input_name(model: Model) -> str:
    """Return the name of the input: ``images``, unless a task is called so."""
    return INPUT if INPUT not in model.tasks.names else f"{INPUT}:0"


def _prepared(graph: Graph, pixels: str, file: ModelFile) -> str:
    # The same steps in the same order as Normalize takes, so that the bits agree.
    preprocessing = file.preprocessing
    mean, std = (np.array(levels, np.float64) for levels in (preprocessing.mean, preprocessing.std))
    scale, shift = (part.astype(np.float32).reshape(1, -1, 1, 1) for part in (1 / std, mean / std))
    data = graph.add("Cast", [pixels], "pixels", to=1)  # 1 is float32
    data = graph.add("Transpose", [data], "planes", perm=[0, 3, 1, 2])
    data = graph.add("Mul", [data, graph.constant(scale)], "scaled")
    return graph.add("Sub", [data, graph.constant(shift)], "normalized")


def _checked(onnx: Any, proto: Any) -> bytes:
    if proto.ByteSize() > LIMIT:
        raise ValueError(f"the model has {proto.ByteSize()} bytes; an ONNX file holds {LIMIT}.")
    try:
        onnx.checker.check_model(proto, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ValueError(f"ONNX's checker refuses the model: {error}") from error
    content: bytes = proto.SerializeToString()
    return content
