"""Ways of counting that depend on the number of classes give the same."""

from __future__ import annotations

import mxmtl
from mxmtl.metrics import make_batch
from mxmtl.metrics._batch import FEW
from mxmtl.metrics._fast import SHORT, column_sums, fetch, first_highest

import mxnet as mx
import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

SIZES = [2, SHORT[0], SHORT[-1], SHORT[-1] + 1, FEW, FEW + 1]


@pytest.mark.parametrize("classes", SIZES)
@pytest.mark.parametrize("missing", [0.0, 0.4, 1.0])
def test_counts(classes: int, missing: float) -> None:
    rng = np.random.RandomState(classes)
    task = mxmtl.Multiclass("t", classes=[f"c{i}" for i in range(classes)])
    label = rng.randint(classes, size=(500, 1))
    label = np.where(rng.uniform(size=label.shape) < missing, -1, label).astype(np.float32)
    prediction = rng.randint(4, size=(500, classes)).astype(np.float32)  # many ties
    batch = make_batch(task, label, prediction)

    known = label[:, 0] >= 0
    own, chosen = label[known, 0].astype(int), prediction[known].argmax(axis=1)
    table = np.zeros((classes, classes), np.int64)
    if known.any():
        table = confusion_matrix(own, chosen, labels=range(classes))
    counts = batch.counts(0.5)  # type: ignore[attr-defined]
    expected = [np.diag(table), table.sum(0), table.sum(1), np.full(classes, known.sum())]
    np.testing.assert_array_equal(counts, expected)
    np.testing.assert_array_equal(batch.confusion(0.5), table[None])  # type: ignore[attr-defined]
    assert counts.dtype == np.int64
    assert batch.number.tolist() == [known.sum()]


@pytest.mark.parametrize("places", SIZES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32])
def test_first_highest(places: int, dtype: type) -> None:
    rng = np.random.RandomState(places)
    values: np.ndarray = rng.randint(-2, 3, size=(300, places)).astype(dtype)
    if dtype is not np.int32:
        values[rng.uniform(size=values.shape) < 0.1] = -np.inf
        values[0] = -np.inf
    values[1] = 0
    found = first_highest(values)
    np.testing.assert_array_equal(found, values.argmax(axis=1))
    assert found.dtype == np.intp
    assert first_highest(values[:0]).shape == (0,)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int32", "uint8"])
@pytest.mark.parametrize("shape", [(1,), (7,), (5, 3)])
def test_fetch_is_a_copy(dtype: str, shape: tuple[int, ...]) -> None:
    values = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    array = mx.nd.array(values, dtype=dtype)
    copy = fetch(array)
    array[:] = 9
    np.testing.assert_array_equal(copy, values)
    assert copy.dtype == values.dtype


def test_fetch_of_other_arrays() -> None:
    values = np.eye(3, dtype=np.float32)
    np.testing.assert_array_equal(fetch(mx.nd.array(values).tostype("row_sparse")), values)
    np.testing.assert_array_equal(fetch(mx.nd.array(values).as_np_ndarray()), values)
    np.testing.assert_array_equal(fetch(values.tolist()), values)


@pytest.mark.parametrize("rows", [0, 1, 15, 16, 17, 255 * 16 + 3, 256 * 16, 70000])
def test_counts_of_any_number_of_rows(rows: int) -> None:
    mask = np.random.RandomState(0).uniform(size=(rows, 3)) < 0.9
    for layout in (mask, np.asfortranarray(mask), np.ones_like(mask)):
        np.testing.assert_array_equal(column_sums(layout), layout.sum(axis=0))
