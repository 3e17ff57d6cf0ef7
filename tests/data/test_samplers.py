"""Samplers: the epoch's length is exact, rows come as often as expected, nobody above the cap."""

import collections

import mxmtl
from mxmtl.data import ClassAwareSampler, WeightedSampler
from mxmtl.data.loading import Order, share_out, task_weights

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ._records import random_labels, write

SHAPE = (3, 4, 4)


@given(st.lists(st.floats(0.001, 1000), min_size=2, max_size=30), st.data())
def test_shares_are_whole_proportional_and_capped(weights, data):
    weights = np.array(weights)
    cap = data.draw(st.floats(1.0, 5.0))
    total = data.draw(st.floats(1.0, cap * len(weights) * 0.99))
    shares = share_out(weights, total, cap)
    np.testing.assert_allclose(shares.sum(), total)
    assert shares.max() <= cap * (1 + 1e-9)
    free = shares < cap * (1 - 1e-9)
    if free.any():
        rate = shares[free] / weights[free]
        np.testing.assert_allclose(rate, rate[0])
        assert np.all(weights[~free] >= weights[free].max() * (1 - 1e-9))


def counts_of(order, epoch):
    rows, repeats = order.rows(epoch)
    for row in set(rows.tolist()):
        assert sorted(repeats[rows == row].tolist()) == list(range(np.sum(rows == row)))
    return np.bincount(rows, minlength=order.num_records)


@given(st.integers(0, 2**32), st.lists(st.floats(0, 10), min_size=1, max_size=40))
def test_an_epoch_has_the_expected_counts_rounded(seed, weights):
    weights = np.array(weights) + 0.01
    expected = share_out(weights, 25.0, np.inf)
    order = Order(len(weights), 4, shuffle=True, seed=seed, expected=expected)
    counts = counts_of(order, 0)
    assert counts.sum() == order.num_rows == 25
    assert np.all(np.abs(counts - expected) < 1 + 1e-5)


def test_over_many_epochs_the_mean_is_what_was_expected():
    expected = np.array([0.1, 0.5, 1.4, 3.0, 2.0])
    order = Order(5, 2, seed=3, expected=expected)
    counts = np.mean([counts_of(order, epoch) for epoch in range(2000)], axis=0)
    np.testing.assert_allclose(counts, expected, atol=0.04)


def test_parts_share_the_rows_of_an_epoch():
    expected = share_out(np.arange(1.0, 31.0), 50.0, 3.0)
    whole = Order(30, 4, True, 1, expected=expected)
    parts = [Order(30, 4, True, 1, 3, part, expected=expected) for part in range(3)]
    pairs = [pair for part in parts for pair in zip(*map(list, part.rows(2)))]
    assert sorted(pairs) == sorted(zip(*map(list, whole.rows(2))))
    assert len({part.num_batches for part in parts}) == 1


def test_class_weights_against_counting():
    task = mxmtl.Multiclass("breed", classes=["a", "b", "c"])
    label = np.float32([0, 0, 0, 0, 0, 0, 1, 1, 2, -1]).reshape(-1, 1)
    found = task_weights(task, label, 1.0)
    frequency = np.array([6, 2, 1])[label[:-1, 0].astype(int)] / 9
    expected = 1 / frequency
    np.testing.assert_allclose(found, [*(expected / expected.mean()), 1.0])
    np.testing.assert_allclose(found[:9][label[:9, 0] == 0].sum(), found[8])  # classes weigh alike
    np.testing.assert_array_equal(task_weights(task, label, 0.0), np.ones(10))
    np.testing.assert_array_equal(task_weights(task, label * 0 - 1, 1.0), np.ones(10))


def test_the_rarest_positive_label_counts():
    task = mxmtl.Multilabel("toys", labels=["ball", "rope"])
    label = np.float32([[1, 0], [1, 1], [1, -1], [0, 0], [-1, -1], [0, 0]])
    found = task_weights(task, label, 0.5)
    value = np.array([3, 1, 3, 2, 2]) / 5  # ball, rope, ball, nothing, nothing
    expected = value**-0.5 / np.mean(value**-0.5)
    np.testing.assert_allclose(found, [*expected[:4], 1.0, expected[4]])


@pytest.fixture
def unbalanced(tmp_path):
    labels = random_labels(90)
    labels[:, 0] = np.repeat([0, 1, 2], [80, 9, 1])
    return write(tmp_path / "a", labels), labels


def classes_of(data):
    return collections.Counter(
        int(value)
        for batch in data
        for value in batch.label[0].asnumpy()[: data.batch_size - batch.pad]
    )


def test_an_epoch_of_the_iterator_is_balanced_and_capped(unbalanced):
    prefix, _ = unbalanced
    sampler = ClassAwareSampler(power=1.0, cap=20, names=("breed",))
    with mxmtl.RecordIter(prefix, 10, SHAPE, sampler=sampler) as data:
        assert data.num_batches == 9
        first = [batch.index.tolist() for batch in data]
        counts = classes_of(data)
    assert sum(counts.values()) == 90
    assert counts[2] == 20  # one row, capped
    assert abs(counts[0] - 35) <= 2
    assert abs(counts[1] - 35) <= 2
    with mxmtl.RecordIter(prefix, 10, SHAPE, sampler=sampler) as data:
        assert [batch.index.tolist() for batch in data] == first


def test_weights_and_the_length_of_an_epoch(unbalanced):
    prefix, _ = unbalanced
    weights = np.zeros(90)
    weights[:5] = 1
    with mxmtl.RecordIter(prefix, 4, SHAPE, sampler=WeightedSampler(weights, num_rows=10)) as data:
        index = [i for batch in data for i in batch.index.tolist() if i >= 0]
    assert collections.Counter(index) == dict.fromkeys(range(5), 2)


def test_a_row_that_repeats_is_augmented_anew(unbalanced):
    from mxmtl.augment import Apply

    seen = []

    def note(image, label, rng):
        seen.append(rng.integers(1 << 40))
        return image, label

    sampler = WeightedSampler(np.eye(90)[7], num_rows=12)
    with mxmtl.RecordIter(unbalanced[0], 4, SHAPE, sampler=sampler, augment=[Apply(note)]) as data:
        list(data)
    assert len(set(seen)) == 12


@pytest.mark.parametrize(
    ("sampler", "message"),
    [
        (WeightedSampler([1.0]), r"90 records need as many weights, not \(1,\)"),
        (WeightedSampler([-1.0] * 90), "finite and not negative"),
        (WeightedSampler([1.0] * 90, cap=0.5), "each read at most 0.5 times, make no epoch of 90"),
        (WeightedSampler([0.0] * 90), "0 rows with a weight"),
        (ClassAwareSampler(names=("age",)), "no task with classes or labels to balance"),
    ],
)
def test_what_makes_no_epoch_is_named(unbalanced, sampler, message):
    with pytest.raises(ValueError, match=message):
        mxmtl.RecordIter(unbalanced[0], 4, SHAPE, sampler=sampler)


def test_a_task_that_is_not_there(unbalanced):
    with pytest.raises(KeyError, match="task 'bread' is not one of"):
        mxmtl.RecordIter(unbalanced[0], 4, SHAPE, sampler=ClassAwareSampler(names=("bread",)))
