"""The suite in stock Module.fit and score, in a Gluon loop, and behind a device."""

import logging
import re
from collections import OrderedDict

import mxmtl
from mxmtl import metrics
from mxmtl.metrics import _statistic as _feed
from tests import _cases

import mxnet as mx
import numpy as np
import pytest

from ._data import TASKS, batches, sample


@pytest.fixture
def tasks():
    return _cases.task_set()


def labels_of(tasks, rows=40, missing=0.5):
    rng = np.random.RandomState(0)
    return np.concatenate([_cases.random_label(t, rows, missing, rng) for t in tasks], axis=1)


def module_and_iterator(tasks, label, contexts):
    data = mx.sym.Variable("data")
    heads = []
    for task in tasks:
        logits = mx.sym.FullyConnected(data, num_hidden=task.num_outputs, name=task.name)
        variable = mx.sym.Variable(task.label_name)
        heads.append(task.training_output(mx.sym, logits, variable, name=task.name))
    # In the iterator's own, alphabetical order, which is not that of the heads.
    named = OrderedDict(sorted(zip(tasks.label_names, tasks.split(label))))
    images = np.random.RandomState(1).normal(size=(len(label), 5)).astype(np.float32)
    iterator = mx.io.NDArrayIter(images, named, batch_size=8)
    module = mx.mod.Module(
        mx.sym.Group(heads),
        label_names=[d.name for d in iterator.provide_label],
        context=[mx.cpu(i) for i in range(contexts)],
    )
    return module, iterator


@pytest.mark.parametrize("contexts", [1, 2])
def test_score_is_the_value_over_all_rows(tasks, contexts):
    label = labels_of(tasks)
    module, iterator = module_and_iterator(tasks, label, contexts)
    module.bind(iterator.provide_data, iterator.provide_label)
    module.init_params(mx.init.Normal(1.0))
    scored = module.score(iterator, tasks.metrics())
    outputs = dict(zip(module.output_names, module.predict(iterator)))
    whole = tasks.metrics()
    whole.update(tasks.split(label), [outputs[name] for name in tasks.output_names])
    assert [name for name, _ in scored] == [name for name, _ in whole.get_name_value()]
    np.testing.assert_allclose(
        [v for _, v in scored], [v for _, v in whole.get_name_value()], rtol=1e-6
    )
    alone = module.score(iterator, metrics.F1(tasks["toys"]))
    assert alone == [("toys/f1", pytest.approx(dict(scored)["toys/f1"], rel=1e-12))]
    stock = module.score(
        iterator,
        mx.metric.CompositeEvalMetric([metrics.F1(tasks["toys"]), metrics.MAE(tasks["age"])]),
    )
    assert [name for name, _ in stock] == ["toys/f1", "age/mae"]


def test_a_perfect_predictor_scores_one_whatever_the_order_of_names():
    tasks = mxmtl.TaskSet([mxmtl.Multiclass("b", list("xyz")), mxmtl.Multiclass("a", list("xyz"))])
    ids = {"a": np.array([0, 1, 2]), "b": np.array([2, 0, 1])}
    suite = tasks.metrics()
    suite.update_dict(
        OrderedDict((f"{k}_label", mx.nd.array(ids[k])) for k in "ab"),
        OrderedDict((f"{k}_output", mx.nd.array(np.eye(3)[ids[k]])) for k in "ba"),
    )
    got = dict(suite.get_name_value())
    assert got["a/accuracy"] == got["b/accuracy"] == 1.0


