"""What mxmtl wrote before its house was rebuilt opens, and gives the same answers.

The files stand in ``data/``; `make.py` wrote them with the version of that day. Nothing here may be
changed together with the code that it tests: other people have such files.
"""

from __future__ import annotations

import csv
import importlib.util
import json
import math
import shutil
from pathlib import Path

import mxmtl
from mxmtl import evaluation, training
from mxmtl.cli import main

import mxnet as mx
import numpy as np
import pytest

from . import make

EXPECTED = json.loads((make.DATA / "expected.json").read_text("utf-8"))
EXACT = make.exactness() == EXPECTED["exact"]
SCALED = {"data_shape": make.SHAPE, "mean": 120, "std": 60}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Copy all that was written, so that nothing here can change it."""
    return shutil.copytree(make.DATA, tmp_path_factory.mktemp("written") / "data")


@pytest.fixture(autouse=True)
def here(written, monkeypatch):
    """Work in the copy: paths in the files are relative."""
    monkeypatch.chdir(written)
    return written


@pytest.fixture(scope="module")
def answers(written):
    """What the old version said, by name."""
    with np.load(written / "expected.npz") as found:
        return dict(found)


@pytest.fixture(scope="module")
def pictures(written):
    return [f"images/val/{path.name}" for path in sorted((written / "images" / "val").iterdir())]


def check(found, expected):
    """Compare floats: bit for bit where processor and threads are as when they were written."""
    assert np.shape(found) == np.shape(expected)
    if EXACT:
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


def check_weights(found, answers, model):
    """Compare all parameters of a model; on another processor errors grow with the updates."""
    names = {name[len(model) :] for name in answers if name.startswith(model)}
    assert set(found) == names
    for name in names:
        if EXACT:
            np.testing.assert_array_equal(found[name], answers[model + name], err_msg=name)
        np.testing.assert_allclose(found[name], answers[model + name], rtol=1e-3, atol=1e-5)


def numbers(answer):
    """Return what an answer of one task says in numbers."""
    return [*answer["probabilities"].values()] if "probabilities" in answer else [answer["answer"]]


def check_predictions(predictions, answers, model, compare=check):
    """Compare what `mxmtl.Predictor` gives, one a picture."""
    for task in make.tasks():
        found = [numbers(prediction.to_dict()[task.name]) for prediction in predictions]
        compare(np.array(found, np.float32), answers[f"{model}/{task.name}"])


def lines(path):
    return [json.loads(line) for line in Path(path).read_text("utf-8").splitlines()]


# -- records ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("prefix", [make.TRAIN, make.VAL])
def test_records_have_the_same_labels_and_pixels(prefix, answers):
    found = {}
    make.read(prefix, found)
    assert set(found) == {name for name in answers if name.startswith(prefix)}
    for name, array in found.items():
        assert array.dtype == answers[name].dtype
        assert array.tobytes() == answers[name].tobytes(), name


@pytest.mark.parametrize("prefix", [make.TRAIN, make.VAL])
def test_records_are_sound_and_their_tasks_are_those_of_the_table(prefix, written):
    assert main(["verify", prefix]) == 0
    assert main(["inspect", prefix]) == 0
    assert mxmtl.TaskSet.load(f"{prefix}.tasks.json") == make.tasks()
    assert mxmtl.TaskSet.load("tasks.json") == make.tasks()


@pytest.mark.parametrize("prefix", [make.TRAIN, make.VAL])
def test_a_dataset_has_the_labels_of_the_table(prefix, answers):
    dataset = mxmtl.RecordDataset(prefix)
    labels = np.stack([np.asarray(label) for _, label in dataset])
    for task, part in zip(make.tasks(), make.tasks().split(labels)):
        expected = answers[f"{prefix}/{task.name}"][: len(dataset)]  # what follows are pad rows
        assert part.shape == expected.shape
        assert np.ascontiguousarray(part).tobytes() == expected.tobytes(), task.name


def test_the_same_table_gives_the_same_records_byte_for_byte(written, tmp_path):
    options = ["--images", "images", "--tasks", "tasks.json", "--prefix"]
    assert main(["convert", "train.csv", *options, f"{tmp_path}/one"]) == 0
    assert main(["convert", "val.csv", *options, f"{tmp_path}/parts", "--shard-rows", "6"]) == 0
    old = [path for path in (written / "records").iterdir() if path.suffix in (".rec", ".idx")]
    assert len(old) == 8
    for path in old:
        assert (tmp_path / path.name).read_bytes() == path.read_bytes(), path.name


def test_an_iterator_goes_on_at_the_place_that_was_saved(answers):
    with mxmtl.RecordIter([make.TRAIN, make.VAL], **make.ORDER) as data:
        data.load_state_dict(json.loads(Path("iterator.json").read_text("utf-8")))
        assert (data.epoch, data.state_dict()["batch"]) == (1, 3)
        rest = [batch.index for batch in data]
        data.reset()
        found = np.concatenate(rest + [batch.index for batch in data])
    assert found.tolist() == answers["iterator/index"].tolist()


# -- a run that is finished ------------------------------------------------------------------------
def test_a_run_knows_its_checkpoints_its_history_and_its_settings():
    run = training.Run("run")
    assert (run.best.stem, run.last.stem) == (EXPECTED["best"], EXPECTED["last"])
    assert [entry["epoch"] for entry in run.history] == [1, 2, 3, 4]
    assert run.tasks.names == make.tasks().names
    assert (run.settings.lr, run.settings.optimizer, run.settings.crop) == (0.1, "adam", 0.875)
    assert [type(step).__name__ for step in run.settings.augment] == ["RandomCrop", "RandomMirror"]
    kept = json.loads(Path("run/model.json").read_text("utf-8"))
    assert {task: [*levels] for task, levels in run.model.thresholds.items()} == kept["thresholds"]
    assert dict(run.model.temperature) == kept["temperature"]


@pytest.mark.parametrize("which", ["best", "last"])
def test_a_run_predicts_what_it_did(which, pictures, answers):
    predictions = mxmtl.Predictor("run", which)(pictures)
    check_predictions(predictions, answers, f"run/{which}")


def test_mxmtl_predict_writes_the_same_lines(written, tmp_path):
    assert main(["predict", "run", "images/val", "-o", f"{tmp_path}/new.jsonl"]) == 0
    check_lines(tmp_path / "new.jsonl", "predictions.jsonl")


def check_lines(path, expected):
    new, old = lines(path), lines(expected)
    assert [line["path"] for line in new] == [line["path"] for line in old]
    for one, other in zip(new, old):
        assert list(one) == list(other)
        for task in make.tasks():
            found, said = one[task.name], other[task.name]
            check(numbers(found), numbers(said))
            if task.kind != make.tasks()["age"].kind:
                assert found["answer"] == said["answer"]
                assert list(found["probabilities"]) == list(said["probabilities"])
                assert found.get("thresholds") == said.get("thresholds")


def test_mxmtl_predict_writes_the_same_table(written, tmp_path):
    output = f"{tmp_path}/new.csv"
    assert main(["predict", "run", "images/val", "--top", "2", "-o", output]) == 0
    new, old = (
        list(csv.reader(Path(path).read_text("utf-8").splitlines()))
        for path in (output, "predictions.csv")
    )
    assert new[0] == old[0]
    assert len(new) == len(old)
    for column, name in enumerate(old[0]):
        cells = [row[column] for row in new[1:]], [row[column] for row in old[1:]]
        if name == "age" or name.endswith(".probability"):
            check(np.array(cells[0], np.float64), np.array(cells[1], np.float64))
        else:
            assert cells[0] == cells[1], name


def test_mxmtl_evaluate_gives_the_same_figures(written, tmp_path):
    output = f"{tmp_path}/new.json"
    assert main(["evaluate", "run", make.VAL, "--bootstrap", "0", "-o", output]) == 0
    new, old = (json.loads(Path(path).read_text("utf-8")) for path in (output, "evaluation.json"))
    assert len(old["values"]) > 150
    for name, value in old["values"].items():
        assert name in new["values"]
        known = [math.nan if v is None else v for v in (new["values"][name], value)]
        np.testing.assert_allclose(*known, rtol=1e-6, atol=1e-6, err_msg=name)
    for key in ("num_records", "temperature", "thresholds"):
        assert new[key] == old[key]


def test_evaluate_gives_the_same_figures_in_python(written):
    found = evaluation.evaluate("run", make.VAL).values
    old = json.loads(Path("evaluation.json").read_text("utf-8"))["values"]
    for name, value in old.items():
        expected = math.nan if value is None else value
        np.testing.assert_allclose(found[name], expected, rtol=1e-6, atol=1e-6, err_msg=name)


def test_mxmtl_tune_chooses_the_same(written, tmp_path):
    shutil.copytree("run", tmp_path / "run")
    old = training.Run("run").model
    options = ["--objective", "f1", "--min-labels", "4"]
    assert main(["tune", f"{tmp_path}/run", make.VAL, *options]) == 0
    new = training.Run(tmp_path / "run").model
    for name, levels in old.thresholds.items():
        np.testing.assert_allclose(new.thresholds[name], levels, atol=1e-6)
    for name, temperature in old.temperature.items():
        np.testing.assert_allclose(new.temperature[name], temperature, rtol=1e-4)


# -- runs and modules that go on -------------------------------------------------------------------
def test_a_run_that_was_stopped_ends_with_the_weights_that_it_would_have_had(written, answers):
    assert main(["train", "--resume", "stopped"]) == 0
    run = training.Run("stopped")
    _, args, auxs = run.load("last")
    check_weights(make.weights(args, auxs), answers, "stopped/")
    assert [entry["epoch"] for entry in run.history] == [1, 2, 3, 4]
    with open("stopped/log.csv", encoding="utf-8", newline="") as stream:
        assert [row["epoch"] for row in csv.DictReader(stream)] == ["1", "2", "3", "4"]


def test_a_module_that_was_saved_goes_on_to_the_same_weights(answers):
    checkpoint, _ = training.newest_good("module")
    tasks = make.tasks()
    symbol = mx.sym.load("module/model-symbol.json")
    module = mx.mod.Module(symbol, label_names=tasks.label_names)
    with mxmtl.RecordIter(make.TRAIN, batch_size=4, **SCALED) as data:
        module.bind(data.provide_data, data.provide_label)
        options = {"optimizer": "adam", "optimizer_params": {"learning_rate": 0.01}}
        state = training.load_module(module, checkpoint, **options)
        data.load_state_dict(state["data"])
        data.reset()
        mx.random.seed(2)
        make.one_epoch(module, data)
    check_weights(make.weights(*module.get_params()), answers, "module/")


# -- files of MXNet and of ONNX --------------------------------------------------------------------
def test_mxnet_files_beside_their_tasks_predict_what_they_did(tmp_path):
    how = ["--data-shape", "3,8,8", "--mean", "120", "--std", "60"]
    assert main(["predict", "mxnet/net", "images/val", "-o", f"{tmp_path}/a.jsonl", *how]) == 0
    check_lines(tmp_path / "a.jsonl", "mxnet/predictions.jsonl")


def test_mxnet_files_give_a_trunk():
    symbol, args, auxs = mxmtl.load_trunk("mxnet/net", 3, layer="features_output")
    assert set(args) == {"conv_weight", "bn_gamma", "bn_beta"}
    assert set(auxs) == {"bn_moving_mean", "bn_moving_var"}
    assert symbol.infer_shape(data=(2, *make.SHAPE))[1] == [(2, 16)]


def test_files_that_were_exported_for_mxnet_predict_what_the_run_does(pictures, answers):
    check_predictions(mxmtl.Predictor("exported/net")(pictures), answers, "run/best", nearly)


def test_files_that_were_exported_for_gluon_give_the_same_logits(answers):
    network = mx.mod.Module.load("exported/gluon", 0, label_names=None)
    with mxmtl.RecordIter(make.VAL, batch_size=17, **SCALED) as data:
        network.bind(data.provide_data, for_training=False)
        for task, array in zip(make.tasks(), network.predict(data, always_output_list=True)):
            check(array.asnumpy(), answers[f"exported/gluon/{task.name}"])


def nearly(found, expected):
    """Compare floats that another program or another order of operations made."""
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_an_onnx_file_predicts_what_it_did(pictures, answers):
    pytest.importorskip("onnxruntime")
    check_predictions(mxmtl.Predictor("model.onnx")(pictures), answers, "model.onnx/best", nearly)


def test_an_onnx_file_is_read_by_the_reader_that_mxmtl_ships(pictures, answers, tmp_path):
    pytest.importorskip("onnxruntime")
    assert main(["export", "run", "-o", f"{tmp_path}/new.onnx", "--reader"]) == 0
    spec = importlib.util.spec_from_file_location("reader", tmp_path / "onnx_predictor.py")
    reader = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reader)
    said = {line["path"]: line for line in lines("predictions.jsonl")}
    for path in ("model.onnx", f"{tmp_path}/new.onnx"):
        for picture, answer in zip(pictures, reader.OnnxPredictor(path, threads=1)(pictures)):
            assert list(answer) == make.tasks().names
            for task in make.tasks():
                nearly(numbers(answer[task.name]), numbers(said[picture][task.name]))
