"""Splits: exact sizes at random, whole groups, even shares of everything when stratified."""

from __future__ import annotations

import mxmtl
from mxmtl.data import OutputOptions, split_rows
from mxmtl.data.convert import _equal_pictures

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .._cases import OWN, TASKS, random_label, task_set

SPLIT = {"train": 0.7, "val": 0.2, "test": 0.1}


def random_labels(tasks, rows, missing, seed=0):
    rng = np.random.RandomState(seed)
    return np.concatenate([random_label(task, rows, missing, rng) for task in tasks], axis=1)


@given(st.integers(1, 400), st.integers(0, 5))
def test_the_sizes_of_a_random_split_are_those_asked_for(rows, seed):
    split = split_rows(rows, SPLIT, seed=seed)
    wanted = rows * np.array(list(SPLIT.values()))
    assert np.abs(np.bincount(split, minlength=3) - wanted).max() < 1 + 1e-9


def test_the_seed_governs_the_split():
    tasks = task_set()
    labels = random_labels(tasks, 200, 0.5)
    groups = [str(row % 37) for row in range(200)]
    for options in ({}, {"groups": groups}, {"tasks": tasks, "labels": labels}):
        splits = [split_rows(200, SPLIT, seed=seed, **options) for seed in (1, 1, 2)]
        np.testing.assert_array_equal(splits[0], splits[1])
        assert (splits[0] != splits[2]).any()


@settings(max_examples=30)
@given(st.lists(st.integers(0, 12), min_size=1, max_size=80), st.booleans())
def test_groups_stay_together(numbers, stratified):
    tasks = mxmtl.TaskSet([TASKS["multiclass"]])
    labels = random_labels(tasks, len(numbers), 0.3)
    options = {"tasks": tasks, "labels": labels} if stratified else {}
    split = split_rows(len(numbers), SPLIT, groups=[str(n) for n in numbers], **options)
    for number in set(numbers):
        assert len(set(split[np.array(numbers) == number])) == 1


@pytest.mark.parametrize("name", list(TASKS))
@pytest.mark.parametrize("missing", [0.0, 0.5, 0.9])
def test_stratified_shares_of_every_value_and_of_missing(name, missing):
    task, rows = TASKS[name], 3000
    tasks = mxmtl.TaskSet([task])
    labels = random_labels(tasks, rows, missing)
    split = split_rows(rows, SPLIT, tasks=tasks, labels=labels)
    np.testing.assert_allclose(np.bincount(split) / rows, list(SPLIT.values()), atol=0.01)
    for cell in range(task.label_width):
        column = labels[:, cell]
        known = task.labelled(column)
        values = column if task.kind != "value" else np.zeros(rows)
        events = [~known, *(known & (values == value) for value in np.unique(values[known]))]
        for event in events:
            got = np.bincount(split[event], minlength=3)
            # Single cells come out within a row or two; columns of one task pull at each other.
            assert np.abs(got - event.sum() * np.array(list(SPLIT.values()))).max() <= 6


# The more columns pull at a row, the less the worst gains: of all tasks it is the mean that does.
@pytest.mark.parametrize(("number", "measure"), [(7, np.max), (len(OWN), np.mean)])
def test_stratified_is_closer_than_random_over_many_tasks(number, measure):
    tasks = mxmtl.TaskSet(list(OWN.values())[:number])
    labels = random_labels(tasks, 1000, 0.6, seed=1)
    rare = labels[:, 0] == 3
    labels[rare & (np.arange(1000) % 15 > 0), 0] = -1
    events = [cell == value for cell in labels.T for value in (-1, 0, 1, 2, 3)]  # real values: none
    events = [event for event in events if event.sum() >= 10]

    def away(split):
        return np.array([abs((split[event] == 2).mean() - 0.1) for event in events])

    stratified = away(split_rows(1000, SPLIT, tasks=tasks, labels=labels))
    by_chance = [away(split_rows(1000, SPLIT, seed=seed)) for seed in range(5)]
    assert stratified.max() < 0.06
    assert measure(stratified) < min(measure(split) for split in by_chance)


def test_groups_are_stratified_too():
    tasks = mxmtl.TaskSet([mxmtl.Binary("outdoors")])
    rng = np.random.RandomState(0)
    groups = np.repeat(np.arange(300), rng.randint(1, 9, 300))
    labels = (groups % 3 == 0).astype(np.float32)[:, None]
    split = split_rows(
        len(groups), {"a": 0.8, "b": 0.2}, tasks=tasks, labels=labels, groups=groups.astype(str)
    )
    assert abs((split == 1).mean() - 0.2) < 0.01
    assert abs(labels[split == 1].mean() - labels.mean()) < 0.01
    sizes, of_group = np.bincount(groups), split[np.unique(groups, return_index=True)[1]]
    assert abs(sizes[of_group == 1].mean() - sizes.mean()) < 1  # not the small ones alone


@pytest.mark.parametrize("hashed", [hash, lambda text: -hash(text), lambda text: hash(text[::-1])])
def test_rows_of_one_picture_are_numbered_alike_in_every_process(tmp_path, monkeypatch, hashed):
    for number in range(8):
        (tmp_path / f"{number}.jpg").write_bytes(b"x" * (9 if number == 6 else number + 4))
    names = [f"{number}.jpg" for number in (3, 1, 3, 0, 5, 6, 1, 7, 2, 4)]  # 5 and 6 are equal
    monkeypatch.setattr(_equal_pictures, "hash", hashed, raising=False)
    files = _equal_pictures.PictureFiles(lambda name: str(tmp_path / name))
    for name in names:
        files.take(name)
    same = files.same(lambda: names, OutputOptions())
    np.testing.assert_array_equal(same, [0, 1, 0, 2, 3, 3, 1, 4, 5, 6])
    files = _equal_pictures.PictureFiles(lambda name: str(tmp_path / name))
    for name in names[:4]:  # no two files of one size
        files.take(name)
    np.testing.assert_array_equal(files.same(lambda: names[:4], OutputOptions()), [0, 1, 0, 2])


def test_rows_without_any_label_are_shared_out():
    tasks = task_set()
    labels = np.tile(tasks.missing_label, (100, 1))
    split = split_rows(100, SPLIT, tasks=tasks, labels=labels)
    np.testing.assert_array_equal(np.bincount(split), [70, 20, 10])


def test_hundreds_of_splits_are_told_apart():
    split = {str(number): 1 / 300 for number in range(300)}
    labels = np.arange(1200, dtype=np.float32)[:, None]
    stratify = {"tasks": mxmtl.TaskSet([mxmtl.Regression("age")]), "labels": labels}
    for options in ({}, stratify):
        np.testing.assert_array_equal(np.bincount(split_rows(1200, split, **options)), [4] * 300)
    assert split_rows(10, SPLIT).dtype == np.uint8
