"""A trunk with its heads and the loss of all tasks, for Gluon; the same as symbols, for Module."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeAlias

import mxnet as mx
import numpy as np

from .._options import one_of
from ..balance import Balance, balance_of
from ..tasks import NORMALIZATIONS, TaskSet
from ._balanced import (
    BALANCE_OUTPUT,
    BALANCE_STATE,
    balanced,
    balanced_outputs,
    epoch_variable,
)
from ._head_kinds import HeadKinds
from ._heads import HELD, HIDDEN, Heads, logits_name, map_of, on_features, shared_features
from ._pull_back import children

Params = dict[str, mx.nd.NDArray]
TrunkOrNet: TypeAlias = mx.sym.Symbol | mx.gluon.HybridBlock
Widths = list[tuple[str, int | None]]  # name and width of each head; None where unknown


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
    heads : HeadKind or str, or mapping of them by task name, optional
        How heads are built: ``mxmtl.nets.Hidden(128, dropout=0.2)``, or as a text,
        ``"hidden(units=128, dropout=0.2)"``. One linear layer each by default.

    Notes
    -----
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

    def __init__(
        self, trunk: mx.gluon.HybridBlock, tasks: TaskSet, *, heads: HeadKinds = None
    ) -> None:
        if not isinstance(trunk, mx.gluon.HybridBlock):
            raise TypeError(
                f"trunk is a {type(trunk).__name__}; expected a gluon HybridBlock. A Symbol goes "
                "to mxmtl.training_symbol(symbol, tasks)."
            )
        super().__init__(prefix="")
        self.tasks = tasks
        self.trunk = trunk
        self.heads = Heads(tasks, heads)

    def hybrid_forward(self, F: Any, images: Any) -> list[Any]:
        return self.heads(self.trunk(images))


class MultiTaskLoss(mx.gluon.HybridBlock):
    """Weighted sum of the tasks' losses: (logits, labels) -> (N,), 0 where nothing is labelled.

    Both arguments are lists in task order, as `MultiTaskNet` and `TaskSet.split` give them; it
    computes in float32, whatever their types.
    ``trainer.step(batch_size)`` then makes the same step as ``Module.fit`` with
    `training_symbol`. See `Task.row_loss` for the formula of a row.

    Parameters
    ----------
    tasks : TaskSet
        Whose losses; each is multiplied by its ``weight``.
    normalization : {"batch", "valid"}, optional
        Overrides ``tasks.normalization``.
    balance : Balance or str, optional
        How tasks are weighed, such as ``"uncertainty"``: see `mxmtl.balance`. What it remembers
        is the parameter ``balance_state`` of this block: give the trainer
        ``loss.collect_params()``, too, where it is trained, and else call `remember` after each
        step.
    heads : HybridBlock, optional
        ``net.heads``, for methods that use gradients. The loss is then called with the features
        that they share instead of logits: ``loss(net.trunk(images), labels)``.

    Attributes
    ----------
    epoch : int
        How many epochs are finished; to be set where a task's ``missing_as`` depends on it.

    Examples
    --------
    >>> import mxmtl, mxnet as mx
    >>> tasks = mxmtl.TaskSet([mxmtl.Binary("outdoors"), mxmtl.Regression("age")])
    >>> labels = tasks.split(mx.nd.array([[1, float("nan")], [-1, 3], [-1, float("nan")]]))
    >>> loss = mxmtl.MultiTaskLoss(tasks)
    >>> loss([mx.nd.zeros((3, 1)), mx.nd.zeros((3, 1))], labels).asnumpy().round(4)
    array([0.6931, 4.5   , 0.    ], dtype=float32)
    """

    def __init__(
        self,
        tasks: TaskSet,
        *,
        normalization: str | None = None,
        balance: Balance | str | None = None,
        heads: mx.gluon.HybridBlock | None = None,
    ) -> None:
        super().__init__(prefix="")
        self.tasks = tasks
        self.normalization = chosen_normalization(tasks, normalization)
        self.epoch = 0
        self.balance = balance_of(balance)
        self.heads = heads
        if self.balance is not None and self.balance.uses_gradients and heads is None:
            raise ValueError(
                f"balance={self.balance.name!r} uses the gradients at the features, which the "
                "loss does not see: give it heads=net.heads, and call it with net.trunk(images)."
            )
        width = self.balance.state_width(len(tasks)) if self.balance else 0
        if self.balance is not None and width:
            self.balance_state = self.params.get(
                BALANCE_STATE, shape=(len(tasks), width), init=mx.init.Zero(), wd_mult=0.0,
                grad_req="write" if self.balance.trained else "null",
            )  # fmt: skip
        self.found: Any = None

    def forward(self, outputs: Any, labels: Sequence[Any]) -> Any:
        """Check that labels fit the tasks, then compute."""
        self.tasks.check_count("labels", labels)
        if self.heads is None:
            self.tasks.check_count("logits", outputs)
            for task, logits in zip(self.tasks, outputs):
                if isinstance(logits, mx.nd.NDArray):
                    task.check_logits(logits.shape)
        for task, label in zip(self.tasks, labels):
            if isinstance(label, mx.nd.NDArray):
                task.check_shape(label.shape)
        given = [outputs] if self.heads is not None else outputs
        arrays = [list(map(in_float32, given)), list(map(in_float32, labels))]
        found = super().forward(*arrays, *self._epochs(arrays[0]))
        if self.balance is not None and isinstance(found, list):
            found, self.found = found
        return found

    def hybrid_forward(
        self, F: Any, outputs: list[Any], labels: list[Any], epoch: Any = None,
        balance_state: Any = None,
    ) -> Any:  # fmt: skip
        features = held = None
        if self.balance is not None and self.balance.uses_gradients:
            features = outputs[0]
            held = F.BlockGrad(features)
            if F is mx.nd:
                held.attach_grad()
        # Arrays are asked for gradients of their own, so what becomes of them is recorded anyway.
        with _recorded(F, held):
            logits = (
                outputs if self.heads is None else self.heads(outputs[0] if held is None else held)
            )
            if self.balance is None:
                return F.add_n(*self._each(F, logits, labels, epoch))
            logits, output, minimized = balanced(
                F, self.balance, self.tasks, logits, labels, balance_state,
                self.normalization, [epoch] * len(self.tasks), features, held,
            )  # fmt: skip
        loss = F.add_n(*self._each(F, logits, labels, epoch))
        if minimized is not None:  # of the batch; each row gets its part, and no number changes
            part = F.reshape(minimized, shape=(1,))
            part = F.broadcast_div(part - F.BlockGrad(part), F.sum(F.ones_like(loss)))
            loss = F.broadcast_add(loss, part)
        return [loss, output]

    def remember(self) -> None:
        """Let a method that remembers take note of the batch; call it after ``trainer.step``."""
        if self.found is None:
            raise ValueError("there was no batch yet whose loss was computed.")
        method = self.balance
        width = method.state_width(len(self.tasks)) if method is not None else 0
        if method is not None and width and not method.trained:
            state = mx.nd.slice_axis(self.found, axis=1, begin=2, end=2 + width)
            self.balance_state.set_data(state)

    def per_task(self, outputs: Sequence[Any], labels: Sequence[Any]) -> list[Any]:
        """Return the weighted loss of each task by itself, in task order: NDArrays (N,)."""
        return self._each(mx.nd, outputs, labels, *self._epochs(outputs))

    def _epochs(self, outputs: Sequence[Any]) -> list[Any]:
        # An input, and no parameter: the block has none, and needs no initialize().
        if not self.tasks.epoch_names:
            return []
        if isinstance(outputs[0], mx.sym.Symbol):
            return [mx.sym.full((1,), self.epoch)]
        return [mx.nd.full((1,), self.epoch, ctx=outputs[0].context)]

    def _each(
        self, F: Any, outputs: Sequence[Any], labels: Sequence[Any], epoch: Any = None
    ) -> list[Any]:
        return [
            task.row_loss(F, logits, label, self.normalization, epoch)
            for task, logits, label in zip(self.tasks, outputs, labels)
        ]


def _recorded(F: Any, held: Any) -> AbstractContextManager[Any]:
    if F is mx.sym or held is None or mx.autograd.is_recording():
        return nullcontext()
    return mx.autograd.record(train_mode=mx.autograd.is_training())


def in_float32(array: Any) -> Any:
    """Return an NDArray in the type that losses are computed in; a Symbol as it is."""
    wanted = isinstance(array, mx.nd.NDArray) and array.dtype != np.float32
    return array.astype("float32") if wanted else array


def chosen_normalization(tasks: TaskSet, normalization: str | None) -> str:
    """Return the given normalization, or the tasks' own where it is None."""
    if normalization is None:
        return tasks.normalization
    if normalization not in NORMALIZATIONS:
        found = one_of(str(normalization), NORMALIZATIONS)
        raise ValueError(f"normalization={normalization!r} is not {found}.")
    return normalization


