"""The network of a run: from the name of a trunk to the symbol that is trained, and its changes.

What a symbol cannot be told after it was made (that weight decay spares a parameter, that batch
normalization keeps its statistics, that layers learn at rates of their own) is written into its
JSON: a changed copy is made, never the symbol itself. So each is one attribute of a node, which
MXNet itself reads, and a checkpoint shows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import mxnet as mx
import numpy as np

from ..model import Arrays, find_epoch
from ..nets import (
    TrunkOrNet,
    features_of,
    joined_layers,
    load_trunk,
    module_params,
    named_trunk,
    stage_layers,
    training_symbol,
)
from ..tasks import TaskSet
from ._from_run import same_heads
from ._pretrained import read_weights
from ._settings import STAGES, Settings

Node = dict[str, Any]
DECAYING = "_weight"  # what weight decay is for; biases and norms (gamma, beta) are left alone
RANDOM = ("Dropout", "RNN")  # operators that draw; so do all named *random* or *sample*


class SymbolAndParams(NamedTuple):
    """A training symbol, and the values of its parameters as far as there are some."""

    symbol: mx.sym.Symbol
    args: Arrays
    auxs: Arrays


def make_network(
    settings: Settings,
    tasks: TaskSet,
    network: TrunkOrNet | None = None,
    constants: Mapping[str, Sequence[float]] = {},
) -> SymbolAndParams:
    """Return the training symbol, and the parameters that have values already.

    ``network`` is a trunk, a `MultiTaskNet` or a Symbol to train instead of ``settings.trunk``.
    Heads without values begin at the ``constants`` of their tasks.
    """
    # Names begin anew, so that the same settings give the same names each time in a process.
    with mx.name.NameManager():
        if network is None:
            network, args, auxs = _trunk(settings)
            if settings.finetune and not args:
                raise ValueError(
                    f"finetune={settings.finetune} begins from trained weights: give weights, or "
                    "a trunk that has a package. mxmtl trunks lists them."
                )
        else:
            _refuse_weights(settings, "network= brings its own")
            args, auxs = _values(network)
        heads = None if settings.heads == "linear" else settings.heads
        symbol = training_symbol(network, tasks, heads=heads)
    if settings.weights:
        shapes, _, _ = symbol.infer_shape_partial(data=(1, *settings.data_shape))
        wanted = dict(zip(symbol.list_arguments(), shapes))
        args = {**args, **same_heads(settings.weights, tasks, wanted)}
    return SymbolAndParams(begin_at(only_weights_decay(symbol), tasks, constants), args, auxs)


def check_shapes(symbol: mx.sym.Symbol, batches: mx.io.DataIter) -> None:
    """Raise `ValueError` unless the network takes such batches; MXNet says so only when bound."""
    shapes = dict(batches.provide_data + batches.provide_label)
    try:
        symbol.infer_shape_partial(**shapes)
    except mx.MXNetError as error:
        reason = str(error).strip().splitlines()[-1].replace("MXNetError: ", "")
        raise ValueError(
            f"the network does not take images of shape {shapes['data'][1:]} ({reason}). "
            "Larger images, or another trunk?"
        ) from error


def _trunk(settings: Settings) -> SymbolAndParams:
    epoch = find_epoch(settings.trunk)
    if epoch is not None:
        _refuse_weights(settings, "the checkpoint has its own")
        symbol, args, auxs = load_trunk(settings.trunk, epoch, layer=settings.layer)
        return _of(_joined(symbol, settings), args, auxs)
    weights = read_weights(settings.weights, settings.trunk) if settings.weights else None
    tensorflow = weights is None or weights.fit is None or weights.fit.tensorflow
    trunk = named_trunk(settings.trunk, tensorflow=tensorflow)
    symbol = trunk(mx.sym.var("data"))
    if weights is None:
        return SymbolAndParams(_joined(symbol, settings), {}, {})
    weights.check(symbol)
    if weights.fit is not None and weights.fit.change is not None:
        symbol = rewrite(symbol, weights.fit.change)
    symbol = _joined(symbol, settings)  # what no layer needs, the file need not have
    args, auxs = weights.fill(
        symbol, names=settings.weights_map, data_shape=settings.data_shape, block=trunk
    )
    return SymbolAndParams(symbol, args, auxs)


def _joined(symbol: mx.sym.Symbol, settings: Settings) -> mx.sym.Symbol:
    layers: Sequence[str] = settings.layers
    if layers == (STAGES,):
        layers = stage_layers(symbol, settings.data_shape)
    return joined_layers(symbol, layers) if layers else symbol


def _of(symbol: mx.sym.Symbol, args: Arrays, auxs: Arrays) -> SymbolAndParams:
    """Return a symbol with those parameters that it has."""
    known, known_aux = set(symbol.list_arguments()), set(symbol.list_auxiliary_states())
    return SymbolAndParams(
        symbol,
        {name: array for name, array in args.items() if name in known},
        {name: array for name, array in auxs.items() if name in known_aux},
    )


def _refuse_weights(settings: Settings, reason: str) -> None:
    if settings.weights:
        raise ValueError(f"weights={settings.weights!r} goes with the name of a trunk; {reason}.")


def _values(network: Any) -> tuple[Arrays, Arrays]:
    return module_params(network) if isinstance(network, mx.gluon.HybridBlock) else ({}, {})


# -- changes to a symbol's nodes ----------------------------------------------------------------
def nodes(symbol: mx.sym.Symbol) -> list[Node]:
    """Return the nodes of a symbol: variables have op "null"."""
    return list(json.loads(symbol.tojson(remove_amp_cast=False))["nodes"])


def rewrite(symbol: mx.sym.Symbol, change: Callable[[list[Node]], None]) -> mx.sym.Symbol:
    """Return a copy in which ``change`` was applied to the list of nodes; each has ``attrs``."""
    graph = json.loads(symbol.tojson(remove_amp_cast=False))
    for node in graph["nodes"]:
        node.setdefault("attrs", {})
    change(graph["nodes"])
    for node in graph["nodes"]:
        if not node["attrs"]:
            del node["attrs"]
    return mx.sym.load_json(json.dumps(graph, ensure_ascii=False))


def edit(symbol: mx.sym.Symbol, change: Callable[[Node], None]) -> mx.sym.Symbol:
    """Return a copy in which ``change`` was applied to every node; it edits ``attrs``."""

    def change_all(graph: list[Node]) -> None:
        for node in graph:
            change(node)

    return rewrite(symbol, change_all)


def draws_random_numbers(symbol: mx.sym.Symbol) -> bool:
    """Tell whether a forward pass may depend on MXNet's random numbers."""
    return any(
        (node["op"] in RANDOM and float(node["attrs"].get("p", 0.5)) > 0)
        or "random" in node["op"].lower()
        or "sample" in node["op"].lower()
        or node.get("attrs", {}).get("act_type") == "rrelu"
        for node in nodes(symbol)
    )


