"""What a trained model does on records: its predictions beside their labels."""

from ._evaluate import evaluate as evaluate
from ._evaluate import measure as measure
from ._evaluation import FORMATS as FORMATS
from ._evaluation import Evaluation as Evaluation
from ._evaluation import form_of as form_of
from ._predictions import Predictions as Predictions
from ._predictions import predict_records as predict_records
from ._suite import evaluation_suite as evaluation_suite
