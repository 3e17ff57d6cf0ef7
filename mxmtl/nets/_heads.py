"""Heads: from the flat features of a trunk to the logits of each task, one fully connected layer.

Written once for both worlds: called on an NDArray a head computes, called on a Symbol it builds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import mxnet as mx
import numpy as np

from ..tasks import TaskSet
from ._balanced import Head

MEND = (
    "End the trunk with a flatten (mx.sym.Flatten, gluon.nn.Flatten), after a global average "
    "pooling where it still has height and width; mxmtl.zoo_trunk does so for zoo networks."
)
# Inputs to try a symbol on: its own input size is not known, and the first that fits will do.
# What takes flat input (a variable by itself, say) is the user's to feed with flat input.
PROBES = [(1, 512), *((1, c, size, size) for size in (224, 299, 64, 32, 28) for c in (3, 1))]
DIRECTION = "direction"  # the layer before the last one of a head, where there is one


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


class Heads(mx.gluon.HybridBlock):
    """Map features (N, num_features) to a list of logits (N, num_logits), in task order.

    Written once for both worlds: called on an NDArray it computes, called on a Symbol it
    builds. The parameters are ``<task>_weight`` and ``<task>_bias`` whatever stands around it.
    """

    def __init__(self, tasks: TaskSet) -> None:
        super().__init__(prefix="")
        self.tasks = tasks
        for task in tasks:
            prefix, start = f"{task.name}_", task.thresholds_at_start
            # flatten=False: features that are not flat must not be flattened unnoticed.
            dense = (
                OneDirection(start, prefix=prefix)
                if start
                else mx.gluon.nn.Dense(task.num_logits, flatten=False, prefix=prefix)
            )
            dense.bias.wd_mult = 0.0  # Module decays no biases; Gluon's variables would say 1
            self.register_child(dense, task.name)

    def hybrid_forward(self, F: Any, features: Any) -> list[Any]:
        check_flat(features)
        return [head(features) for head in self._children.values()]

    def on(self, F: Any, features: Any) -> list[Head]:
        """Return the heads as `mxmtl.nets` balances them: features, weight, bias."""
        layers = self._children.values()
        if F is mx.sym:
            return [Head(features, layer.weight.var(), layer.bias.var()) for layer in layers]
        place = features.context
        return [
            Head(features, layer.weight.data(place), layer.bias.data(place)) for layer in layers
        ]


class OneDirection(mx.gluon.HybridBlock):
    """A head whose logits differ in their bias alone: w'f + b_k, as CORAL has it."""

    def __init__(self, start: Sequence[float], prefix: str) -> None:
        super().__init__(prefix=prefix)
        with self.name_scope():
            self.weight = self.params.get("weight", shape=(1, 0), allow_deferred_init=True)
            first = mx.init.Constant(np.array(start, np.float32))
            self.bias = self.params.get("bias", shape=(len(start),), init=first)

    def hybrid_forward(self, F: Any, features: Any, weight: Any, bias: Any) -> Any:
        line = F.FullyConnected(
            features, weight, num_hidden=1, no_bias=True, flatten=False, name=DIRECTION
        )
        return F.broadcast_add(line, F.reshape(bias, shape=(1, -1)), name="fwd")


def logits_name(task_name: str) -> str:
    """Name of a head's output among a symbol's internals."""
    return f"{task_name}_fwd_output"
