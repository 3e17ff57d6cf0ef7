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

from ._binary import Binary as Binary
from ._multiclass import Multiclass as Multiclass
from ._multilabel import Multilabel as Multilabel
from ._regression import Regression as Regression
from ._task import LabelError as LabelError
from ._task import Task as Task
from ._taskset import TaskSet as TaskSet

__all__ = ["Binary", "LabelError", "Multiclass", "Multilabel", "Regression", "Task", "TaskSet"]
