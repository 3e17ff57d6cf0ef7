"""Operators without weights, as ONNX has them (opset 13).

First what is computed cell by cell, and softmax; then what moves, cuts, joins and reduces.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ._graph import Graph, Node, Shape

Translate = Callable[[Graph, Node], Any]
END = (1 << 31) - 1  # a slice to the end
ACTIVATIONS = {
    "relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh", "softrelu": "Softplus",
    "softsign": "Softsign",
}  # fmt: skip
UNARY = {
    "relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh", "softsign": "Softsign", "exp": "Exp",
    "log": "Log", "sqrt": "Sqrt", "abs": "Abs", "negative": "Neg", "erf": "Erf", "floor": "Floor",
    "ceil": "Ceil", "reciprocal": "Reciprocal", "_copy": "Identity", "BlockGrad": "Identity",
    "arctan": "Atan", "sign": "Sign",
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


def reshape(g: Graph, node: Node) -> str:
    # MXNet's codes (0, -2, -3, -4) are resolved already: what comes out is known but for the batch.
    for option in ("shape", "reverse", "axis", "num_axes", "keep_highest", "target_shape"):
        node.text(option)
    return _to_shape(g, node, node.inputs[0], node.out_shapes[0])


def squeeze(g: Graph, node: Node) -> str:
    node.text("axis")
    return _to_shape(g, node, node.inputs[0], node.out_shapes[0])


def concat(g: Graph, node: Node) -> str:
    axis = node.axis("dim", 1)
    _not_the_batch(node, axis)
    return g.add("Concat", node.inputs, node.name, axis=axis)


def stack(g: Graph, node: Node) -> str:
    rank = len(node.out_shapes[0])
    axis = int(node.value("axis", 0)) % rank
    _not_the_batch(node, axis)
    axes = g.integers([axis])
    parts = [g.add("Unsqueeze", [part, axes], node.name) for part in node.inputs]
    return g.add("Concat", parts, node.name, axis=axis)


def split(g: Graph, node: Node) -> list[str]:
    axis, count = node.axis("axis", 1), int(node.value("num_outputs"))
    _not_the_batch(node, axis)
    parts = g.add_many("Split", node.inputs, node.name, count, axis=axis)
    if not node.flag("squeeze_axis"):
        return parts
    return [g.add("Squeeze", [part, g.integers([axis])], node.name) for part in parts]


def slice_axis(g: Graph, node: Node) -> str:
    axis, begin, end = node.axis("axis", 0), int(node.value("begin", 0)), node.value("end")
    _not_the_batch(node, axis)
    return _slice(g, node, [begin], [END if end is None else int(end)], [axis])


def slice_(g: Graph, node: Node) -> str:
    begins, ends = (list(node.value(name, ())) for name in ("begin", "end"))
    if any(step not in (None, 1) for step in node.value("step", ()) or ()):
        node.refuse("its step is not 1")
    if begins[0] not in (None, 0) or ends[0] is not None:
        node.refuse("it cuts the batch")
    begins = [begin or 0 for begin in begins]
    ends = [END if end is None else end for end in ends]
    return _slice(g, node, begins[1:], ends[1:], list(range(1, len(begins))))


def transpose(g: Graph, node: Node) -> str:
    axes = node.numbers("axes") or list(range(len(node.shapes[0])))[::-1]
    return g.add("Transpose", node.inputs, node.name, perm=axes)


def swap_axes(g: Graph, node: Node) -> str:
    axes = list(range(len(node.shapes[0])))
    one, two = node.axis("dim1", 0), node.axis("dim2", 0)
    axes[one], axes[two] = axes[two], axes[one]
    return g.add("Transpose", node.inputs, node.name, perm=axes)


def pad(g: Graph, node: Node) -> str:
    mode, widths = node.text("mode", "constant"), node.numbers("pad_width")
    pads = g.integers([*widths[0::2], *widths[1::2]])
    value = g.constant(node.number("constant_value", 0.0))
    inputs = [node.inputs[0], pads, value] if mode == "constant" else [node.inputs[0], pads]
    return g.add("Pad", inputs, node.name, mode=mode)


def reduce(operator: str, axes_as_input: bool = False) -> Translate:
    def translate(g: Graph, node: Node) -> str:
        rank = len(node.shapes[0])
        given = node.value("axis", ())
        axes = [axis % rank for axis in ([given] if isinstance(given, int) else given or ())]
        if node.flag("exclude"):
            axes = [axis for axis in range(rank) if axis not in axes]
        axes = axes or list(range(rank))
        if 0 in axes:
            node.refuse("it reduces over the images of a batch")
        keep = int(node.flag("keepdims"))
        node.only("dtype", "None", "float32")
        node.flag("safe_accumulation")  # it changes how sums are made, not what they are
        if axes_as_input:
            return g.add(operator, [node.inputs[0], g.integers(axes)], node.name, keepdims=keep)
        return g.add(operator, node.inputs, node.name, axes=axes, keepdims=keep)

    return translate


def _to_shape(g: Graph, node: Node, data: str, shape: Shape) -> str:
    if shape.count(-1) > 1 or not shape or 0 in shape:
        node.refuse(f"its shape {shape} depends on the batch in more than one place")
    return g.add("Reshape", [data, g.integers(shape)], node.name)


def _slice(g: Graph, node: Node, begins: list[int], ends: list[int], axes: list[int]) -> str:
    inputs = [node.inputs[0], g.integers(begins), g.integers(ends), g.integers(axes)]
    return g.add("Slice", inputs, node.name)


def _not_the_batch(node: Node, axis: int) -> None:
    if axis == 0:
        node.refuse("it works along the images of a batch")


OPERATORS: dict[str, Translate] = {
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
    "Flatten": reshape,
    "Reshape": reshape,
    "expand_dims": squeeze,
    "squeeze": squeeze,
    "Concat": concat,
    "stack": stack,
    "SliceChannel": split,
    "slice_axis": slice_axis,
    "slice": slice_,
    "transpose": transpose,
    "SwapAxis": swap_axes,
    "Pad": pad,
    "mean": reduce("ReduceMean"),
    "max": reduce("ReduceMax"),
    "min": reduce("ReduceMin"),
    "sum": reduce("ReduceSum", axes_as_input=True),
}
