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

from ._answer import Answer as Answer
from ._binary import Binary as Binary
from ._cells import is_missing_cell as is_missing_cell
from ._cells import spellings as spellings
from ._float32 import HELD as HELD
from ._float32 import altered as altered
from ._illegal import illegal_labels as illegal_labels
from ._illegal import valid_or_soft as valid_or_soft
from ._multiclass import Multiclass as Multiclass
from ._multilabel import Multilabel as Multilabel
from ._numpy_operators import NumpyOperators as NumpyOperators
from ._real import complement as complement
from ._real import real as real
from ._regression import Regression as Regression
from ._sigmoid import WORDS as WORDS
from ._task import NORMALIZATIONS as NORMALIZATIONS
from ._task import TASK_NAME as TASK_NAME
from ._task import LabelError as LabelError
from ._task import Task as Task
from ._taskset import TaskSet as TaskSet

__all__ = ["Binary", "LabelError", "Multiclass", "Multilabel", "Regression", "Task", "TaskSet"]
