"""From an MXNet symbol and its parameters to an ONNX file.

MXNet 1.9.1 has an exporter of its own. It writes the newest opset's number on graphs of opset 13,
needs an onnx package below 1.19, and exports a fixed gamma with whatever the unused parameter
holds, without a word. So the symbol's JSON is read here, and translated one operator at a time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import mxnet as mx
import numpy as np

from . import _arithmetic, _layers
from ._graph import IR_VERSION, OPSET, Graph, Node, Shape, UnsupportedOperatorError, import_onnx

# MXNet's operators, by the names that symbols have them under: one function each.
OPERATORS: dict[str, Any] = {**_layers.OPERATORS, **_arithmetic.OPERATORS}
Params = Mapping[str, mx.nd.NDArray]
Place = tuple[int, int]  # number of a node, and of its output
Widths = Sequence[tuple[str, int]]  # outputs by name: how many numbers an image
LIMIT = 2**31 - 1  # bytes in one protobuf message


def check_operators(symbol: mx.sym.Symbol) -> None:
    """Raise `UnsupportedOperatorError` naming all operators of a symbol that ONNX cannot get."""
    unknown: dict[str, str] = {}
    for node in json.loads(symbol.tojson())["nodes"]:
        if node["op"] != "null" and node["op"] not in OPERATORS:
            unknown.setdefault(node["op"], node["name"])
    if unknown:
        listed = ", ".join(f"{op} (such as node {name!r})" for op, name in unknown.items())
        raise UnsupportedOperatorError(
            f"this network cannot be put into ONNX: no translation of the operator {listed}. "
            "--format mxnet and --format gluon export any network."
        )


def convert(
    graph: Graph,
    symbol: mx.sym.Symbol,
    params: Params,
    *,
    data: str,
    data_shape: tuple[int, ...],
) -> list[str]:
    """Append a symbol's nodes to a graph; return the tensors of its outputs.

    The symbol has the input ``data`` and nothing else that is not in ``params`` (arguments and
    auxiliary states together); ``data`` names the tensor for it, float32, N times ``data_shape``.

    Raises
    ------
    UnsupportedOperatorError
        Naming the operator, and the option where only that is not known.
    ValueError
        If a parameter is missing.
    """
    check_operators(symbol)
    spec, shapes = json.loads(symbol.tojson()), _shapes(symbol, data_shape)
    tensors: dict[Place, str] = {}
    arrays: dict[int, np.ndarray] = {}
    for number, entry in enumerate(spec["nodes"]):
        if entry["op"] == "null":
            tensors[number, 0] = data
            if entry["name"] != "data":
                arrays[number] = _values(params, entry["name"])
                tensors[number, 0] = graph.parameter(entry["name"], arrays[number])
            continue
        places = [(source, index) for source, index, *_ in entry["inputs"]]
        read = [_tensor(spec, tensors, place) for place in places]
        taken = [shapes[place] for place in places]
        given = [shape for place, shape in shapes.items() if place[0] == number]
        node = Node(entry, read, taken, given, [arrays.get(source) for source, _ in places])
        made = OPERATORS[node.op](graph, node)
        node.check_all_read()
        for index, tensor in enumerate([made] if isinstance(made, str) else made):
            tensors[number, index] = tensor
    return [_tensor(spec, tensors, (source, index)) for source, index, *_ in spec["heads"]]


def _values(params: Params, name: str) -> np.ndarray:
    if name not in params:
        raise ValueError(f"the network has an input {name!r} that is no parameter.")
    values: np.ndarray = params[name].asnumpy()
    return values


def _tensor(spec: dict[str, Any], tensors: dict[Place, str], place: Place) -> str:
    if place not in tensors:
        entry = spec["nodes"][place[0]]
        raise UnsupportedOperatorError(
            f"operator {entry['op']} (node {entry['name']!r}) cannot be put into ONNX: its output "
            f"{place[1]} is used, which exists in training alone."
        )
    return tensors[place]


def _shapes(symbol: mx.sym.Symbol, data_shape: tuple[int, ...]) -> dict[Place, Shape]:
    # What differs between two and three images is the batch.
    internals = symbol.get_internals()
    two, three = (internals.infer_shape(data=(count, *data_shape))[1] for count in (2, 3))
    heads = json.loads(internals.tojson())["heads"]
    return {
        (source, index): tuple(a if a == b else -1 for a, b in zip(*pair))
        for (source, index, *_), pair in zip(heads, zip(two, three))
    }


def finished(
    graph: Graph,
    taken: tuple[str, np.dtype, Sequence[Any]],
    outputs: Widths,
    *,
    metadata: Mapping[str, str],
    version: str,
) -> bytes:
    """Return the content of an ONNX file, once ONNX's checker has seen it.

    Parameters
    ----------
    graph : Graph
        Its outputs have been given their names.
    taken : (str, dtype, sequence)
        The input: its name, its type, and its shape, ``"N"`` for the batch.
    outputs : sequence of (str, int)
        float32, (N, width) each.
    metadata : mapping of str
        The file's ``metadata_props``.
    version : str
        Of mxmtl, the producer.

    Raises
    ------
    ValueError
        If the file would be larger than ONNX allows, or the checker refuses it.
    """
    onnx = import_onnx()
    info, (name, dtype, shape) = onnx.helper.make_tensor_value_info, taken
    kinds = {"uint8": onnx.TensorProto.UINT8, "float32": onnx.TensorProto.FLOAT}
    given = [info(output, onnx.TensorProto.FLOAT, ["N", width]) for output, width in outputs]
    asked = [info(name, kinds[np.dtype(dtype).name], list(shape))]
    proto = onnx.helper.make_model(
        onnx.helper.make_graph(graph.nodes, "mxmtl", asked, given, graph.used_initializers()),
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="mxmtl",
        producer_version=version,
    )
    onnx.helper.set_model_props(proto, dict(metadata))
    if proto.ByteSize() > LIMIT:
        raise ValueError(f"the model has {proto.ByteSize()} bytes; an ONNX file holds {LIMIT}.")
    try:
        onnx.checker.check_model(proto, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ValueError(f"ONNX's checker refuses the model: {error}") from error
    content: bytes = proto.SerializeToString()
    return content
