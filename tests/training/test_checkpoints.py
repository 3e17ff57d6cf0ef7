"""Checkpoints: MXNet reads them, damage is named, an older one takes over, old ones go."""

import json
import re
import shutil

import mxmtl
from mxmtl import training
from tests.training import _small

import mxnet as mx
import numpy as np
import pytest


@pytest.fixture(scope="module")
def crashed_once(records, tmp_path_factory):
    """Folder of a run that crashed in its second epoch, with several checkpoints."""
    folder = tmp_path_factory.mktemp("crashed") / "run"
    with pytest.raises(_small.PowerCutError):
        _small.fit(records, folder, save_batches=2, keep=4, callbacks=[_small.Crash(1, 5)])
    return folder


@pytest.fixture
def crashed(crashed_once, tmp_path):
    """A copy of it."""
    return shutil.copytree(crashed_once, tmp_path / "run")


def _stems(folder):
    return [checkpoint.stem for checkpoint in training.find_checkpoints(folder)]


def test_mxnet_loads_them_by_itself(records, tmp_path):
    run = _small.fit(records, tmp_path / "run", epochs=2)
    symbol, args, auxs = mx.model.load_checkpoint(str(tmp_path / "run" / "model"), 2)
    ours = run.load("last")
    assert symbol.tojson() == ours[0].tojson()
    assert sorted(args) == sorted(ours[1])
    assert sorted(auxs) == ["bn_moving_mean", "bn_moving_var"]
    batches = mxmtl.RecordIter(records, _small.BATCH, (3, 8, 8), mean=127, std=64)
    module = mx.mod.Module(symbol, label_names=run.tasks.label_names)
    module.bind(batches.provide_data, batches.provide_label, for_training=False)
    module.set_params(args, auxs)
    score = dict(module.score(batches, run.tasks.metrics()))
    wanted = run.history[-1]["val"]
    for name, value in score.items():  # to rounding: MXNet fuses operators to predict
        expected = np.nan if wanted[name] is None else wanted[name]
        np.testing.assert_allclose(value, expected, rtol=1e-5, err_msg=name)
    batches.close()


def test_the_newest_and_the_best_stay(records, tmp_path):
    # A rate of 0 never improves: the first epoch stays the best.
    _small.fit(records, tmp_path / "run", epochs=5, keep=2, lr=0.0)
    assert _stems(tmp_path / "run") == ["model-0001", "model-0004", "model-0005"]
    run = training.Run(tmp_path / "run")
    assert (run.best.stem, run.last.stem) == ("model-0001", "model-0005")
    assert not [path for path in run.folder.iterdir() if path.name.startswith(".")]


def test_resuming_from_the_one_before_gives_the_same_weights(records, crashed, tmp_path):
    whole = _small.fit(records, tmp_path / "whole")
    (crashed / "model-0001-batch-0004.params").write_bytes(b"nothing")
    assert _small.weights(training.resume(crashed)) == _small.weights(whole)


def test_what_a_kill_left_unfinished_goes(crashed):
    (crashed / ".model-0001-batch-0006.params.x1.part").write_bytes(b"half")
    (crashed / ".settings.json.x2.part").write_bytes(b"half")
    (crashed / ".mine.part").write_bytes(b"not ours")
    training.resume(crashed)
    assert [p.name for p in crashed.iterdir() if p.name.startswith(".")] == [".mine.part"]


def test_none_left_is_an_error(crashed):
    for path in crashed.glob("*.params"):
        path.write_bytes(b"nothing")
    with pytest.raises(training.CheckpointError, match="no good checkpoint"):
        training.resume(crashed)


@pytest.mark.parametrize(
    ("gone", "words"),
    [("model-symbol.json", "model-symbol.json: no such file"), ("model-0*.json", "no model-0001")],
)
def test_what_is_missing_is_named(crashed, gone, words):
    for path in crashed.glob(gone):
        path.unlink()
    for begin in (lambda: training.resume(crashed), lambda: mxmtl.Predictor(crashed)):
        with pytest.raises(training.CheckpointError, match=rf"no good checkpoint\. .*{words}"):
            begin()


