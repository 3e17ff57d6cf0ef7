"""How metrics are made and given arrays: options, names of outputs, and lists."""

import inspect
import pydoc

import mxmtl
from mxmtl import metrics
from tests import _cases

import mxnet as mx
import numpy as np
import pytest

from ._data import TASKS, shared

BREED, OUTDOORS, TOYS, AGE = TASKS.values()


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (
            lambda: metrics.Accuracy(TOYS, treshold=0.3),
            r"^Accuracy: no option 'treshold' \(did you mean 'threshold'\?\); there are average, t",
        ),
        (
            lambda: metrics.AUROC(TOYS, threshold=0.3),
            r"^AUROC: no option 'threshold'; there are bins, average, name\.$",
        ),
        (
            lambda: metrics.MeanOverTasks([], weights=1),
            r"^MeanOverTasks: no option 'weights'; ther",
        ),
        (
            lambda: metrics.F1(TOYS, "none"),
            r"^F1: 'none' without a name; options have names: average=, threshold=, name=\.$",
        ),
        (lambda: metrics.F1(), r"^F1: no task given\.$"),
        (
            lambda: metrics.F1(TOYS, output_names=["softmax_output"]),
            r"^F1: output_names= is not needed .* Suite\(tasks, \[\.\.\.\], output_names=",
        ),
    ],
)
def test_an_option_that_is_none_is_refused_by_the_metrics_own_name(action, message):
    with pytest.raises(TypeError, match=message):
        action()


def test_help_shows_what_a_metric_takes():
    shown = inspect.signature(metrics.F1)
    assert list(shown.parameters) == ["task", "average", "threshold", "name"]
    assert "F1(task: 'Task', *, average: 'str' = 'default'" in pydoc.plain(
        pydoc.render_doc(metrics.F1)
    )


def test_a_metric_of_ones_own_may_take_what_it_likes():
    class AbstractMine(metrics.Accuracy):  # abstract, so that it is not registered
        def __init__(self, task, *rest, **options):
            self.rest, self.more = rest, options.pop("more", None)
            super().__init__(task, **options)

    made = AbstractMine(TOYS, 1, 2, more=3, average="macro")
    assert (made.rest, made.more, made.average) == ((1, 2), 3, "macro")


@pytest.mark.parametrize("kind", [metrics.F1, metrics.AUROC, metrics.CalibrationError])
def test_average_none_is_no_silent_macro(kind):
    with pytest.raises(ValueError, match="has no average=None. Did you mean average='none', one v"):
        kind(TOYS, average=None)
    assert kind(TOYS).average == kind(TOYS, average="default").average == "macro"


def test_where_there_is_no_average_none_is_right():
    assert metrics.MAE(AGE, average=None).names == [f"{AGE.name}/mae"]
    assert metrics.TopKAccuracy(BREED, average=None).names == [f"{BREED.name}/top_k_accuracy"]


@pytest.mark.parametrize("name", ["multiclass", "binary", "multilabel", "regression"])
def test_lists_of_numbers_are_one_array(name):
    label, prediction = shared(name, "plain", 0.3)
    kind = metrics.MAE if name == "regression" else metrics.Accuracy
    arrays, lists, interval = (kind(TASKS[name]) for _ in range(3))
    arrays.update(label, prediction)
    lists.update(label.tolist(), prediction.tolist())
    assert lists.get() == arrays.get()
    lists.update_dict(
        {TASKS[name].label_name: label.tolist()}, {TASKS[name].output_name: prediction.tolist()}
    )
    assert lists.get()[1] == pytest.approx(arrays.get()[1])
    bootstrap = metrics.Bootstrap(interval, repeats=5)
    bootstrap.update(label.tolist(), prediction.tolist())
    assert bootstrap.get()[1][0] == arrays.get()[1]


OUTPUTS = {"breed": "softmax_output", "toys": "sigmoid0_output"}
LABELS = {"breed": "softmax_label"}


