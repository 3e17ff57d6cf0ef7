"""Metrics of several processes, put together, are those of one."""

import subprocess
import sys
from pathlib import Path

import mxmtl
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


AGES = mxmtl.TaskSet([mxmtl.Regression("a"), mxmtl.Regression("b")])


def errors(order, off=(1, 10), tasks=AGES):
    """A suite of the tasks' errors in some order, of which it has seen one each."""
    suite = metrics.Suite(tasks, [metrics.MAE(tasks[name]) for name in order])
    suite.update([np.zeros(2)] * 2, [np.full((2, 1), each) for each in off])
    return suite


def test_metrics_in_another_order_are_found_by_name():
    one, other = errors("ab"), errors("ba", off=(3, 30))
    metrics.merge_arrays(one, [metrics.arrays_of(one), metrics.arrays_of(other)])
    assert one.get_name_value() == [("a/mae", 2), ("b/mae", 20)]
    alone = metrics.MAE(AGES["b"])  # a part may have more
    metrics.merge_arrays(alone, [metrics.arrays_of(other)])
    assert alone.get() == ("b/mae", 30)


def test_a_part_without_a_metric_is_refused_and_nothing_changes():
    one, less = errors("ab"), errors("a")
    with pytest.raises(ValueError, match=r"part 1, of \[a/mae\], cannot be merged into \[a/mae, b"):
        metrics.merge_arrays(one, [metrics.arrays_of(one), metrics.arrays_of(less)])
    with pytest.raises(ValueError, match=r"it has nothing for \[b/mae\]. Make the same metrics"):
        metrics.merge_arrays(one, [metrics.arrays_of(less)])
    assert one.get_name_value() == [("a/mae", 1), ("b/mae", 10)]


@pytest.mark.parametrize(
    ("task", "message"),
    [
        (mxmtl.Multiclass("m", ["b", "a"]), r"'m' is Multiclass of \[a, b\] here, and .* \[b, a\]"),
        (mxmtl.Multiclass("m", ["a", "b", "c"]), r"and Multiclass of \[a, b, c\] there"),
        (mxmtl.Ordinal("m", ["a", "b"]), r"and Ordinal of \[a, b\] there. Names and their order"),
        (mxmtl.Multiclass("n", ["a", "b"]), r"it has nothing for \[m/f1\]"),
    ],
)
def test_tasks_must_be_the_same(task, message):
    here = metrics.F1(mxmtl.Multiclass("m", ["a", "b"]))
    with pytest.raises(ValueError, match=message):
        metrics.merge_arrays(here, [metrics.arrays_of(metrics.F1(task))])


def test_options_must_be_the_same_but_not_the_metric():
    task = mxmtl.Binary("q")
    half, third = metrics.F1(task), metrics.F1(task, threshold=1 / 3)
    with pytest.raises(ValueError, match=r"nothing for \[q/f1\]. Make .* with the same options"):
        metrics.merge_arrays(half, [metrics.arrays_of(third)])
    third.update(np.array([1, 0]), np.array([[0.4], [0.4]]))
    recall = metrics.Recall(task, threshold=1 / 3)
    metrics.merge_arrays(recall, [metrics.arrays_of(third)])  # of the same counts
    assert recall.get()[1] == 1


def nameless(arrays):
    """Arrays as earlier versions wrote them."""
    return {name: array for name, array in arrays.items() if name[0].isdigit()}


def test_arrays_of_an_earlier_version_merge_where_they_are_alike(tmp_path):
    one, other = errors("ab"), errors("ab", off=(3, 30))
    np.savez(tmp_path / "old.npz", **nameless(metrics.arrays_of(other)))
    old = np.load(tmp_path / "old.npz", allow_pickle=False)
    metrics.merge_arrays(one, [metrics.arrays_of(one), old])
    assert one.get_name_value() == [("a/mae", 2), ("b/mae", 20)]
    with pytest.raises(ValueError, match="has 2 arrays without names where"):
        metrics.merge_arrays(errors("a"), [old])
    with pytest.raises(ValueError, match="it is of other metrics"):
        metrics.merge_arrays(metrics.Suite(AGES, [metrics.R2Score(t) for t in AGES]), [old])
    area = metrics.AUROC(mxmtl.Binary("q"))
    with pytest.raises(ValueError, match="it is of other metrics"):
        metrics.merge_arrays(area, [{"0.0": np.zeros(3)}])


def test_every_metric_tells_the_same_in_another_process(tmp_path):
    """What parts are matched by has no address of an object in it."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from tests.distributed import _labelled\nfrom mxmtl import metrics\n"
        "print(*metrics.arrays_of(_labelled.suite())['statistics'], sep='\\n')"
    )
    root = str(Path(__file__).parents[2])
    run = [sys.executable, "-c", code, root]
    told = subprocess.run(run, capture_output=True, text=True, check=True, cwd=root).stdout
    assert told.splitlines() == metrics.arrays_of(_labelled.suite())["statistics"].tolist()


def test_a_member_that_went_its_own_way_is_refused():
    one, other = errors("ab"), errors("ab")
    one.metrics[0].update(np.zeros(2), np.ones((2, 1)))
    with pytest.raises(ValueError, match="was updated by itself and not with its suite"):
        metrics.merge_arrays(one, [metrics.arrays_of(one), metrics.arrays_of(other)])
