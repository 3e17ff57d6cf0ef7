"""A run on several workers is the run of one process, whatever happens on the way."""

import os
import shlex
import shutil
import signal
import sys
from pathlib import Path

import mxmtl
from mxmtl import training
from mxmtl.cli import example_of, main
from tests.distributed import _life
from tests.distributed._launched import PROMISE, Launched
from tests.training import _small

import numpy as np
import pytest

LIFE = str(Path(_life.__file__))


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    return _small.write(tmp_path_factory.mktemp("records"))


@pytest.fixture(scope="module")
def alone(records, tmp_path_factory):
    """The run of one process."""
    return _life.live(records, tmp_path_factory.mktemp("alone") / "run")


def assert_same(run, other):
    (_, args, auxs), (_, other_args, other_auxs) = run.load("last"), other.load("last")
    assert args.keys() == other_args.keys()
    for name, array in {**other_args, **other_auxs}.items():
        found = {**args, **auxs}[name].asnumpy()
        np.testing.assert_allclose(found, array.asnumpy(), rtol=0, atol=1e-6, err_msg=name)
    for entry, other_entry in zip(run.history, other.history):
        assert entry["val"].keys() == other_entry["val"].keys()
        for name, value in other_entry["val"].items():
            np.testing.assert_allclose(entry["val"][name], value, rtol=1e-5, err_msg=name)
    assert [e["best"] for e in run.history] == [e["best"] for e in other.history]


def test_whatever_happens_it_ends_as_if_alone(records, alone, tmp_path):
    """Two workers, and Ctrl-C; one, whose server is killed; then one process, to the end."""
    run = tmp_path / "run"
    life = [sys.executable, LIFE, records, str(run), "0.1"]
    first = Launched(tmp_path, "-n", "2", "--", *life, name="first")
    first.wait_for("epoch 1, batch 2 is done")
    os.kill(first.process.pid, signal.SIGINT)
    assert first.end() == 130, first.text
    assert "and saved; go on with: mxmtl train --resume" in first.text
    last = training.find_checkpoints(run)[-1]
    assert last.state()["epoch"] == 1
    second = Launched(tmp_path, "-n", "1", "--", *life, name="second")
    second.wait_for("epoch 2, batch 1 is done")
    assert second.text.count(f"going on from {last.stem}") == 1
    assert second.kill("server") < PROMISE
    assert second.process.returncode == 137
    assert "mxmtl launch: server 0 (process" in second.text
    assert training.find_checkpoints(run)[-1].epoch == 2
    assert_same(training.resume(run), alone)


def test_from_the_command_line_with_all_that_is_random(records, tmp_path):
    """The example of the help, with batch normalization, mixup, an average and a frozen part.

    Going on costs no bit.
    """
    (tmp_path / "data").mkdir()
    for path in Path(records).parent.glob("t.*"):
        for part in ("train", "val"):
            shutil.copy(path, tmp_path / "data" / path.name.replace("t.", f"{part}.", 1))
    options = "--batch-size 8 --epochs 1 --data-shape 3,16,16 --threads 1 --mixup 0.2 --ema 0.9"
    options += " --frozen-epochs 1 --save-batches 2 --kvstore dist_sync --logs csv --keep 99"
    program, verb, *example = shlex.split(example_of("launch"))
    assert (program, verb) == ("mxmtl", "launch")
    whole = Launched(tmp_path, *example, *options.split(), name="whole")
    assert whole.end() == 0, whole.text
    assert whole.text.count("best model-") == 1  # one worker tells
    assert whole.text.count("epoch 2/2") == 1
    shutil.copytree(tmp_path / "runs/first", tmp_path / "cut")
    for checkpoint in training.find_checkpoints(tmp_path / "cut"):
        if (checkpoint.epoch, checkpoint.batch) > (1, 2):
            checkpoint.remove()
    again = ["mxmtl", "train", "--resume", "cut"]
    rest = Launched(tmp_path, "-n", "2", "--", *again, name="rest")
    assert rest.end() == 0, rest.text
    assert rest.text.count("going on from model-0001-batch-0002") == 2
    found, expected = (training.Run(tmp_path / name) for name in ("cut", "runs/first"))
    assert _small.weights(found) == _small.weights(expected)
    assert [entry["val"] for entry in found.history] == [e["val"] for e in expected.history]


@pytest.mark.parametrize(
    ("option", "code", "message"),
    [
        ("--kvstore dist_sync", 1, "needs workers: mxmtl launch -n 2 -- mxmtl train"),
        ("--kvstore carrier-pigeon", 2, "--kvstore: 'carrier-pigeon': expected one of"),
    ],
)
def test_a_store_that_does_not_fit(records, tmp_path, capsys, option, code, message):
    line = ["train", records, "--run", str(tmp_path / "run"), *option.split()]
    assert main(line) == code
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_batch_that_cannot_be_divided(records, tmp_path, monkeypatch):
    from mxmtl.training import _session

    monkeypatch.setenv("DMLC_ROLE", "worker")
    monkeypatch.setenv("DMLC_WORKER_ID", "0")
    monkeypatch.setenv("DMLC_NUM_WORKER", "3")
    group = type("Group", (), {"count": 3})
    monkeypatch.setattr(_session, "workers", lambda kind: group)
    with pytest.raises(ValueError, match="cannot be divided among 3. Take a multiple of 3"):
        _small.fit(records, tmp_path / "run")
    with pytest.raises(ValueError, match="each worker would train by itself"):
        _small.fit(records, tmp_path / "run", kvstore="local")


@pytest.mark.parametrize("parts", [2, 4])
def test_batches_of_all_parts_make_up_those_of_the_whole(records, parts):
    options = {"data_shape": (3, 8, 8), "shuffle": True, "seed": 5, "threads": 1}
    with mxmtl.RecordIter(records, 8, **options) as whole:
        pieces = [
            mxmtl.RecordIter(records, 8 // parts, num_parts=parts, part_index=part, **options)
            for part in range(parts)
        ]
        for _ in range(2):
            batches = [[set(b.index) - {-1} for b in piece] for piece in pieces]
            expected = [set(b.index) - {-1} for b in whole]
            assert [set.union(*rows) for rows in zip(*batches)] == expected
            for iterator in (whole, *pieces):
                iterator.reset()
        for _ in range(3):
            states = [piece.whole_state(piece.state_dict()) for piece in pieces]
            assert all(state == whole.state_dict() for state in states)
            for iterator in (whole, *pieces):
                iterator.next()
        pieces[-1].reset()  # somewhere else
        for piece in pieces:
            piece.load_state_dict(whole.state_dict())
        rows = set().union(*(set(piece.next().index) for piece in pieces))
        assert rows == set(whole.next().index)
        for piece in pieces:
            piece.close()