def test_fit_logs_the_whole_epoch_and_speedometer_the_part(tasks, caplog):
    label = labels_of(tasks)
    module, iterator = module_and_iterator(tasks, label, 2)
    with caplog.at_level(logging.INFO):
        module.fit(
            iterator,
            eval_data=iterator,
            eval_metric=tasks.metrics(),
            num_epoch=1,
            batch_end_callback=mx.callback.Speedometer(8, 2),
        )
    lines = [record.getMessage() for record in caplog.records]
    count = {task.name: 0 for task in tasks}
    for task, part in zip(tasks, tasks.split(label)):
        count[task.name] = int(np.sum(~np.isnan(part) if task.kind == "value" else part >= 0))
    for task in tasks:
        for what in ("Train", "Validation"):
            assert f"Epoch[0] {what}-{task.name}/num_labels={count[task.name]:f}" in lines
    parts = [
        float(re.search(r"age/num_labels=([\d.]+)", line).group(1))
        for line in lines
        if "Speed:" in line
    ]
    assert len(parts) == 2
    assert sum(parts) == count["age"]
    assert max(parts) < count["age"]


def test_score_with_speedometer_that_does_not_reset_gives_the_whole(tasks):
    label = labels_of(tasks)
    module, iterator = module_and_iterator(tasks, label, 1)
    module.bind(iterator.provide_data, iterator.provide_label)
    module.init_params(mx.init.Normal(1.0))
    suite = tasks.metrics()
    plain = module.score(iterator, suite)
    module.score(iterator, suite, batch_end_callback=mx.callback.Speedometer(8, 2))
    np.testing.assert_allclose(
        [v for _, v in suite.get_global_name_value()], [v for _, v in plain], rtol=1e-12
    )


def test_values_of_one_task_do_not_depend_on_the_other_tasks(tasks):
    data = {task.name: sample(task, "plain", 0.3) for task in tasks}
    suite = tasks.metrics()
    suite.update(*zip(*data.values()))
    for task in tasks:
        alone = mxmtl.TaskSet([task]).metrics()
        alone.update(*([part] for part in data[task.name]))
        assert set(alone.get_name_value()) <= set(suite.get_name_value())


def test_statistics_of_a_batch_are_computed_once(monkeypatch):
    task = TASKS["multiclass"]
    calls = []
    kind = type(metrics.make_batch(task, *metrics.shaped(task, *sample(task, "plain", 0.0))))
    original = kind.counts
    monkeypatch.setattr(kind, "counts", lambda self, t: calls.append(t) or original(self, t))
    suite = metrics.Suite(
        mxmtl.TaskSet([task]), [metrics.F1(task), metrics.Precision(task), metrics.CohenKappa(task)]
    )
    suite.update(*([part] for part in sample(task, "plain", 0.0)))
    assert calls == [0.5]


@pytest.mark.parametrize("contexts", [1, 2])
def test_what_comes_from_a_device_is_read_two_batches_later(monkeypatch, contexts):
    task = TASKS["multilabel"]
    label, prediction = sample(task, "plain", 0.3)
    parts = batches(label, prediction, contexts)
    assert len(parts) > 2 * contexts
    expected = metrics.F1(task)
    for part in parts:
        expected.update(*part)
    reads = []
    original = _feed.make_batch
    monkeypatch.setattr(_feed, "make_batch", lambda *a: reads.append(len(a[2])) or original(*a))
    monkeypatch.setattr(_feed, "on_device", lambda array: isinstance(array, mx.nd.NDArray))
    monkeypatch.setattr(_feed, "ROWS", 1)
    metric = metrics.F1(task)
    for index, (part_label, part_prediction) in enumerate(parts):
        metric.update(part_label, part_prediction)
        part_prediction[:] = np.nan  # the network's output buffer is written again
        assert len(reads) == max(0, index + 1 - _feed.DEPTH * min(index + 1, contexts))
    assert metric.get() == expected.get()
    metric.reset_local()
    assert np.isnan(metric.get()[1])
    assert metric.get_global() == expected.get()


def test_reset_forgets_what_is_still_waiting(monkeypatch):
    monkeypatch.setattr(_feed, "on_device", lambda array: True)
    metric = metrics.NumLabels(TASKS["binary"])
    metric.update(mx.nd.array([1, 0]), mx.nd.array([[0.1], [0.2]]))
    metric.reset()
    assert metric.get() == ("outdoors/num_labels", 0.0)


