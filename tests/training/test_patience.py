"""Patience: of the frozen epochs and of the others; values that cannot be compared."""

import csv
import logging
from pathlib import Path

import mxmtl
from mxmtl import training
from tests.training import _small

import pytest

# A rate so small that no float32 changes: the frozen epochs never get better.
FROZEN = {
    "frozen_epochs": 6, "epochs": 2, "frozen_lr": 1e-30, "lr": 0.05, "patience": 2, "augment": (),
    "wd": 0.0,
}  # fmt: skip


@pytest.mark.parametrize("cache", [False, True])
def test_patience_ends_the_frozen_epochs_and_fine_tuning_begins(records, tmp_path, caplog, cache):
    with caplog.at_level(logging.INFO, "mxmtl"):
        run = _small.fit(records, tmp_path / "run", keep=9, cache=cache, **FROZEN)
    assert [entry["epoch"] for entry in run.history] == [1, 2, 3, 7, 8]
    assert (
        "all_tasks/relative_loss has not improved for 2 epochs: fine-tuning begins" in caplog.text
    )
    assert "stopped" not in caplog.text
    frozen, tuned = (c.params()[0] for c in run.checkpoints if c.epoch in (3, 8))
    for name, array in frozen.items():
        assert (array.asnumpy() != tuned[name].asnumpy()).any(), name


@pytest.mark.parametrize(
    ("place", "options"),
    [
        ((2, 3), {}),
        ((6, 1), {}),
        ((6, 3), {"cache": False}),
        ((6, 1), {"ema": 0.9, "cache": False}),
        ((7, 2), {"ema": 0.9}),
    ],
)
def test_a_crash_around_the_end_of_the_frozen_epochs_costs_no_bit(
    records, tmp_path, place, options
):
    whole = _small.fit(records, tmp_path / "whole", **FROZEN, **options)
    cut = {"save_batches": 2, "callbacks": [_small.Crash(*place)]}
    with pytest.raises(_small.PowerCutError):
        _small.fit(records, tmp_path / "r", **cut, **FROZEN, **options)
    resumed = training.resume(tmp_path / "r")
    assert _small.weights(resumed) == _small.weights(whole)
    for key in ("epoch", "val", "best"):
        assert [e[key] for e in resumed.history] == [e[key] for e in whole.history]


def test_a_budget_that_ends_with_the_frozen_epochs(records, tmp_path):
    """Both ask in the same epoch: the run stops, and fine-tuning begins when it goes on."""

    class Stop(training.Callback):
        def on_epoch_end(self, session):
            if session.epoch == 3:
                session.stop("enough")

    whole = _small.fit(records, tmp_path / "whole", **FROZEN)
    stopped = _small.fit(records, tmp_path / "r", callbacks=[Stop()], **FROZEN)
    assert stopped.last.epoch == 3
    assert _small.weights(training.resume(tmp_path / "r")) == _small.weights(whole)


def test_fine_tuning_has_a_patience_of_its_own(records, tmp_path, caplog):
    """The best epoch is a frozen one: that it was long ago does not end the run at once."""
    options = {**FROZEN, "lr": 1e-30, "epochs": 9, "keep_statistics": True, "cache": False}
    with caplog.at_level(logging.INFO, "mxmtl"):
        run = _small.fit(records, tmp_path / "run", **options)
    assert [entry["epoch"] for entry in run.history] == [1, 2, 3, 7, 8]
    assert "stopped after epoch 8" in caplog.text
    assert run.best.epoch == 1


def test_patience_ends_a_run_that_has_only_frozen_epochs(records, tmp_path, caplog):
    with caplog.at_level(logging.INFO, "mxmtl"):
        run = _small.fit(records, tmp_path / "run", **{**FROZEN, "epochs": 0})
    assert [entry["epoch"] for entry in run.history] == [1, 2, 3]
    assert "stopped after epoch 3" in caplog.text


def test_a_value_that_is_never_there(records, tmp_path, caplog):
    """No label of the task in validation: the last epoch is best, patience waits, one warning."""
    options = {"epochs": 3, "patience": 1, "monitor": "breed/specificity"}
    with caplog.at_level(logging.INFO, "mxmtl"):
        without = _without(records, tmp_path, "breed")
        run = _small.fit(records, tmp_path / "run", without, **options)
    assert all(entry["val"]["breed/specificity"] is None for entry in run.history)
    assert (len(run.history), run.best.epoch) == (3, 3)
    warnings = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    assert len([text for text in warnings if "breed/specificity has no value" in text]) == 1


def _without(records, folder, name):
    """Return the prefix of records in which a task has no label."""
    with (Path(records).parent / "t.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    with (folder / "n.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows({**row, name: ""} for row in rows)
    mxmtl.write_records(
        folder / "n.csv", images=Path(records).parent, prefix=folder / "n", tasks=_small.tasks()
    )
    return str(folder / "n")
