"""What only a machine with GPUs can show; `tests/test_devices_placement.py` has the rest."""

import subprocess
import sys

import mxmtl
from mxmtl import training
from tests._devices import no_gpu
from tests.distributed import _life
from tests.training import _small

import mxnet as mx
import numpy as np
import pytest

pytestmark = pytest.mark.gpu


@pytest.fixture(autouse=True)
def gpus():
    """All GPUs that work."""
    if no_gpu():
        pytest.skip(no_gpu())
    return mxmtl.context()


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    return _small.write(tmp_path_factory.mktemp("records"))


def run_on(which, records, folder, **options):
    options = {**_life.OPTIONS, "save_batches": 0, "network": _life.network(), **options}
    return _small.fit(records, folder, gpus=which, **options)


def test_every_gpu_computes(gpus):
    for device in gpus:
        product = mx.nd.dot(mx.nd.ones((64, 64), ctx=device), mx.nd.ones((64, 64), ctx=device))
        assert (product.asnumpy() == 64).all()


def test_a_run_is_that_of_the_cpu(records, tmp_path, monkeypatch):
    found = run_on("0", records, tmp_path / "gpu").load("last")[1]
    _small.train_on(monkeypatch, mx.cpu())
    expected = run_on("", records, tmp_path / "cpu").load("last")[1]
    for name, array in expected.items():
        other = found[name].asnumpy()
        np.testing.assert_allclose(other, array.asnumpy(), rtol=1e-3, atol=1e-4, err_msg=name)


def test_all_gpus_are_as_one(gpus, records, tmp_path):
    if len(gpus) < 2:
        pytest.skip("one GPU")
    found = run_on("", records, tmp_path / "all").load("last")[1]
    expected = run_on("0", records, tmp_path / "one").load("last")[1]
    for name, array in expected.items():
        other = found[name].asnumpy()
        np.testing.assert_allclose(other, array.asnumpy(), rtol=1e-3, atol=1e-5, err_msg=name)


def test_a_run_goes_on_as_it_was(records, tmp_path):
    whole = run_on("0", records, tmp_path / "whole").load("last")[1]
    with pytest.raises(_small.PowerCutError):
        run_on("0", records, tmp_path / "cut", save_batches=2, callbacks=[_small.Crash(1, 3)])
    found = training.resume(tmp_path / "cut").load("last")[1]
    for name, array in whole.items():  # cuDNN adds up in an order that may change
        other = found[name].asnumpy()
        np.testing.assert_allclose(other, array.asnumpy(), rtol=1e-4, atol=1e-5, err_msg=name)


def test_a_trunk_of_convolutions_trains(gpus):
    """ResNet-18 at 224 px, so that cuDNN's kernels are run: the loss of one batch falls."""
    tasks = mxmtl.TaskSet([mxmtl.Multiclass("kind", list("abcd")), mxmtl.Binary("yes")])
    symbol = mxmtl.training_symbol(mxmtl.zoo_trunk("resnet18_v1"), tasks)
    rng = np.random.RandomState(0)
    labels = {"kind_label": rng.randint(0, 4, 16), "yes_label": rng.randint(0, 2, 16)}
    data = mx.io.NDArrayIter(rng.rand(16, 3, 224, 224).astype(np.float32), labels, 16)
    module = mx.mod.Module(symbol, label_names=tasks.label_names, context=gpus)
    loss = mxmtl.metrics.Suite(tasks, [mxmtl.metrics.TaskLoss(task) for task in tasks])
    values = []
    options = {"eval_metric": loss, "optimizer_params": {"learning_rate": 0.01}}
    module.fit(
        data,
        num_epoch=10,
        initializer=mx.init.Xavier(),
        epoch_end_callback=lambda *_: values.append(sum(v for _, v in loss.get_name_value())),
        **options,
    )
    assert values[-1] < values[0]


def test_from_the_command_line(records, tmp_path):
    command = [sys.executable, "-m", "mxmtl", "train", records, "--run", str(tmp_path / "run")]
    command += ["--data-shape", "3,16,16", "--epochs", "1", "--gpus", "0", "--batch-size", "8"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "training on gpu(0)" in done.stdout
