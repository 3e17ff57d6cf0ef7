"""Optimizers: those that MXNet has but that cannot work, what is not theirs to be told."""

import logging
import shlex

import mxmtl
from mxmtl import training
from mxmtl.cli import main
from tests.training import _small

import mxnet as mx
import pytest


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"optimizer": "groupadagrad"},
            r"optimizer='groupadagrad' cannot make an update with lr=0.02, wd=0.0001, "
            r"clip_gradient=0.1: AssertionError\. Choose another optimizer, such as 'adam', or "
            r"other .*_params\.",
        ),
        (
            {"optimizer": "dcasgd"},
            r"'dcasgd' cannot make an update with .*, clip_gradient=0.1, momentum=0.9: The truth",
        ),
        ({"optimizer_params": {"rescale_grad": "x"}}, r"rescale_grad=x: MXNetError: Invalid"),
        ({"optimizer_params": {"learning_rate": 9}}, r"'learning_rate' .* take lr \(--lr\)"),
        ({"optimizer_params": {"lr_scheduler": 1}}, r"take schedule \(--schedule\)"),
        ({"optimizer_params": {"begin_num_update": 7}}, "'begin_num_update' .* leave it out"),
        ({"optimizer_params": {"param_idx2name": {}}}, "'param_idx2name' .* leave it out"),
        ({"optimizer_params": {"beta9": 1}}, "unexpected keyword argument 'beta9'"),
    ],
)
def test_what_cannot_work_is_said_before_anything_is_written(records, tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        _small.fit(records, tmp_path / "run", **options)
    assert not (tmp_path / "run").exists()


def test_the_command_line_says_so_in_one_line(here, capsys):
    line = "train data/train --run r --data-shape 3,16,16 --optimizer-params learning_rate=1"
    assert main(shlex.split(line)) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "--lr" in error


def test_all_others_train(records, tmp_path):
    """That the one update which is tried refuses nothing that works."""
    for name in mx.optimizer.Optimizer.opt_registry:
        if name not in ("groupadagrad", "dcasgd"):
            training.check_optimizer(training.Settings(optimizer=name, lr=1e-3))
    run = _small.fit(records, tmp_path / "run", optimizer="dcasgd", momentum=0.0, epochs=1)
    assert run.last.epoch == 1


def test_an_optimizer_that_draws_goes_on_with_the_same_bits(records, tmp_path):
    """Langevin dynamics adds noise; the network itself draws nothing here."""
    options = {"optimizer": "sgld", "lr": 1e-4, "network": mx.sym.Flatten(mx.sym.var("data"))}
    whole = _small.fit(records, tmp_path / "whole", **options)
    cut = {"save_batches": 2, "callbacks": [_small.Crash(1, 3)]}
    with pytest.raises(_small.PowerCutError):
        _small.fit(records, tmp_path / "run", **cut, **options)
    assert _small.weights(training.resume(tmp_path / "run")) == _small.weights(whole)
    again = _small.fit(records, tmp_path / "seed", **{**options, "seed": 4})
    assert _small.weights(again) != _small.weights(whole)


@pytest.mark.parametrize(("scale", "warned"), [(1, False), (2, True)])
def test_gradients_that_no_checkpoint_holds_are_warned_of(caplog, scale, warned):
    params = {"batch_scale": scale, "warmup_strategy": "lars"}
    settings = training.Settings(optimizer="lbsgd", optimizer_params=params)
    with caplog.at_level(logging.WARNING, "mxmtl"):
        training.check_optimizer(settings)
    assert ("batch_scale=2: MXNet gathers gradients" in caplog.text) is warned


def test_a_task_called_like_the_mean_over_all():
    named = mxmtl.TaskSet([mxmtl.Binary("all_tasks"), mxmtl.Binary("wet")])
    with pytest.raises(ValueError, match="a task is called 'all_tasks', .* another name"):
        training.make_suite(named, "all_tasks/task_loss")
    with pytest.raises(ValueError, match="a task is called 'all_tasks'"):
        training.make_suite(named, "wet/accuracy")
    alone = mxmtl.TaskSet([mxmtl.Binary("all_tasks")])  # the mean over one is its own
    assert "all_tasks/task_loss" in training.make_suite(alone, "all_tasks/task_loss").names
