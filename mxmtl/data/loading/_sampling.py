"""How often an epoch reads each row of some records, by what their labels say."""

from __future__ import annotations

import numpy as np

from ...tasks import TaskSet
from ..records import RecordError, RecordReader, illegal_rows
from ._samplers import Sampler


def expected_reads(
    sampler: Sampler, tasks: TaskSet, reader: RecordReader, on_error: str
) -> np.ndarray:
    """Return how often each row is read on average, float64 (n,).

    Labels that are none of their task count as unknown, as those of records that cannot be read.
    Raises `RecordError` for the first of them that would be read, unless those are skipped.
    """
    labels = reader.labels(tasks.label_width)
    illegal = illegal_rows(tasks, labels)
    labels[list(illegal)] = np.nan
    expected = sampler.expected(tasks, labels)
    if on_error == "raise":
        for row, reason in illegal.items():
            if expected[row] > 0 and reader.readable(row):  # else reading says what is wrong
                raise RecordError(reason).at(*reader.where(row))
    return expected
