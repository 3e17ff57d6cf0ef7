"""`score` with a Speedometer, which resets local values, returns the values of all batches."""

import mxmtl

import mxnet as mx
import numpy as np
import pytest

TASK = mxmtl.Multiclass("breed", ["a", "b"])
TASKS = mxmtl.TaskSet([TASK])
LABEL, ANSWER = np.array([0, 1, 1, -1, 0, 0, 1]), np.array([0, 1, 0, 0, 1, 0, 1])


def _module():
    logits = mx.sym.var("data")
    symbol = TASK.training_output(mx.sym, logits, mx.sym.var("breed_label"), name="breed")
    module = mx.mod.Module(mx.sym.Group([symbol]), label_names=["breed_label"])
    batches = mx.io.NDArrayIter(20 * np.eye(2)[ANSWER], {"breed_label": LABEL}, batch_size=1)
    module.bind(batches.provide_data, batches.provide_label, for_training=False)
    module.init_params()
    return module, batches


@pytest.mark.parametrize("frequent", [1, 2, 3])
@pytest.mark.parametrize(
    "make",
    [
        TASKS.metrics,
        lambda: mxmtl.metrics.Accuracy(TASK),
        lambda: [mxmtl.metrics.Accuracy(TASK), mxmtl.metrics.NumLabels(TASK)],
        lambda: mx.metric.CompositeEvalMetric([mxmtl.metrics.Accuracy(TASK), TASKS.metrics()]),
        lambda: mxmtl.metrics.Bootstrap(mxmtl.metrics.Accuracy(TASK), repeats=2),
        lambda: mxmtl.metrics.Bootstrap(TASKS.metrics(), repeats=2),
    ],
)
def test_score_is_about_all_batches(make, frequent):
    module, batches = _module()
    metric = make()
    printed = mx.callback.Speedometer(1, frequent=frequent, auto_reset=True)
    values = dict(module.score(batches, metric, batch_end_callback=printed))
    assert values["breed/accuracy"] == pytest.approx(4 / 6)
    assert values.get("breed/num_labels", 6) == 6


def test_elsewhere_values_are_local():
    metric = mxmtl.metrics.Accuracy(TASK)
    metric.update([np.array([0])], [np.array([[0.9, 0.1]])])
    metric.reset_local()
    metric.update([np.array([0])], [np.array([[0.1, 0.9]])])
    assert metric.get_name_value() == [("breed/accuracy", 0.0)]
    assert metric.get_global_name_value() == [("breed/accuracy", 0.5)]
