"""What must hold for every metric, whatever it computes."""

import copy
import warnings
from functools import cache

import mxmtl
from mxmtl import metrics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ._data import TASKS, batches, sample, shared
from ._rows import by_metric, make, rows, values

ROWS = rows()
each_metric = pytest.mark.parametrize("rows_of_it", by_metric().values(), ids=by_metric())
EXACT = {"rtol": 1e-12, "atol": 1e-12}


def updated(row, *parts):
    metric = make(row)
    for label, prediction in parts:
        metric.update(label, prediction)
    return metric


@cache
def value_of(row, *samples):
    """The values of a metric that has seen samples, each given as (sort, missing, seed)."""
    return values(updated(row, *(shared(row[1], *each) for each in samples)))


PLAIN, SECOND, HALF = ("plain", 0.3, 1), ("plain", 0.3, 2), ("plain", 0.5, 0)


@each_metric
def test_ignoring_a_label_is_removing_it(rows_of_it):
    for row in rows_of_it:
        task = TASKS[row[1]]
        label, prediction = shared(row[1], *HALF)
        known = ~np.isnan(label) if task.kind == "value" else label >= 0
        labelled = known.reshape(len(label), -1).any(axis=1)
        garbage = prediction.copy()
        garbage[~labelled] = np.nan
        if task.kind == "cells":
            garbage[~known.reshape(garbage.shape)] = np.nan
        expected = value_of(row, HALF)
        found = values(updated(row, (label, garbage)))
        np.testing.assert_array_equal(found, expected, err_msg=str(row))
        removed = values(updated(row, (label[labelled], prediction[labelled])))
        np.testing.assert_allclose(removed, expected, **EXACT, err_msg=str(row))


@each_metric
def test_rows_may_come_in_any_order_and_in_any_batches(rows_of_it):
    ties = ("ties", 0.3, 0)
    for row in rows_of_it:
        shuffled = values(updated(row, *shuffled_batches(row[1], ties)))
        np.testing.assert_allclose(shuffled, value_of(row, ties), **EXACT, err_msg=str(row))


@cache
def shuffled_batches(name, which):
    label, prediction = shared(name, *which)
    order = np.random.RandomState(1).permutation(len(label))
    return batches(label[order], prediction[order], seed=2)


@each_metric
def test_pad_rows_change_nothing(rows_of_it):
    for row in rows_of_it:
        task = TASKS[row[1]]
        label, prediction = shared(row[1], *PLAIN)
        pad_label = np.full((4, *label.shape[1:]), task.missing, np.float32)
        pad = np.full((4, task.num_outputs), np.nan, np.float32)
        metric = updated(row, (label, prediction), (pad_label, pad))
        np.testing.assert_array_equal(values(metric), value_of(row, PLAIN), err_msg=str(row))


@each_metric
@pytest.mark.parametrize("rows_seen", [None, 0, 5])
def test_nothing_labelled_is_nan_without_a_warning(rows_of_it, rows_seen):
    for row in rows_of_it:
        task = TASKS[row[1]]
        metric = make(row)
        if rows_seen is not None:
            label = np.full(task.label_shape(rows_seen), task.missing, np.float32)
            metric.update(label, np.full((rows_seen, task.num_outputs), 0.5, np.float32))
        counts = row[0] in ("num_labels", "num_positive", "confusion_matrix")
        expected = 0.0 if counts else np.nan
        np.testing.assert_array_equal(values(metric), expected, err_msg=str(row))


@each_metric
def test_local_is_since_reset_local_and_global_since_reset(rows_of_it):
    for row in rows_of_it:
        first, second = shared(row[1], *PLAIN), shared(row[1], *SECOND)
        metric = updated(row, *zip(*(np.split(part, [20]) for part in first)))
        metric.reset_local()
        metric.update(*second)
        alone, both = value_of(row, SECOND), value_of(row, PLAIN, SECOND)
        np.testing.assert_allclose(values(metric, whole=False), alone, **EXACT, err_msg=str(row))
        np.testing.assert_allclose(values(metric), both, **EXACT, err_msg=str(row))
        metric.reset()
        metric.update(*second)
        np.testing.assert_array_equal(values(metric), alone, err_msg=str(row))


@each_metric
def test_labels_and_predictions_are_found_by_name_and_left_as_they_are(rows_of_it):
    for row in rows_of_it:
        task = TASKS[row[1]]
        before = shared(row[1], *PLAIN)
        label, prediction = (part.copy() for part in before)
        metric, other = make(row), np.zeros((2, 2))
        metric.update_dict(
            {"x_label": other, task.label_name: label},
            {task.output_name: prediction, "x_output": other},
        )
        metric.update(label, prediction)
        np.testing.assert_array_equal(label, before[0], err_msg=str(row))
        np.testing.assert_array_equal(prediction, before[1], err_msg=str(row))
        prediction[:] = np.nan  # the caller's arrays are free again
        label[:] = np.nan
        expected = value_of(row, PLAIN, PLAIN)
        np.testing.assert_array_equal(values(metric), expected, err_msg=str(row))


def test_all_in_one_suite_are_as_alone_also_after_leaving_it():
    tasks = mxmtl.TaskSet(list(TASKS.values()))
    members = [named(make(row), index) for index, row in enumerate(ROWS)]
    suite = metrics.Suite(tasks, members)
    samples = {task.name: sample(task, "plain", 0.3, seed=3) for task in tasks}
    more = {task.name: sample(task, "plain", 0.3, seed=4) for task in tasks}
    suite.update(*zip(*samples.values()))
    assert len(suite._feeds) == 1
    loner = members[5]
    (task,) = loner.tasks
    loner.update(*more[task.name])
    suite.update(*zip(*more.values()))
    for row, member in zip(ROWS, members):
        parts = [samples[TASKS[row[1]].name], more[TASKS[row[1]].name]]
        if member is loner:
            parts.append(parts[1])
        np.testing.assert_allclose(values(member), values(updated(row, *parts)), **EXACT)
    copy.deepcopy(suite).reset()
    np.testing.assert_allclose(
        values(members[0]), values(updated(ROWS[0], samples["breed"], more["breed"])), **EXACT
    )


@each_metric
@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
def test_a_copy_that_is_updated_leaves_the_other_as_it_is(rows_of_it, duplicate):
    for row in rows_of_it:
        metric = updated(row, shared(row[1], *PLAIN))
        other = duplicate(metric)
        other.update(*shared(row[1], *SECOND))
        np.testing.assert_array_equal(values(metric), value_of(row, PLAIN), err_msg=str(row))
        both = value_of(row, PLAIN, SECOND)
        np.testing.assert_array_equal(values(other), both, err_msg=str(row))


def named(metric, index):
    metric.name = f"{metric.name}_{index}"
    return metric


@settings(max_examples=25)
@given(data=st.data())
def test_any_split_with_any_reset_local_gives_the_whole(data):
    row = data.draw(st.sampled_from(ROWS))
    task = TASKS[row[1]]
    missing = data.draw(st.sampled_from([0.0, 0.4, 0.9]))
    label, prediction = sample(task, "ties", missing, rows=24, seed=data.draw(st.integers(0, 99)))
    cuts = sorted(data.draw(st.lists(st.integers(0, 24), max_size=5)))
    metric = make(row)
    for part in zip(np.split(label, cuts), np.split(prediction, cuts)):
        metric.update(*part)
        if data.draw(st.booleans()):
            metric.reset_local()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_allclose(
            values(metric), values(updated(row, (label, prediction))), **EXACT
        )
