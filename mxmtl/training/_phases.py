"""The parts of a run: first with the trunk frozen, then whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List

import mxnet as mx

from ..tasks import TaskSet
from ._settings import Settings
from ._symbol_json import Node, edit, nodes


@dataclass(frozen=True)
class Phase:
    """Epochs that are trained with one optimizer and one schedule.

    Attributes
    ----------
    begin, end : int
        From the epoch ``begin`` to before ``end``.
    frozen : bool
        Whether only the heads learn.
    lr : float
        Highest learning rate.
    """

    begin: int
    end: int
    frozen: bool
    lr: float


def make_phases(settings: Settings) -> List[Phase]:
    """Return the phases of a run that have epochs."""
    frozen = settings.frozen_epochs
    both = [
        Phase(0, frozen, True, settings.frozen_lr or settings.lr),
        Phase(frozen, settings.num_epochs, False, settings.lr),
    ]
    return [phase for phase in both if phase.begin < phase.end]


def head_params(tasks: TaskSet) -> List[str]:
    """Return the names of the heads' parameters."""
    return [f"{name}_{kind}" for name in tasks.names for kind in ("weight", "bias")]


def trunk_params(symbol: mx.sym.Symbol, tasks: TaskSet) -> List[str]:
    """Return the names of the trunk's parameters, from the first layer on."""
    others = {"data", *tasks.label_names, *head_params(tasks)}
    return [name for name in symbol.list_arguments() if name not in others]


def keep_statistics(symbol: mx.sym.Symbol) -> mx.sym.Symbol:
    """Return the symbol whose batch normalization uses its moving statistics and leaves them."""

    def change(node: Node) -> None:
        if node["op"].startswith("BatchNorm"):
            node["attrs"]["use_global_stats"] = "True"

    return edit(symbol, change)


def freeze(symbol: mx.sym.Symbol) -> mx.sym.Symbol:
    """Return the symbol in which a training pass computes what a prediction does.

    Parameters that are fixed are not enough: a training pass would normalize by the batch, move
    the statistics, and drop features out.
    """

    def change(node: Node) -> None:
        if node["op"] == "Dropout":
            node["attrs"].update(p="0.0", mode="training")

    return edit(keep_statistics(symbol), change)


def decay_rates(symbol: mx.sym.Symbol, tasks: TaskSet, share: float) -> mx.sym.Symbol:
    """Give the trunk's first layer ``share`` of the learning rate, geometrically more to later."""
    if share == 1.0:
        return symbol
    trunk = set(trunk_params(symbol, tasks))
    layer: Dict[str, int] = {}
    graph = nodes(symbol)
    for node in graph:
        names = [graph[i[0]]["name"] for i in node["inputs"] if graph[i[0]]["name"] in trunk]
        rank = len(set(layer.values()))
        for name in names:
            layer.setdefault(name, rank)
    depth = max(1, len(set(layer.values())))  # the heads come after the last layer: rate 1

    def change(node: Node) -> None:
        if node["name"] in layer:
            node["attrs"]["__lr_mult__"] = repr(share ** (1 - layer[node["name"]] / depth))

    return edit(symbol, change)