def module_params(net: mx.gluon.HybridBlock) -> tuple[Params, Params]:
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
    symbol = mx.sym.Group(list(outputs) if isinstance(outputs, list | tuple) else [outputs])
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


# -- symbols for Module: one to train with, one to predict with ------------------------------------
def training_symbol(
    network: TrunkOrNet,
    tasks: TaskSet,
    *,
    normalization: str | None = None,
    balance: Balance | str | None = None,
    heads: HeadKinds = None,
) -> mx.sym.Symbol:
    """Return the symbol to train with ``Module.fit``: one MXNet output operator a task.

    Parameters
    ----------
    network : Symbol or HybridBlock
        Flat features (N, num_features) as a Symbol, a trunk, or a whole `MultiTaskNet`; or heads
        of your own, a ``Group`` of logits in task order whose operators are called ``<task>_fwd``.
    tasks : TaskSet
        Labels are read from the variables ``tasks.label_names``, shapes (N,) or
        (N, num_labels); the outputs are ``tasks.output_names``, predictions (N, num_outputs).
    normalization : {"batch", "valid"}, optional
        Overrides ``tasks.normalization``.
    balance : Balance or str, optional
        How tasks are weighed while training, such as ``"imtl_g"``: see `mxmtl.balance`. The
        symbol has one more output then, ``balance_output``: a row a task, of its weight, its
        loss, what the method remembers, and the Gramian's row if it uses gradients. What is
        remembered is the variable ``balance_state``; unless it is trained (``"uncertainty"``),
        `mxmtl.fit` writes it after each batch, and a loop of your own has to.
    heads : HeadKind or str, or mapping of them by task name, optional
        How heads are built on a trunk, as `MultiTaskNet` takes them.

    Notes
    -----
    Each gradient is summed over the labelled rows of the batch and multiplied by the task's
    weight; the optimizer that ``Module.fit`` makes divides by the batch size. So no optimizer
    argument is needed, whatever the batch, the devices or the share missing.

    Raises
    ------
    ValueError
        If features are not flat, or a task's name collides with the trunk's names; if ``balance``
        is no method.
    TypeError
        If the method uses gradients, and a task does not say what the gradient of its loss is, or
        a head of your own has an operator through which no gradient is brought back.

    Examples
    --------
    >>> import mxmtl, mxnet as mx
    >>> tasks = mxmtl.TaskSet([mxmtl.Binary("outdoors"), mxmtl.Regression("age")])
    >>> symbol = mxmtl.training_symbol(mx.sym.Flatten(mx.sym.var("data")), tasks)
    >>> symbol.list_outputs()
    ['outdoors_output', 'age_output']
    """
    normalization = chosen_normalization(tasks, normalization)
    method = balance_of(balance)
    if method is not None:
        found = _logits(network, tasks, heads)
        return mx.sym.Group(balanced_outputs(method, tasks, found, normalization))
    outputs = []
    for task, logits in zip(tasks, _logits(network, tasks, heads)):
        label, epoch = mx.sym.var(task.label_name), epoch_variable(task)
        made = task.training_output(mx.sym, logits, label, normalization, epoch, name=task.name)
        outputs.append(made)
    return mx.sym.Group(outputs)


