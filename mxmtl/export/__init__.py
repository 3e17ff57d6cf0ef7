"""Trained networks in other formats: ONNX, 8 bits, bare MXNet files."""

from typing import TYPE_CHECKING

from .._door import lazy

if TYPE_CHECKING:
    from ..model import onnx_bytes as onnx_bytes
    from ..onnx import UnsupportedOperatorError as UnsupportedOperatorError
    from ._export import Exported as Exported
    from ._export import ExportError as ExportError
    from ._export import Samples as Samples
    from ._export import export_model as export_model
    from ._export import mxnet_predictions as mxnet_predictions
    from ._export import sample_images as sample_images
    from ._int8 import quantize as quantize
    from ._options import FORMATS as FORMATS
    from ._options import PLACES as PLACES
    from ._options import ExportOptions as ExportOptions

__getattr__, __dir__, __all__ = lazy(__name__, __file__)
