"""The two ways through batches that MXNet's iterators have: next(), and iter_next() with get*()."""

import json
import weakref

import mxmtl

import mxnet as mx
import numpy as np
import pytest

from ._records import encoded, picture, random_labels, same, whole_label, write

SHAPE = (3, 4, 4)


@pytest.fixture
def prefix(tmp_path):
    return write(tmp_path / "a", random_labels(23), lambda row: encoded(picture(row)))


def test_both_of_mxnets_ways_through_batches(prefix):
    with mxmtl.RecordIter(prefix, 8, SHAPE) as data:
        for get in (data.getdata, data.getlabel, data.getindex, data.getpad):
            with pytest.raises(ValueError, match=r"no current batch: call iter_next\(\) or next"):
                get()
        expected = [(b.index.tolist(), b.data[0].asnumpy(), whole_label(b)) for b in data]
        for _ in range(2):
            data.reset()
            found = []
            while data.iter_next():
                batch = mx.io.DataBatch(data.getdata(), data.getlabel(), data.getpad())
                pixels = batch.data[0].asnumpy()
                found.append((data.getindex().tolist(), pixels, whole_label(batch)))
            assert len(found) == len(expected) == data.num_batches
            for one, other in zip(found, expected):
                assert one[0] == other[0]
                np.testing.assert_array_equal(one[1], other[1])
                assert same(one[2], other[2])
            assert data.iter_next() is False
        data.reset()
        batch = data.next()
        assert data.getdata() is batch.data
        data.reset()
        with pytest.raises(ValueError, match="no current batch"):
            data.getpad()


@pytest.mark.parametrize("seed", [None, 1.5, "7"])
def test_a_seed_that_is_no_whole_number(prefix, seed):
    with pytest.raises(TypeError, match=f"seed={seed!r}: expected a whole number"):
        mxmtl.RecordIter(prefix, 8, SHAPE, shuffle=True, seed=seed)
    with pytest.raises(TypeError, match=f"seed={seed!r}: expected a whole number"):
        mxmtl.RecordDataset(prefix, SHAPE, seed=seed)


def test_a_seed_of_numpy_is_that_number(prefix):
    orders = []
    for seed in (-3, np.int64(-3)):
        with mxmtl.RecordIter(prefix, 23, SHAPE, shuffle=True, seed=seed) as data:
            json.dumps(data.state_dict())
            orders.append(next(data).index.tolist())
    assert orders[0] == orders[1]


def test_a_batch_is_held_no_longer_than_it_is_the_current_one(prefix):
    with mxmtl.RecordIter(prefix, 8, SHAPE) as data:
        ended = weakref.ref(data.next())
        assert ended() is not None
        data.next()
        assert ended() is None
        last = [weakref.ref(batch) for batch in data][-1]
        assert last() is None
