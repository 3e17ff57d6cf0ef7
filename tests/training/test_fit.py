"""What fit does with its settings: monitor, stopping, decay, schedules, logs, bar, messages."""

import csv
import json
import logging
import math
import shutil
import sys

import mxmtl
from mxmtl import training
from mxmtl.model import best_entry
from mxmtl.training import RunContext, make_schedule
from tests.training import _small

import mxnet as mx
import numpy as np
import pytest


def test_module_fit_by_hand_gives_the_same_weights(records, tmp_path):
    """Nothing but MXNet's own Module.fit is behind it."""
    options = {"optimizer": "adam", "lr": 0.01, "schedule": "constant", "warmup": 0, "wd": 0.0}
    batches = mxmtl.RecordIter(
        records, _small.BATCH, (3, 8, 8), shuffle=True, seed=3, mean=127, std=64
    )
    trunk = mx.sym.Flatten(mx.sym.var("data"))
    run = _small.fit(records, tmp_path / "run", network=trunk, augment=(), **options)
    symbol = mx.sym.load(str(tmp_path / "run" / "model-symbol.json"))  # says how heads begin
    with mx.name.NameManager():
        made = mxmtl.training_symbol(mx.sym.Flatten(mx.sym.var("data")), batches.tasks)
    assert symbol.list_inputs() == made.list_inputs()
    module = mx.mod.Module(symbol, label_names=run.tasks.label_names)
    mx.random.seed(3)
    module.fit(
        batches, num_epoch=3, optimizer="adam", optimizer_params={"learning_rate": 0.01},
        eval_metric=run.tasks.metrics(), initializer=mx.init.Xavier(),
    )  # fmt: skip
    batches.close()
    for name, array in module.get_params()[0].items():
        np.testing.assert_array_equal(array.asnumpy(), run.load("last")[1][name].asnumpy())


def test_what_weight_decay_is_for(records, tmp_path):
    """With a rate and no gradient, weights shrink; biases and norms stay."""
    clip = {"optimizer_params": {"rescale_grad": 0.0}}
    run = _small.fit(records, tmp_path / "r", epochs=1, wd=0.1, momentum=0, keep=3, **clip)
    first, last = (c.params()[0] for c in run.checkpoints)
    for name, before in first.items():
        shrunk = np.abs(last[name].asnumpy()).sum() < np.abs(before.asnumpy()).sum()
        assert shrunk == name.endswith("_weight"), name


def test_label_smoothing_is_the_tasks_own(records, tmp_path):
    """The option does what the declaration does, with a frozen trunk and when resumed too."""
    options = {"frozen_epochs": 1, "epochs": 1, "label_smoothing": 0.2}
    run = _small.fit(records, tmp_path / "run", **options)
    assert run.tasks == _small.tasks().smoothed(0.2)
    plain = _small.fit(records, tmp_path / "plain", **{**options, "label_smoothing": 0.0})
    assert plain.tasks == _small.tasks()
    assert _small.weights(run) != _small.weights(plain)
    with pytest.raises(_small.PowerCutError):
        _small.fit(records, tmp_path / "cut", callbacks=[_small.Crash(1, 2)], **options)
    assert _small.weights(training.resume(tmp_path / "cut")) == _small.weights(run)


@pytest.mark.parametrize(
    ("values", "higher", "best", "length"),
    [
        ([0.5, math.nan, 0.7, 0.7, 0.6, 0.9], True, 3, 5),
        ([0.5, 0.6, 0.7], False, 1, 3),
        ([math.nan, 0.6, 0.5, 0.4], True, 2, 4),
        ([math.nan] * 5, True, 5, 5),
        ([math.nan, math.nan, math.nan, 0.6, 0.5, math.nan, 0.7], True, 4, 6),
        ([math.inf, math.inf, 0.5], False, 3, 3),
        ([1.0, 2.0, 3.0, 4.0], True, 4, 4),
    ],
)
def test_best_and_patience(tmp_path, values, higher, best, length):
    name = "breed/accuracy" if higher else "breed/task_loss"
    context = RunContext.alone(training.Settings(monitor=name))
    session = training.Session(context, _small.tasks(), tmp_path, callbacks=[])
    monitor = training.Monitor(name, patience=2)
    for value in values:
        session.epoch += 1
        session.history.append({"epoch": session.epoch, "val": {name: value}, "train": {}})
        monitor.on_epoch_end(session)
        if session.reason:
            break
    assert best_entry(session.history)["epoch"] == best
    assert len(session.history) == length


