"""Heads: from the features that the tasks share to each task's logits, by layers of its own.

A head is a chain of fully connected layers, usually of one. It is met in three shapes: as Gluon
blocks, which are trained and called; in the graph of a symbol, as a checkpoint has it; and as a
`Head`, made of either, which can be applied to features again and knows how a gradient at the
logits comes back to the features. Balancing needs the last, before any backward pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import mxnet as mx
import numpy as np

from ..tasks import TaskSet
from ._head_kinds import HeadKind, HeadKinds, head_kinds

MEND = (
    "End the trunk with a flatten (mx.sym.Flatten, gluon.nn.Flatten), after a global average "
    "pooling where it still has height and width; mxmtl.zoo_trunk does so for zoo networks."
)
# Inputs to try a symbol on: its own input size is not known, and the first that fits will do.
# What takes flat input (a variable by itself, say) is the user's to feed with flat input.
PROBES = [(1, 512), *((1, c, size, size) for size in (224, 299, 64, 32, 28) for c in (3, 1))]
DIRECTION = "direction"  # the layer before the last one of a head, where there is one
VIEW = "_view"  # after a task's name: what a balanced head reads
DIRECTION = "direction"  # after a task's name: the layer of a head that has one line
HIDDEN = "_hidden"  # after a task's name: its head's layers before the last


# -- the features -------------------------------------------------------------------------------
def check_flat(features: Any) -> None:
    """Raise `ValueError` if features (NDArray or Symbol) are known not to be (N, num_features)."""
    if not isinstance(features, mx.nd.NDArray | mx.sym.Symbol):
        raise TypeError(f"the trunk returned {type(features).__name__}; expected one array.")
    symbolic = isinstance(features, mx.sym.Symbol)
    if symbolic and len(features.list_outputs()) != 1:
        outputs = features.list_outputs()
        raise ValueError(f"the trunk has outputs {outputs}; expected one. Pick symbol[name].")
    shape = _probe(features) if symbolic else features.shape
    if shape is not None and len(shape) != 2:
        name = features.list_outputs()[0] if symbolic else "its output"
        raise ValueError(
            f"the trunk is not flat: {name} has shape {shape} where (N, num_features) is "
            f"expected. {MEND}"
        )


def _probe(symbol: mx.sym.Symbol) -> tuple[int, ...] | None:
    # The output shape on the first input shape that the symbol accepts; None if none was.
    if "data" not in symbol.list_arguments():
        return None
    for shape in PROBES:
        try:
            _, (output,), _ = symbol.infer_shape_partial(data=shape)
        except mx.MXNetError:
            continue
        if output:
            return output
    return None


# -- as Gluon blocks ------------------------------------------------------------------------------
class Heads(mx.gluon.HybridBlock):
    """Map features (N, num_features) to a list of logits (N, num_logits), in task order.

    Written once for both worlds: called on an NDArray it computes, called on a Symbol it
    builds. The parameters are ``<task>_weight`` and ``<task>_bias`` whatever stands around it,
    and ``<task>_hidden0_weight`` and so on where a head has hidden layers.
    """

    def __init__(self, tasks: TaskSet, heads: HeadKinds = None) -> None:
        super().__init__(prefix="")
        self.tasks = tasks
        self.kinds = head_kinds(heads, tasks)
        for task, kind in zip(tasks, self.kinds):
            prefix, start = f"{task.name}_", task.thresholds_at_start
            last = OneDirection(start, prefix) if start else _dense(task.num_logits, prefix)
            if not kind.hidden:
                self.register_child(last, task.name)
                continue
            layers = mx.gluon.nn.HybridSequential(prefix="")
            for index, width in enumerate(kind.hidden):
                layers.add(_dense(width, f"{task.name}{HIDDEN}{index}_", activation="relu"))
                if kind.dropped:
                    layers.add(mx.gluon.nn.Dropout(kind.dropped))
            layers.add(last)
            self.register_child(layers, task.name)

    def hybrid_forward(self, F: Any, features: Any) -> list[Any]:
        check_flat(features)
        return [head(features) for head in self._children.values()]

    def on(self, F: Any, features: Any) -> list[Head]:
        """Return the heads as balancing takes them: layers, and the features that they read."""
        return [
            Head(features, tuple(_layers(F, features, head, kind, task.num_logits)))
            for head, kind, task in zip(self._children.values(), self.kinds, self.tasks)
        ]


class OneDirection(mx.gluon.HybridBlock):
    """A head whose logits differ in their bias alone: w'f + b_k, as CORAL has it."""

    def __init__(self, start: Sequence[float], prefix: str) -> None:
        super().__init__(prefix=prefix)
        with self.name_scope():
            self.weight = self.params.get("weight", shape=(1, 0), allow_deferred_init=True)
            first = mx.init.Constant(np.array(start, np.float32))
            self.bias = self.params.get("bias", shape=(len(start),), init=first)
        self.bias.wd_mult = 0.0

    def hybrid_forward(self, F: Any, features: Any, weight: Any, bias: Any) -> Any:
        line = F.FullyConnected(
            features, weight, num_hidden=1, no_bias=True, flatten=False, name=DIRECTION
        )
        return F.broadcast_add(line, F.reshape(bias, shape=(1, -1)), name="fwd")


