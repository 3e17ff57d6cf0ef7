"""Symbols for Module: one to train with, one to predict with."""

from __future__ import annotations

from typing import List, Optional, Tuple, Union

import mxnet as mx

from ..tasks import TaskSet
from ._net import Heads, MultiTaskNet, chosen_normalization, logits_name

TrunkOrNet = Union[mx.sym.Symbol, mx.gluon.HybridBlock]
Widths = List[Tuple[str, Optional[int]]]  # name and width of each head; None where unknown


def training_symbol(
    network: TrunkOrNet, tasks: TaskSet, *, normalization: Optional[str] = None
) -> mx.sym.Symbol:
    """Return the symbol to train with ``Module.fit``: one MXNet output operator a task.

    Parameters
    ----------
    network : Symbol or HybridBlock
        Flat features (N, num_features) as a Symbol, a trunk, or a whole `MultiTaskNet`.
    tasks : TaskSet
        Labels are read from the variables ``tasks.label_names``, shapes (N,) or
        (N, num_labels); the outputs are ``tasks.output_names``, predictions (N, num_outputs).
    normalization : {"batch", "valid"}, optional
        Overrides ``tasks.normalization``.

    Each gradient is summed over the labelled rows of the batch and multiplied by the task's
    weight; the optimizer that ``Module.fit`` makes divides by the batch size. So no optimizer
    argument is needed, whatever the batch, the devices or the share missing.

    Raises
    ------
    ValueError
        If features are not flat, or a task's name collides with the trunk's names.

    Examples
    --------
    >>> import mxmtl, mxnet as mx
    >>> tasks = mxmtl.TaskSet([mxmtl.Binary("outdoors"), mxmtl.Regression("age")])
    >>> symbol = mxmtl.training_symbol(mx.sym.Flatten(mx.sym.var("data")), tasks)
    >>> symbol.list_outputs()
    ['outdoors_output', 'age_output']
    """
    normalization = chosen_normalization(tasks, normalization)
    outputs = []
    for task, logits in zip(tasks, _logits(network, tasks)):
        label = mx.sym.var(task.label_name)
        outputs.append(task.training_output(mx.sym, logits, label, normalization, name=task.name))
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


def _logits(network: TrunkOrNet, tasks: TaskSet) -> List[mx.sym.Symbol]:
    if isinstance(network, MultiTaskNet):
        _check_same_heads([(task.name, task.num_logits) for task in network.tasks], tasks)
        features = network.trunk(mx.sym.var("data"))
        _check_names(features, tasks)
        return list(network.heads(features))
    if isinstance(network, mx.gluon.HybridBlock):
        return _logits(network(mx.sym.var("data")), tasks)
    if not isinstance(network, mx.sym.Symbol):
        raise TypeError(f"expected a Symbol or a gluon HybridBlock, got {type(network).__name__}.")
    heads = _heads_of(network)
    if heads:
        _check_same_heads(heads, tasks)
        internals = network.get_internals()
        return [internals[logits_name(name)] for name in tasks.names]
    _check_names(network, tasks)
    return list(Heads(tasks)(network))


def _heads_of(symbol: mx.sym.Symbol) -> Widths:
    # The heads of a training or prediction symbol; none where it is a trunk.
    known, attributes = set(symbol.get_internals().list_outputs()), symbol.attr_dict()
    names = [output[: -len("_output")] for output in symbol.list_outputs()]
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
        for name in (f"{task.name}_weight", f"{task.name}_bias", task.label_name, task.output_name):
            if name in taken:
                raise ValueError(
                    f"task {task.name!r} would make {name!r}, which the trunk has already. "
                    "Rename the task, or give the trunk's layers other names."
                )
