"""``mx.metric.create(**metric.get_config())`` makes the same metric, and not MXNet's namesake."""

import mxmtl
from mxmtl import metrics
from mxmtl.metrics import Metric
from tests import _cases

import mxnet as mx
import numpy as np
import pytest

from ._data import TASKS, shared


def makers():
    for kind in Metric.types.values():
        for name, task in TASKS.items():
            try:
                yield pytest.param(kind(task), name, id=f"{kind.__name__}-{name}")
            except (TypeError, ValueError):
                continue


def same(found, wanted):
    assert found[0] == wanted[0]
    np.testing.assert_array_equal(found[1], wanted[1])


@pytest.mark.parametrize(("metric", "name"), list(makers()))
def test_what_is_made_again_is_the_same_metric_without_what_it_has_seen(metric, name):
    label, prediction = shared(name, "plain", 0.3)
    empty = metric.get()
    metric.update(label, prediction)
    config = metric.get_config()
    one, other = mx.metric.create(**config), mx.metric.create(**config)
    assert type(one) is type(metric)
    assert one is not other
    same(one.get(), empty)
    one.update(label, prediction)
    same(one.get(), metric.get())
    same(other.get(), empty)


def test_options_and_names_are_kept():
    task = TASKS["multilabel"]
    made = mx.metric.create(**metrics.F1(task, threshold=0.2, name="mine").get_config())
    assert (made.threshold, made.name, made.task) == (0.2, "mine", task)


def test_suites_and_members_and_intervals():
    tasks = _cases.task_set()
    suite = tasks.metrics()
    made = mx.metric.create(**suite.get_config())
    assert isinstance(made, metrics.Suite)
    assert made.names == suite.names
    member = mx.metric.create(**suite.metrics[0].get_config())
    assert type(member) is type(suite.metrics[0])
    interval = metrics.Bootstrap(metrics.Accuracy(TASKS["binary"]), repeats=7)
    label, prediction = shared("binary", "plain", 0.3)
    interval.update(label, prediction)
    again = mx.metric.create(**interval.get_config())
    assert (again.repeats, again.drawn) == (7, None)
    assert np.isnan(again.get()[1]).all()


def test_inside_a_composite_of_mxnets():
    composite = mx.metric.CompositeEvalMetric(
        [metrics.F1(TASKS["binary"]), mx.metric.Accuracy(output_names=["x_output"])]
    )
    made = mx.metric.create(**composite.get_config())
    assert type(made.metrics[0]) is mxmtl.metrics.F1
    assert made.metrics[1].output_names == ["x_output"]


def test_text_for_people_goes_on_working():
    metric = metrics.F1(TASKS["binary"])
    assert str(metric) == f"EvalMetric: {dict(metric.get_name_value())}"


def test_the_name_alone_is_no_metric():
    with pytest.raises(TypeError, match=r"objects, not names: give tasks.metrics\(\)"):
        mx.metric.create("mxmtl")