def test_patience_ends_the_run(records, tmp_path, caplog):
    with caplog.at_level(logging.INFO, "mxmtl"):
        run = _small.fit(records, tmp_path / "run", epochs=9, lr=0.0, patience=2)
    assert (len(run.history), run.best.stem) == (3, "model-0001")
    assert "all_tasks/relative_loss has not improved for 2 epochs" in caplog.text


@pytest.mark.parametrize(
    ("monitor", "higher"),
    [
        ("breed/accuracy", True),
        ("age/rmse", False),
        ("toys/f1", True),
        ("all_tasks/task_loss", False),
        ("all_tasks/accuracy", True),
        ("all_tasks/worst_auroc", True),
        ("breed/exact_match", True),
    ],
)
def test_values_that_can_be_monitored(monitor, higher):
    suite = training.make_suite(_small.tasks(), monitor)
    assert training.direction(suite, monitor) is higher
    assert monitor in dict(suite.get_name_value())


@pytest.mark.parametrize(
    ("monitor", "message"),
    [
        ("breed", "expected TASK/METRIC"),
        ("cat/accuracy", r"TASK one of \['breed'"),
        ("breed/acc", "METRIC one of .*'accuracy'"),
        ("breed/num_labels", "neither more nor less"),
        ("breed/f1/pug", "expected TASK/METRIC"),
        ("all_tasks/delta_m", r"METRIC one of \['accuracy', ((?!delta_m|over_tasks).)*$"),
    ],
)
def test_values_that_cannot(monitor, message):
    with pytest.raises(ValueError, match=message):
        training.make_suite(_small.tasks(), monitor)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"schedule": "constant"}, [1, 1, 1, 1, 1]),
        ({"schedule": "constant", "warmup": 2}, [1 / 21, 11 / 21, 1, 1, 1]),
        ({"schedule": "cosine"}, [1, (1 + 0.5**0.5) / 2, 0.5, (1 - 0.5**0.5) / 2, 0.00154133]),
        ({"schedule": "poly", "power": 2}, [1, 9 / 16, 1 / 4, 1 / 16, 1 / 40**2]),
        ({"schedule": "poly", "power": 1, "warmup": 1}, [1 / 11, 1, 2 / 3, 1 / 3, 1 / 30]),
        ({"schedule": "step", "steps": (1, 3)}, [1, 0.1, 0.1, 0.01, 0.01]),
        ({"schedule": "step", "steps": (2.4,), "warmup": 1}, [1 / 11, 1, 1, 0.1, 0.1]),
    ],
)
def test_schedules(options, expected):
    """The rates of the first update of each of four epochs, and of the very last one.

    MXNet counts the first update as 1.
    """
    made = make_schedule(training.Settings(**{"warmup": 0, **options}), 1.0, 10, 4)
    assert [made(update) for update in (1, 11, 21, 31, 40)] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("schedule", ["constant", "cosine", "poly", "step"])
@pytest.mark.parametrize("warmup", [0, 0.5, 1, 9])
@pytest.mark.parametrize(("batches", "epochs"), [(1, 1), (1, 3), (7, 2)])
def test_every_update_trains(schedule, warmup, batches, epochs):
    settings = training.Settings(schedule=schedule, steps=(0.5, 1), warmup=warmup)
    made = make_schedule(settings, 0.3, batches, epochs)
    rates = [made(update) for update in range(1, batches * epochs + 1)]
    assert all(0 < rate <= 0.3 for rate in rates)
    if not warmup:
        assert rates[0] == 0.3
    # An optimizer that asks before it counts begins at 0, and gets no rate that is none.
    again = make_schedule(settings, 0.3, batches, epochs)
    assert 0 <= again(0) <= 0.3
    assert again(0) == (0 if warmup * batches >= 1 and batches * epochs > 1 else 0.3)


