"""What stock MXNet 1.9.1 does with several tasks and missing labels, and what mxmtl does.

Each function returns both figures, measured; the README's table must show the same.
"""

import contextlib
import csv
import io
import os
import subprocess
import sys
from pathlib import Path

import mxmtl

import cv2
import mxnet as mx
import numpy as np
import pytest

README = Path(__file__).parent.parent / "README.md"
ZOO = mxmtl.Multiclass("zoo", ["a", "b"])
ANT = mxmtl.Multiclass("ant", ["a", "b", "c"])
TOYS = mxmtl.Multilabel("toys", ["ball", "rope", "bone"])
AGE = mxmtl.Regression("age")
LONG = "mean squared error, off by 0.1 in each of 3,000 batches (NumPy 2)"


def _score(metric, tasks, labels, outputs):
    """Score a Module that answers ``outputs`` whatever it is shown."""
    data = np.concatenate([np.asarray(output) for output in outputs], axis=1)
    ends = np.cumsum([np.shape(output)[1] for output in outputs])
    symbol, begin, heads = mx.sym.var("data"), 0, []
    for task, end in zip(tasks, ends):
        part = mx.sym.slice_axis(symbol, axis=1, begin=int(begin), end=int(end))
        # The label must be an input of the network, as it is in training; times 0 it says nothing.
        nothing = mx.sym.reshape(0 * mx.sym.sum(mx.sym.var(task.label_name)), shape=(1, 1))
        heads.append(mx.sym.broadcast_add(part, nothing, name=task.name))
        begin = end
    module = mx.mod.Module(mx.sym.Group(heads), label_names=[t.label_name for t in tasks])
    named = {task.label_name: np.asarray(label) for task, label in zip(tasks, labels)}
    batches = mx.io.NDArrayIter(data, named, batch_size=4)
    module.bind(batches.provide_data, batches.provide_label, for_training=False)
    module.init_params()
    return round(float(dict(module.score(batches, metric)).popitem()[1]), 3)


def perfect_predictor():
    zoo, ant = np.array([0, 1, 1, 0]), np.array([2, 2, 0, 2])
    outputs = [np.eye(2)[zoo], np.eye(3)[ant]]
    ours = [_score(mxmtl.metrics.Accuracy(t), [ZOO, ANT], [zoo, ant], outputs) for t in (ZOO, ANT)]
    return _score(mx.metric.Accuracy(), [ZOO, ANT], [zoo, ant], outputs), min(ours)


def accuracy_of_known_labels():
    label, output = [0, 1, -1, -1], np.eye(2)[[0, 1, 0, 1]]
    return tuple(
        _score(metric, [ZOO], [label], [output])
        for metric in (mx.metric.Accuracy(), mxmtl.metrics.Accuracy(ZOO))
    )


def cross_entropy_of_known_labels():
    label = [0, -1, 2, 1]
    output = [[0.8, 0.1, 0.1], [0.6, 0.3, 0.1], [0.1, 0.1, 0.8], [0.1, 0.8, 0.1]]
    return tuple(
        _score(metric, [ANT], [label], [output])
        for metric in (mx.metric.CrossEntropy(), mxmtl.metrics.CrossEntropy(ANT))
    )


def squared_error_of_a_long_epoch():
    """By NumPy 2's rules for types stock metrics add in float32; by NumPy 1's, in float64."""
    ours = mxmtl.metrics.MSE(AGE)
    stock, label, output = mx.metric.MSE(), mx.nd.zeros(4), mx.nd.ones((4, 1)) / 10
    for _ in range(3000):
        ours.update([label], [output])
        stock.update([label], [output.reshape(-1)])
    return tuple(round(float(metric.get()[1]), 7) for metric in (stock, ours))


def accuracy_of_labels():
    label = np.array([[1, 0, 1], [0, 0, 1], [1, 1, 0], [0, 1, 0]])
    output = np.where(label, 0.9, 0.1)
    return tuple(
        _score(metric, [TOYS], [label], [output])
        for metric in (mx.metric.Accuracy(), mxmtl.metrics.Accuracy(TOYS))
    )


def scored_rows():
    tasks = mxmtl.TaskSet([ZOO])
    label, output = np.zeros(5), np.eye(2)[np.zeros(5, int)]

    class Count(mx.metric.EvalMetric):
        def update(self, labels, preds):
            self.sum_metric += labels[0].shape[0]
            self.num_inst = 1

    stock = _score(Count("rows"), [ZOO], [label], [output])
    metric = mxmtl.metrics.NumLabels(ZOO)
    with _records(tasks, [{"zoo": "a"}] * 5) as prefix:
        batches = mxmtl.RecordIter(prefix, batch_size=4, data_shape=(3, 8, 8))
        for batch in batches:
            metric.update(batch.label, [mx.nd.ones((4, 2)) / 2])
        batches.close()
    return int(stock), int(metric.get()[1])


def gradient_of_a_missing_cell():
    z, label = mx.sym.var("z"), mx.sym.var("toys_label")
    stock = mx.sym.LogisticRegressionOutput(z, label, name="toys")
    return _gradient(stock, TOYS), _gradient(TOYS.training_output(mx.sym, z, label), TOYS)


def gradient_of_a_missing_class():
    z, label = mx.sym.var("z"), mx.sym.var("ant_label")
    stock = mx.sym.SoftmaxOutput(z, label, name="ant")
    return _gradient(stock, ANT), _gradient(ANT.training_output(mx.sym, z, label), ANT)


def _gradient(symbol, task):
    shapes = {"z": (1, 3), task.label_name: task.label_shape(1)}
    executor = symbol.simple_bind(mx.cpu(), **shapes)
    executor.arg_dict[task.label_name][:] = -1
    executor.forward(is_train=True)
    executor.backward()
    return round(float(executor.grad_dict["z"].asnumpy()[0, 0]), 3)


