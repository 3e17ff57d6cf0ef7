"""What is computed cell by cell, and softmax, as ONNX has it (opset 13)."""

from __future__ import annotations

import math
from typing import Callable, Dict

from ._onnx_graph import Graph
from ._onnx_node import Node

Translate = Callable[[Graph, Node], str]
ACTIVATIONS = {
    "relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh", "softrelu": "Softplus",
    "softsign": "Softsign",
}  # fmt: skip
UNARY = {
    "relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh", "softsign": "Softsign", "exp": "Exp",
    "log": "Log", "sqrt": "Sqrt", "abs": "Abs", "negative": "Neg", "erf": "Erf", "floor": "Floor",
    "ceil": "Ceil", "reciprocal": "Reciprocal", "_copy": "Identity", "BlockGrad": "Identity",
}  # fmt: skip
BINARY = {
    "elemwise_add": "Add", "elemwise_sub": "Sub", "elemwise_mul": "Mul", "elemwise_div": "Div",
    "broadcast_add": "Add", "broadcast_sub": "Sub", "broadcast_mul": "Mul", "broadcast_div": "Div",
    "broadcast_power": "Pow", "_power": "Pow", "broadcast_maximum": "Max", "_maximum": "Max",
    "broadcast_minimum": "Min", "_minimum": "Min", "add_n": "Sum",
}  # fmt: skip
SCALAR = {
    "_plus_scalar": "Add", "_minus_scalar": "Sub", "_mul_scalar": "Mul", "_div_scalar": "Div",
    "_power_scalar": "Pow", "_maximum_scalar": "Max", "_minimum_scalar": "Min",
}  # fmt: skip
SCALAR_FIRST = {"_rminus_scalar": "Sub", "_rdiv_scalar": "Div", "_rpower_scalar": "Pow"}


def simple(operator: str) -> Translate:
    return lambda g, node: g.add(operator, node.inputs, node.name)


def with_scalar(operator: str, first: bool = False) -> Translate:
    def translate(g: Graph, node: Node) -> str:
        scalar, data = g.constant(node.number("scalar", 1.0)), node.inputs[0]
        node.text("is_int")  # only says how the number was written; data are float32
        return g.add(operator, [scalar, data] if first else [data, scalar], node.name)

    return translate


def activation(g: Graph, node: Node) -> str:
    kind = node.text("act_type")
    if kind not in ACTIVATIONS:
        node.refuse(f"act_type={kind}")
    return g.add(ACTIVATIONS[kind], node.inputs, node.name)


def leaky_relu(g: Graph, node: Node) -> str:
    kind, data, slope = node.text("act_type", "leaky"), node.inputs[0], node.number("slope", 0.25)
    low, high = node.number("lower_bound", 0.125), node.number("upper_bound", 0.334)
    if kind in ("leaky", "rrelu"):  # rrelu draws slopes in training, and takes their mean here
        alpha = slope if kind == "leaky" else (low + high) / 2
        return g.add("LeakyRelu", [data], node.name, alpha=alpha)
    if kind == "elu":
        return g.add("Elu", [data], node.name, alpha=slope)
    if kind == "selu":
        return g.add("Selu", [data], node.name)
    if kind == "gelu":
        half = g.add("Mul", [data, g.constant(math.sqrt(0.5))], node.name)
        share = g.add("Add", [g.add("Erf", [half], node.name), g.constant(1.0)], node.name)
        share = g.add("Mul", [share, g.constant(0.5)], node.name)
        return g.add("Mul", [data, share], node.name)
    if kind != "prelu":
        node.refuse(f"act_type={kind}")
    # (C,) in MXNet; ONNX aligns shapes at their ends.
    gamma = node.parameter(1).reshape(-1, *[1] * (len(node.shapes[0]) - 2))
    return g.add("PRelu", [data, g.parameter(node.inputs[1], gamma)], node.name)


def clip(g: Graph, node: Node) -> str:
    low, high = (g.constant(node.number(name, 0.0)) for name in ("a_min", "a_max"))
    return g.add("Clip", [node.inputs[0], low, high], node.name)


def hard_sigmoid(g: Graph, node: Node) -> str:
    alpha, beta = node.number("alpha", 0.2), node.number("beta", 0.5)
    return g.add("HardSigmoid", node.inputs, node.name, alpha=alpha, beta=beta)


def softmax(operator: str) -> Translate:
    def translate(g: Graph, node: Node) -> str:
        if node.flag("use_length") or node.text("dtype", "None") not in ("None", "float32"):
            node.refuse("it has a length, or another type than float32")
        data, temperature = node.inputs[0], node.value("temperature")
        if temperature not in (None, 1.0):
            data = g.add("Div", [data, g.constant(temperature)], node.name)
        return g.add(operator, [data], node.name, axis=node.axis("axis", -1))

    return translate


def square(g: Graph, node: Node) -> str:
    return g.add("Mul", [node.inputs[0]] * 2, node.name)


def dropout(g: Graph, node: Node) -> str:
    node.only("mode", "training")  # "always" drops in prediction as well
    node.number("p", 0.5)
    node.text("axes")
    return g.add("Identity", [node.inputs[0]], node.name)


def cast(g: Graph, node: Node) -> str:
    node.only("dtype", "float32")  # which all is already; symbols lose those of mixed precision
    return g.add("Identity", node.inputs, node.name)


def rsqrt(g: Graph, node: Node) -> str:
    return g.add("Reciprocal", [g.add("Sqrt", node.inputs, node.name)], node.name)


OPERATORS: Dict[str, Translate] = {
    **{name: simple(operator) for name, operator in {**UNARY, **BINARY}.items()},
    **{name: with_scalar(operator) for name, operator in SCALAR.items()},
    **{name: with_scalar(operator, first=True) for name, operator in SCALAR_FIRST.items()},
    "Activation": activation,
    "LeakyReLU": leaky_relu,
    "clip": clip,
    "hard_sigmoid": hard_sigmoid,
    "softmax": softmax("Softmax"),
    "log_softmax": softmax("LogSoftmax"),
    "square": square,
    "rsqrt": rsqrt,
    "Dropout": dropout,
    "Cast": cast,
}
