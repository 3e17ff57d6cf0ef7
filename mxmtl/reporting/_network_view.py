"""Where the boxes of a drawn network stand."""

from __future__ import annotations

import math
from typing import Any, Dict, List, Mapping

from ._task_tables import shape

STEP, GAP, HEAD, HEADS, STAGES = 118, 26, 40, 16, 10  # units of the drawing; boxes at most
LOW, HIGH = 34.0, 150.0  # heights of a stage


def drawn(network: Mapping[str, Any]) -> Dict[str, Any]:
    """Return boxes with places and texts: ``stages``, ``heads``, ``width``, ``height``."""
    first = {"shape": network["input"], "layers": {"input": 1}, "parameters": 0}
    stages = shortened([first, *network["stages"]])
    heads = network["heads"][:HEADS]
    more = len(network["heads"]) - len(heads)
    height = max(HIGH + 96, (len(heads) + bool(more)) * HEAD + 24)
    middle = (height - 64) / 2 if len(heads) * HEAD < height - 40 else height / 2 - 24
    edges = [math.sqrt(area(stage)) for stage in stages]
    boxes: List[Dict[str, Any]] = []
    for number, (stage, edge) in enumerate(zip(stages, edges)):
        part = math.log(max(edge, 1)) / math.log(max(*edges, 2))
        tall = LOW + (HIGH - LOW) * part
        box = {"x": 12 + number * STEP, "y": middle - tall / 2, "height": tall, "width": STEP - GAP}
        boxes.append({**box, "shape": shape(stage["shape"]), "lines": lines(stage)})
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


def shortened(stages: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    """Put the stages in the middle into one, where there are too many to draw."""
    if len(stages) <= STAGES:
        return stages
    middle = stages[STAGES // 2 : len(stages) - STAGES // 2 + 1]
    layers: Dict[str, int] = {}
    for stage in middle:
        for kind, count in stage["layers"].items():
            layers[kind] = layers.get(kind, 0) + count
    joined = {
        "shape": middle[-1]["shape"],
        "layers": layers,
        "parameters": sum(stage["parameters"] for stage in middle),
    }
    return [*stages[: STAGES // 2], joined, *stages[len(stages) - STAGES // 2 + 1 :]]


def area(stage: Mapping[str, Any]) -> int:
    """Return height times width of a stage's maps."""
    return math.prod(stage["shape"][1:])


def lines(stage: Mapping[str, Any]) -> List[str]:
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
