"""The heads: one fully connected layer a task, from features to logits."""

from __future__ import annotations

from typing import Any, List

import mxnet as mx

from ..tasks import TaskSet
from ._flat import check_flat


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
