"""A trained network and its files: loading, preprocessing, predicting."""

from typing import TYPE_CHECKING

from .._door import lazy

if TYPE_CHECKING:
    from .._foreign import OPERATORS as OPERATORS
    from ._checkpoint import PREFIX as PREFIX
    from ._checkpoint import SYMBOL as SYMBOL
    from ._checkpoint import Arrays as Arrays
    from ._checkpoint import Checkpoint as Checkpoint
    from ._checkpoint import CheckpointError as CheckpointError
    from ._checkpoint import find_checkpoints as find_checkpoints
    from ._checkpoint import find_epoch as find_epoch
    from ._checkpoint import newest_good as newest_good
    from ._checkpoint import no_good as no_good
    from ._checkpoint import remove_unfinished as remove_unfinished
    from ._checkpoint import save_arrays as save_arrays
    from ._checkpoint import write_checkpoint as write_checkpoint
    from ._checkpoint import write_symbol as write_symbol
    from ._inputs import ImageReader as ImageReader
    from ._inputs import Inputs as Inputs
    from ._inputs import Item as Item
    from ._inputs import open_inputs as open_inputs
    from ._model_file import ModelFile as ModelFile
    from ._model_file import Preprocessing as Preprocessing
    from ._model_file import check_tuned as check_tuned
    from ._network import Network as Network
    from ._onnx_file import ONNX_READER as ONNX_READER
    from ._onnx_file import facts_of as facts_of
    from ._onnx_file import names_of as names_of
    from ._onnx_file import onnx_bytes as onnx_bytes
    from ._onnx_file import reader_source as reader_source
    from ._options import BareOptions as BareOptions
    from ._options import PredictOptions as PredictOptions
    from ._options import RunOptions as RunOptions
    from ._predict_files import Writer as Writer
    from ._predict_files import predict_inputs as predict_inputs
    from ._predictor import Prediction as Prediction
    from ._predictor import Predictor as Predictor
    from ._saved import MODEL as MODEL
    from ._saved import SETTINGS as SETTINGS
    from ._saved import Model as Model
    from ._saved import RunFolder as RunFolder
    from ._saved import best_entry as best_entry
    from ._saved import load_model as load_model

__getattr__, __dir__, __all__ = lazy(__name__, __file__)
