"""Layers with weights, and pooling, as ONNX has them (opset 13)."""

from __future__ import annotations

import functools

import numpy as np

from ._graph import Graph, Node


def convolution(g: Graph, node: Node) -> str:
    rank = _window_rank(node)
    pads = node.numbers("pad", [0] * rank)
    return g.add(
        "Conv",
        node.inputs[:2] if node.flag("no_bias") else node.inputs[:3],
        node.name,
        kernel_shape=node.numbers("kernel"),
        strides=node.numbers("stride", [1] * rank),
        dilations=node.numbers("dilate", [1] * rank),
        pads=pads + pads,
        group=node.value("num_group", 1),
    )


def deconvolution(g: Graph, node: Node) -> str:
    rank = _window_rank(node)
    pads, more = node.numbers("pad", [0] * rank), node.numbers("adj", [0] * rank)
    if node.numbers("target_shape"):
        node.refuse("target_shape is given; give pad and adj")
    return g.add(
        "ConvTranspose",
        node.inputs[:2] if node.flag("no_bias", True) else node.inputs[:3],
        node.name,
        kernel_shape=node.numbers("kernel"),
        strides=node.numbers("stride", [1] * rank),
        dilations=node.numbers("dilate", [1] * rank),
        pads=pads + pads,
        output_padding=more,
        group=node.value("num_group", 1),
    )


def fully_connected(g: Graph, node: Node) -> str:
    data, weight = node.inputs[:2]
    flatten, biased = node.flag("flatten", True), not node.flag("no_bias")
    if len(node.shapes[0]) > 2 and flatten:
        data = g.add("Flatten", [data], node.name, axis=1)
    if len(node.shapes[0]) <= 2 or flatten:
        inputs = [data, weight, *node.inputs[2:3]] if biased else [data, weight]
        return g.add("Gemm", inputs, node.name, transB=1)
    turned = g.add("Transpose", [weight], node.name, perm=[1, 0])
    product = g.add("MatMul", [data, turned], node.name)
    return g.add("Add", [product, node.inputs[2]], node.name) if biased else product


def batch_dot(g: Graph, node: Node) -> str:
    sides = [
        g.add("Transpose", [side], node.name, perm=[0, 2, 1]) if node.flag(flag) else side
        for side, flag in zip(node.inputs, ("transpose_a", "transpose_b"))
    ]
    return g.add("MatMul", sides, node.name)


def batch_norm(g: Graph, node: Node) -> str:
    if node.axis("axis", 1) != 1:
        node.refuse("its axis is not 1")
    if node.flag("output_mean_var"):
        node.refuse("output_mean_var=True has outputs of training")
    data, gamma, *others = node.inputs
    if node.flag("fix_gamma", True):
        # MXNet computes with ones and leaves what the parameter holds as it is, unused.
        gamma = g.constant(np.ones(node.shapes[1]))
    return g.add(
        "BatchNormalization",
        [data, gamma, *others],
        node.name,
        epsilon=node.number("eps", 1e-3),
    )


def pooling(g: Graph, node: Node) -> str:
    kind, data = node.text("pool_type", "max"), node.inputs[0]
    if kind not in ("max", "avg", "sum"):
        node.refuse(f"pool_type={kind}")
    rank = _window_rank(node)
    node.only("pooling_convention", "valid", "full")
    include = node.flag("count_include_pad", True)
    kernel, strides = node.numbers("kernel", [1] * rank), node.numbers("stride", [1] * rank)
    pads = node.numbers("pad", [0] * rank)
    if node.flag("global_pool"):
        if kind == "sum":
            axes = g.integers(range(2, 2 + rank))
            return g.add("ReduceSum", [data, axes], node.name, keepdims=1)
        return g.add({"max": "GlobalMaxPool", "avg": "GlobalAveragePool"}[kind], [data], node.name)
    # Windows that begin inside may end beyond the padding ("full"): the same as padding the end by
    # just as much. So ONNX's own rounding, which runtimes read differently, is left alone.
    sizes, counts = node.shapes[0][2:], node.out_shapes[0][2:]
    ends = [
        max((count - 1) * stride + window - size - pad, 0)
        for count, stride, window, size, pad in zip(counts, strides, kernel, sizes, pads)
    ]
    data = _unfused(g, node, data)
    window = {"kernel_shape": kernel, "strides": strides, "pads": pads + ends}
    if kind == "max":
        return g.add("MaxPool", [data], node.name, **window)
    whole = int(include or kind == "sum")  # all of a window counts, also what is padding
    averaged = g.add("AveragePool", [data], node.name, count_include_pad=whole, **window)
    if kind == "sum":
        return g.add("Mul", [averaged, g.constant(np.prod(kernel))], node.name)
    if not whole or all(end <= pad for end, pad in zip(ends, pads)):
        return averaged
    # What lies beyond the padding does not count: sums are divided by fewer cells there.
    counted = [
        np.minimum(window, size + 2 * pad - stride * np.arange(count))
        for count, stride, window, size, pad in zip(counts, strides, kernel, sizes, pads)
    ]
    share = np.prod(kernel) / functools.reduce(np.multiply.outer, counted)
    return g.add("Mul", [averaged, g.constant(share[np.newaxis, np.newaxis])], node.name)


