"""An ONNX graph in the making: tensors by name, nodes in order, constants."""

from __future__ import annotations

from typing import Any, Dict, List, Sequence

import numpy as np

INSTALL = 'pip install "mxmtl[onnx]"'
# What each onnxruntime since 1.6 (2020) reads, and old enough for every onnx package in bounds.
OPSET, IR_VERSION = 13, 7


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
        self._constants: Dict[bytes, str] = {}
        self.nodes: List[Any] = []
        self.initializers: List[Any] = []

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
    ) -> List[str]:
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

    def used_initializers(self) -> List[Any]:
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
