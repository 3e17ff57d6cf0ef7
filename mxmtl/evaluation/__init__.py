"""What a trained model does on records: its predictions beside their labels."""

from typing import TYPE_CHECKING

from .._door import lazy

if TYPE_CHECKING:
    from ._choose import Objective as Objective
    from ._choose import best_threshold as best_threshold
    from ._choose import fit_temperature as fit_temperature
    from ._evaluate import evaluate as evaluate
    from ._evaluate import evaluation_suite as evaluation_suite
    from ._evaluate import measure as measure
    from ._evaluate import notes_of as notes_of
    from ._evaluation import CLASS_METRICS as CLASS_METRICS
    from ._evaluation import Difference as Difference
    from ._evaluation import Evaluation as Evaluation
    from ._evaluation import class_table as class_table
    from ._evaluation import differences as differences
    from ._evaluation import form_of as form_of
    from ._evaluation import metric_table as metric_table
    from ._evaluation import of_task as of_task
    from ._evaluation import task_tables as task_tables
    from ._evaluation import values_csv as values_csv
    from ._gain import compared as compared
    from ._gain import single_task_runs as single_task_runs
    from ._gain import with_gains as with_gains
    from ._options import FORMATS as FORMATS
    from ._options import EvaluateOptions as EvaluateOptions
    from ._options import TuneOptions as TuneOptions
    from ._predictions import Predictions as Predictions
    from ._predictions import check_options as check_options
    from ._predictions import predict_records as predict_records
    from ._predictions import run_over_records as run_over_records
    from ._refit import Refit as Refit
    from ._refit import RefitLabel as RefitLabel
    from ._refit import refit_labels as refit_labels
    from ._tune import Tuning as Tuning
    from ._tune import tune as tune
    from ._tune import tune_predictions as tune_predictions

__getattr__, __dir__, __all__ = lazy(__name__, __file__)
