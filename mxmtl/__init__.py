"""Multi-task and multi-label image learning on Apache MXNet 1.9.1, with labels missing.

>>> import mxmtl
>>> tasks = mxmtl.TaskSet([
...     mxmtl.Multiclass("breed", classes=["beagle", "boxer", "pug"]),
...     mxmtl.Binary("outdoors"),
...     mxmtl.Multilabel("toys", labels=["ball", "rope", "bone"]),
...     mxmtl.Regression("age", weight=0.1),
... ])
>>> tasks.label_width
6
>>> tasks.label_names
['breed_label', 'outdoors_label', 'toys_label', 'age_label']
"""

from typing import TYPE_CHECKING

from ._door import lazy
from ._mxnet import mend_when_imported as _mend_when_imported
from ._version import __version__ as __version__
from .distributed import end_at_once_on_errors as _end_at_once_on_errors

if TYPE_CHECKING:
    from . import augment as augment
    from . import balance as balance
    from . import cli as cli
    from . import data as data
    from . import deploy as deploy
    from . import distributed as distributed
    from . import evaluation as evaluation
    from . import export as export
    from . import losses as losses
    from . import metrics as metrics
    from . import model as model
    from . import nets as nets
    from . import reporting as reporting
    from . import serving as serving
    from . import tasks as tasks
    from . import training as training
    from ._devices import context as context
    from ._threads import usable_cores as usable_cores
    from .data import IgnorePadIter as IgnorePadIter
    from .data import RecordDataset as RecordDataset
    from .data import RecordError as RecordError
    from .data import RecordIter as RecordIter
    from .data import RecordSummary as RecordSummary
    from .data import class_counts as class_counts
    from .data import write_records as write_records
    from .model import Predictor as Predictor
    from .nets import MultiTaskLoss as MultiTaskLoss
    from .nets import MultiTaskNet as MultiTaskNet
    from .nets import load_trunk as load_trunk
    from .nets import module_params as module_params
    from .nets import prediction_symbol as prediction_symbol
    from .nets import small_trunk as small_trunk
    from .nets import training_symbol as training_symbol
    from .nets import zoo_trunk as zoo_trunk
    from .reporting import Report as Report
    from .reporting import report as report
    from .reporting import show_batch as show_batch
    from .reporting import show_results as show_results
    from .tasks import Angle as Angle
    from .tasks import Binary as Binary
    from .tasks import Count as Count
    from .tasks import Interval as Interval
    from .tasks import LabelError as LabelError
    from .tasks import Multiclass as Multiclass
    from .tasks import Multilabel as Multilabel
    from .tasks import Ordinal as Ordinal
    from .tasks import Regression as Regression
    from .tasks import Task as Task
    from .tasks import TaskSet as TaskSet
    from .tasks import drop_labels as drop_labels
    from .tasks import fill_labels as fill_labels
    from .training import fit as fit

_mend_when_imported()  # whoever imports MXNet from here on gets one that loads, or is told why not
_end_at_once_on_errors()  # in a worker of a launch; elsewhere it does nothing
__getattr__, __dir__, __all__ = lazy(__name__, __file__)
