"""What moves, cuts, joins and reduces, as ONNX has it (opset 13)."""

from __future__ import annotations

from typing import Any, Callable, Dict, List

from ._onnx_graph import Graph
from ._onnx_node import Node, Shape

Translate = Callable[[Graph, Node], Any]
END = (1 << 31) - 1  # a slice to the end


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


def split(g: Graph, node: Node) -> List[str]:
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


def _slice(g: Graph, node: Node, begins: List[int], ends: List[int], axes: List[int]) -> str:
    inputs = [node.inputs[0], g.integers(begins), g.integers(ends), g.integers(axes)]
    return g.add("Slice", inputs, node.name)


def _not_the_batch(node: Node, axis: int) -> None:
    if axis == 0:
        node.refuse("it works along the images of a batch")


OPERATORS: Dict[str, Translate] = {
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