@contextlib.contextmanager
def _records(tasks, rows, level=None):
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "t.csv"), "w", newline="") as stream:
            writer = csv.DictWriter(stream, ["path", *tasks.columns])
            writer.writeheader()
            for index, row in enumerate(rows):
                picture = np.full((8, 8, 3), index if level is None else level, np.uint8)
                cv2.imwrite(os.path.join(folder, f"{index}.png"), picture)
                writer.writerow({"path": f"{index}.png", **row})
        prefix = os.path.join(folder, "t")
        mxmtl.write_records(f"{prefix}.csv", images=folder, prefix=prefix, tasks=tasks)
        yield prefix


def labels_kept_by_conversion():
    tasks = mxmtl.TaskSet([TOYS])
    row = {"toys.ball": 1, "toys.rope": 0, "toys.bone": 1}
    with _records(tasks, [row]) as prefix:
        folder = os.path.dirname(prefix)
        Path(folder, "stock.lst").write_text("0\t1\t0\t1\t0.png\n")
        command = [
            sys.executable,
            "-c",
            "import mxmtl, runpy; runpy.run_module('mxnet.tools.im2rec', run_name='__main__')",
        ]
        done = subprocess.run(
            [*command, os.path.join(folder, "stock"), folder], capture_output=True, check=False
        )
        assert done.returncode == 0  # as if nothing had happened
        kept = []
        for name in (os.path.join(folder, "stock"), prefix):
            reader = mx.recordio.MXIndexedRecordIO(f"{name}.idx", f"{name}.rec", "r")
            header, _ = mx.recordio.unpack(reader.read_idx(reader.keys[0]))
            reader.close()
            kept.append(np.size(header.label))
    return tuple(kept)


def batches_in_each_epoch():
    tasks = mxmtl.TaskSet([ZOO])
    with _records(tasks, [{"zoo": "a"}] * 10) as prefix:
        options = {"batch_size": 4, "data_shape": (3, 8, 8)}
        stock = mx.io.ImageRecordIter(
            path_imgrec=f"{prefix}.rec", path_imgidx=f"{prefix}.idx", verbose=False, **options
        )
        counts = []
        for batches in (stock, mxmtl.RecordIter(prefix, **options)):
            epochs = []
            for _ in range(4):
                epochs.append(sum(1 for _ in batches))
                batches.reset()
            counts.append(" ".join(map(str, epochs)))
        batches.close()
    return tuple(counts)


ROWS = {
    "accuracy of a predictor that is right in both of its tasks": perfect_predictor,
    "accuracy, all known labels right, half of the labels missing": accuracy_of_known_labels,
    "cross-entropy, each known class given 0.8, one label missing": cross_entropy_of_known_labels,
    LONG: squared_error_of_a_long_epoch,
    "accuracy of a multi-label head that is right everywhere": accuracy_of_labels,
    "rows that the iterator has `score` count, 5 rows in batches of 4": scored_rows,
    "gradient at a missing multi-label cell": gradient_of_a_missing_cell,
    "gradient at a missing class": gradient_of_a_missing_class,
    "labels kept of a row of 3 by conversion (exit code 0)": labels_kept_by_conversion,
    "batches of 4 in four epochs over 10 records": batches_in_each_epoch,
}


@pytest.mark.parametrize("row", ROWS)
def test_the_table_in_the_readme_is_measured(row):
    if row == LONG and np.lib.NumpyVersion(np.__version__) < "2.0.0":
        pytest.skip("older than NumPy 2, where stock metrics add in float64")
    with contextlib.redirect_stdout(io.StringIO()):
        stock, ours = ROWS[row]()
    assert stock != ours
    assert f"| {row} | {stock} | {ours} |" in README.read_text("utf-8")


def test_the_table_in_the_readme_has_no_other_rows():
    lines = README.read_text("utf-8").splitlines()
    begin = lines.index("| | stock MXNet 1.9.1 | mxmtl |")
    rows = []
    for line in lines[begin + 2 :]:
        if not line.startswith("|"):
            break
        rows.append(line.split("|")[1].strip())
    assert rows == list(ROWS)


class Silent(mx.metric.EvalMetric):
    """A metric that does not wait for predictions, as one should not on a GPU."""

    def update(self, labels, preds):
        """Nothing."""


def test_batch_norm_statistics_are_complete_after_fit():
    """Trained on pictures that are 1 everywhere, a running mean becomes 1 - 0.9^16.

    With MXNet's own iterators it was 0.0 as a rule: fit() copies it after the last batch, and
    nothing waits for the backward passes that write it.
    """
    tasks = mxmtl.TaskSet([ZOO])
    norm = mx.sym.BatchNorm(mx.sym.var("data"), name="norm", momentum=0.9)
    # The convolution keeps the device busy while fit() goes on.
    busy = mx.sym.Convolution(norm, kernel=(5, 5), num_filter=64, pad=(2, 2))
    symbol = mxmtl.training_symbol(mx.sym.Flatten(busy), tasks)
    module = mx.mod.Module(symbol, label_names=tasks.label_names)
    with _records(tasks, [{"zoo": "a"}] * 64, level=100) as prefix:
        records = mxmtl.RecordIter(prefix, 16, (3, 8, 8), std=100)
        module.fit(records, num_epoch=4, eval_metric=Silent("silent"))
        records.close()
    mean = module.get_params()[1]["norm_moving_mean"].asnumpy()
    np.testing.assert_allclose(mean, 1 - 0.9**16, rtol=1e-5)
