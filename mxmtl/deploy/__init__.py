"""Out of training: networks that predict, without labels, optimizer or training symbol."""

from ._export import Exported as Exported
from ._export import ExportOptions as ExportOptions
from ._export import export_model as export_model
from ._export_check import ExportError as ExportError
from ._images import ImageReader as ImageReader
from ._inputs import Inputs as Inputs
from ._inputs import open_inputs as open_inputs
from ._model import Model as Model
from ._model import load_model as load_model
from ._network import Network as Network
from ._onnx_node import UnsupportedOperatorError as UnsupportedOperatorError
from ._predict import PredictOptions as PredictOptions
from ._predict import predict_inputs as predict_inputs
from ._prediction import Prediction as Prediction
from ._predictor import Predictor as Predictor
from ._quantize import quantize as quantize
