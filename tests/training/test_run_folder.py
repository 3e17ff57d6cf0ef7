"""What is in a run folder before a run: nothing of others is lost, and an old run only at last."""

from __future__ import annotations

import json

import mxmtl
from mxmtl import augment, training
from tests.training import _small

import mxnet as mx
import numpy as np
import pytest


def _contents(folder):
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir())}


def _module():
    output = mx.sym.FullyConnected(mx.sym.Flatten(mx.sym.var("data")), num_hidden=2, name="fc")
    module = mx.mod.Module(output, label_names=None)
    module.bind([("data", (1, 3, 8, 8))])
    module.init_params()
    module.init_optimizer()
    return module


def _fit(records, folder, **changes):
    """Begin a run of one epoch without a network of ours, unless one is given."""
    options = {**_small.OPTIONS, "epochs": 1, "network": _small.network(), **changes}
    return mxmtl.fit(records, run=folder, **options)


@pytest.mark.parametrize("force", [False, True])
def test_checkpoints_of_a_loop_of_ones_own_are_left_alone(records, tmp_path, force):
    for epoch in (3, 4, 5):
        training.save_module(tmp_path / "own", _module(), epoch=epoch)
    before = _contents(tmp_path / "own")
    message = r"own/model-.*: training would replace it, and no run wrote it.*another folder"
    with pytest.raises(FileExistsError, match=message):
        _fit(records, tmp_path / "own", force=force)
    assert _contents(tmp_path / "own") == before


@pytest.mark.parametrize(
    "name",
    ["model.json", "model-symbol.json", "model-0007.params", "model-0001-batch-0002.optimizer"],
)
def test_a_file_that_training_would_replace_is_named(records, tmp_path, name):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / name).write_bytes(b"mine")
    with pytest.raises(FileExistsError, match=f"own/{name}: training would replace it"):
        _fit(records, tmp_path / "own")
    assert _contents(tmp_path / "own") == {name: b"mine"}


def test_other_files_do_not_matter(records, tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "notes.txt").write_bytes(b"mine")
    (tmp_path / "own" / "base-0001.params").write_bytes(b"mine")
    for _ in range(2):
        _fit(records, tmp_path / "own", force=True)
        kept = _contents(tmp_path / "own")
        assert kept["notes.txt"] == kept["base-0001.params"] == b"mine"


def test_a_trunk_in_the_folder_is_left_alone(records, tmp_path):
    (tmp_path / "own").mkdir()
    trunk = tmp_path / "own" / "model"
    _module().save_checkpoint(str(trunk), 1)
    before = _contents(tmp_path / "own")
    with pytest.raises(FileExistsError, match="training would replace it"):
        _fit(records, tmp_path / "own", network=None, trunk=str(trunk), layer="fc_output")
    assert _contents(tmp_path / "own") == before


@pytest.fixture
def old(records, tmp_path):
    """A run that is there already."""
    return _fit(records, tmp_path / "run", logs=("csv", "jsonl")).folder


@pytest.mark.parametrize(
    "option",
    [{"trunk": "{}/model", "layer": "features_output"}, {"weights": "{}/model-0001.params"}],
)
def test_the_run_that_a_trunk_comes_from_is_not_replaced(records, old, option):
    before = _contents(old)
    option = {name: value.format(old) for name, value in option.items()}
    with pytest.raises(FileExistsError, match=r"run/model.*: replacing the run would delete it"):
        _fit(records, old, force=True, network=None, **option)
    assert _contents(old) == before


def _own_change(pixels, uniforms):
    return pixels


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"augment": [augment.Apply(_own_change)]}, "settings are written as JSON"),
        ({"epochs": 2.5}, r"epochs=2\.5: expected a whole number"),
        ({"frozen_epochs": 1.5}, r"frozen_epochs=1\.5: expected a whole number"),
        ({"keep": 1.5}, r"keep=1\.5: expected a whole number"),
        ({"batch_size": 2.5}, r"batch_size=2\.5: expected a whole number"),
        ({"epochs": "3"}, r"epochs='3': expected a whole number"),
        ({"lr": "0.1"}, r"lr='0\.1': expected a number"),
        ({"power": float("nan")}, r"power=nan: expected 0 or more"),
        ({"seed": 10**20}, r"seed=10+: expected .* at most 18446744073709551615"),
        ({"keep_statistics": "no"}, r"keep_statistics='no': expected True or False"),
        ({"gpus": 0}, r"gpus=0: expected a text"),
    ],
)
def test_what_cannot_be_does_not_cost_the_old_run(records, old, wrong, message):
    before = _contents(old)
    with pytest.raises((ValueError, TypeError), match=message):
        _fit(records, old, force=True, **wrong)
    assert _contents(old) == before


def test_numbers_of_numpy_are_numbers():
    settings = training.Settings(epochs=np.int64(1), minutes=np.float32(3), cache=np.bool_(False))
    assert (settings.epochs, settings.minutes, settings.cache) == (1, 3.0, False)
    assert type(settings.epochs) is int
    assert json.loads(json.dumps(settings.to_dict()))["minutes"] == 3.0


def test_force_leaves_nothing_of_the_old_run(records, old):
    assert (old / "log.csv").exists()
    (old / "model-0003-batch-0002.params").write_bytes(b"half of a checkpoint")
    _fit(records, old, force=True)
    assert not [p.name for p in old.iterdir() if p.name.startswith(("log.", "model-0003"))]


@pytest.mark.parametrize("precision", ["float32", "auto"])
def test_a_run_that_could_have_had_mixed_precision_goes_on(records, tmp_path, precision):
    """Settings of before have the field, nearly always at its default."""
    run = _small.fit(records, tmp_path / "run", epochs=1)
    path = run.folder / "settings.json"
    spec = json.loads(path.read_text("utf-8"))
    spec["settings"]["precision"] = precision
    path.write_text(json.dumps(spec), "utf-8")
    assert training.resume(run.folder).settings == run.settings
    spec["settings"]["precision"] = "float16"
    path.write_text(json.dumps(spec), "utf-8")
    with pytest.raises(ValueError, match="precision='float16': trained in mixed precision"):
        training.resume(run.folder)


def test_runs_that_were_validated_on_different_records_are_said_to_be(records, tmp_path):
    one = _small.fit(records, tmp_path / "one", epochs=1)
    again = _small.fit(records, tmp_path / "again", epochs=2)
    other = mxmtl.fit(
        records, run=tmp_path / "other", **{**_small.OPTIONS, "network": _small.network()}
    )
    table = training.runs_table([one, again])
    assert table.header == ["run", "finished", "best", "value", "monitor", "epochs"]
    assert "different records" not in table.text()
    assert training.runs_table([one, other]).text().count("validated on different records") == 1
