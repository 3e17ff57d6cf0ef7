"""A trained network and its files: loading, preprocessing, predicting."""

from typing import TYPE_CHECKING

from .._door import lazy

if TYPE_CHECKING:
    from ._backends import ONNX_READER as ONNX_READER
    from ._images import ImageReader as ImageReader
    from ._inputs import Inputs as Inputs
    from ._inputs import open_inputs as open_inputs
    from ._model import Model as Model
    from ._model import load_model as load_model
    from ._network import Network as Network
    from ._predict import PredictOptions as PredictOptions
    from ._predict import predict_inputs as predict_inputs
    from ._prediction import Prediction as Prediction
    from ._predictor import Predictor as Predictor

__getattr__, __dir__, __all__ = lazy(__name__, __file__)
