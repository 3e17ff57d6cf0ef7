"""The names that `mxmtl.deploy` had before `mxmtl.model` and `mxmtl.export` took its place."""

import sys

from .export import Exported as Exported
from .export import ExportError as ExportError
from .export import ExportOptions as ExportOptions
from .export import UnsupportedOperatorError as UnsupportedOperatorError
from .export import export_model as export_model
from .export import quantize as quantize
from .model import ImageReader as ImageReader
from .model import Inputs as Inputs
from .model import Model as Model
from .model import Network as Network
from .model import Prediction as Prediction
from .model import PredictOptions as PredictOptions
from .model import Predictor as Predictor
from .model import load_model as load_model
from .model import open_inputs as open_inputs
from .model import predict_inputs as predict_inputs

# As scripts import the reader of images, by the file in which it stood.
sys.modules[f"{__name__}._images"] = sys.modules[__name__]