def prediction_symbol(network: TrunkOrNet, tasks: TaskSet) -> mx.sym.Symbol:
    """Return the symbol to predict with: the same outputs, and no label among its inputs.

    Takes what `training_symbol` takes, and also a training symbol, as loaded from a checkpoint.

    Examples
    --------
    >>> import mxmtl, mxnet as mx
    >>> tasks = mxmtl.TaskSet([mxmtl.Binary("outdoors"), mxmtl.Regression("age")])
    >>> training = mxmtl.training_symbol(mx.sym.Flatten(mx.sym.var("data")), tasks)
    >>> mxmtl.prediction_symbol(training, tasks).list_inputs()
    ['data', 'outdoors_weight', 'outdoors_bias', 'age_weight', 'age_bias']
    """
    return mx.sym.Group(
        [
            task.prediction_output(mx.sym, logits, name=task.name)
            for task, logits in zip(tasks, _logits(network, tasks))
        ]
    )


def logits_symbol(network: TrunkOrNet, tasks: TaskSet) -> mx.sym.Symbol:
    """Return the heads alone, before their activation: one output (N, num_logits) a task.

    Takes what `prediction_symbol` takes. Outputs are named ``<task>_fwd_output``.

    Examples
    --------
    >>> import mxmtl, mxnet as mx
    >>> tasks = mxmtl.TaskSet([mxmtl.Binary("outdoors"), mxmtl.Regression("age")])
    >>> training = mxmtl.training_symbol(mx.sym.Flatten(mx.sym.var("data")), tasks)
    >>> mxmtl.nets.logits_symbol(training, tasks).list_outputs()
    ['outdoors_fwd_output', 'age_fwd_output']
    """
    return mx.sym.Group(_logits(network, tasks))


