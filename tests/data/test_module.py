"""RecordIter in stock Module.fit, score and predict, and a process that just ends."""

import subprocess
import sys

import mxmtl

import mxnet as mx
import numpy as np
import pytest

from ._records import encoded, random_labels, write

SHAPE = (3, 4, 4)
TASKS = mxmtl.TaskSet([mxmtl.Regression("level")])


@pytest.fixture
def levels(tmp_path):
    """22 flat pictures whose label is their level."""
    labels = np.arange(22, dtype=np.float32).reshape(-1, 1) / 22

    def image(row):
        return encoded(np.full((4, 4, 3), round(255 * row / 22), np.uint8))

    return write(tmp_path / "a", labels, image, tasks=TASKS)


def linear_module():
    symbol = mxmtl.training_symbol(mx.sym.flatten(mx.sym.var("data")), TASKS)
    return mx.mod.Module(symbol, label_names=TASKS.label_names)


def test_fit_score_and_predict(levels):
    module = linear_module()
    options = {"mean": 128.0, "std": 64.0}
    with (
        mxmtl.RecordIter(levels, 5, SHAPE, shuffle=True, **options) as train,
        mxmtl.RecordIter(levels, 5, SHAPE, **options) as val,
    ):
        list(train)  # read to its end: fit goes on with the next epoch instead of failing
        module.fit(train, num_epoch=30, eval_metric="mse", initializer=mx.init.Zero(),
                   optimizer_params={"learning_rate": 0.01})  # fmt: skip
        assert train.epoch == 31
        predictions = module.predict(val).asnumpy()[:, 0]
        assert predictions.shape == (22,)
        assert np.corrcoef(predictions, np.arange(22))[0, 1] > 0.99
        assert sum(1 for _ in module.iter_predict(val)) == 5
    with mxmtl.RecordIter(levels, 1, SHAPE, num_parts=2, part_index=1, **options) as half:
        assert module.predict(half).shape == (11, 1)


END = """
import sys, mxmtl, mxnet as mx
data = mxmtl.RecordIter(sys.argv[1], 3, (3, 4, 4), threads=2)
kept = [next(data).data[0][1:] for _ in range(3)]
pending = next(data).data[0]
for _ in range(200):
    pending = pending * 1.01
if sys.argv[2] == "raise":
    raise KeyboardInterrupt
"""


@pytest.mark.parametrize(("how", "status"), [("return", 0), ("raise", -2)])
def test_a_process_ends_with_threads_and_batches_alive(tmp_path, how, status):
    prefix = write(tmp_path / "a", random_labels(40))
    command = [sys.executable, "-c", END, prefix, how]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode in (status, 130 if status else 0), done.stderr
    assert "Segmentation" not in done.stderr