def test_steps_that_fall_on_one_update_follow_each_other():
    """Half an epoch of one batch is rounded to none: each step still takes a tenth."""
    settings = training.Settings(schedule="step", steps=(0.2, 0.4, 1), warmup=0)
    made = make_schedule(settings, 1.0, 1, 5)
    assert [made(n) for n in range(1, 6)] == pytest.approx([1, 0.1, 0.01, 0.001, 0.001])


@pytest.mark.parametrize("steps", [(2, 1), (1, 1), (0, 1), (math.nan,), (-1,)])
def test_steps_that_cannot_be(records, tmp_path, steps):
    # What is no number is refused by the setting itself.
    message = "steps=nan: expected" if math.isnan(steps[0]) else "above 0 that grow, as 30, 60"
    with pytest.raises(ValueError, match=message):
        _small.fit(records, tmp_path / "run", schedule="step", steps=steps)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("options", [{}, {"schedule": "poly"}, {"warmup": 1}])
def test_a_run_of_one_update_trains(records, tmp_path, options):
    run = _small.fit(records, tmp_path / "run", epochs=1, batch_size=64, **options)
    first, last = (c.params()[0] for c in run.checkpoints)
    for name, before in first.items():
        assert (before.asnumpy() != last[name].asnumpy()).any(), name
    assert run.history[-1]["lr"] > 0


@pytest.mark.parametrize("optimizer", ["ftrl", "ftml", "sgld"])
@pytest.mark.parametrize("schedule", ["cosine", "poly"])
def test_optimizers_that_divide_by_the_rate_stay_finite(records, tmp_path, optimizer, schedule):
    options = {"optimizer": optimizer, "schedule": schedule, "lr": 1e-3, "epochs": 2}
    run = _small.fit(records, tmp_path / "run", **options)
    for name, array in run.load("last")[1].items():
        assert np.isfinite(array.asnumpy()).all(), name


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": 0}, "nothing to train"),
        ({"batch_size": 0}, "batch_size=0: expected 1 or more"),
        ({"lr": math.nan}, "lr=nan"),
        ({"schedule": "cos"}, r"schedule='cos': expected one of \[constant, .*mean 'cosine'"),
        ({"schedule": "step"}, r"needs steps=\(epoch"),
        ({"logs": "csv,json"}, "logs='csv,json': expected one of"),
        ({"augment": [{"type": "Flip"}]}, "augmentation 'Flip': expected one of .*RandomMirror"),
        ({"augment": "Flip"}, "augmentation 'Flip': expected one of .*RandomMirror"),
        ({"augment": [3]}, r"augment=3: expected augmentations, as RandomMirror\(\)"),
        ({"task_weight": [1, 2, 1]}, r"task_weight=\[1, 2, 1\]: expected a mapping, {name"),
        ({"task_weight": 2}, "task_weight=2: expected a mapping"),
        ({"task_weight": {"age": None}}, r"task_weight\['age'\]=None: expected a number"),
        ({"tasks": ["age"]}, r"tasks: expected a .tasks.json file, or .*got 'age'"),
        ({"tasks": 3}, "tasks: expected a .tasks.json file, or .*got 3"),
    ],
)
def test_settings_that_cannot_be(options, message):
    with pytest.raises(ValueError, match=message):
        training.Settings(**options)


def test_texts_of_the_command_line_are_settings_in_python_too():
    from mxmtl import augment

    mirror = training.Settings(augment=[augment.RandomMirror()])
    assert training.Settings(augment="RandomMirror") == mirror
    assert training.Settings(augment=["RandomMirror"]) == mirror
    weighed = training.Settings(task_weight={"age": 5, "race": 2})
    assert training.Settings(task_weight="age=5,race=2") == weighed
    assert training.Settings(task_weight=["age=5", ("race", 2)]) == weighed


@pytest.mark.parametrize("run", [None, 3])
def test_a_run_is_a_folder(records, run):
    with pytest.raises(ValueError, match=f"run={run}: expected a folder to write, as 'runs/first'"):
        mxmtl.fit(records, run=run)


