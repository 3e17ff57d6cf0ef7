"""What a trained model does on records: its predictions beside their labels."""

from typing import TYPE_CHECKING

from .._door import lazy

if TYPE_CHECKING:
    from ._evaluate import evaluate as evaluate
    from ._evaluate import measure as measure
    from ._evaluation import FORMATS as FORMATS
    from ._evaluation import Evaluation as Evaluation
    from ._evaluation import form_of as form_of
    from ._predictions import Predictions as Predictions
    from ._predictions import predict_records as predict_records
    from ._suite import evaluation_suite as evaluation_suite
    from ._tables import CLASS_METRICS as CLASS_METRICS
    from ._tables import COUNTS as COUNTS
    from ._temperature import fit_temperature as fit_temperature
    from ._thresholds import Objective as Objective
    from ._thresholds import best_threshold as best_threshold
    from ._tune import TuneOptions as TuneOptions
    from ._tune import tune as tune
    from ._tune import tune_predictions as tune_predictions
    from ._tuning import Tuning as Tuning

__getattr__, __dir__, __all__ = lazy(__name__, __file__)
