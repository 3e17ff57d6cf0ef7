"""Heads whose tasks are balanced: what a batch shows of the tasks, and weights put into the graph.

The gradient that a task sends into the trunk is known before any backward pass where its head is
a chain of linear layers and rectifiers: of one layer it is the gradient at the logits times the
layer's weight. So the products of these
gradients, task by task, are an expression of the forward pass, the weights that follow from them
are one as well, and the one backward pass that there is anyway is already that of the balanced
tasks. Each head reads the features through a view of its own, which changes nothing forward and
multiplies the gradient that goes back into the trunk; the head itself keeps its gradient.

The state of a method is a variable of the graph, so that it stands in ``.params`` files, and one
more output, ``balance_output`` (T, columns), tells what was found in the batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import mxnet as mx

from ..balance import Balance, Facts
from ..tasks import Task, TaskSet, scale_gradient
from ._heads import VIEW, Head, head_of

BALANCE_STATE = "balance_state"
BALANCE_OUTPUT = "balance"  # MXNet puts _output behind it


def balanced(
    F: Any,
    balance: Balance,
    tasks: TaskSet,
    heads: Sequence[Any],
    labels: Sequence[Any],
    state: Any,
    normalization: str,
    epochs: Sequence[Any],
) -> tuple[list[Any], Any, Any]:
    """Return the logits of each task with balanced gradients, the output, and a trained penalty.

    ``heads`` are `Head` each, or logits where the method needs no more. The output is
    (T, 2 + S + T): weights, losses, the state that comes next, and the Gramian, if there is one.
    The penalty, a number or None, is to be minimized, too.
    """
    seen = [_seen(F, head) for head in heads]
    facts = _facts(F, balance, tasks, seen, labels, state, epochs)
    weights, following = balance.step(facts)
    weights = F.cast(F.BlockGrad(weights), dtype="float32")
    logits = []
    for index, (task, head, (_, masks, _)) in enumerate(zip(tasks, heads, seen)):
        weight = F.slice_axis(weights, axis=0, begin=index, end=index + 1)
        logits.append(_weighed(F, balance, task, head, weight, masks))
    shown = [weights, facts.losses]
    if state is not None:
        shown.append(state if balance.trained else following)
    if facts.gramian is not None:
        shown.append(facts.gramian)
    parts = [F.cast(part, dtype="float32") for part in shown]
    output = F.BlockGrad(F.concat(*parts, dim=1), **_named(F, BALANCE_OUTPUT))
    penalty = _penalty(F, balance, facts, seen[0][0], state, normalization)
    return logits, output, penalty


def _named(F: Any, name: str) -> dict[str, str]:
    return {"name": name} if F is mx.sym else {}


def _seen(F: Any, head: Any) -> tuple[Any, Any, Head | None]:
    """Return a head's logits without a gradient, what its layers let through, and itself so."""
    if not isinstance(head, Head):
        return F.BlockGrad(head), None, None
    still = head.still(F)
    return (*still.logits(F, still.features), still)


def _weighed(F: Any, balance: Balance, task: Task, head: Any, weight: Any, masks: Any) -> Any:
    """Return the logits of a task whose gradient is weighed: of its loss, or of its features."""
    if balance.weighs_losses:
        found = head.logits(F, head.features, masks)[0] if isinstance(head, Head) else head
        return scale_gradient(F, found, weight)
    view = scale_gradient(F, head.features, weight, **_named(F, task.name + VIEW))
    return head.logits(F, view, masks)[0]


def _rows(F: Any, logits: Any) -> Any:
    """Return how many rows a batch has: (1, 1), float64."""
    ones = F.ones_like(F.slice_axis(logits, axis=1, begin=0, end=1))
    return F.cast(F.reshape(F.sum(ones), shape=(1, 1)), dtype="float64")


