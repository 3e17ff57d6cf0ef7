"""Batches of tasks whose label is a real number."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from ._batch import Batch
from ._stats import absolute_error, squared_error


class ValueBatch(Batch, kind="value"):
    """Rows with a known value, in float64; each column is a unit."""

    def _take(self, label: np.ndarray, prediction: np.ndarray) -> None:
        self.mask = self.task.labelled(label)
        self.rows = self.mask.any(axis=1)
        self.mask = self.mask[self.rows]
        self.label = label[self.rows].astype(np.float64)
        # Where a cell is missing the prediction may be anything, and counts as 0.
        self.prediction = np.where(self.mask, prediction[self.rows].astype(np.float64), 0.0)
        if not np.isfinite(self.prediction).all():
            raise self._not_finite()

    @cached_property
    def known(self) -> np.ndarray:  # type: ignore[override]
        return np.count_nonzero(self.mask, axis=0)

    def absolute_errors(self) -> np.ndarray:
        return np.where(self.mask, absolute_error(self.label, self.prediction), 0.0)

    def squared_errors(self) -> np.ndarray:
        return np.where(self.mask, squared_error(self.label, self.prediction), 0.0)
