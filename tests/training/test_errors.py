"""What can go wrong around ``mxmtl train``: one line, the right exit code, nothing overwritten."""

import os
import re
import resource
import shlex

import mxmtl
from mxmtl import training
from mxmtl.cli import main
from tests.training import _small

import mxnet as mx
import pandas as pd
import pytest

SMALL = "--data-shape 3,16,16 --batch-size 16 --threads 1 --epochs 1"
LINE = f"train data/train --run r {SMALL}"


def _fails(capsys, line, code=1):
    """Run a command line that must fail; return its one line."""
    capsys.readouterr()
    assert main(shlex.split(line)) == code
    error = capsys.readouterr().err
    lines = [text for text in error.splitlines() if "Subgraph backend" not in text]
    assert len(lines) == 1 or code == 2, error
    assert "Traceback" not in error
    return lines[-1]


def _contents(folder):
    return {p: p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--data-shape 3,4,4", r"does not take images of shape (3, 4, 4) ("),
        ("--trunk alexnet", r"does not take images of shape (3, 16, 16) ("),
        ("--layers none", "the trunk has no layer 'none'"),
        ("--weights data/train.rec", "data/train.rec: no PyTorch state dict"),
        ("--weights-map m.json", "give weights, too"),
        ("--monitor breed/none", "monitor='breed/none'"),
        ("--val data/none", "data/none.rec: no such file"),
        (
            "--task-weight breed=0,outdoors=0,toys=0,age=0",
            "all tasks have weight 0 (breed, outdoors, toys, age), so there is nothing to learn",
        ),
    ],
)
def test_what_cannot_be_writes_nothing(here, capsys, options, message):
    before = _contents(here)
    assert message in _fails(capsys, f"{LINE} {options}")
    assert _contents(here) == before
    assert not (here / "r").exists()


@pytest.mark.parametrize(
    ("options", "setting", "expected"),
    [
        ("--data-shape a,b,c", {"data_shape": ("a", "b", "c")}, "expected a whole number"),
        ("--data-shape 3,0,9", {"data_shape": (3, 0, 9)}, "expected 1 or more"),
        ("--mean a", {"mean": "a"}, "expected a number"),
        ("--steps a", {"schedule": "step", "steps": "a"}, "expected a number"),
        ("--lr -1", {"lr": -1}, "expected 0 or more"),
        ("--lr nan", {"lr": float("nan")}, "expected 0 or more"),
        ("--lr inf", {"lr": float("inf")}, "expected 0 or more"),
        ("--ema 1", {"ema": 1}, "expected 0 or more, less than 1"),
        ("--schedule cosin", {"schedule": "cosin"}, "did you mean 'cosine'?"),
        ("--logs csv,none", {"logs": ("csv", "none")}, "expected one of [csv, jsonl, tensorboard]"),
        ("--augment RandomMiror", {"augment": {"type": "RandomMiror"}}, "mean 'RandomMirror'?"),
        ("--task-weight age=x", {"task_weight": {"age": "x"}}, "expected a number"),
        ("--task-weight age=1,b=x", {"task_weight": "age=1,b=x"}, "expected a number"),
        ("--task-weight 2", {"task_weight": "2"}, "expected NAME=VALUE"),
        ("--optimizer-params lr", {"optimizer_params": ["lr"]}, "expected "),
        ("--augment Geometric", {"augment": {"type": "Geometric"}}, "expected one of [CenterCrop,"),
    ],
)
def test_what_an_option_cannot_be(here, capsys, options, setting, expected):
    line = _fails(capsys, f"{LINE} {options}", code=2)
    assert line.startswith(f"mxmtl train: argument {options.split()[0]}: {options.split()[1]!r}")
    assert expected in line
    assert not (here / "r").exists()
    with pytest.raises(ValueError, match=re.escape(expected)):
        training.Settings(**setting)


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ({"layers": None}, "layers=None: expected a list"),
        ({"lr": 10**400}, "0: expected 0 or more"),
        ({"augment": "a" * 1_000_000}, "at most 10000 letters are read"),
        ({"balance": "cagrad(c=" + "1" * 1_000_000 + ")"}, "expected NAME or NAME(OPTION=VALUE"),
    ],
)
def test_what_no_option_is_that_a_file_may_have(setting, expected):
    with pytest.raises(ValueError, match=re.escape(expected)):
        training.Settings(**setting)


