"""Every metric against scikit-learn or the formula written out, with labels missing."""

import warnings

from mxmtl import metrics

import numpy as np
import pytest

from ._data import SORTS, TASKS, batches, sample
from ._oracles import ACROSS, ORACLES
from ._rows import make, rows, values


def test_no_metric_is_without_a_row():
    assert set(metrics.Metric.types) == set(ORACLES) | set(ACROSS)


@pytest.mark.parametrize("row", rows(), ids=str)
@pytest.mark.parametrize("missing", [0.0, 0.5, 1.0])
def test_equal_to_the_oracle(row, missing):
    name, task_name, average = row
    task = TASKS[task_name]
    for seed, sort in enumerate(SORTS):
        label, prediction = sample(task, sort, missing, seed=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # scikit-learn's, where a value is undefined
            expected = np.ravel(ORACLES[name](task, average, label, prediction))
        for contexts in (1, 2):
            metric = make(row)
            for part in batches(label, prediction, contexts, seed):
                metric.update(*part)
            np.testing.assert_allclose(
                values(metric), expected, rtol=1e-6, atol=1e-6, err_msg=f"{sort} {contexts}"
            )
