"""Metrics: exact per task, safe with missing labels, cheap, and equal to scikit-learn.

Each is a ``mx.metric.EvalMetric``, made from a task; `Suite` holds those of all tasks, and
``tasks.metrics()`` makes the suite of each task's ``default_metrics``.

>>> import mxmtl, numpy as np
>>> breed = mxmtl.Multiclass("breed", classes=["beagle", "boxer", "pug"])
>>> recall = mxmtl.metrics.Recall(breed, average="none")
>>> prediction = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4], [0.9, 0.0, 0.1]])
>>> recall.update(np.array([0, 1, -1, 1]), prediction)  # the third label is missing
>>> recall.get_name_value()
[('breed/recall/beagle', 1.0), ('breed/recall/boxer', 0.5), ('breed/recall/pug', nan)]
"""

from ._across import DeltaM as DeltaM
from ._across import MeanOverTasks as MeanOverTasks
from ._across import WorstTask as WorstTask
from ._agreement import Accuracy as Accuracy
from ._agreement import BaselineAccuracy as BaselineAccuracy
from ._agreement import HammingLoss as HammingLoss
from ._areas import AUROC as AUROC
from ._areas import AveragePrecision as AveragePrecision
from ._batch import Batch as Batch
from ._batch import make_batch as make_batch
from ._batch import shaped as shaped
from ._binned import Reliability as Reliability
from ._bootstrap import Bootstrap as Bootstrap
from ._calibration import CalibrationError as CalibrationError
from ._cells_batch import CellsBatch as _CellsBatch  # noqa: F401 (each kind makes itself known)
from ._class_batch import ClassBatch as _ClassBatch  # noqa: F401
from ._confusion import ConfusionMatrix as ConfusionMatrix
from ._counted import F1 as F1
from ._counted import AbstractDecision as AbstractDecision
from ._counted import FBeta as FBeta
from ._counted import Precision as Precision
from ._counted import Recall as Recall
from ._counted import Specificity as Specificity
from ._curves import curve_of_scores as curve_of_scores
from ._exact_match import ExactMatch as ExactMatch
from ._fit import BaselineRMSE as BaselineRMSE
from ._fit import PearsonCorrCoef as PearsonCorrCoef
from ._fit import R2Score as R2Score
from ._means import MAE as MAE
from ._means import MSE as MSE
from ._means import RMSE as RMSE
from ._means import BrierScore as BrierScore
from ._means import CrossEntropy as CrossEntropy
from ._means import TaskLoss as TaskLoss
from ._merge import arrays_of as arrays_of
from ._merge import merge_arrays as merge_arrays
from ._metric import ALL_TASKS as ALL_TASKS
from ._metric import Metric as Metric
from ._num_labels import NumLabels as NumLabels
from ._num_labels import NumPositive as NumPositive
from ._suite import Suite as Suite
from ._suite import default_metrics as default_metrics
from ._suite import metric_named as metric_named
from ._tables import BalancedAccuracy as BalancedAccuracy
from ._tables import CohenKappa as CohenKappa
from ._tables import MatthewsCorrCoef as MatthewsCorrCoef
from ._task_metric import AbstractTaskMetric as AbstractTaskMetric
from ._top_k import TopKAccuracy as TopKAccuracy
from ._value import MetricValue as MetricValue
from ._value import read_values as read_values
from ._value import values_of as values_of
from ._value_batch import ValueBatch as _ValueBatch  # noqa: F401
