"""Which class is taken for which."""

from __future__ import annotations

from typing import Any, ClassVar, List

import numpy as np

from ._counted import AbstractDecision
from ._metric import Value
from ._statistic import Crossed, Statistic
from ._task_metric import Averages


class ConfusionMatrix(AbstractDecision):
    """Number of rows for each labelled and predicted class.

    Values are named ``<task>/confusion_matrix/<labelled>/<predicted>``, and for a multi-label
    task ``<task>/confusion_matrix/<label>/<labelled>/<predicted>``, with ``0`` and ``1`` for no
    and yes. `matrix` has them in one array.

    Examples
    --------
    >>> import mxmtl, numpy as np
    >>> confusion = mxmtl.metrics.ConfusionMatrix(mxmtl.Multiclass("breed", classes=["pug", "lab"]))
    >>> confusion.update(np.array([1, -1, 0]), np.array([[0.2, 0.8], [1, 0], [0.1, 0.9]]))
    >>> confusion.matrix
    array([[0, 1],
           [0, 1]])
    """

    averages: ClassVar[Averages] = {"class": (), "cells": ()}
    higher_is_better = None
    unit = "count"
    formula = "rows labelled i and predicted j"
    undefined = "0"
    source = "`sklearn.metrics.confusion_matrix`, `multilabel_confusion_matrix`"

    def statistics(self) -> List[Statistic]:
        return [Crossed(self.task, options=self.threshold)]

    def compute(self, *states: Any) -> Value:
        return states[0].ravel()

    @property
    def matrix(self) -> np.ndarray:
        """Since `reset`: int64 (num_classes, num_classes), rows are labels.

        (2, 2) for a binary task, (num_labels, 2, 2) for a multi-label task.
        """
        self._feed.settle()
        state = self._statistics[0].state(whole=True)
        return state if self.kind.table_names(self.task)[0] else state[0]

    @property
    def classes(self) -> List[str]:
        tables, classes = self.kind.table_names(self.task)
        starts = [f"{table}/" for table in tables] or [""]
        return [f"{start}{i}/{j}" for start in starts for i in classes for j in classes]
