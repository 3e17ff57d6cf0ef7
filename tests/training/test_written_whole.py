"""A file that did not reach the disk whole is no checkpoint, and what MXNet says is one line."""

from __future__ import annotations

import hashlib
import os
import shlex

from mxmtl import training
from mxmtl.cli import main
from tests.training import _small

import mxnet as mx
import pytest


def test_half_a_checkpoint_is_not_left(records, tmp_path, monkeypatch):
    save, count = mx.nd.save, []

    def fill(path, arrays):
        count.append(path)
        if len(count) == 4:  # parameters and optimizer of the start, parameters of the next
            raise OSError(28, os.strerror(28), str(path))
        return save(path, arrays)

    monkeypatch.setattr(mx.nd, "save", fill)
    with pytest.raises(OSError, match="No space left"):
        _small.fit(records, tmp_path / "run", epochs=1, save_batches=2)
    names = sorted(path.name for path in (tmp_path / "run").glob("model-0*"))
    assert names == ["model-0000.json", "model-0000.optimizer", "model-0000.params"]


@pytest.fixture
def broken(records, tmp_path, monkeypatch):
    """A run whose checkpoint says that its file is good, though MXNet cannot read it."""
    folder = _small.fit(records, tmp_path / "run", epochs=1).folder
    for checkpoint in training.find_checkpoints(folder):
        for ending in (".params", ".optimizer"):
            path = checkpoint.path(ending)
            before = hashlib.sha256(path.read_bytes()).hexdigest()
            path.write_bytes(path.read_bytes()[:-4])
            text = checkpoint.path(".json").read_text("utf-8")
            text = text.replace(before, hashlib.sha256(path.read_bytes()).hexdigest())
            checkpoint.path(".json").write_text(text, "utf-8")
    return folder


def test_a_file_that_mxnet_cannot_read_is_named(broken):
    checkpoint = training.Run(broken).last
    with pytest.raises(
        training.CheckpointError,
        match=r"model-0001\.params: no file of MXNet.*model-0001",
    ):
        checkpoint.params()
    with pytest.raises(training.CheckpointError, match=r"model-0001\.optimizer: "):
        checkpoint.optimizer()


@pytest.mark.parametrize("line", ["train --resume {}", "evaluate {} {} --bootstrap 0"])
def test_on_the_command_line_it_is_one_line(broken, records, capsys, line):
    capsys.readouterr()
    assert main(shlex.split(line.format(broken, records))) == 1
    error = capsys.readouterr().err
    assert "model-0001." in error
    assert error.count("\n") == 1


def test_what_mxnet_says_is_one_line(monkeypatch, capsys, tmp_path):
    def fail(*_, **__):
        raise mx.MXNetError("Traceback\n  [bt] (1) lib.so\nMXNetError: Check failed: no such thing")

    monkeypatch.setattr("mxmtl.data.verify_records", fail)
    assert main(["verify", "data/train"]) == 1
    assert capsys.readouterr().err == ("mxmtl verify: MXNet failed: Check failed: no such thing\n")
