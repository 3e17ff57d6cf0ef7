"""What there is to predict: tasks, each with its label layout, head, loss and missing mark.

>>> import mxmtl
>>> tasks = mxmtl.TaskSet([
...     mxmtl.Multiclass("breed", classes=["beagle", "boxer", "pug"]),
...     mxmtl.Multilabel("toys", labels=["ball", "rope"]),
... ])
>>> tasks.columns
['breed', 'toys.ball', 'toys.rope']
>>> tasks.encode({"breed": "boxer", "toys.ball": 1, "toys.rope": None})
array([ 1.,  1., -1.], dtype=float32)
"""

from ._angle import Angle as Angle
from ._checks import HELD as HELD
from ._checks import WORDS as WORDS
from ._checks import altered as altered
from ._checks import is_missing_cell as is_missing_cell
from ._checks import percent as percent
from ._checks import spellings as spellings
from ._checks import word_value as word_value
from ._counters import LabelCounter as LabelCounter
from ._differences import differences as differences
from ._drop import Dropping as Dropping
from ._drop import drop_labels as drop_labels
from ._fill import fill_labels as fill_labels
from ._kind import Kind as Kind
from ._multiclass import ClassTask as ClassTask
from ._multiclass import Multiclass as Multiclass
from ._operators import NumpyOperators as NumpyOperators
from ._operators import complement as complement
from ._operators import real as real
from ._operators import scale_gradient as scale_gradient
from ._ordinal import Ordinal as Ordinal
from ._regression import Regression as Regression
from ._regression import ValueTask as ValueTask
from ._sigmoid import Binary as Binary
from ._sigmoid import Multilabel as Multilabel
from ._sigmoid import SigmoidTask as SigmoidTask
from ._task import NORMALIZATIONS as NORMALIZATIONS
from ._task import Answer as Answer
from ._task import LabelError as LabelError
from ._task import Task as Task
from ._task import is_task_name as is_task_name
from ._taskset import TaskSet as TaskSet
from ._taskset import illegal_labels as illegal_labels
from ._values import Count as Count
from ._values import Interval as Interval

__all__ = [
    "Angle",
    "Binary",
    "ClassTask",
    "Count",
    "Interval",
    "Kind",
    "LabelError",
    "Multiclass",
    "Multilabel",
    "Ordinal",
    "Regression",
    "SigmoidTask",
    "Task",
    "TaskSet",
    "ValueTask",
    "drop_labels",
    "fill_labels",
]