def only_weights_decay(symbol: mx.sym.Symbol) -> mx.sym.Symbol:
    """Mark what weight decay is not for: MXNet's own rule spares biases, and decays gammas."""

    def change(node: Node) -> None:
        if node["op"] == "null" and not node["name"].endswith(DECAYING):
            node["attrs"]["__wd_mult__"] = "0.0"

    return edit(symbol, change)


def begin_at(
    symbol: mx.sym.Symbol, tasks: TaskSet, constants: Mapping[str, Sequence[float]]
) -> mx.sym.Symbol:
    """Return the symbol whose heads begin about a constant answer, wherever its values are drawn.

    Biases of 0 are wrong by far about rare classes, and the first gradients are spent on that.
    """
    starts: dict[str, mx.init.Initializer] = {}
    for task in tasks:
        answer = constants.get(task.name)
        logits = None if answer is None else task.logits_of(np.array(answer))
        if logits is not None:
            starts[f"{task.name}_bias"] = mx.init.Constant(logits)

    def change(node: Node) -> None:
        if node["op"] == "null" and node["name"] in starts:
            node["attrs"]["__init__"] = starts[node["name"]].dumps()

    return edit(symbol, change)


def trunk_params(symbol: mx.sym.Symbol, tasks: TaskSet) -> list[str]:
    """Return the names of the trunk's parameters, from the first layer on."""
    return [name for name in features_of(symbol, tasks).list_arguments() if name != "data"]


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
    layer: dict[str, int] = {}
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


def decay_heads(symbol: mx.sym.Symbol, tasks: TaskSet, factor: float) -> mx.sym.Symbol:
    """Give the weights of the heads so many times the weight decay."""
    if factor == 1.0:
        return symbol
    trunk = set(trunk_params(symbol, tasks))

    def change(node: Node) -> None:
        own = node["op"] == "null" and node["name"] not in trunk
        if own and node["name"].endswith(DECAYING):
            node["attrs"]["__wd_mult__"] = repr(factor)

    return edit(symbol, change)


def tell_epoch(module: mx.mod.Module, tasks: TaskSet, epoch: int) -> None:
    """Say how many epochs are finished, where what a missing label is taken for depends on it."""
    told = {name: mx.nd.full((1,), epoch) for name in tasks.epoch_names}
    if told:
        module.set_params(told, {}, allow_missing=True, force_init=True)
