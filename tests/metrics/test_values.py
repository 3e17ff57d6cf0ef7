"""Every metric against scikit-learn or the formula written out, with labels missing."""

import warnings
from functools import lru_cache

from mxmtl import metrics

import numpy as np
import pytest

from ._data import SORTS, TASKS, batches, shared
from ._oracles import ACROSS, ORACLES
from ._rows import by_metric, make, values


def test_no_metric_is_without_a_row():
    assert set(metrics.Metric.types) == set(ORACLES) | set(ACROSS)


@pytest.mark.parametrize("name", sorted(ORACLES))
def test_equal_to_the_oracle(name):
    for row in by_metric()[name]:
        for missing in (0.0, 0.5, 1.0):
            for seed, sort in enumerate(SORTS):
                check(row, sort, missing, seed)


def check(row, sort, missing, seed):
    name, task_name, average = row
    label, prediction = shared(task_name, sort, missing, seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn's, where a value is undefined
        expected = np.ravel(ORACLES[name](TASKS[task_name], average, label, prediction))
    metric = make(row)
    for part in parts(task_name, sort, missing, seed):
        metric.update(*part)
    np.testing.assert_allclose(
        values(metric), expected, rtol=1e-6, atol=1e-6, err_msg=f"{row} {sort} {missing}"
    )


@lru_cache(maxsize=128)
def parts(task_name, sort, missing, seed):
    """Batches as NDArrays, on one context and on two by turns."""
    return batches(*shared(task_name, sort, missing, seed), contexts=1 + seed % 2, seed=seed)
