"""Smoothed labels: the gradient is that of float64, missing labels or not, in both worlds."""

import mxmtl
from tests import _cases

import mxnet as mx
import numpy as np
import pytest

from . import _run

SHARES = [0.05, 0.3, 0.9]


def _problem(share, normalization="batch", missing=0.4):
    rng = np.random.RandomState(5)
    tasks = _cases.task_set(normalization).smoothed(share)
    data = rng.normal(size=(11, 2, 3)).astype(np.float32)
    label = np.concatenate([_cases.random_label(t, 11, missing, rng) for t in tasks], axis=1)
    return tasks, _run.random_params(tasks, 6, rng), data, label


@pytest.mark.parametrize("normalization", ["batch", "valid"])
@pytest.mark.parametrize("share", SHARES)
def test_gradients_are_those_of_smoothed_labels(share, normalization):
    tasks, params, data, label = _problem(share, normalization)
    symbol = _run.by_symbol(tasks, params, data, label)
    gluon = _run.by_gluon(tasks, params, data, label, hybridize=True)
    for name, expected in _run.by_oracle(tasks, params, data, label).items():
        size = np.abs(expected).max()
        assert np.abs(symbol.gradients[name] - expected).max() < 1e-5 * size, name
        assert np.abs(gluon.gradients[name] - expected).max() < 1e-5 * size, name


@pytest.mark.parametrize("name", _cases.TASKS)
def test_ignoring_rows_is_removing_them(name):
    tasks, params, data, label = _problem(0.3)
    part = tasks.slices[list(_cases.TASKS).index(name)]
    tasks, label = mxmtl.TaskSet([tasks[_cases.TASKS[name].name]]), label[:, part]
    known = np.arange(11) % 3 != 0
    label[~known] = tasks.missing_label
    params = {n: value for n, value in params.items() if n.startswith(f"{tasks[0].name}_")}
    whole = _run.by_symbol(tasks, params, data, label).gradients
    part_only = _run.by_symbol(tasks, params, data[known], label[known]).gradients
    assert np.all(whole["data"][~known] == 0)
    np.testing.assert_allclose(whole["data"][known], part_only["data"], rtol=1e-5, atol=1e-7)
    head = f"{tasks[0].name}_weight"
    np.testing.assert_allclose(whole[head], part_only[head], rtol=1e-4, atol=1e-6)


def test_by_hand():
    """Two rows of the same logits, one without a label; a third of the label goes elsewhere."""
    breed = mxmtl.Multiclass("breed", ["beagle", "boxer", "pug", "spitz"]).smoothed(0.3)
    toys = mxmtl.Multilabel("toys", ["ball", "rope"]).smoothed(0.3)
    cases = [
        (breed, [1, -1], np.zeros((2, 4)), [[0.15, -0.45, 0.15, 0.15], [0, 0, 0, 0]]),
        (toys, [[1, -1], [0, 1]], np.zeros((2, 2)), [[-0.175, 0], [0.175, -0.175]]),
    ]
    for task, label, logits, expected in cases:
        z = mx.nd.array(logits)
        z.attach_grad()
        with mx.autograd.record():
            out = task.training_output(mx.nd, z, mx.nd.array(label))
        out.backward()
        np.testing.assert_allclose(z.grad.asnumpy(), expected, atol=1e-6)


def test_who_is_smoothed():
    tasks = _cases.task_set("valid")
    assert tasks.smoothed(0.0) == tasks
    smooth = tasks.smoothed(0.25)
    assert smooth.normalization == "valid"
    shares = {task.name: getattr(task, "label_smoothing", None) for task in smooth}
    assert shares == {
        "breed": 0.25, "shape": 0.1, "outdoors": 0.25, "indoors": 0.2, "toys": 0.25,
        "tags": 0.25, "age": None, "height": None, "size": None, "stage": None,
        "grade": None, "rank": None,
    }  # fmt: skip
    assert mxmtl.TaskSet.from_dict(smooth.to_dict()) == smooth
