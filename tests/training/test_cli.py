"""``mxmtl train``: its example runs, wrong command lines are one line, exit codes say what was."""

import os
import re
import shlex
import signal
import subprocess
import sys

from mxmtl import training
from mxmtl.cli import example_of, main

import pytest

SMALL = "--data-shape 3,16,16 --batch-size 16 --threads 1"


def _run(line):
    return main(shlex.split(line))


def test_the_example_runs_and_resumes(here, capsys):
    assert _run(example_of("train").replace("mxmtl ", "") + " " + SMALL) == 0
    run = training.Run("runs/first")
    assert (run.last.epoch, run.settings.lr, run.records) == (5, 0.002, ("data/train", "data/val"))
    assert re.search(r"runs/first: best model-000\d, last model-0005", capsys.readouterr().out)
    assert _run("train --resume runs/first") == 0
    capsys.readouterr()
    assert _run(example_of("runs").replace("mxmtl ", "")) == 0
    assert "runs/first  5 of 5" in capsys.readouterr().out


def test_help_names_every_setting_and_the_example(capsys):
    assert _run("train --help") == 0
    text = capsys.readouterr().out
    assert example_of("train") in text
    for name in set(training.Settings.__dataclass_fields__) - {"begin"}:  # resuming says that one
        assert re.search(f"--(no-)?{name.replace('_', '-')}\\b", text), name


def test_options_become_settings(here):
    line = (
        f"train data/train --run r {SMALL} --epochs 1 --augment RandomMirror --optimizer adam "
        "--augment 'RandomResizedCrop area=0.3,1' --optimizer-params beta1=0.8 --no-cache "
        "--logs csv,jsonl --mean 1,2,3 --schedule step --steps 1"
    )
    assert _run(line) == 0
    settings = training.Run("r").settings
    assert [type(step).__name__ for step in settings.augment] == [
        "RandomMirror",
        "RandomResizedCrop",
    ]
    assert settings.augment[1].area == (0.3, 1)
    assert (settings.optimizer_params, settings.cache) == ({"beta1": 0.8}, False)
    assert (settings.logs, settings.mean, settings.steps) == (("csv", "jsonl"), (1, 2, 3), (1,))


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        ("train", 2, "the records to train on, and --run FOLDER is missing; or --resume RUN"),
        ("train data/train", 2, "--run FOLDER is missing; or --resume RUN"),
        ("train --resume r --run x", 2, "--resume RUN goes on in RUN: no --run"),
        ("train data/train --run r --epochs x", 2, "--epochs: 'x': expected a whole number"),
        ("train data/train --run r --epochs 0", 1, "there is nothing to train"),
        ("train data/none --run r", 1, "none.rec: no such file"),
        ("train data/train --run r --trunk none", 1, "'none' is no trunk. mxmtl trunks lists"),
        ("train data/train --run r --optimizer none", 1, "optimizer='none' is not one of"),
        ("train data/train --run r --augment None", 2, "augmentation 'None': expected one of"),
        ("train data/train --run r --augment 'RandomMirror p=1'", 2, "RandomMirror"),
        ("train data/train --run r --weights none.pth", 1, "none.pth: No such file"),
        ("train data/train --run r --gpus x", 1, "gpus='x': expected numbers, such as 0,1, or all"),
        ("train data/train --run r --gpus 99", 1, "on this machine, counted from 0"),
        ("train --resume r", 1, "r is no run folder"),
        ("train data/train --run data/train.rec", 1, "data/train.rec"),
    ],
)
def test_what_is_wrong_is_one_line(here, capsys, line, code, message):
    before = sorted(path.name for path in here.rglob("*"))
    assert _run(line + (f" {SMALL}" if "--run" in line else "")) == code
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error
    assert code == 2 or error.count("\n") == 1
    assert sorted(path.name for path in here.rglob("*")) == before


def test_a_run_is_not_overwritten_without_force(here, capsys):
    line = f"train data/train --run r {SMALL} --epochs 1"
    assert _run(line) == 0
    assert _run(line) == 1
    assert "Go on with it (--resume), replace it (--force)" in capsys.readouterr().err
    assert _run(line + " --force") == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_saves_and_says_how_to_go_on(here, records, number):
    command = [sys.executable, "-u", "-m", "mxmtl", "train", "data/train", "--run", "r"]
    command += [*SMALL.split(), "--epochs", "100000", "--schedule", "constant", "--keep", "2"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
    ) as process:
        for line in process.stdout:
            if line.startswith("epoch 2/"):
                break
        process.send_signal(number)
        _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert re.search(
        r"stopped after epoch \d+, batch \d+, and saved; go on with: mxmtl train", error
    )
    assert training.Run("r").last.state()["history"]
