"""A trunk with its heads and the loss of all tasks, for Gluon; its parameters, for Module."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence, Tuple

import mxnet as mx
import numpy as np

from ..tasks import NORMALIZATIONS, TaskSet
from ._heads import Heads


class MultiTaskNet(mx.gluon.HybridBlock):
    """A shared trunk and one head a task: images (N, C, H, W) -> list of logits, in task order.

    Parameters
    ----------
    trunk : HybridBlock
        Images to flat features (N, num_features): your own, `zoo_trunk`, or a ``SymbolBlock``
        around what `load_trunk` returns.
    tasks : TaskSet
        Head t has ``tasks[t].num_logits`` outputs and the parameters ``<task>_weight`` and
        ``<task>_bias``.

    The net itself has no name prefix, so parameters are called the same in a Module made from
    `training_symbol`: a Module's ``.params`` file loads with ``net.load_parameters(file)``, and
    `module_params` gives a Module this net's.

    Examples
    --------
    >>> import mxmtl, mxnet as mx
    >>> tasks = mxmtl.TaskSet([mxmtl.Binary("outdoors"), mxmtl.Regression("age")])
    >>> net = mxmtl.MultiTaskNet(mx.gluon.nn.Flatten(), tasks)
    >>> net.initialize()
    >>> [logits.shape for logits in net(mx.nd.ones((4, 3, 8, 8)))]
    [(4, 1), (4, 1)]
    """

    def __init__(self, trunk: mx.gluon.HybridBlock, tasks: TaskSet) -> None:
        if not isinstance(trunk, mx.gluon.HybridBlock):
            raise TypeError(
                f"trunk is a {type(trunk).__name__}; expected a gluon HybridBlock. A Symbol goes "
                "to mxmtl.training_symbol(symbol, tasks)."
            )
        super().__init__(prefix="")
        self.tasks = tasks
        self.trunk = trunk
        self.heads = Heads(tasks)

    def hybrid_forward(self, F: Any, images: Any) -> List[Any]:
        return self.heads(self.trunk(images))


class MultiTaskLoss(mx.gluon.HybridBlock):
    """Weighted sum of the tasks' losses: (logits, labels) -> (N,), 0 where nothing is labelled.

    Both arguments are lists in task order, as `MultiTaskNet` and `TaskSet.split` give them; it
    computes in float32, whatever their types.
    ``trainer.step(batch_size)`` then makes the same step as ``Module.fit`` with
    `training_symbol`. See `Task.loss` for the formula of a row.

    Parameters
    ----------
    tasks : TaskSet
        Whose losses; each is multiplied by its ``weight``.
    normalization : {"batch", "valid"}, optional
        Overrides ``tasks.normalization``.

    Examples
    --------
    >>> import mxmtl, mxnet as mx
    >>> tasks = mxmtl.TaskSet([mxmtl.Binary("outdoors"), mxmtl.Regression("age")])
    >>> labels = tasks.split(mx.nd.array([[1, float("nan")], [-1, 3], [-1, float("nan")]]))
    >>> loss = mxmtl.MultiTaskLoss(tasks)
    >>> loss([mx.nd.zeros((3, 1)), mx.nd.zeros((3, 1))], labels).asnumpy().round(4)
    array([0.6931, 4.5   , 0.    ], dtype=float32)
    """

    def __init__(self, tasks: TaskSet, *, normalization: Optional[str] = None) -> None:
        super().__init__(prefix="")
        self.tasks = tasks
        self.normalization = chosen_normalization(tasks, normalization)

    def forward(self, outputs: Sequence[Any], labels: Sequence[Any]) -> Any:
        """Check that labels fit the tasks, then compute."""
        self.tasks.check_count("logits", outputs)
        self.tasks.check_count("labels", labels)
        for task, logits, label in zip(self.tasks, outputs, labels):
            if isinstance(label, mx.nd.NDArray):
                task.check_shape(label.shape)
            if isinstance(logits, mx.nd.NDArray):
                task.check_logits(logits.shape)
        return super().forward(list(map(in_float32, outputs)), list(map(in_float32, labels)))

    def hybrid_forward(self, F: Any, outputs: List[Any], labels: List[Any]) -> Any:
        return F.add_n(*self._each(F, outputs, labels))

    def per_task(self, outputs: Sequence[Any], labels: Sequence[Any]) -> List[Any]:
        """Return the weighted loss of each task by itself, in task order: NDArrays (N,)."""
        return self._each(mx.nd, outputs, labels)

    def _each(self, F: Any, outputs: Sequence[Any], labels: Sequence[Any]) -> List[Any]:
        return [
            task.loss(F, logits, label, self.normalization)
            for task, logits, label in zip(self.tasks, outputs, labels)
        ]


def in_float32(array: Any) -> Any:
    """Return an NDArray in the type that losses are computed in; a Symbol as it is."""
    wanted = isinstance(array, mx.nd.NDArray) and array.dtype != np.float32
    return array.astype("float32") if wanted else array


def chosen_normalization(tasks: TaskSet, normalization: Optional[str]) -> str:
    """Return the given normalization, or the tasks' own where it is None."""
    if normalization is None:
        return tasks.normalization
    if normalization not in NORMALIZATIONS:
        raise ValueError(f"normalization={normalization!r} is not one of {NORMALIZATIONS}.")
    return normalization


Params = Dict[str, mx.nd.NDArray]


def module_params(net: mx.gluon.HybridBlock) -> Tuple[Params, Params]:
    """Return (arg_params, aux_params) of a Gluon net, for ``Module.fit`` or ``save_checkpoint``.

    Parameters that have no values yet (not initialized, or waiting for their shape until the
    first forward pass) are left out: fit with ``allow_missing=True`` and an initializer. The
    arrays are copies on the CPU.

    Examples
    --------
    >>> import mxmtl, mxnet as mx
    >>> tasks = mxmtl.TaskSet([mxmtl.Binary("outdoors")])
    >>> net = mxmtl.MultiTaskNet(mx.gluon.nn.Flatten(), tasks)
    >>> mxmtl.module_params(net)
    ({}, {})
    >>> net.initialize(); _ = net(mx.nd.ones((2, 3, 4, 4)))
    >>> sorted(mxmtl.module_params(net)[0])
    ['outdoors_bias', 'outdoors_weight']
    """
    mx.nd.waitall()  # MXNet does not wait for BatchNorm's statistics by itself
    outputs = net(mx.sym.var("data"))
    symbol = mx.sym.Group(list(outputs) if isinstance(outputs, (list, tuple)) else [outputs])
    auxiliary = set(symbol.list_auxiliary_states())
    args: Params = {}
    auxs: Params = {}
    for name, parameter in net.collect_params().items():
        if _has_values(parameter):
            target = auxs if name in auxiliary else args
            target[name] = parameter.data(parameter.list_ctx()[0]).copyto(mx.cpu())
    return args, auxs


def _has_values(parameter: mx.gluon.Parameter) -> bool:
    try:
        parameter.list_data()
    except (mx.gluon.parameter.DeferredInitializationError, RuntimeError):
        return False
    return True
