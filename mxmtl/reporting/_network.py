"""What a network looks like: stages of the trunk and heads, counted, and as boxes of a drawing."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

import mxnet as mx
import numpy as np

from ..nets import features_of, logits_symbol
from ..tasks import TaskSet
from ._run_tables import shape_text

Shape = tuple[int, ...]
STEP, GAP, HEAD, HEADS, STAGES = 118, 26, 40, 16, 10  # units of the drawing; boxes at most
LOW, HIGH = 34.0, 150.0  # heights of a stage


def network_facts(symbol: mx.sym.Symbol, tasks: TaskSet, data_shape: Shape) -> dict[str, Any]:
    """Return stages of the trunk and the heads, JSON-able.

    A stage is all layers in a row whose maps have the same height and width. Shapes are without
    the batch; parameters include the statistics of batch normalization.
    """
    logits, trunk = logits_symbol(symbol, tasks), features_of(symbol, tasks)
    sizes, below = parameter_sizes(logits, data_shape), parameter_sizes(trunk, data_shape)
    own = {
        task.name: sum(sizes[name] for name in part.list_arguments() if name in {*sizes} - {*below})
        for task, part in zip(tasks, logits)
    }
    heads: list[dict[str, Any]] = [
        {
            "name": task.name,
            "type": type(task).__name__,
            "outputs": task.num_logits,
            "weight": float(task.weight),
            "parameters": own[task.name],  # experts are counted for each task that reads them
        }
        for task in tasks
    ]
    stages = trunk_stages(trunk, data_shape, sizes)
    return {
        "input": list(data_shape),
        "stages": stages,
        "heads": heads,
        "parameters": sum(sizes.values()),
        "trunk_parameters": sum(below.values()),
    }


def parameter_sizes(symbol: mx.sym.Symbol, data_shape: Shape) -> dict[str, int]:
    """Return the number of values of each parameter by name."""
    arguments, _, states = symbol.infer_shape(data=(1, *data_shape))
    names = [*symbol.list_arguments(), *symbol.list_auxiliary_states()]
    shapes = dict(zip(names, [*arguments, *states]))
    return {name: int(np.prod(shape)) for name, shape in shapes.items() if name != "data"}


def trunk_stages(
    symbol: mx.sym.Symbol, data_shape: Shape, sizes: dict[str, int]
) -> list[dict[str, Any]]:
    """Group the layers of the trunk, in the order of computation."""
    shapes = output_shapes(symbol, data_shape)
    stages: list[dict[str, Any]] = []
    waiting = 0  # parameters stand before the layer that they belong to
    for node in json.loads(symbol.tojson())["nodes"]:
        name = node["name"]
        if name not in shapes:
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


def area(stage: Mapping[str, Any]) -> int:
    """Return height times width of a stage's maps; 1 of flat features."""
    return int(np.prod(stage["shape"][1:], dtype=np.int64))


def joined(stages: list[dict[str, Any]], more: dict[str, Any]) -> None:
    """Add layers to the last stage."""
    stages[-1]["layers"] += more["layers"]
    stages[-1]["parameters"] += more["parameters"]


def output_shapes(symbol: mx.sym.Symbol, data_shape: Shape) -> dict[str, list[int]]:
    """Return the shape of each layer's first output, without the batch, by the layer's name."""
    internals = symbol.get_internals()
    _, shapes, _ = internals.infer_shape(data=(1, *data_shape))
    found: dict[str, list[int]] = {}
    for node, shape in zip(internals, shapes):
        found.setdefault(node.name, list(shape[1:]))
    return found


# -- where the boxes of a drawing stand ------------------------------------------------------------
def drawn(network: Mapping[str, Any]) -> dict[str, Any]:
    """Return boxes with places and texts: ``stages``, ``heads``, ``width``, ``height``."""
    first = {"shape": network["input"], "layers": {"input": 1}, "parameters": 0}
    stages = shortened([first, *network["stages"]])
    heads = network["heads"][:HEADS]
    more = len(network["heads"]) - len(heads)
    height = max(HIGH + 96, (len(heads) + bool(more)) * HEAD + 24)
    middle = (height - 64) / 2 if len(heads) * HEAD < height - 40 else height / 2 - 24
    edges = [math.sqrt(area(stage)) for stage in stages]
    boxes: list[dict[str, Any]] = []
    for number, (stage, edge) in enumerate(zip(stages, edges)):
        part = math.log(max(edge, 1)) / math.log(max(*edges, 2))
        tall = LOW + (HIGH - LOW) * part
        box = {"x": 12 + number * STEP, "y": middle - tall / 2, "height": tall, "width": STEP - GAP}
        boxes.append({**box, "shape": shape_text(stage["shape"]), "lines": stage_lines(stage)})
    right = 12 + len(stages) * STEP + 60
    top = height / 2 - (len(heads) + bool(more)) * HEAD / 2
    placed = [
        {"x": right, "y": top + number * HEAD, **head, "count": short(head["parameters"])}
        for number, head in enumerate(heads)
    ]
    return {
        "stages": boxes, "heads": placed, "more": more, "more_y": top + len(heads) * HEAD,
        "middle": middle, "right": right, "width": right + 248, "height": height,
        "base": middle + HIGH / 2 + 18,
    }  # fmt: skip


def shortened(stages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Put the stages in the middle into one, where there are too many to draw."""
    if len(stages) <= STAGES:
        return stages
    middle = stages[STAGES // 2 : len(stages) - STAGES // 2 + 1]
    layers: dict[str, int] = {}
    for stage in middle:
        for kind, count in stage["layers"].items():
            layers[kind] = layers.get(kind, 0) + count
    joined = {
        "shape": middle[-1]["shape"],
        "layers": layers,
        "parameters": sum(stage["parameters"] for stage in middle),
    }
    return [*stages[: STAGES // 2], joined, *stages[len(stages) - STAGES // 2 + 1 :]]


def stage_lines(stage: Mapping[str, Any]) -> list[str]:
    """Say what is in a stage: what it has most of, and its parameters."""
    most = sorted(stage["layers"].items(), key=lambda pair: -pair[1])[:2]
    texts = [kind if count == 1 else f"{count} {kind}" for kind, count in most]
    return [*texts, f"{short(stage['parameters'])} parameters"] if stage["parameters"] else texts


def short(number: int) -> str:
    """Write a number with three digits: 11.2 M.

    >>> short(512), short(11186112)
    ('512', '11.2 M')
    """
    for unit, size in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return str(number)
