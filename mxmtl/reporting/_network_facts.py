"""What a network looks like: stages of the trunk, and heads, with shapes and parameter counts."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, Dict, List, Tuple

import mxnet as mx
import numpy as np

from ..nets import logits_symbol
from ..tasks import TaskSet

Shape = Tuple[int, ...]


def network_facts(symbol: mx.sym.Symbol, tasks: TaskSet, data_shape: Shape) -> Dict[str, Any]:
    """Return stages of the trunk and the heads, JSON-able.

    A stage is all layers in a row whose maps have the same height and width. Shapes are without
    the batch; parameters include the statistics of batch normalization.
    """
    logits = logits_symbol(symbol, tasks)
    sizes = parameter_sizes(logits, data_shape)
    heads: List[Dict[str, Any]] = [
        {
            "name": task.name,
            "type": type(task).__name__,
            "outputs": task.num_logits,
            "weight": float(task.weight),
            "parameters": sizes.get(f"{task.name}_weight", 0) + sizes.get(f"{task.name}_bias", 0),
        }
        for task in tasks
    ]
    stages = trunk_stages(logits, tasks, data_shape, sizes)
    return {
        "input": list(data_shape),
        "stages": stages,
        "heads": heads,
        "parameters": sum(sizes.values()),
        "trunk_parameters": sum(sizes.values()) - sum(h["parameters"] for h in heads),
    }


def parameter_sizes(symbol: mx.sym.Symbol, data_shape: Shape) -> Dict[str, int]:
    """Return the number of values of each parameter by name."""
    arguments, _, states = symbol.infer_shape(data=(1, *data_shape))
    names = [*symbol.list_arguments(), *symbol.list_auxiliary_states()]
    shapes = dict(zip(names, [*arguments, *states]))
    return {name: int(np.prod(shape)) for name, shape in shapes.items() if name != "data"}


def trunk_stages(
    symbol: mx.sym.Symbol, tasks: TaskSet, data_shape: Shape, sizes: Dict[str, int]
) -> List[Dict[str, Any]]:
    """Group the layers of the trunk, in the order of computation."""
    heads = {f"{task.name}_{part}" for task in tasks for part in ("weight", "bias", "fwd")}
    shapes = output_shapes(symbol, data_shape)
    stages: List[Dict[str, Any]] = []
    waiting = 0  # parameters stand before the layer that they belong to
    for node in json.loads(symbol.tojson())["nodes"]:
        name = node["name"]
        if name in heads or name not in shapes:
            continue
        if node["op"] == "null":
            waiting += sizes.get(name, 0)
            continue
        layer = {"shape": shapes[name], "layers": Counter([node["op"]]), "parameters": waiting}
        waiting = 0
        # A branch that looks at the whole map (squeeze and excitation) belongs to its stage.
        while len(stages) > 1 and area(stages[-1]) < area(layer) <= area(stages[-2]):
            joined(stages, stages.pop())
        if stages and area(stages[-1]) == area(layer):
            stages[-1]["shape"] = layer["shape"]
            joined(stages, layer)
        else:
            stages.append(layer)
    return stages


def area(stage: Dict[str, Any]) -> int:
    """Return height times width; 1 of flat features."""
    return int(np.prod(stage["shape"][1:], dtype=np.int64))


def joined(stages: List[Dict[str, Any]], more: Dict[str, Any]) -> None:
    """Add layers to the last stage."""
    stages[-1]["layers"] += more["layers"]
    stages[-1]["parameters"] += more["parameters"]


def output_shapes(symbol: mx.sym.Symbol, data_shape: Shape) -> Dict[str, List[int]]:
    """Return the shape of each layer's first output, without the batch, by the layer's name."""
    internals = symbol.get_internals()
    _, shapes, _ = internals.infer_shape(data=(1, *data_shape))
    found: Dict[str, List[int]] = {}
    for node, shape in zip(internals, shapes):
        found.setdefault(node.name, list(shape[1:]))
    return found