def _facts(
    F: Any, balance: Balance, tasks: TaskSet, seen: Any, labels: Any, state: Any,
    epochs: Sequence[Any],
) -> Facts:  # fmt: skip
    """Return what the batch shows of the tasks."""
    losses, counts, rows = [], [], []
    for task, (z, masks, head), label, epoch in zip(tasks, seen, labels, epochs):
        known = task.labelled(F.reshape(label, shape=(-1, task.label_width)))
        counts.append(F.sum(F.mean(known, axis=1)))
        losses.append(F.mean(task.row_loss(F, z, label, "valid", epoch)))
        if balance.uses_gradients:
            gradient = head.pull_back(F, task.logit_gradient(F, z, label), masks)
            rows.append(F.reshape(gradient, shape=(1, -1)))

    def column(values: list[Any]) -> Any:
        parts = [F.reshape(value, shape=(1, 1)) for value in values]
        return F.cast(F.concat(*parts, dim=0), dtype="float64")

    gramian = None
    if rows:
        jacobian = F.concat(*rows, dim=0)
        products = F.cast(F.dot(jacobian, jacobian, transpose_b=True), dtype="float64")
        gramian = F.broadcast_div(products, F.square(_rows(F, seen[0][0])))
    count = column(counts)
    known_state = None if state is None else F.BlockGrad(F.cast(state, dtype="float64"))
    return Facts(F, len(tasks), count > 0, column(losses), gramian, count, known_state)


def _penalty(
    F: Any, balance: Balance, facts: Facts, logits: Any, state: Any, normalization: str
) -> Any:
    """Return what a trained state minimizes, summed over the batch; None without one."""
    if not balance.trained:
        return None
    labels = facts.labels
    if normalization == "valid":  # as many rows for each task as the batch has
        labels = F.broadcast_mul(facts.present, _rows(F, logits))
    still = {name: F.BlockGrad(getattr(facts, name)) for name in ("present", "losses")}
    trained = replace(
        facts, **still, labels=F.BlockGrad(labels), state=F.cast(state, dtype="float64")
    )
    return F.cast(F.sum(balance.penalty(trained)), dtype="float32")


# -- as a symbol -----------------------------------------------------------------------------------
def state_variable(balance: Balance, num_tasks: int) -> mx.sym.Symbol | None:
    """Return the variable of what a method remembers; None if it remembers nothing."""
    width = balance.state_width(num_tasks)
    if not width:
        return None
    return mx.sym.var(
        BALANCE_STATE, shape=(num_tasks, width), dtype="float32", init=mx.init.Zero(), wd_mult=0.0
    )


def epoch_variable(task: Task) -> mx.sym.Symbol | None:
    """Return the variable, (1,), of how many epochs are over; None where nothing depends on it."""
    if not task.epoch_name:
        return None  # else 0 until somebody says how many there were
    return mx.sym.var(task.epoch_name, shape=(1,), init=mx.init.Zero())


def balanced_outputs(
    balance: Balance, tasks: TaskSet, logits: Sequence[mx.sym.Symbol], normalization: str
) -> list[mx.sym.Symbol]:
    """Return the outputs of a training symbol, with ``balance_output`` after those of the tasks."""
    if BALANCE_OUTPUT in tasks:
        raise ValueError(
            f"a task is called {BALANCE_OUTPUT!r}, as the output is that tells how tasks are "
            "balanced. Give the task another name."
        )
    labels = [mx.sym.var(task.label_name) for task in tasks]
    epochs = [epoch_variable(task) for task in tasks]
    heads = [head_of(part, task.name) for part, task in zip(logits, tasks)]
    state = state_variable(balance, len(tasks))
    found, output, penalty = balanced(
        mx.sym, balance, tasks, heads, labels, state, normalization, epochs
    )
    outputs = [
        task.training_output(mx.sym, z, label, normalization, epoch, name=task.name)
        for task, z, label, epoch in zip(tasks, found, labels, epochs)
    ]
    if penalty is not None:
        # The bracket is a - a, so exactly 0, and lets the gradient of the penalty through.
        nothing = mx.sym.reshape(penalty - mx.sym.BlockGrad(penalty), shape=(1, 1))
        told = mx.sym.broadcast_add(
            mx.sym.BlockGrad(output), nothing / (len(tasks) * (2 + balance.state_width(len(tasks))))
        )
        output = mx.sym.MakeLoss(told, name=BALANCE_OUTPUT)
    return [*outputs, output]