@pytest.mark.parametrize(
    "options", ["--bogus 1", "--epochs x", '--augment "\'"', "--optimizer-params lr"]
)
def test_command_lines_that_are_none(here, capsys, options):
    _fails(capsys, f"{LINE} {shlex.quote(options) if ' ' not in options else options}", code=2)
    assert not (here / "r").exists()


@pytest.mark.parametrize(
    ("train", "val", "message"),
    [
        ("data/trian", None, "data/trian.rec: no such file, given as train (did you mean 'data/t"),
        ("data/train", "data/va", "data/va.rec: no such file, given as val (did you mean 'data/v"),
        ("data/train", "none", "none.rec: no such file, given as val. mxmtl convert (in Python mx"),
        ("t.csv", None, "t.csv, given as train, is no record file. Convert it first, with mxmtl c"),
        ("data", None, "data, given as train, is a folder; the records in it are data/train, data"),
        (["data/train"], "data/train-00000.rec", "data/train-00000.rec: no such file, given as v"),
    ],
)
def test_what_is_no_records_is_said_where_it_was_given(here, capsys, train, val, message):
    (here / "t.csv").write_text("path,age\n")
    with pytest.raises(FileNotFoundError, match=re.escape(message)):
        mxmtl.fit(train, val, run="r")
    line = f"train {train if isinstance(train, str) else train[0]} --run r"
    assert message in _fails(capsys, line + (f" --val {val}" if val else ""))
    assert not (here / "r").exists()


@pytest.mark.parametrize("given", [None, 3, {"path": ["a.png"]}])
def test_a_table_in_memory_is_no_records(here, given):
    run = _small.fit("data/train", here / "done", epochs=1)
    table = pd.DataFrame(given) if isinstance(given, dict) else given
    said = "a DataFrame is no records. Write them first, with mxmtl.write_records(" if isinstance(
        given, dict
    ) else f"={given}: expected a prefix of records, as 'data/train', or several."  # fmt: skip
    with pytest.raises(TypeError, match=re.escape(said)) as error:
        mxmtl.fit(table, run="r")
    assert str(error.value).startswith("train")
    with pytest.raises(TypeError, match=re.escape(said)):
        run.evaluate(table)
    if given is not None:  # what it was validated on, and what it began with
        with pytest.raises(TypeError, match=re.escape(said)):
            run.report(None, table)
        with pytest.raises(TypeError, match=re.escape(said)):
            training.resume(run.folder, table)


def test_an_option_that_is_none_names_those_of_what_was_called(here):
    run = _small.fit("data/train", here / "done", epochs=1)
    for wrong, meant, call in (
        ("bootsrap", "bootstrap", lambda **given: run.evaluate("data/val", **given)),
        ("bootsrap", "bootstrap", lambda **given: run.report(None, "data/val", **given)),
        ("objectiv", "objective", lambda **given: run.tune("data/val", **given)),
        ("cuont", "count", lambda **given: mxmtl.show_results(run, "data/val", **given)),
        ("epoch", "epochs", lambda **given: training.resume(run.folder, **given)),
        ("callback", "callbacks", lambda **given: mxmtl.fit("data/train", run="r", **given)),
    ):
        with pytest.raises(TypeError, match=f"no option '{wrong}'; did you mean '{meant}'"):
            call(**{wrong: 4})
    with pytest.raises(TypeError, match="no option 'xyz'; expected .*'bootstrap', .*'threads'"):
        run.evaluate("data/val", xyz=1)


def test_the_help_is_right_about_augmentation(here):
    assert main(shlex.split(f"{LINE} --augment 'RandomRotation degrees=9'")) == 0


