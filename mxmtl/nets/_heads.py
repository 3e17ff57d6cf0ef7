"""The heads: one fully connected layer a task, from flat features to logits."""

from __future__ import annotations

from typing import Any, List, Optional, Tuple

import mxnet as mx

from ..tasks import TaskSet

MEND = (
    "End the trunk with a flatten (mx.sym.Flatten, gluon.nn.Flatten), after a global average "
    "pooling where it still has height and width; mxmtl.zoo_trunk does so for zoo networks."
)
# Inputs to try a symbol on: its own input size is not known, and the first that fits will do.
# What takes flat input (a variable by itself, say) is the user's to feed with flat input.
PROBES = [(1, 512), *((1, c, size, size) for size in (224, 299, 64, 32, 28) for c in (3, 1))]


def check_flat(features: Any) -> None:
    """Raise `ValueError` if features (NDArray or Symbol) are known not to be (N, num_features)."""
    if not isinstance(features, (mx.nd.NDArray, mx.sym.Symbol)):
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


def _probe(symbol: mx.sym.Symbol) -> Optional[Tuple[int, ...]]:
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
            # flatten=False: features that are not flat must not be flattened unnoticed.
            dense = mx.gluon.nn.Dense(task.num_logits, flatten=False, prefix=f"{task.name}_")
            dense.bias.wd_mult = 0.0  # Module decays no biases; Gluon's variables would say 1
            self.register_child(dense, task.name)

    def hybrid_forward(self, F: Any, features: Any) -> List[Any]:
        check_flat(features)
        return [head(features) for head in self._children.values()]


def logits_name(task_name: str) -> str:
    """Name of a head's output among a symbol's internals."""
    return f"{task_name}_fwd_output"
