"""Trained networks in other formats: ONNX, 8 bits, bare MXNet files."""

from typing import TYPE_CHECKING

from .._door import lazy

if TYPE_CHECKING:
    from ._export import FORMATS as FORMATS
    from ._export import PLACES as PLACES
    from ._export import Exported as Exported
    from ._export import ExportOptions as ExportOptions
    from ._export import export_model as export_model
    from ._export_check import ExportError as ExportError
    from ._onnx_model import onnx_bytes as onnx_bytes
    from ._onnx_node import UnsupportedOperatorError as UnsupportedOperatorError
    from ._quantize import quantize as quantize

__getattr__, __dir__, __all__ = lazy(__name__, __file__)
