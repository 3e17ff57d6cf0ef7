"""Records whose labels are none of their task."""

from __future__ import annotations

from typing import Dict

import numpy as np

from ...tasks import TaskSet, illegal_labels
from ._record_error import RecordError


def illegal_rows(tasks: TaskSet, labels: np.ndarray) -> Dict[int, str]:
    """Say of `RecordReader.labels` which rows hold what is no label: {row: reason}.

    There, records that cannot be read are all NaN.
    """
    found = illegal_labels(tasks, labels)
    return {row: text for row, text in found.items() if not np.isnan(labels[row]).all()}


def check_label(tasks: TaskSet, label: np.ndarray) -> None:
    """Raise `RecordError`, without a place, if a record's label (label_width,) is none."""
    for text in illegal_labels(tasks, label[np.newaxis]).values():
        raise RecordError(text)
