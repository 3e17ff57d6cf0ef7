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

from ._batch import Batch as Batch
from ._batch import make_batch as make_batch
from ._batch import shaped as shaped
from ._bootstrap import Bootstrap as Bootstrap
from ._bootstrap import interval_of as interval_of
from ._decisions import F1 as F1
from ._decisions import AbstractDecision as AbstractDecision
from ._decisions import Accuracy as Accuracy
from ._decisions import BalancedAccuracy as BalancedAccuracy
from ._decisions import CohenKappa as CohenKappa
from ._decisions import ConfusionMatrix as ConfusionMatrix
from ._decisions import ExactMatch as ExactMatch
from ._decisions import FBeta as FBeta
from ._decisions import HammingLoss as HammingLoss
from ._decisions import Jaccard as Jaccard
from ._decisions import MatthewsCorrCoef as MatthewsCorrCoef
from ._decisions import Precision as Precision
from ._decisions import Recall as Recall
from ._decisions import Specificity as Specificity
from ._decisions import TopKAccuracy as TopKAccuracy
from ._formulas import Curve as Curve
from ._formulas import NotFiniteError as NotFiniteError
from ._formulas import area_under_roc as area_under_roc
from ._formulas import area_under_roc_error as area_under_roc_error
from ._formulas import average_precision as average_precision
from ._formulas import average_precision_error as average_precision_error
from ._formulas import curve_of_scores as curve_of_scores
from ._labels import BaselineAccuracy as BaselineAccuracy
from ._labels import BaselineRMSE as BaselineRMSE
from ._labels import NumLabels as NumLabels
from ._labels import NumPositive as NumPositive
from ._merge import arrays_of as arrays_of
from ._merge import merge_arrays as merge_arrays
from ._metric import AbstractTaskMetric as AbstractTaskMetric
from ._metric import Metric as Metric
from ._order import AccuracyWithinOne as AccuracyWithinOne
from ._order import ClassMAE as ClassMAE
from ._order import QuadraticKappa as QuadraticKappa
from ._order import RankedProbabilityScore as RankedProbabilityScore
from ._probabilities import AUROC as AUROC
from ._probabilities import AverageCalibrationError as AverageCalibrationError
from ._probabilities import AveragePrecision as AveragePrecision
from ._probabilities import BrierScore as BrierScore
from ._probabilities import CalibrationError as CalibrationError
from ._probabilities import CrossEntropy as CrossEntropy
from ._probabilities import Hinge as Hinge
from ._probabilities import MaxCalibrationError as MaxCalibrationError
from ._probabilities import TaskLoss as TaskLoss
from ._ranking import CoverageError as CoverageError
from ._ranking import PrecisionAtRecall as PrecisionAtRecall
from ._ranking import RankingAveragePrecision as RankingAveragePrecision
from ._ranking import RankingLoss as RankingLoss
from ._ranking import RecallAtPrecision as RecallAtPrecision
from ._ranking import SensitivityAtSpecificity as SensitivityAtSpecificity
from ._ranking import SpecificityAtSensitivity as SpecificityAtSensitivity
from ._regression import MAE as MAE
from ._regression import MSE as MSE
from ._regression import RMSE as RMSE
from ._regression import IntervalCoverage as IntervalCoverage
from ._regression import IntervalWidth as IntervalWidth
from ._regression import PearsonCorrCoef as PearsonCorrCoef
from ._regression import R2Score as R2Score
from ._relative import RELATIVE as RELATIVE
from ._relative import RelativeLoss as RelativeLoss
from ._relative import relative_losses as relative_losses
from ._statistic import Reliability as Reliability
from ._statistic import Statistic as Statistic
from ._suite import AbstractAcross as AbstractAcross
from ._suite import DeltaM as DeltaM
from ._suite import MeanOverTasks as MeanOverTasks
from ._suite import Suite as Suite
from ._suite import WorstTask as WorstTask
from ._suite import default_metrics as default_metrics
from ._suite import metric_named as metric_named
from ._value import ALL_TASKS as ALL_TASKS
from ._value import MetricValue as MetricValue
from ._value import main_metric as main_metric
from ._value import meaning as meaning
from ._value import read_values as read_values
from ._value import values_of as values_of