def _logits(network: TrunkOrNet, tasks: TaskSet, heads: HeadKinds = None) -> list[mx.sym.Symbol]:
    if isinstance(network, MultiTaskNet):
        _refuse_heads(heads, "the net")
        _check_same_heads([(task.name, task.num_logits) for task in network.tasks], tasks)
        features = network.trunk(mx.sym.var("data"))
        _check_names(features, tasks)
        return list(network.heads(features))
    if isinstance(network, mx.gluon.HybridBlock):
        return _logits(network(mx.sym.var("data")), tasks, heads)
    if not isinstance(network, mx.sym.Symbol):
        raise TypeError(f"expected a Symbol or a gluon HybridBlock, got {type(network).__name__}.")
    if network.list_outputs() == [logits_name(name) for name in tasks.names]:
        _refuse_heads(heads, "the symbol")
        return list(network)  # made by hand
    there = _heads_of(network)
    if there:
        _refuse_heads(heads, "the symbol")
        _check_same_heads(there, tasks)
        internals = network.get_internals()
        found = [internals[logits_name(name)] for name in tasks.names]
        if f"{HELD}_output" not in internals.list_outputs():
            return found
        held = internals[f"{HELD}_output"]  # of balancing, which is for training alone
        return on_features(found, held, children(held)[0])
    made = Heads(tasks, heads)
    if any(kind.reads_map for kind in made.kinds):
        network = map_of(network)
    _check_names(network, tasks)
    return list(made(network))


def _refuse_heads(heads: HeadKinds, what: str) -> None:
    if heads is not None:
        raise ValueError(f"heads: {what} has heads already; give a trunk to build others on.")


def heads_alone(symbol: mx.sym.Symbol, tasks: TaskSet) -> mx.sym.Symbol:
    """Return a symbol's heads on features that are given as ``data`` (N, F), with predictions."""
    logits = _logits(symbol, tasks)
    heads = on_features(logits, shared_features(logits, tasks), mx.sym.var("data"))
    return mx.sym.Group(
        [
            task.prediction_output(mx.sym, logits, name=task.name)
            for task, logits in zip(tasks, heads)
        ]
    )


def features_of(symbol: mx.sym.Symbol, tasks: TaskSet) -> mx.sym.Symbol:
    """Return the part of a symbol with heads that they share: images to features (N, F)."""
    return shared_features(_logits(symbol, tasks), tasks)


def _heads_of(symbol: mx.sym.Symbol) -> Widths:
    # The heads of a training or prediction symbol; none where it is a trunk.
    known, attributes = set(symbol.get_internals().list_outputs()), symbol.attr_dict()
    names = [output[: -len("_output")] for output in symbol.list_outputs()]
    names = [name for name in names if name != BALANCE_OUTPUT]
    if not all(logits_name(name) in known for name in names):
        return []
    # What was quantized or fused has lost its width; who binds it compares it with the outputs.
    layers = [attributes.get(logits_name(name)[: -len("_output")], {}) for name in names]
    widths = [layer.get("num_hidden") for layer in layers]
    return [(name, width and int(width)) for name, width in zip(names, widths)]


def _check_same_heads(theirs: Widths, tasks: TaskSet) -> None:
    ours = [(task.name, task.num_logits) for task in tasks]
    known = [(name, width or want[1]) for (name, width), want in zip(theirs, ours)]
    if len(theirs) != len(ours) or known != ours:
        raise ValueError(f"the net has heads {theirs}, but the tasks want {ours}.")


def _check_names(features: mx.sym.Symbol, tasks: TaskSet) -> None:
    # A head that shares a variable with the trunk would be trained as one, or refused by MXNet
    # with "Duplicate names detected" at bind.
    taken = set(features.get_internals().list_outputs())
    for task in tasks:
        own = [f"{task.name}_weight", f"{task.name}_bias", task.label_name, task.output_name]
        own += [name for name in taken if name.startswith(f"{task.name}{HIDDEN}")]
        for name in [*own, task.epoch_name]:
            if name in taken:
                raise ValueError(
                    f"task {task.name!r} would make {name!r}, which the trunk has already. "
                    "Rename the task, or give the trunk's layers other names."
                )