def layer_norm(g: Graph, node: Node) -> str:
    axis, eps = node.axis("axis", -1), node.number("eps", 1e-5)
    if axis != len(node.shapes[0]) - 1 or node.flag("output_mean_var"):
        node.refuse("its axis is not the last, or it has outputs of training")
    scaled = _standardize(g, node, node.inputs[0], [axis], eps)
    scaled = g.add("Mul", [scaled, node.inputs[1]], node.name)
    return g.add("Add", [scaled, node.inputs[2]], node.name)


def instance_norm(g: Graph, node: Node) -> str:
    eps = node.number("eps", 1e-3)
    return g.add("InstanceNormalization", node.inputs, node.name, epsilon=eps)


def group_norm(g: Graph, node: Node) -> str:
    groups, eps = int(node.value("num_groups", 1)), node.number("eps", 1e-5)
    if node.flag("output_mean_var"):
        node.refuse("output_mean_var=True has outputs of training")
    shape = node.shapes[0]
    split = g.add("Reshape", [node.inputs[0], g.integers([0, groups, -1])], node.name)
    scaled = _standardize(g, node, split, [2], eps)
    scaled = g.add("Reshape", [scaled, g.integers([0, *shape[1:]])], node.name)
    for operator, index in (("Mul", 1), ("Add", 2)):
        array = node.parameter(index)
        each = np.repeat(array, shape[1] // len(array))  # of a group, or of a channel
        constant = g.parameter(node.inputs[index], each.reshape(-1, *[1] * len(shape[2:])))
        scaled = g.add(operator, [scaled, constant], node.name)
    return scaled


def l2_normalization(g: Graph, node: Node) -> str:
    mode, rank = node.text("mode", "instance"), len(node.shapes[0])
    axes = {"instance": range(1, rank), "channel": [1], "spatial": range(2, rank)}[mode]
    square = g.add("Mul", [node.inputs[0]] * 2, node.name)
    total = g.add("ReduceSum", [square, g.integers(list(axes))], node.name, keepdims=1)
    total = g.add("Add", [total, g.constant(node.number("eps", 1e-10))], node.name)
    return g.add("Div", [node.inputs[0], g.add("Sqrt", [total], node.name)], node.name)


def lrn(g: Graph, node: Node) -> str:
    return g.add(
        "LRN",
        node.inputs,
        node.name,
        alpha=node.number("alpha", 1e-4),
        beta=node.number("beta", 0.75),
        bias=node.number("knorm", 2.0),
        size=int(node.value("nsize")),
    )


def adaptive_average(g: Graph, node: Node) -> str:
    wanted, sizes = node.numbers("output_size", [1]), node.shapes[0][2:]
    wanted = wanted * 2 if len(wanted) == 1 else wanted
    if any(size % count for size, count in zip(sizes, wanted)):
        node.refuse(f"{sizes} does not divide into {wanted}")
    kernel = [size // count for size, count in zip(sizes, wanted)]
    return g.add("AveragePool", node.inputs, node.name, kernel_shape=kernel, strides=kernel)


def up_sampling(g: Graph, node: Node) -> str:
    node.only("sample_type", "nearest")
    if len(node.inputs) > 1:
        node.refuse("it joins several inputs")
    node.text("multi_input_mode")
    scale = float(node.value("scale"))
    sizes = g.constant([1.0, 1.0, scale, scale])
    return g.add(
        "Resize",
        [node.inputs[0], "", sizes],
        node.name,
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )


def _window_rank(node: Node) -> int:
    node.only("layout", "None", "NCW", "NCHW", "NCDHW")
    return len(node.shapes[0]) - 2


def _unfused(g: Graph, node: Node, data: str) -> str:
    # ONNX Runtime fuses zeros that are padded into the pooling behind them, where they are no
    # zeros any more: 1.19.2 into averages, 1.31.1 into maxima. A bound that nothing reaches
    # between the two keeps them apart.
    if g.source(data) != "Pad":
        return data
    limits = np.finfo(np.float32)
    return g.add("Clip", [data, g.constant(limits.min), g.constant(limits.max)], node.name)


def _standardize(g: Graph, node: Node, data: str, axes: list[int], eps: float) -> str:
    mean = g.add("ReduceMean", [data], node.name, axes=axes, keepdims=1)
    centered = g.add("Sub", [data, mean], node.name)
    square = g.add("Mul", [centered, centered], node.name)
    variance = g.add("ReduceMean", [square], node.name, axes=axes, keepdims=1)
    variance = g.add("Add", [variance, g.constant(eps)], node.name)
    return g.add("Div", [centered, g.add("Sqrt", [variance], node.name)], node.name)


OPERATORS = {
    "Convolution": convolution,
    "Deconvolution": deconvolution,
    "FullyConnected": fully_connected,
    "batch_dot": batch_dot,
    "BatchNorm": batch_norm,
    "Pooling": pooling,
    "LayerNorm": layer_norm,
    "InstanceNorm": instance_norm,
    "GroupNorm": group_norm,
    "L2Normalization": l2_normalization,
    "LRN": lrn,
    "_contrib_AdaptiveAvgPooling2D": adaptive_average,
    "UpSampling": up_sampling,
}
