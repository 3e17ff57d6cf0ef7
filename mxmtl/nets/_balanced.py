"""Heads whose tasks are balanced: what a batch shows of the tasks, and weights put into the graph.

The gradient that a task sends into the trunk is known before any backward pass (`_pull_back`). So
the products of these gradients, task by task, are an expression of the forward pass, the weights
that follow from them are one as well, and so is the weighted sum of the gradients. The heads read
features that pass no gradient on, and learn as they do without balancing; into the trunk goes that
sum, and the one backward pass that there is anyway is already that of the balanced tasks.

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
from ._heads import HELD, on_features, shared_features
from ._pull_back import pull_back

BALANCE_STATE = "balance_state"
BALANCE_OUTPUT = "balance"  # MXNet puts _output behind it


def balanced(
    F: Any,
    balance: Balance,
    tasks: TaskSet,
    logits: Sequence[Any],
    labels: Sequence[Any],
    state: Any,
    normalization: str,
    epochs: Sequence[Any],
    features: Any = None,
    held: Any = None,
) -> tuple[list[Any], Any, Any]:
    """Return the logits with balanced gradients, the output, and what is to be minimized, too.

    The output is (T, 2 + S + T): weights, losses, the state that comes next, and the Gramian, if
    there is one. What is to be minimized is a number or None: the penalty of a trained state, or
    what sends the weighted gradients into ``features``, where the method uses gradients; logits
    are then those of ``held``, the same features without a gradient.
    """
    facts, jacobian = _facts(F, balance, tasks, logits, labels, state, epochs, held)
    weights, following = balance.step(facts)
    weights = F.cast(F.BlockGrad(weights), dtype="float32")
    minimized = _penalty(F, balance, facts, logits[0], state, normalization)
    if balance.weighs_losses:
        logits = [
            scale_gradient(F, z, F.slice_axis(weights, axis=0, begin=index, end=index + 1))
            for index, z in enumerate(logits)
        ]
    if jacobian is not None:
        sent = F.dot(_per_label(F, weights, facts, logits[0], normalization), jacobian)
        minimized = F.sum(features * F.BlockGrad(F.reshape_like(sent, features)))
    shown = [weights, facts.losses]
    if state is not None:
        shown.append(state if balance.trained else following)
    if facts.gramian is not None:
        shown.append(facts.gramian)
    parts = [F.cast(part, dtype="float32") for part in shown]
    output = F.BlockGrad(F.concat(*parts, dim=1), **_named(F, BALANCE_OUTPUT))
    return list(logits), output, minimized


def _named(F: Any, name: str) -> dict[str, str]:
    return {"name": name} if F is mx.sym else {}


def _per_label(F: Any, weights: Any, facts: Facts, logits: Any, normalization: str) -> Any:
    """Return the weights of gradients of means over labels, (1, T), as labels are counted."""
    if normalization == "batch":
        share = F.broadcast_div(facts.labels, _rows(F, logits))
        weights = weights * F.cast(share, dtype="float32")
    return F.reshape(weights, shape=(1, -1))


def _rows(F: Any, logits: Any) -> Any:
    """Return how many rows a batch has: (1, 1), float64."""
    ones = F.ones_like(F.slice_axis(logits, axis=1, begin=0, end=1))
    return F.cast(F.reshape(F.sum(ones), shape=(1, 1)), dtype="float64")


def _facts(
    F: Any, balance: Balance, tasks: TaskSet, logits: Sequence[Any], labels: Sequence[Any],
    state: Any, epochs: Sequence[Any], held: Any,
) -> tuple[Facts, Any]:  # fmt: skip
    """Return what the batch shows of the tasks, and their gradients (T, N * F) if it is asked."""
    for task in tasks:
        if balance.needs_positive and task.has_negative_loss:
            raise ValueError(
                f"task {task.name!r}: its loss can be below 0, and {balance.name} weighs tasks by "
                "how large their losses are. Take a method that does not, such as 'random' or "
                "'gradnorm', or another loss for it."
            )
    losses, counts, rows = [], [], []
    for task, z, label, epoch in zip(tasks, logits, labels, epochs):
        known = task.labelled(F.reshape(label, shape=(-1, task.label_width)))
        counts.append(F.sum(F.mean(known, axis=1)))
        still = F.BlockGrad(z)
        losses.append(F.mean(task.row_loss(F, still, label, "valid", epoch)))
        if balance.uses_gradients:
            found = pull_back(F, z, task.logit_gradient(F, still, label), held, task.name)
            rows.append(F.reshape(found, shape=(1, -1)))

    def column(values: list[Any]) -> Any:
        parts = [F.reshape(value, shape=(1, 1)) for value in values]
        return F.cast(F.concat(*parts, dim=0), dtype="float64")

    gramian = jacobian = None
    if rows:
        jacobian = F.concat(*rows, dim=0)
        products = F.cast(F.dot(jacobian, jacobian, transpose_b=True), dtype="float64")
        gramian = F.broadcast_div(products, F.square(_rows(F, logits[0])))
    count = column(counts)
    known_state = None if state is None else F.BlockGrad(F.cast(state, dtype="float64"))
    return Facts(F, len(tasks), count > 0, column(losses), gramian, count, known_state), jacobian


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
    features = held = None
    if balance.uses_gradients:
        features = shared_features(logits, tasks)
        held = mx.sym.BlockGrad(features, name=HELD)
        logits = on_features(logits, features, held)
    state = state_variable(balance, len(tasks))
    found, output, minimized = balanced(
        mx.sym, balance, tasks, logits, labels, state, normalization, epochs, features, held
    )
    outputs = [
        task.training_output(mx.sym, z, label, normalization, epoch, name=task.name)
        for task, z, label, epoch in zip(tasks, found, labels, epochs)
    ]
    if minimized is not None:
        # The bracket is a - a, so exactly 0, and lets its gradient through, a part by each entry.
        nothing = mx.sym.reshape(minimized - mx.sym.BlockGrad(minimized), shape=(1, 1))
        entries = 2 + balance.state_width(len(tasks)) + balance.uses_gradients * len(tasks)
        told = mx.sym.broadcast_add(mx.sym.BlockGrad(output), nothing / (len(tasks) * entries))
        output = mx.sym.MakeLoss(told, name=BALANCE_OUTPUT)
    return [*outputs, output]
