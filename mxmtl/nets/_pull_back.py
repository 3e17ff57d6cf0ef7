"""A gradient at a head's logits, brought back to the features as part of the forward pass.

MXNet knows gradients only after the forward pass, and then only their sum over the tasks. What
balancing needs is the gradient of each task, and before. Between the features and the logits there
are few and small layers, so what each of them makes of a gradient is written here, in operators of
the graph: the values that it needs are those that the forward pass has computed already, and what a
dropout has drawn is seen in what it let through. A head is whatever is built of these layers.

Arrays (`mx.nd`) remember how they were computed, so there it is MXNet's own backward pass through
the head, once more for each task.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from typing import Any

import mxnet as mx

F = mx.sym
Attributes = dict[str, str]
Rule = Callable[[Any, Any, list[Any], Attributes], list[Any]]
RULES: dict[str, Rule] = {}
CONSTANT = ("BlockGrad", "ones_like", "zeros_like")  # through which no gradient goes


def children(symbol: mx.sym.Symbol) -> list[mx.sym.Symbol]:
    """Return what an operator is given; nothing for a variable."""
    found = symbol.get_children()
    return [] if found is None else list(found)


def pull_back(F: Any, logits: Any, gradient: Any, features: Any, task_name: str) -> Any:
    """Return the gradient at the features of one at the logits (N, K): of the features' shape.

    Raises `TypeError` if the head has an operator of which nothing is written here.
    """
    if F is mx.nd:
        return mx.autograd.grad([logits], [features], [gradient], retain_graph=True)[0]
    graph = json.loads(logits.tojson(remove_amp_cast=False))["nodes"]
    operators = {node["name"]: {**node.get("attrs", {}), "op": node["op"]} for node in graph}
    order: list[Any] = []
    reaches = {features.name: True}
    _visit(logits, operators, reaches, order)
    found = {logits.name: gradient}
    for symbol in reversed(order):
        attributes, inputs = operators[symbol.name], children(symbol)
        operator = attributes["op"]
        # Of two values that are broadcast, which one is cannot be told from the graph.
        unclear = operator.startswith("broadcast") and all(reaches[one.name] for one in inputs)
        if operator not in RULES or unclear:
            raise TypeError(
                f"task {task_name!r}: its head has {operator} ({symbol.name!r}), through which no "
                "gradient is brought back, as balancing by gradients needs. Methods that use "
                "losses alone take any head, such as 'uncertainty'."
            )
        # Without a gradient: MXNet would take that of all this, only to multiply it by 0.
        values = [F.BlockGrad(one) for one in (symbol, *inputs)]
        parts = RULES[operator](found.pop(symbol.name), values[0], values[1:], attributes)
        for one, part in zip(inputs, parts):
            if reaches[one.name]:
                found[one.name] = found[one.name] + part if one.name in found else part
    return found.get(features.name, mx.sym.zeros_like(features))


def _visit(
    symbol: Any, operators: dict[str, Attributes], reaches: dict[str, bool], order: list[Any]
) -> bool:
    """Note which operators lead a gradient to the features, in the order of computation."""
    if symbol.name not in reaches:
        below = [_visit(one, operators, reaches, order) for one in children(symbol)]
        reaches[symbol.name] = any(below) and operators[symbol.name]["op"] not in CONSTANT
        if reaches[symbol.name]:
            order.append(symbol)
    return reaches[symbol.name]


def rule(*operators: str) -> Callable[[Rule], Rule]:
    """Declare what operators make of a gradient: (gradient, output, inputs, attributes)."""

    def known(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(operators, function))
        return function

    return known


def _axis(attributes: Attributes, default: Any) -> Any:
    return ast.literal_eval(attributes.get("axis", repr(default)))


def _flag(attributes: Attributes, name: str) -> bool:
    return attributes.get(name, "False") in ("True", "1")


# -- layers ----------------------------------------------------------------------------------------
@rule("FullyConnected")
def _dense(g: Any, y: Any, inputs: list[Any], attributes: Attributes) -> list[Any]:
    found = F.dot(g, inputs[1])
    return [found if attributes.get("flatten") == "False" else F.reshape_like(found, inputs[0])]


SLOPES: dict[str, Callable[[Any], Any]] = {
    "relu": lambda y: y > 0,
    "sigmoid": lambda y: y * (1 - y),
    "tanh": lambda y: 1 - y * y,
    "softrelu": lambda y: 1 - F.exp(-y),
}


@rule("Activation", *SLOPES)
def _activation(g: Any, y: Any, inputs: list[Any], attributes: Attributes) -> list[Any]:
    return [g * SLOPES[attributes.get("act_type", attributes["op"])](y)]


@rule("Dropout")
def _dropout(g: Any, y: Any, inputs: list[Any], attributes: Attributes) -> list[Any]:
    # What was drawn is what became of what is not 0; a 0 has a rectifier before it.
    x = inputs[0]
    return [g * F.where(x == 0, F.zeros_like(x), y / (x + (x == 0)))]


@rule("softmax")
def _softmax(g: Any, y: Any, inputs: list[Any], attributes: Attributes) -> list[Any]:
    axis = _axis(attributes, -1)
    return [y * F.broadcast_sub(g, F.sum(g * y, axis=axis, keepdims=True))]


@rule("LayerNorm")
def _layer_norm(g: Any, y: Any, inputs: list[Any], attributes: Attributes) -> list[Any]:
    x, gamma = inputs[:2]
    spread = F.broadcast_sub(x, F.mean(x, axis=-1, keepdims=True))
    variance = F.mean(F.square(spread), axis=-1, keepdims=True)
    shorter = F.rsqrt(variance + float(attributes.get("eps", 1e-5)))
    unit = F.broadcast_mul(spread, shorter)
    g = F.broadcast_mul(g, F.reshape(gamma, shape=(1, 1, -1)))
    along = F.broadcast_mul(unit, F.mean(g * unit, axis=-1, keepdims=True))
    g = F.broadcast_sub(g, F.mean(g, axis=-1, keepdims=True)) - along
    return [F.broadcast_mul(g, shorter)]


# -- arithmetic ------------------------------------------------------------------------------------
@rule("elemwise_add", "_plus", "add_n")
def _add(g: Any, y: Any, inputs: list[Any], attributes: Attributes) -> list[Any]:
    return [g] * len(inputs)


@rule("broadcast_add")
def _broadcast_add(g: Any, y: Any, inputs: list[Any], attributes: Attributes) -> list[Any]:
    # Of what is broadcast, only one column can be told from the graph.
    columns = [children(x)[0].attr("num_hidden") == "1" for x in inputs]
    return [F.sum(g, axis=1, keepdims=True) if one else g for one in columns]


@rule("elemwise_mul", "_mul", "broadcast_mul")
def _multiply(g: Any, y: Any, inputs: list[Any], attributes: Attributes) -> list[Any]:
    return [F.broadcast_mul(g, inputs[1]), F.broadcast_mul(g, inputs[0])]


@rule("_mul_scalar")
def _times(g: Any, y: Any, inputs: list[Any], attributes: Attributes) -> list[Any]:
    return [g * float(attributes["scalar"])]


@rule("_div_scalar")
def _over(g: Any, y: Any, inputs: list[Any], attributes: Attributes) -> list[Any]:
    return [g / float(attributes["scalar"])]


@rule("_plus_scalar", "_minus_scalar", "_copy", "identity")
def _same(g: Any, y: Any, inputs: list[Any], attributes: Attributes) -> list[Any]:
    return [g]


@rule("batch_dot")
def _batch_dot(g: Any, y: Any, inputs: list[Any], attributes: Attributes) -> list[Any]:
    a, b = inputs
    turned_a, turned_b = _flag(attributes, "transpose_a"), _flag(attributes, "transpose_b")
    first = F.batch_dot(g, b, transpose_b=not turned_b)
    second = F.batch_dot(a, g, transpose_a=not turned_a)
    return [
        F.transpose(first, axes=(0, 2, 1)) if turned_a else first,
        F.transpose(second, axes=(0, 2, 1)) if turned_b else second,
    ]


# -- shapes ----------------------------------------------------------------------------------------
@rule("Reshape", "Flatten", "expand_dims", "squeeze")
def _reshape(g: Any, y: Any, inputs: list[Any], attributes: Attributes) -> list[Any]:
    return [F.reshape_like(g, inputs[0])]


@rule("transpose")
def _transpose(g: Any, y: Any, inputs: list[Any], attributes: Attributes) -> list[Any]:
    axes = ast.literal_eval(attributes["axes"])
    return [F.transpose(g, axes=[axes.index(i) for i in range(len(axes))])]


@rule("sum", "mean")
def _reduce(g: Any, y: Any, inputs: list[Any], attributes: Attributes) -> list[Any]:
    x, axis = inputs[0], _axis(attributes, None)
    if not _flag(attributes, "keepdims"):
        for one in sorted([axis] if isinstance(axis, int) else axis):
            g = F.expand_dims(g, axis=one)
    g = F.broadcast_like(g, x)
    if attributes["op"] == "sum":
        return [g]
    count = F.sum(F.ones_like(x)) / F.sum(F.ones_like(y))
    rows = F.broadcast_div(F.reshape(g, shape=(-1, 1)), F.reshape(count, shape=(1, 1)))
    return [F.reshape_like(rows, g)]


@rule("Concat")
def _concat(g: Any, y: Any, inputs: list[Any], attributes: Attributes) -> list[Any]:
    axis, (first, last) = int(attributes.get("dim", "1")), inputs
    behind = F.slice_like(F.reverse(g, axis=axis), last, axes=(axis,))
    return [F.slice_like(g, first, axes=(axis,)), F.reverse(behind, axis=axis)]
