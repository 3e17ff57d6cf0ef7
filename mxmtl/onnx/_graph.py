"""Both ends of a translation: a node of an MXNet symbol, and the ONNX graph in the making.

A function that translates an operator gets the two (`Node`, `Graph`), asks the node for its
options and inputs, and appends to the graph what computes the same. An option that it does not ask
for is not lost unnoticed: the node knows what was asked, and refuses the rest.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

INSTALL = 'pip install "mxmtl[onnx]"'
# What each onnxruntime since 1.6 (2020) reads, and old enough for every onnx package in bounds.
OPSET, IR_VERSION = 13, 7
Shape = tuple[int, ...]  # -1 stands for the batch
# What says how to compute, or repeats what the weights' shapes say, and changes no value.
SILENT = {
    "workspace", "cudnn_tune", "cudnn_off", "num_filter", "num_hidden", "num_args", "momentum",
    "use_global_stats", "layout_optimize", "dtype_hint", "ctx_group", "lr_mult", "wd_mult",
    "force_mirroring", "mirror_stage",
}  # fmt: skip


class UnsupportedOperatorError(ValueError):
    """An operator, or an option of one, that cannot be put into an ONNX file."""


def import_onnx() -> Any:
    """Import the onnx package; `ImportError` with the install command if it is not there."""
    try:
        import onnx
        import onnx.checker
        import onnx.helper
        import onnx.numpy_helper
    except ImportError as error:
        raise ImportError(f"writing ONNX needs the package onnx ({error}). {INSTALL}") from error
    return onnx


class Graph:
    """Collects nodes and constants; every tensor in it has a name of its own.

    Parameters
    ----------
    reserved : sequence of str
        Names of inputs and outputs, which nothing inside may take.
    """

    def __init__(self, reserved: Sequence[str]) -> None:
        self._onnx = import_onnx()
        self._taken = set(reserved)
        self._constants: dict[bytes, str] = {}
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []

    def parameter(self, name: str, array: np.ndarray) -> str:
        """Put a named array into the file; return the name of its tensor."""
        name = self._unique(name)
        self.initializers.append(self._onnx.numpy_helper.from_array(array, name))
        return name

    def constant(self, values: Any, dtype: Any = np.float32) -> str:
        """Put a small array into the file, equal ones once; return the name of its tensor."""
        array = np.asarray(values, dtype=dtype)
        key = f"{array.dtype}{array.shape}".encode() + array.tobytes()
        if key not in self._constants:
            self._constants[key] = self.parameter("constant", array)
        return self._constants[key]

    def integers(self, values: Sequence[int]) -> str:
        """Put a list of int64 into the file, as shapes, axes and pads are given."""
        return self.constant(list(values), np.int64)

    def add(self, operator: str, inputs: Sequence[str], name: str, **attributes: Any) -> str:
        """Append a node of one output; return the output's name."""
        return self.add_many(operator, inputs, name, 1, **attributes)[0]

    def add_many(
        self, operator: str, inputs: Sequence[str], name: str, count: int, **attributes: Any
    ) -> list[str]:
        """Append a node of several outputs; return their names."""
        outputs = [self._unique(name) for _ in range(count)]
        self.nodes.append(
            self._onnx.helper.make_node(
                operator, list(inputs), outputs, name=outputs[0], **attributes
            )
        )
        return outputs

    def output(self, tensor: str, name: str) -> None:
        """Give a tensor one of the reserved names."""
        self.nodes.append(self._onnx.helper.make_node("Identity", [tensor], [name], name=name))

    def source(self, tensor: str) -> str:
        """Return the operator that a tensor comes from, beyond identities; empty for inputs."""
        for node in reversed(self.nodes):
            if tensor in node.output:
                if node.op_type != "Identity":
                    return str(node.op_type)
                tensor = node.input[0]
        return ""

    def used_initializers(self) -> list[Any]:
        """Return the constants and parameters that some node reads."""
        read = {name for node in self.nodes for name in node.input}
        return [array for array in self.initializers if array.name in read]

    def _unique(self, name: str) -> str:
        found, number = name, 1
        while found in self._taken:
            number += 1
            found = f"{name}.{number}"
        self._taken.add(found)
        return found


class Node:
    """One operator: its options, the tensors it reads, their shapes.

    Every option that is read is noted. An option that nobody read must not be lost unnoticed:
    `check_all_read` refuses it.

    Attributes
    ----------
    op, name : str
        MXNet's operator, and the node's own name.
    inputs : list of str
        Names of the ONNX tensors.
    shapes, out_shapes : list of tuple of int
        Of inputs and outputs; -1 is the batch.
    params : list of ndarray or None
        By input: the values, where it is a parameter.
    """

    def __init__(
        self,
        spec: Mapping[str, Any],
        inputs: Sequence[str],
        shapes: Sequence[Shape],
        out_shapes: Sequence[Shape],
        params: Sequence[np.ndarray | None],
    ) -> None:
        self.op, self.name = str(spec["op"]), str(spec["name"])
        self.inputs, self.shapes, self.out_shapes = list(inputs), list(shapes), list(out_shapes)
        self.params = list(params)
        attributes: dict[str, str] = spec.get("attrs", {})
        self._attributes = {k: v for k, v in attributes.items() if not k.startswith("__")}
        self._read = set(SILENT)

    def text(self, name: str, default: str = "") -> str:
        """Read an option as it stands."""
        self._read.add(name)
        return self._attributes.get(name, default)

    def value(self, name: str, default: Any = None) -> Any:
        """Read an option as a number, a tuple, a flag or None."""
        text = self.text(name)
        if not text:
            return default
        try:
            return ast.literal_eval({"true": "True", "false": "False"}.get(text, text))
        except (ValueError, SyntaxError):
            return self.refuse(f"{name}={text!r} is no number")

    def number(self, name: str, default: float) -> float:
        """Read a real number."""
        return float(self.value(name, default))

    def flag(self, name: str, default: bool = False) -> bool:
        """Read a flag: True, False, 1 or 0."""
        return bool(self.value(name, default))

    def numbers(self, name: str, default: Sequence[int] = ()) -> list[int]:
        """Read a tuple of whole numbers; one number is a tuple of one."""
        value = self.value(name, tuple(default))
        return [value] if isinstance(value, int) else list(value)

    def only(self, name: str, *allowed: str) -> None:
        """Refuse an option unless it has one of these values, or is not given."""
        text = self.text(name)
        if text and text not in allowed:
            self.refuse(f"{name}={text} is not one of {list(allowed)}")

    def axis(self, name: str, default: int) -> int:
        """Read an axis of the first input, counted from the front."""
        axis = int(self.value(name, default))
        return axis + len(self.shapes[0]) if axis < 0 else axis

    def parameter(self, index: int) -> np.ndarray:
        """Return the values of an input that must be a parameter."""
        array = self.params[index] if index < len(self.params) else None
        if array is None:
            self.refuse(f"input {index} is computed, and has to be a parameter")
        return array

    def check_all_read(self) -> None:
        """Refuse options that the translation has not looked at."""
        unknown = sorted(set(self._attributes) - self._read)
        if unknown:
            self.refuse(", ".join(f"{name}={self._attributes[name]}" for name in unknown))

    def refuse(self, reason: str) -> NoReturn:
        """Raise `UnsupportedOperatorError` with the names of operator and node."""
        raise UnsupportedOperatorError(
            f"operator {self.op} (node {self.name!r}) cannot be put into ONNX: {reason}."
        )