def _dense(width: int, prefix: str, **options: Any) -> mx.gluon.nn.Dense:
    # flatten=False: features that are not flat must not be flattened unnoticed.
    dense = mx.gluon.nn.Dense(width, flatten=False, prefix=prefix, **options)
    dense.bias.wd_mult = 0.0  # Module decays no biases; Gluon's variables would say 1
    return dense


def _layers(F: Any, features: Any, head: Any, kind: HeadKind, last: int) -> Iterator[Layer]:
    parts = head._children.values() if kind.hidden else [head]
    blocks = [block for block in parts if hasattr(block, "weight")]
    for block, width in zip(blocks, [*kind.hidden, last]):
        weight, bias = (
            part.var() if F is mx.sym else part.data(features.context)
            for part in (block.weight, block.bias)
        )
        dropout = None if block is blocks[-1] else kind.dropped
        line = isinstance(block, OneDirection)
        yield Layer(weight, bias, width, block.prefix.removesuffix("_"), dropout, line)


# -- as arrays or symbols --------------------------------------------------------------------------
@dataclass(frozen=True)
class Layer:
    """A fully connected layer: its weight, bias and width, and what it is called in a symbol.

    Behind a hidden layer come a rectifier and dropout; ``dropout`` is None behind the last one.
    A layer of one ``line`` has one row of weights, and outputs that differ in their bias alone.
    """

    weight: Any
    bias: Any
    width: int
    name: str
    dropout: float | None = None
    line: bool = False

    def apply(self, F: Any, features: Any) -> Any:
        """Return what it makes of features (N, F): (N, width)."""
        named = _named(F, f"{self.name}_fwd")
        if not self.line:
            return F.FullyConnected(
                features, self.weight, self.bias, num_hidden=self.width, flatten=False, **named
            )
        line = F.FullyConnected(
            features, self.weight, num_hidden=1, no_bias=True, flatten=False,
            **_named(F, f"{self.name}_{DIRECTION}"),
        )  # fmt: skip
        return F.broadcast_add(line, F.reshape(self.bias, shape=(1, -1)), **named)


