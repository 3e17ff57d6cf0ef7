"""The benchmark of masking: what each way does to the labels, and the script in a quick setting."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import mxmtl

import mxnet as mx
import numpy as np
import pytest

pytest.importorskip("sklearn")
FOLDER = Path(__file__).parents[2] / "tools" / "benchmarks"
LABELS = np.array([[3, 1, -1], [-1, 0, 1], [2, 0, 1]], np.float32)


@pytest.fixture
def masking(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module("masking")


def test_what_the_ways_make_of_missing_labels(masking):
    part = masking.Part(np.arange(3), LABELS)
    made = {name: handle(part) for name, (_, handle) in masking.WAYS.items()}
    assert made["rows with a gap dropped"].labels.tolist() == [[2, 0, 1]]
    assert made["rows with a gap dropped"].images.tolist() == [2]
    assert made["missing read as 0"].labels.tolist() == [[3, 1, 0], [0, 0, 1], [2, 0, 1]]
    for name in ("masked (mxmtl)", "stock MXNet fed with -1"):
        np.testing.assert_array_equal(made[name].labels, LABELS)


def test_labels_are_hidden_with_their_chance_and_alike_for_all_ways(masking):
    data = masking.handwriting()
    assert data.train.labels.shape == (1000, data.tasks.label_width) == (1000, 8)
    assert (data.train.labels >= 0).all()
    first, again = (masking.hidden(data.train, 0.875, seed=1) for _ in range(2))
    np.testing.assert_array_equal(first.labels, again.labels)
    missing = first.labels < 0
    assert abs(missing.mean() - 0.875) < 0.02
    np.testing.assert_array_equal(first.labels[~missing], data.train.labels[~missing])


def test_stock_heads_are_ours_without_a_mask(masking):
    """With all labels known both give one gradient; at a missing label only stock MXNet pushes."""
    tasks = mxmtl.TaskSet([mxmtl.Multiclass("c", ["a", "b", "c"]), mxmtl.Binary("b")])
    features = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=4, name="fc")
    for label, same in ((1.0, True), (-1.0, False)):
        gradients = []
        for build in (masking.ours, masking.stock):
            symbol = build(features, tasks)
            executor = symbol.simple_bind(mx.cpu(), data=(2, 5), c_label=(2,), b_label=(2,))
            for name, array in executor.arg_dict.items():
                rng = np.random.RandomState(len(name))
                array[:] = label if name.endswith("label") else rng.normal(size=array.shape)
            executor.forward(is_train=True)
            executor.backward()
            gradients.append(executor.grad_dict["fc_weight"].asnumpy())
        assert np.allclose(*gradients, rtol=1e-4) == same
        assert np.any(gradients[0]) == same


def test_scores_are_those_of_scikit_learn(masking):
    """A network that answers at random, against the formulas' other implementation."""
    from sklearn.metrics import accuracy_score, f1_score

    data = masking.handwriting()
    symbol = masking.ours(mx.sym.Flatten(mx.sym.var("data")), data.tasks)
    module = mx.mod.Module(symbol, label_names=data.tasks.label_names)
    shapes = [(task.label_name, task.label_shape(64)) for task in data.tasks]
    module.bind([("data", (64, 3, 8, 8))], shapes, for_training=False)
    mx.random.seed(0)
    module.init_params(mx.init.Normal(0.1))
    outputs = []
    for begin in range(0, 768, 64):
        module.forward(masking.batch_of(data.test, np.arange(begin, begin + 64), data.tasks))
        outputs.append([output.asnumpy() for output in module.get_outputs()])
    classes, *cells = (np.concatenate(each) for each in zip(*outputs))
    labels, yes = data.test.labels[:768], np.concatenate(cells, axis=1) > 0.5
    found = masking.test(module, data)
    expected = 100 * accuracy_score(labels[:, 0], classes.argmax(axis=1))
    assert found["class accuracy"] == pytest.approx(expected)
    assert found["yes/no accuracy"] == pytest.approx(100 * (labels[:, 1:] == yes).mean())
    scores = [f1_score(labels[:, 1 + i], yes[:, i], zero_division=0) for i in range(7)]
    assert found["yes/no F1"] == pytest.approx(100 * np.mean(scores))


def test_the_script_in_a_quick_setting():
    command = [sys.executable, str(FOLDER / "masking.py"), "--seeds", "2", "--steps", "3"]
    done = subprocess.run(
        [*command, "--shares", "0.875"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "MXNET_SUBGRAPH_VERBOSE": "0"},
    )
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("| rows with a gap")]
    assert len(lines) == 4
    assert all("no row left" in line for line in lines)
    assert done.stdout.count("±") >= 3 * 3


def test_same_seed_same_result(masking):
    """MXNet turns training passes that still wait into test passes when one of those is begun."""
    rng = np.random.RandomState(0)
    labels = rng.randint(2, size=(128, 8)).astype(np.float32)
    part = masking.Part(rng.normal(size=(128, 3, 48, 48)).astype(np.float32), labels)
    data = masking.Data(masking.handwriting().tasks, part, part)
    way = masking.WAYS["masked (mxmtl)"]
    found = [masking.run(data, way, 0.3, seed=0, steps=12) for _ in range(2)]
    assert found[0] == found[1]
