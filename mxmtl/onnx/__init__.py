"""MXNet symbols as ONNX graphs: one function an operator, and nothing that knows of training.

`convert` puts a symbol and its parameters into a `Graph`; `finished` makes a checked file of it.
"""

from typing import TYPE_CHECKING

from .._door import lazy

if TYPE_CHECKING:
    from ._check import ALLOWED as ALLOWED
    from ._check import check_onnx as check_onnx
    from ._convert import OPERATORS as OPERATORS
    from ._convert import check_operators as check_operators
    from ._convert import convert as convert
    from ._convert import finished as finished
    from ._graph import INSTALL as INSTALL
    from ._graph import IR_VERSION as IR_VERSION
    from ._graph import OPSET as OPSET
    from ._graph import Graph as Graph
    from ._graph import UnsupportedOperatorError as UnsupportedOperatorError

__getattr__, __dir__, __all__ = lazy(__name__, __file__)
