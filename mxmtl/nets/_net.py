"""A trunk with its heads and the loss of all tasks, for Gluon; its parameters, for Module.

A head is one fully connected layer, from flat features to a task's logits.
"""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence, Tuple

import mxnet as mx
import numpy as np

from ..tasks import NORMALIZATIONS, TaskSet

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