@pytest.mark.parametrize("size", [100, 5000, 40_000])
def test_a_disk_that_is_full(here, capsys, size):
    """Files may not grow beyond some bytes: each file of the run in turn is the first too large."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        error = _fails(capsys, LINE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    name = {100: "model.json: File too large", 5000: "model-symbol.json: File too large"}
    assert name.get(size, "model-0000.params could not be written") in error
    assert not list((here / "r").glob("*.part"))
    assert not list((here / "r").glob(".*"))
    assert not training.find_checkpoints(here / "r")
    resumable = (here / "r" / "settings.json").exists()
    assert main(shlex.split(LINE + (" --force" if resumable else ""))) == 0


def test_a_disk_that_fills_up_later_leaves_the_checkpoint_before(here, capsys, monkeypatch):
    from mxmtl.model import _checkpoint

    save, count = _checkpoint.save_arrays, []

    def fill(path, arrays):
        count.append(path)
        if len(count) == 4:  # parameters and optimizer of the start, parameters after an epoch
            raise OSError(28, os.strerror(28), str(path))
        return save(path, arrays)

    monkeypatch.setattr(_checkpoint, "save_arrays", fill)
    assert "model-0001.optimizer: No space left on device" in _fails(capsys, LINE)
    assert training.Run("r").last.epoch == 0
    assert main(["train", "--resume", "r"]) == 0
    assert training.Run("r").last.epoch == 1


def test_a_folder_that_is_a_file(here, capsys):
    (here / "file").write_text("kept", "utf-8")
    assert "file: a file is there; a run is a folder" in _fails(
        capsys, f"train data/train --run file {SMALL}"
    )
    assert "file/r" in _fails(capsys, f"train data/train --run file/r {SMALL}")
    assert (here / "file").read_text("utf-8") == "kept"


def test_a_folder_that_cannot_be_written(here, capsys):
    """Permissions do not bind root, so root tries the kernel's own file system."""
    folder = "/sys/mxmtl"
    if os.geteuid() != 0:
        (here / "closed").mkdir(mode=0o555)
        folder = "closed/r"
    elif not os.path.isdir("/sys"):
        pytest.skip("root may write everywhere here, and there is no /sys")
    error = _fails(capsys, f"train data/train --run {folder} {SMALL}")
    assert folder in error
    assert any(word in error for word in ("ermi", "Read-only")), error


def test_a_file_system_that_became_read_only_names_the_file(here, capsys, monkeypatch):
    import tempfile

    def refuse(**_):
        raise OSError(30, os.strerror(30), "r/.model.json.x7f.part")

    monkeypatch.setattr(tempfile, "mkstemp", refuse)
    assert _fails(capsys, LINE).endswith("/r/model.json: Read-only file system")


def test_a_run_that_is_there_is_kept(here, capsys):
    assert main(shlex.split(LINE)) == 0
    before = _contents(here)
    assert "r holds a run" in _fails(capsys, LINE)
    for wrong in ("--trunk none", "--monitor none", "--weights none.pth"):
        _fails(capsys, f"{LINE} --force {wrong}")  # not even then
    assert _contents(here) == before


def test_the_curve_of_rates_is_not_overwritten(here, capsys):
    line = f"train data/train {SMALL} --find-lr"
    (here / "lr.csv").write_text("kept", "utf-8")
    assert "lr.csv is there already. Replace it with --force." in _fails(capsys, f"{line} lr.csv")
    assert "lr.xyz: expected a name that ends in" in _fails(capsys, f"{line} lr.xyz")
    (here / "a.csv").mkdir()
    assert "a.csv: Is a directory" in _fails(capsys, f"{line} a.csv")
    assert (here / "lr.csv").read_text("utf-8") == "kept"
    training.RateFinding.check("lr.csv", force=True)


def test_mxnet_failing_in_the_middle_is_one_line(records, tmp_path):
    class Fails(training.Callback):
        def on_batch_end(self, session):
            if session.batch == 3:
                raise mx.MXNetError("stack\nMXNetError: out of memory")

    message = r"run: MXNet failed after epoch 0, batch 3: MXNetError: out of memory"
    with pytest.raises(training.TrainingError, match=message):
        _small.fit(records, tmp_path / "run", callbacks=[Fails()])
    assert mxmtl.training.Run(tmp_path / "run").last.epoch == 0
