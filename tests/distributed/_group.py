"""What each worker of a launch checks: sums, agreement, metrics over all of them.

Run by `test_workers` as the command of a launch; ends with 0 if all is right.
"""

import os
import socket
import sys

from mxmtl import distributed
from mxmtl.distributed import WorkersError
from tests.distributed import _labelled

import mxnet as mx
import numpy as np
import pytest

workers = distributed.workers()
RANK, COUNT = workers.rank, workers.count
ranks = np.arange(COUNT, dtype=np.float64)


def check_numbers():
    table = workers.numbers("here", RANK, 2**24 - 1 - RANK)
    assert table.tolist() == [[r, 2**24 - 1 - r] for r in range(COUNT)]
    for size in (1, 256, 257, 300_000):
        vector = np.arange(size, dtype=np.float32) + RANK
        expected = COUNT * np.arange(size, dtype=np.float32) + ranks.sum()
        assert (workers.total(vector) == expected).all(), size


def check_bytes():
    for sizes in ([0] * COUNT, [1, 0, 3, 2], [700_001, 5, 0, 9]):
        data = [bytes(np.random.RandomState(r).bytes(size)) for r, size in enumerate(sizes)]
        assert workers.gather("bytes", data[RANK]) == data[:COUNT]


def check_agreement():
    assert workers.agree("") == ""
    assert workers.agree("I am late, 晚了" if RANK == 1 else "") == "I am late, 晚了"
    assert workers.agree(f"reason {RANK}") == "reason 0"


def check_arrays():
    one, two = mx.nd.array([RANK, 1.0]), mx.nd.array([[np.pi * (RANK + 1)]])
    workers.mean([one, two])
    assert one.asnumpy().tolist() == [ranks.mean(), 1.0]
    np.testing.assert_allclose(two.asnumpy(), np.pi * (ranks + 1).mean(), rtol=1e-6)
    one = mx.nd.array([RANK, -RANK, np.float32(1e-30)])
    workers.broadcast([one])
    assert one.asnumpy().tolist() == [0, 0, np.float32(1e-30)]


def check_metrics():
    suite, whole = _labelled.suite(), _labelled.suite()
    labels, predictions = _labelled.batch(41)
    mine = slice(RANK, None, COUNT)
    suite.update([y[mine][:7] for y in labels], [p[mine][:7] for p in predictions])
    suite.reset_local()  # as Speedometer does
    suite.update([y[mine][7:] for y in labels], [p[mine][7:] for p in predictions])
    whole.update(labels, predictions)
    workers.merge(suite)
    found, expected = suite.get_global_name_value(), whole.get_global_name_value()
    assert [name for name, _ in found] == [name for name, _ in expected]
    for (name, value), (_, other) in zip(found, expected):
        np.testing.assert_allclose(value, other, rtol=1e-12, err_msg=name)


def check_being_elsewhere():
    with pytest.raises(WorkersError, match=f"worker {RANK} is at"):
        workers.numbers("here" if RANK else "there")


if __name__ == "__main__":
    with socket.socket() as own:  # only the machine that has this address can
        own.bind((os.environ["DMLC_NODE_HOST"], 0))
    check_numbers()
    check_bytes()
    check_agreement()
    check_arrays()
    check_metrics()
    check_being_elsewhere()
    address = os.environ["DMLC_NODE_HOST"]
    print(f"worker {RANK} of {COUNT} is content at {address}", flush=True)
    if "fail" in sys.argv:
        if RANK == COUNT - 1:
            raise ValueError("on purpose")
        workers.numbers("wait for ever")
