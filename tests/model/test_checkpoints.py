"""Files of checkpoints: written whole or not at all, never a pickle, and damage is named."""

from __future__ import annotations

import json
import logging
import os
import pickle
import resource

from mxmtl.model import (
    Checkpoint,
    _checkpoint,
    find_checkpoints,
    newest_good,
    save_arrays,
    write_checkpoint,
    write_symbol,
)

import mxnet as mx
import pytest

ARRAYS = {f"arg:p{number}": mx.nd.ones((100,)) for number in range(20)}


@pytest.fixture
def crashed(tmp_path):
    """A folder as a run leaves it that crashed in its second epoch."""
    folder = tmp_path / "run"
    folder.mkdir()
    write_symbol(folder, mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=3, name="fc"))
    params = {"fc_weight": mx.nd.ones((3, 4)), "fc_bias": mx.nd.zeros((3,))}
    states = {"fc_weight": mx.nd.ones((3, 4))}
    for epoch, batch in ((1, 0), (1, 2), (1, 4)):
        write_checkpoint(Checkpoint(folder, epoch, batch), {"history": []}, (params, {}), states)
    return folder


def _stems(folder):
    return [checkpoint.stem for checkpoint in find_checkpoints(folder)]


def _cut_saving(monkeypatch, cut):
    """Let MXNet lose the last bytes of a file without a word, as where the disk is full."""
    save = mx.nd.save

    def lossy(name, arrays):
        save(name, arrays)
        os.truncate(name, os.path.getsize(name) - cut)

    monkeypatch.setattr(mx.nd, "save", lossy)


@pytest.mark.parametrize("cut", [1, 10, 300, 1000, 5000])
def test_a_file_that_is_cut_off_is_not_written(tmp_path, monkeypatch, cut):
    _cut_saving(monkeypatch, cut)
    with pytest.raises(OSError, match=r"x\.params could not be written .* Is the disk full\?"):
        save_arrays(tmp_path / "x.params", ARRAYS)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("cut", [10, 300, 1000])
def test_files_may_not_grow(tmp_path, cut):
    save_arrays(tmp_path / "whole", ARRAYS)
    size = os.path.getsize(tmp_path / "whole")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size - cut, hard))
    try:
        with pytest.raises(OSError, match=r"x\.params could not be written .* Is the disk full\?"):
            save_arrays(tmp_path / "x.params", ARRAYS)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [path.name for path in tmp_path.iterdir()] == ["whole"]


def test_arrays_without_any_are_written(tmp_path):
    assert save_arrays(tmp_path / "x.optimizer", {})
    assert (tmp_path / "x.optimizer").exists()


def test_a_disk_that_fails_at_the_end_names_the_file(tmp_path, monkeypatch):
    def fail(handle):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match=r"No space left on device.*x\.params"):
        save_arrays(tmp_path / "x.params", ARRAYS)
    assert not list(tmp_path.iterdir())


def test_no_file_is_a_pickle(crashed):
    for path in crashed.iterdir():
        with pytest.raises((pickle.UnpicklingError, ValueError, EOFError, KeyError, IndexError)):
            pickle.loads(path.read_bytes())


@pytest.mark.parametrize("ending", [".params", ".optimizer"])
@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "gone"])
def test_a_damaged_one_is_named_and_the_one_before_taken(crashed, caplog, ending, damage):
    assert _stems(crashed)[-2:] == ["model-0001-batch-0002", "model-0001-batch-0004"]
    path = crashed / f"model-0001-batch-0004{ending}"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes({"flip": data, "cut": data[:-1], "empty": b""}[damage])
    with caplog.at_level(logging.INFO, "mxmtl"):
        found, _ = newest_good(crashed)
    assert found.stem == "model-0001-batch-0002"
    assert "model-0001-batch-0004 is refused" in caplog.text
    assert str(path) in caplog.text


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": "other"}', "\xff"])
def test_a_json_that_is_none(crashed, caplog, text):
    (crashed / "model-0001-batch-0004.json").write_bytes(text.encode("latin-1"))
    assert newest_good(crashed)[0].stem == "model-0001-batch-0002"
    assert "model-0001-batch-0004.json" in caplog.text


def test_the_json_comes_last(crashed, monkeypatch):
    order = []
    for name in ("save_arrays", "write_json"):
        written = getattr(_checkpoint, name)
        monkeypatch.setattr(
            _checkpoint,
            name,
            lambda path, data, w=written: (order.append(path.name), w(path, data))[1],
        )
    checkpoint = find_checkpoints(crashed)[-1]
    args = checkpoint.params()
    state = json.loads(checkpoint.path(".json").read_text("utf-8"))
    _checkpoint.write_checkpoint(checkpoint, {"history": state["history"]}, args, {})
    endings = [name[len(checkpoint.stem) :] for name in order]
    assert endings == [".params", ".optimizer", ".json"]


def test_a_full_disk_is_one_line_with_the_name(crashed, monkeypatch):
    def full(name, arrays):
        raise mx.MXNetError("Check failed: write error")

    monkeypatch.setattr(mx.nd, "save", full)
    with pytest.raises(OSError, match=r"x\.params could not be written .* Is the disk full\?"):
        save_arrays(crashed / "x.params", {})
    assert not [path for path in crashed.iterdir() if path.name.startswith(".")]
