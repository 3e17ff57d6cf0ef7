"""Metrics of several processes, put together, are those of one."""

from mxmtl import metrics
from tests.distributed import _labelled

import mxnet as mx
import numpy as np
import pytest


@pytest.mark.parametrize("parts", [1, 2, 5, 50], ids="{} parts".format)
def test_merged_is_as_seen_by_one(parts):
    labels, predictions = _labelled.batch(41)
    whole = _labelled.suite()
    whole.update(labels, predictions)
    suites = [_labelled.suite() for _ in range(parts)]  # of 50 some have seen nothing
    for part, suite in enumerate(suites):
        mine = slice(part, None, parts)
        if part < 41:
            suite.update([y[mine] for y in labels], [p[mine] for p in predictions])
    arrays = [metrics.arrays_of(suite) for suite in suites]
    metrics.merge_arrays(suites[-1], arrays)
    expected = dict(whole.get_global_name_value())
    found = dict(suites[-1].get_global_name_value())
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-12, err_msg=name)


def test_a_metric_by_itself():
    task = _labelled.tasks()["toys"]
    labels, predictions = _labelled.batch(9)
    one, other = metrics.F1(task), metrics.F1(task)
    one.update(labels[2], predictions[2])
    metrics.merge_arrays(other, [metrics.arrays_of(one), metrics.arrays_of(other)])
    assert other.get() == one.get()


def test_what_is_not_ours_is_refused():
    suite = _labelled.suite()
    suite.add(mx.metric.Accuracy())
    with pytest.raises(TypeError, match=r"\['accuracy'\] has seen cannot be merged"):
        metrics.arrays_of(suite)