@pytest.fixture
def arrays():
    tasks = mxmtl.TaskSet([BREED, TOYS])
    pairs = [shared("multiclass", "plain", 0.3), shared("multilabel", "plain", 0.3)]
    return tasks, [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def members(tasks):
    return [metrics.Accuracy(task) for task in tasks]


@pytest.mark.parametrize("as_list", [False, True])
def test_a_suite_takes_the_names_of_a_network_that_calls_its_outputs_otherwise(arrays, as_list):
    tasks, labels, outputs = arrays
    own = metrics.Suite(tasks, members(tasks))
    own.update(labels, outputs)
    names = [OUTPUTS[task.name] for task in tasks] if as_list else OUTPUTS
    label_names = [LABELS.get(t.name, t.label_name) for t in tasks] if as_list else LABELS
    suite = metrics.Suite(tasks, members(tasks), output_names=names, label_names=label_names)
    given = dict(zip(["softmax_label", "toys_label"], labels)), dict(zip(OUTPUTS.values(), outputs))
    suite.update_dict(*given)
    assert suite.get_name_value() == own.get_name_value()
    suite.update(labels, outputs)  # in task order, whatever they are called
    assert suite.get()[1] == pytest.approx(own.get()[1])
    interval = metrics.Bootstrap(
        metrics.Suite(tasks, members(tasks), output_names=names, label_names=label_names), repeats=5
    )
    interval.update_dict(*given)
    assert interval.get()[1][0] == own.get()[1][0]


def test_module_with_outputs_of_other_names():
    tasks = mxmtl.TaskSet([mxmtl.Multiclass("breed", ["a", "b"]), mxmtl.Multilabel("toys", ["c"])])
    data = mx.sym.var("data")
    breed = mx.sym.FullyConnected(data, num_hidden=2)
    toys = mx.sym.FullyConnected(data, num_hidden=1)
    symbol = mx.sym.Group(
        [
            mx.sym.SoftmaxOutput(breed, name="softmax"),
            mx.sym.LogisticRegressionOutput(toys, mx.sym.var("toys_label"), name="last"),
        ]
    )
    labels = {
        "softmax_label": np.float32([0, 1, -1, 1]),
        "toys_label": np.float32([[0], [1], [1], [-1]]),
    }
    batches = mx.io.NDArrayIter(np.ones((4, 3)), labels, 4)
    module = mx.mod.Module(symbol, label_names=list(labels))
    suite = metrics.Suite(
        tasks, [metrics.NumLabels(task) for task in tasks],
        output_names=["softmax_output", "last_output"], label_names={"breed": "softmax_label"},
    )  # fmt: skip
    module.fit(batches, eval_metric=suite, num_epoch=1)
    assert module.score(batches, suite) == [("breed/num_labels", 3), ("toys/num_labels", 3)]


def test_two_tasks_may_share_a_label():
    tasks = mxmtl.TaskSet([mxmtl.Binary("a"), mxmtl.Binary("b")])
    suite = metrics.Suite(tasks, members(tasks), label_names=["one", "one"])
    suite.update([np.array([1, 1]), np.array([0, 0])], [np.ones((2, 1))] * 2)
    assert suite.get()[1] == [1, 0]  # in task order there is no mistaking them
    suite.reset()
    suite.update_dict({"one": [1, 1]}, {"a_output": np.ones(2), "b_output": np.zeros(2)})
    assert suite.get()[1] == [1, 0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"output_names": ["softmax_output"]}, "expected one name a task of"),
        ({"output_names": "softmax_output"}, "output_names='softmax_output': expected one name"),
        ({"label_names": {"bred": "x"}}, r"label_names: no task 'bred' \(did you mean 'breed'\?\)"),
    ],
)
def test_names_of_no_task_are_refused(options, message):
    tasks = _cases.task_set()
    with pytest.raises(ValueError, match=message):
        metrics.Suite(tasks, [], **options)


def test_an_output_that_is_not_there_is_said_with_the_one_that_was_meant():
    metric = metrics.Accuracy(OUTDOORS)
    name = OUTDOORS.output_name
    with pytest.raises(ValueError, match=rf"no output '{name}' among .*\(did you mean '{name}s'\?"):
        metric.update_dict({OUTDOORS.label_name: [1]}, {f"{name}s": [[0.5]]})