@dataclass(frozen=True)
class Head:
    """The layers of a head, and the features (N, F) that it reads."""

    features: Any
    layers: tuple[Layer, ...]

    def still(self, F: Any) -> Head:
        """Return the same head without a gradient."""
        layers = [
            replace(
                layer, weight=F.BlockGrad(layer.weight), bias=F.BlockGrad(layer.bias),
                name=f"balance_{layer.name}",
            )
            for layer in self.layers
        ]  # fmt: skip
        return Head(F.BlockGrad(self.features), tuple(layers))

    def logits(self, F: Any, features: Any, masks: list[Any] | None = None) -> tuple[Any, Any]:
        """Return the logits (N, K) of these features, and what each hidden layer let through.

        Of the second, ``masks``, another pass may be given what the first one drew.
        """
        drawn = []
        for index, layer in enumerate(self.layers):
            features = layer.apply(F, features)
            if layer.dropout is not None:
                features = F.Activation(features, act_type="relu")
                if masks is None:
                    mask = F.Dropout(F.ones_like(features), p=layer.dropout)
                    drawn.append(F.BlockGrad(mask * (features > 0)))
                # What is not above 0 stays 0 by any mask.
                let = drawn[-1] if masks is None else masks[index]
                features = F.elemwise_mul(features, let, **_named(F, f"{layer.name}_let"))
        return features, drawn

    def pull_back(self, F: Any, gradient: Any, masks: list[Any]) -> Any:
        """Return the gradient at the features, (N, F), of a gradient at the logits, (N, K)."""
        for index, layer in reversed(list(enumerate(self.layers))):
            if layer.dropout is not None:
                gradient = gradient * masks[index]
            if layer.line:
                gradient = F.sum(gradient, axis=1, keepdims=True)
            gradient = F.dot(gradient, layer.weight)
        return gradient


def _named(F: Any, name: str) -> dict[str, str]:
    return {"name": name} if F is mx.sym else {}


# -- in the graph of a symbol ----------------------------------------------------------------------
def logits_name(task_name: str) -> str:
    """Name of a head's output among a symbol's internals."""
    return f"{task_name}_fwd_output"


def children(symbol: mx.sym.Symbol) -> list[mx.sym.Symbol]:
    """Return what an operator is given; nothing for a variable."""
    found = symbol.get_children()
    return [] if found is None else list(found)


def head_of(logits: mx.sym.Symbol, task_name: str) -> Head:
    """Return the head that makes these logits, with the features of the trunk, past any view."""
    layers = [_layer(logits, task_name)]
    features = children(logits)[0]
    features = children(features)[0] if layers[0].line else features
    while True:
        dropout, below = 0.0, features
        # What stands behind a hidden layer, or else is the trunk's own.
        while _is_between(below):
            dropout = max(dropout, _dropout(below))
            below = children(below)[0]
        if not below.name.startswith(f"{task_name}{HIDDEN}") or not children(below):
            break
        layers.append(_layer(below, task_name, dropout))
        features = children(below)[0]
    return Head(past_view(features), tuple(reversed(layers)))


def _layer(output: mx.sym.Symbol, task_name: str, dropout: float | None = None) -> Layer:
    parts, width = children(output), output.attr("num_hidden")
    name = output.name.removesuffix("_fwd")
    if len(parts) == 3 and width is not None:
        return Layer(parts[1], parts[2], int(width), name, dropout)
    if len(parts) == 2 and parts[0].name == f"{name}_{DIRECTION}":
        (_, weight), (bias,) = map(children, parts)
        return Layer(weight, bias, 0, name, dropout, line=True)
    raise ValueError(
        f"task {task_name!r}: its head {output.name!r} is no chain of fully connected layers."
    )


def _is_between(symbol: mx.sym.Symbol) -> bool:
    """Tell whether an operator is one that stands behind a hidden layer."""
    return bool(
        symbol.attr("act_type") == "relu"
        or (symbol.attr("p") is not None and len(children(symbol)) == 1)
        or symbol.name.endswith("_let")
    )


def _dropout(symbol: mx.sym.Symbol) -> float:
    """Return the share that an operator leaves out."""
    if symbol.name.endswith("_let"):  # BlockGrad(Dropout(...) * (... > 0)) is its second input
        symbol = children(children(children(symbol)[1])[0])[0]
    return float(symbol.attr("p") or 0.0)


def past_view(features: mx.sym.Symbol) -> mx.sym.Symbol:
    """Return the features of the trunk where these are a balanced head's view of them."""
    if not features.name.endswith(VIEW) or not children(features):
        return features
    return children(children(features)[0])[0]  # BlockGrad(features) + nothing