def test_gluon_loop_over_several_devices():
    task = TASKS["binary"]
    label, prediction = sample(task, "plain", 0.2)
    parts = batches(label, prediction, contexts=2)
    metric, expected = metrics.Accuracy(task), metrics.Accuracy(task)
    metric.update([part for part, _ in parts], [part for _, part in parts])
    expected.update(label, prediction)
    assert metric.get() == expected.get()


def test_members_may_be_stock_metrics(tasks):
    stock = mx.metric.MSE(name="stock", output_names=["age_output"], label_names=["age_label"])
    suite = metrics.Suite(tasks, [metrics.MSE(tasks["age"]), stock])
    label = np.array([1.0, 2.0], np.float32)
    for _ in range(2):
        suite.reset()
        suite.update_dict(
            {"age_label": mx.nd.array(label)}, {"age_output": mx.nd.array([[2.0], [4.0]])}
        )
        assert suite.get_name_value() == [("age/mse", 2.5), ("stock", 2.5)]
    suite.reset_local()
    assert np.isnan([value for _, value in suite.get_name_value()]).all()


def test_names_are_unique_and_the_same_before_and_after(tasks):
    suite = tasks.metrics()
    names = suite.names
    assert len(set(names)) == len(names)
    suite.update(*zip(*[sample(task, "plain", 0.5) for task in tasks]))
    assert suite.get()[0] == suite.get_global()[0] == names
    assert {name.split("/")[0] for name in names} == set(tasks.names)
    assert {f"{task.name}/num_labels" for task in tasks} <= set(names)


def test_a_name_twice_is_refused(tasks):
    with pytest.raises(ValueError, match="two metrics are named 'toys/f1'; give one of them"):
        metrics.Suite(tasks, [metrics.F1(tasks["toys"]), metrics.F1(tasks["toys"], threshold=0.3)])
    metrics.Suite(
        tasks, [metrics.F1(tasks["toys"]), metrics.F1(tasks["toys"], threshold=0.3, name="low")]
    )


def test_a_metric_added_later_counts_from_then_on(tasks):
    suite = metrics.Suite(tasks, [metrics.NumLabels(tasks["age"])])
    data = tuple(zip(*[sample(task, "plain", 0.0, rows=10) for task in tasks]))
    suite.update(*data)
    suite.add(metrics.NumLabels(tasks["age"], name="late"))
    suite.update(*data)
    assert suite.get_name_value() == [("age/num_labels", 20.0), ("late", 10.0)]
    suite.reset()
    suite.update(*data)
    assert suite.get_name_value() == [("age/num_labels", 10.0), ("late", 10.0)]


def test_a_member_reset_by_itself_is_still_updated_by_the_suite(tasks):
    members = [metrics.NumLabels(tasks["age"]), metrics.NumLabels(tasks["age"], name="again")]
    suite = metrics.Suite(tasks, members)
    data = tuple(zip(*[sample(task, "plain", 0.0, rows=10) for task in tasks]))
    for resets in range(3):
        suite.update(*data)
        members[0].reset()
        suite.update(*data)
        expected = [("age/num_labels", 10.0), ("again", 20.0 * (resets + 1))]
        assert suite.get_name_value() == expected
    members[1].reset_local()
    suite.update(*data)
    assert dict(suite.get_name_value())["again"] == 10.0
    assert dict(suite.get_global_name_value())["again"] == 70.0


def test_small_batches_are_looked_at_together_but_the_first_at_once(monkeypatch):
    reads = []
    original = _feed.make_batch
    monkeypatch.setattr(_feed, "make_batch", lambda *a: reads.append(len(a[2])) or original(*a))
    metric = metrics.NumLabels(TASKS["binary"])
    part = np.ones(400), np.full((400, 1), 0.5)
    for expected in ([400], [400], [400], [400, 1200], [400, 1200]):
        metric.update(*part)
        assert reads == expected
    assert metric.get() == ("outdoors/num_labels", 2000.0)
    assert reads == [400, 1200, 400]
