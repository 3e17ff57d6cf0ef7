"""Metrics: exact per task, safe with missing labels, cheap, and equal to scikit-learn."""

from ._agreement import Accuracy as Accuracy
from ._agreement import HammingLoss as HammingLoss
from ._areas import AUROC as AUROC
from ._areas import AveragePrecision as AveragePrecision
from ._cells_batch import CellsBatch as _CellsBatch  # noqa: F401 (each kind makes itself known)
from ._class_batch import ClassBatch as _ClassBatch  # noqa: F401
from ._counted import F1 as F1
from ._counted import Precision as Precision
from ._counted import Recall as Recall
from ._counted import Specificity as Specificity
from ._fit import BaselineRMSE as BaselineRMSE
from ._fit import PearsonCorrCoef as PearsonCorrCoef
from ._fit import R2Score as R2Score
from ._means import MAE as MAE
from ._means import MSE as MSE
from ._means import RMSE as RMSE
from ._means import BrierScore as BrierScore
from ._means import CrossEntropy as CrossEntropy
from ._means import TaskLoss as TaskLoss
from ._metric import Metric as Metric
from ._num_labels import NumLabels as NumLabels
from ._suite import Suite as Suite
from ._suite import default_metrics as default_metrics
from ._tables import BalancedAccuracy as BalancedAccuracy
from ._tables import BaselineAccuracy as BaselineAccuracy
from ._tables import CohenKappa as CohenKappa
from ._tables import MatthewsCorrCoef as MatthewsCorrCoef
from ._value_batch import ValueBatch as _ValueBatch  # noqa: F401