@pytest.mark.parametrize("ending", [".params", ".json"])
def test_a_best_checkpoint_that_is_gone_is_named_with_the_way_on(records, tmp_path, ending):
    run = _small.fit(records, tmp_path / "run", keep=4)
    newest = run.last.path(".json")
    state = json.loads(newest.read_text("utf-8"))
    for number, entry in enumerate(state["history"]):
        entry["best"] = number == 0
    newest.write_text(json.dumps(state), "utf-8")
    path = run.best.path(ending)
    assert path.name.startswith("model-0001")
    assert not run.doubt
    path.unlink()
    told = rf"{path.name}: no such file.*model-0003 \(--which last, in Python which="
    with pytest.raises(training.CheckpointError, match=told):
        mxmtl.Predictor(run)
    assert re.search(told, training.runs_table([run]).text())
    mxmtl.Predictor(run, "last")


def test_a_folder_that_holds_a_run_is_not_overwritten(records, crashed):
    with pytest.raises(FileExistsError, match="holds a run"):
        _small.fit(records, crashed)
    before = _stems(crashed)
    assert len(before) > 1
    _small.fit(records, crashed, force=True, epochs=1)
    assert _stems(crashed) == ["model-0000", "model-0001"]


def test_one_process_at_a_time(records, tmp_path):
    class Second(training.Callback):
        def on_batch_end(self, session):
            for begin in (
                lambda: training.resume(session.folder),
                lambda: _small.fit(records, session.folder, force=True),
            ):
                with pytest.raises(ValueError, match="another process is training in this folder"):
                    begin()

    run = _small.fit(records, tmp_path / "run", epochs=1, callbacks=[Second()])
    assert run.last.stem == "model-0001"


def test_a_wrong_setting_leaves_a_run_as_it_was(records, crashed):
    before = sorted(path.name for path in crashed.iterdir())
    for wrong in ({"optimizer": "none"}, {"monitor": "none"}, {"lr": -1}, {"trunk": "none"}):
        changed = {"network": None} if "trunk" in wrong else {}
        with pytest.raises(ValueError, match="none|-1"):
            _small.fit(records, crashed, force=True, **wrong, **changed)
        assert sorted(path.name for path in crashed.iterdir()) == before


def test_what_was_just_saved_stays_though_newer_ones_are_damaged(records, tmp_path):
    # A rate of 0 never improves: the first epoch is the best.
    options = {"epochs": 6, "keep": 2, "lr": 0.0, "batch_size": 32}
    run = _small.fit(records, tmp_path / "run", **options)
    assert _stems(run.folder) == ["model-0001", "model-0005", "model-0006"]
    for number in (5, 6):
        (run.folder / f"model-000{number}.params").write_bytes(b"nothing")

    class StopAt(training.Callback):
        def __init__(self, epoch):
            self.epoch = epoch

        def on_epoch_end(self, session):
            if session.epoch == self.epoch:
                session.stop("test")

    resumed = training.resume(run.folder, callbacks=[StopAt(3)])
    assert resumed.last.stem == "model-0003"
    damaged = ["model-0005", "model-0006"]
    assert _stems(run.folder) == ["model-0001", "model-0002", "model-0003", *damaged]
    resumed = training.resume(run.folder, callbacks=[StopAt(5)])
    assert _stems(run.folder) == ["model-0001", "model-0004", "model-0005", "model-0006"]
    assert resumed.last.stem == "model-0005"
    assert training.resume(run.folder).last.stem == "model-0006"
    assert _stems(run.folder) == ["model-0001", "model-0005", "model-0006"]


def test_damaged_ones_that_were_passed_go(records, crashed):
    assert _stems(crashed)[-2:] == ["model-0001-batch-0002", "model-0001-batch-0004"]
    (crashed / "model-0001-batch-0004.params").write_bytes(b"nothing")
    run = training.resume(crashed, save_batches=0, keep=2)
    assert run.last.stem == "model-0003"
    assert _stems(crashed)[-2:] == ["model-0002", "model-0003"]
    assert "model-0001-batch-0004" not in _stems(crashed)
