"""Laws 1, 2 and 8 for targets with a loss of their own: in both worlds, on one device and two."""

import mxmtl
from tests.nets import _run

import mxnet as mx
import numpy as np
import pytest

from ._steps import assert_same_step

CLASSES = ["S", "M", "L", "XL"]
TASKS = [
    *(mxmtl.Ordinal(method, CLASSES, method=method) for method in ("corn", "coral", "soft")),
    mxmtl.Interval("quantile", center=1.5, scale=2.0, coverage=0.8),
    mxmtl.Interval("gaussian", center=1.5, scale=2.0, method="gaussian"),
    mxmtl.Count("count", mean=2.5),
    mxmtl.Angle("angle", period=4.0),
]


def random_labels(tasks, rows, missing, rng):
    columns = [np.where(rng.uniform(size=rows) < missing, t.missing, rng.randint(0, 4, rows))
               for t in tasks]  # fmt: skip
    return np.stack(columns, axis=1).astype(np.float32)


@pytest.mark.parametrize("missing", [0.0, 0.5, 1.0])
def test_symbol_and_gluon_agree(missing):
    tasks, rng = mxmtl.TaskSet(TASKS), np.random.RandomState(1)
    data = rng.normal(size=(7, 2, 3)).astype(np.float32)
    label = random_labels(tasks, 7, missing, rng)
    label[2] = tasks.missing_label
    params = _run.random_params(tasks, 6, rng)
    symbol = _run.by_symbol(tasks, params, data, label)
    gluon = _run.by_gluon(tasks, params, data, label, hybridize=True)
    for key, gradient in gluon.gradients.items():
        size = max(np.abs(gradient).max(), 1e-3)
        assert np.abs(symbol.gradients[key] - gradient).max() < 1e-5 * size, key
        assert (missing == 1.0) == (not gradient.any()), key
    assert np.all(symbol.gradients["data"][2] == 0)
    for one, other in zip(symbol.predictions, gluon.predictions):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
@pytest.mark.parametrize("size", [3.0, 80.0, 1e4])
def test_what_is_missing_costs_exactly_nothing_and_the_rest_is_finite(task, size):
    rng = np.random.RandomState(2)
    label = random_labels([task], 12, 0.5, rng)[:, 0]
    z = mx.nd.array(rng.normal(size=(12, task.num_logits)).clip(-1, 1) * size)
    z.attach_grad()
    with mx.autograd.record():
        loss = task.row_loss(mx.nd, z, mx.nd.array(label))
    loss.backward()
    found, known = z.grad.asnumpy(), np.asarray(task.labelled(label))
    assert np.isfinite(found).all()
    assert np.isfinite(loss.asnumpy()).all()
    assert np.all(found[~known] == 0)
    assert np.all(loss.asnumpy()[~known] == 0)
    assert size > 3 or np.all(np.abs(found[known]).max(axis=1) > 0)


def test_two_devices_make_the_step_of_one():
    tasks, rng = mxmtl.TaskSet(TASKS), np.random.RandomState(5)
    data = rng.normal(size=(8, 3)).astype(np.float32)
    label = random_labels(tasks, 8, 0.4, rng)
    assert_same_step(tasks, data, label, rate=0.1)
