"""Counted over whole epochs: every row once, over all parts, and every label of the table."""

import collections
import itertools

import mxmtl

import numpy as np
import pytest

from ._records import TASKS, random_labels, same, whole_label, write

SHAPE = (3, 4, 4)


@pytest.fixture(scope="module")
def thousands(tmp_path_factory):
    """5,000 rows of one tiny image, with labels that are random bits where they may be."""
    labels = random_labels(5_000)
    return write(tmp_path_factory.mktemp("data") / "a", labels), labels


# Small batches take their time, so they have fewer rows.
COUNTED = [(*case, 5_000, 2) for case in itertools.product([64, 5_001], [1, 2, 3])]
COUNTED += [(*case, 500, 2) for case in itertools.product([1, 7], [1, 2, 3])]


@pytest.mark.parametrize(("batch_size", "num_parts", "rows", "epochs"), COUNTED)
def test_every_row_once_an_epoch_over_all_parts(
    thousands, tmp_path, batch_size, num_parts, rows, epochs
):
    prefix, labels = thousands
    if rows < len(labels):
        labels = labels[:rows]
        prefix = write(tmp_path / "a", labels)
    parts = [
        mxmtl.RecordIter(
            prefix, batch_size, SHAPE, shuffle=True, seed=3, num_parts=num_parts, part_index=part
        )
        for part in range(num_parts)
    ]
    orders = []
    for _ in range(epochs):
        seen, batches = [], set()
        for part in parts:
            count = 0
            for batch in part:
                count += 1
                index = batch.index[: batch_size - batch.pad]
                seen.extend(index.tolist())
                assert same(whole_label(batch), labels[index])
                assert np.all(batch.index[batch_size - batch.pad :] == -1)
            batches.add(count)
            part.reset()
        assert sorted(seen) == list(range(rows))
        assert batches == {parts[0].num_batches}
        orders.append(tuple(seen))
    assert len(set(orders)) == epochs
    for part in parts:
        part.close()


def test_counted_labels_are_those_of_the_table(thousands):
    prefix, labels = thousands
    counted = collections.Counter()
    with mxmtl.RecordIter(prefix, 64, SHAPE) as data:
        for batch in data:
            for task, label in zip(TASKS, batch.label):
                counted[task.name] += int(task.labelled(label.asnumpy()).sum())
    expected = {
        task.name: int(task.labelled(labels[:, part]).sum())
        for task, part in zip(TASKS, TASKS.slices)
    }
    assert counted == expected
