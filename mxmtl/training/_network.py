"""From the name of a trunk to the symbol that is trained, and its first parameters."""

from __future__ import annotations

from typing import Any, NamedTuple, Optional, Tuple, Union

import mxnet as mx

from ..model import Arrays, find_epoch
from ..nets import (
    efficientnet_lite_trunk,
    joined_layers,
    load_trunk,
    module_params,
    small_trunk,
    training_symbol,
    zoo_trunk,
)
from ..tasks import TaskSet
from ._pretrained import LITE0, load_weights
from ._settings import Settings
from ._symbol_json import Node, edit

Network = Union[mx.sym.Symbol, mx.gluon.HybridBlock]
DECAYING = "_weight"  # what weight decay is for; biases and norms (gamma, beta) are left alone


class Trained(NamedTuple):
    """A training symbol, and the values of its parameters as far as there are some."""

    symbol: mx.sym.Symbol
    args: Arrays
    auxs: Arrays


def make_network(settings: Settings, tasks: TaskSet, network: Optional[Network] = None) -> Trained:
    """Return the training symbol, and the parameters that have values already.

    ``network`` is a trunk, a `MultiTaskNet` or a Symbol to train instead of ``settings.trunk``.
    """
    # Names begin anew, so that the same settings give the same names each time in a process.
    with mx.name.NameManager():
        if network is None:
            network, args, auxs = _trunk(settings)
        else:
            _refuse_weights(settings, "network= brings its own")
            args, auxs = _values(network)
        symbol = training_symbol(network, tasks)
    return Trained(only_weights_decay(symbol), args, auxs)


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


def _trunk(settings: Settings) -> Trained:
    trunk = _whole_trunk(settings)
    if not settings.layers:
        return trunk
    symbol = joined_layers(trunk.symbol, settings.layers)
    args, auxs = set(symbol.list_arguments()), set(symbol.list_auxiliary_states())
    return Trained(
        symbol,
        {name: array for name, array in trunk.args.items() if name in args},
        {name: array for name, array in trunk.auxs.items() if name in auxs},
    )


def _whole_trunk(settings: Settings) -> Trained:
    epoch = find_epoch(settings.trunk)
    if epoch is not None:
        _refuse_weights(settings, "the checkpoint has its own")
        return Trained(*load_trunk(settings.trunk, epoch, layer=settings.layer))
    if settings.trunk == "small":
        trunk = small_trunk()
    else:
        lite = settings.trunk == LITE0
        trunk = efficientnet_lite_trunk() if lite else zoo_trunk(settings.trunk)
    symbol = trunk(mx.sym.var("data"))
    if not settings.weights:
        return Trained(symbol, {}, {})
    args, auxs = load_weights(
        settings.weights, settings.trunk, symbol,
        names=settings.weights_map, data_shape=settings.data_shape,
    )  # fmt: skip
    return Trained(symbol, args, auxs)


def _refuse_weights(settings: Settings, reason: str) -> None:
    if settings.weights:
        raise ValueError(f"weights={settings.weights!r} goes with the name of a trunk; {reason}.")


def _values(network: Any) -> Tuple[Arrays, Arrays]:
    return module_params(network) if isinstance(network, mx.gluon.HybridBlock) else ({}, {})


def only_weights_decay(symbol: mx.sym.Symbol) -> mx.sym.Symbol:
    """Mark what weight decay is not for: MXNet's own rule spares biases, and decays gammas."""

    def change(node: Node) -> None:
        if node["op"] == "null" and not node["name"].endswith(DECAYING):
            node["attrs"]["__wd_mult__"] = "0.0"

    return edit(symbol, change)