def test_settings_come_back(tmp_path):
    from mxmtl import augment

    steps = [augment.RandomResizedCrop(area=(0.3, 1)), augment.RandomMirror()]
    settings = training.Settings(
        augment=steps, optimizer_params={"beta1": 0.8}, steps=(1, 2), tasks=_small.tasks()
    )
    training.save_settings(tmp_path / "s.json", settings, "a", ["b", "c"])
    assert training.load_settings(tmp_path / "s.json") == (settings, "a", ["b", "c"])
    with pytest.raises(ValueError, match="cannot be: .* is not JSON serializable"):
        training.Settings(augment=[augment.Apply(np.flip)]).to_dict()


def test_logs(records, tmp_path):
    run = _small.fit(records, tmp_path / "run", epochs=2, logs=("csv", "jsonl"))
    with (run.folder / "log.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    lines = [
        json.loads(line) for line in (run.folder / "log.jsonl").read_text("utf-8").split("\n")[:-1]
    ]
    assert lines == run.history
    for row, entry in zip(rows, run.history):
        for name, value in entry["val"].items():
            assert row[f"val/{name}"] == ("" if value is None else repr(value))
    # A run that goes on writes no epoch twice.
    assert [row["epoch"] for row in rows] == ["1", "2"]


def test_tensorboard(records, tmp_path):
    pytest.importorskip("tensorboardX", reason='needs pip install "mxmtl[tensorboard]"')
    run = _small.fit(records, tmp_path / "run", epochs=1, logs=("tensorboard",))
    assert list((run.folder / "tensorboard").glob("events*"))


def test_bar_in_a_terminal_and_lines_elsewhere(records, tmp_path, caplog, capsys, monkeypatch):
    monkeypatch.setattr(training.Progress, "line", 0.0)
    monkeypatch.setattr(training.Progress, "few", 0.0)
    with caplog.at_level(logging.INFO, "mxmtl"):
        _small.fit(records, tmp_path / "lines", epochs=1)
    assert "epoch 1/1  batch 3/6" in caplog.text
    assert capsys.readouterr().err.count("images/s") == 0
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    _small.fit(records, tmp_path / "bar", epochs=1)
    shown = capsys.readouterr().err
    assert "epoch 1/1" in shown
    assert "breed/accuracy" in shown


def test_without_validation_training_is_monitored(records, tmp_path):
    run = mxmtl.fit(records, run=tmp_path / "run", network=_small.network(), **_small.OPTIONS)
    assert all(entry["val"] == {} for entry in run.history)
    assert run.best.epoch in {entry["epoch"] for entry in run.history if entry["best"]}


def test_model_json_tells_how_to_read_images(records, tmp_path):
    run = _small.fit(records, tmp_path / "run", epochs=1, crop=0.875, mean=(1, 2, 3), std=(4, 5, 6))
    data = json.loads((run.folder / "model.json").read_text("utf-8"))
    assert (data["format"], data["version"]) == ("mxmtl.model", 1)
    assert run.tasks == _small.tasks()
    assert run.model.preprocessing == training.Preprocessing((3, 8, 8), (1, 2, 3), (4, 5, 6), 0.875)
    batches = mxmtl.RecordIter(records, 2, **run.model.preprocessing.options())
    batches.close()


def test_what_an_expert_would_change_is_said_before_it_costs(records, tmp_path, caplog):
    """Nothing to validate on, pictures made larger; and nothing where that is not."""
    options = {"network": None, "trunk": "small", "epochs": 1, "data_shape": (3, 24, 24)}
    mxmtl.fit(records, run=tmp_path / "run", batch_size=8, threads=1, **options)
    assert "no records to validate on: the best epoch is the one that fits" in caplog.text
    assert "8 x 8 pixels, and are enlarged to 24 x 24: --data-shape 3,8,8 would" in caplog.text
    caplog.clear()
    for ending in (".rec", ".idx", ".tasks.json"):
        shutil.copy(records + ending, tmp_path / f"more{ending}")
    _small.fit(records, tmp_path / "swapped", [records, str(tmp_path / "more")], epochs=1)
    twice = f"({2 * _small.ROWS} and {_small.ROWS}): are they swapped?"
    assert caplog.text.count(f"validation has more records than training {twice}") == 1
    caplog.clear()
    _small.fit(records, tmp_path / "other", epochs=1)
    for words in ("validate on", "enlarged", "swapped"):
        assert words not in caplog.text
