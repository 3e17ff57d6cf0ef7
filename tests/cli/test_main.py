"""Every verb: help with an example that runs; wrong lines and failures end in one line."""

from __future__ import annotations

import csv
import json
import shlex
import subprocess
import sys

import mxmtl
from mxmtl.cli import VERBS, example_of, main
from mxmtl.data.records import read_manifest

import numpy as np
import pytest

from ..data._images import random_rows, write_csv, write_images


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A folder in which the examples run: jpg/, train.csv, a row a picture, and data/train."""
    folder = tmp_path_factory.mktemp("world")
    rows = random_rows(60, write_images(folder / "jpg", 60))
    write_csv(folder / "train.csv", rows)
    tasks = mxmtl.data.infer_tasks(folder / "train.csv").tasks
    mxmtl.write_records(
        folder / "train.csv", folder / "jpg", prefix=folder / "data" / "train", tasks=tasks
    )
    return folder


@pytest.fixture
def here(world, tmp_path, monkeypatch):
    """A fresh folder with the world's files in it, as the current one."""
    for name in ("jpg", "train.csv"):
        (tmp_path / name).symlink_to(world / name)
    (tmp_path / "data").mkdir()
    for path in (world / "data").iterdir():
        (tmp_path / "data" / path.name).write_bytes(path.read_bytes())
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("verb", ["convert", "inspect", "verify"])
def test_the_example_in_the_help_runs(here, verb, capsys):
    example = example_of(verb)
    assert main([verb, "--help"]) == 0
    assert example in capsys.readouterr().out
    program, *arguments = shlex.split(example)
    assert (program, arguments[0]) == ("mxmtl", verb)
    if verb == "convert":
        arguments.append("--force")
    assert main(arguments) == 0


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_a_module_with_an_example_and_is_listed(verb, capsys):
    assert f"{example_of(verb)} ".startswith(f"mxmtl {verb} ")
    assert main(["--help"]) == 0
    assert f"    {verb} " in capsys.readouterr().out


def test_help_imports_no_verb():
    code = (
        "import sys; from mxmtl.cli import main; main(['--help']); "
        "print(sorted(n for n in sys.modules if n.startswith('mxmtl.cli._')))"
    )
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True)
    assert done.stdout.splitlines()[-1] == b"['mxmtl.cli._arguments', 'mxmtl.cli._main']"


def test_python_m_mxmtl_is_the_command():
    command = [sys.executable, "-m", "mxmtl", "--version"]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, encoding="utf-8")
    assert done.stdout == f"mxmtl {mxmtl.__version__}\n"


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        ("", 2, "arguments are required: VERB"),
        (
            "convert train.csv --prefix d --write-tasks my.json --dry-run",
            2,
            "--dry-run: not allowed with argument --write-tasks. See",
        ),
        ("convrt", 2, "invalid choice: 'convrt' (did you mean 'convert'?); there are convert, "),
        ("convert train.csv", 2, "required: --prefix"),
        (
            "convert train.csv --prefix d --resize big",
            2,
            "--resize: 'big': expected a whole number",
        ),
        (
            "convert train.csv --prefix d --task Multiclass",
            2,
            "--task: 'Multiclass': expected TYPE NAME and options, as",
        ),
        (
            "convert train.csv --prefix d --task 'Binary \"out doors'",
            2,
            """--task: 'Binary "out doors': expected TYPE NAME and options, as""",
        ),
        (
            "convert train.csv --prefix d --task 'Multiclass c column=Main Colour Name loss=x'",
            2,
            "'Colour' is no OPTION=VALUE; what has spaces stands in quotes, as "
            'column="Main Colour Name"',
        ),
        (
            "convert train.csv --prefix d --task 'Multiclass Main Colour'",
            2,
            "'Colour' is no OPTION=VALUE; what has spaces stands in quotes, as "
            'column="Main Colour"',
        ),
        (
            "convert train.csv --images jpg --prefix d --task 'Multclass breed'",
            1,
            "] (did you mean 'Multiclass'?).",
        ),
        (
            "convert train.csv --images jpg --prefix d --task 'Multiclass breed colum=x'",
            1,
            "Multiclass has no option ['colum'] (did you mean 'column'?).",
        ),
        (
            "convert train.csv --images jpg --prefix d --yes --split a=1 --group outdoor",
            1,
            "(did you mean 'outdoors'?).",
        ),
        ("convert train.csv --prefix d --split train", 2, "--split: 'train': expected NAME=SHARE"),
        (
            "convert train.csv --prefix d --shard-bytes 5X",
            2,
            "--shard-bytes: '5X': expected a whole number, or one with K, M or G behind it",
        ),
        ("convert train.csv --images jpg --prefix d", 2, "add --yes if these are the tasks"),
        ("convert none.csv --prefix d --yes", 1, "mxmtl convert: none.csv: no such table."),
        (
            "convert train.csv --images data --prefix d --yes",
            1,
            "row 2, image 'data/0.jpg': no such file.",
        ),
        ("convert train.csv --prefix d --tasks none.json", 1, "none.json: No such file"),
        ("convert train.csv --prefix d --tasks train.csv", 1, "train.csv: no JSON"),
        ("convert train.csv --prefix data/train --images jpg --yes", 1, "--force) replaces it"),
        ("convert train.csv --prefix train.csv/d --images jpg --yes", 1, "Not a directory"),
        ("convert train.csv --prefix /proc/d --images jpg --yes", 1, "/proc/d.part: No such file"),
        ("convert train.csv --prefix d --yes --quality 101", 1, "quality=101 is not in 0 to 100"),
        ("convert train.csv --prefix d --yes --task 'Nope x'", 1, "no column 'x'"),
        ("inspect none", 1, "mxmtl inspect: none.rec: no such file"),
        ("inspect data/train --sheet s.gif", 1, "s.gif: a sheet ends in .html, .png, .svg"),
        ("verify none", 1, "mxmtl verify: none.rec: no such file"),
        ("verify data/train --repair data/train", 1, "give another prefix"),
        (f"verify {'d' * 9_000}", 1, "dd ... dd"),
    ],
)
def test_what_goes_wrong_ends_in_one_line(here, capsys, line, code, message):
    before = sorted(path.name for path in here.iterdir())
    assert main(shlex.split(line)) == code
    lines = [text for text in capsys.readouterr().err.splitlines() if "usage" not in text]
    assert message in lines[-1]
    assert code == 2 or len(lines) == 1
    assert sorted(path.name for path in here.iterdir()) == before


def test_a_full_disk_is_one_line(here, tmp_path):
    # A limit on the size of a file stands for a full disk: the same errors at the same places.
    code = (
        "import resource, signal, sys; from mxmtl.cli import main;"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000));"
        "sys.exit(main(sys.argv[1:]))"
    )
    line = "convert train.csv --images jpg --prefix out/d --yes --resize 64"
    done = subprocess.run(
        [sys.executable, "-c", code, *line.split()], stderr=subprocess.PIPE, encoding="utf-8"
    )
    assert done.returncode == 1
    assert done.stderr == "mxmtl convert: out/d.part: File too large\n"
    assert list((here / "out").iterdir()) == []


def test_skipped_rows_tell_by_the_exit_code(here, capsys):
    write_csv(here / "t.csv", [{"path": "0.jpg", "outdoors": "1"}, {"path": "none.jpg"}])
    line = "convert t.csv --images jpg --prefix d --on-error skip --task 'Binary outdoors'"
    assert main(shlex.split(line)) == 3
    assert "1 rows skipped: see d.skipped.csv" in capsys.readouterr().out


def test_damage_tells_by_the_exit_code(here, capsys):
    path = here / "data" / "train.rec"
    data = bytearray(path.read_bytes())
    data[3000] ^= 1
    path.write_bytes(data)
    assert main(["verify", "data/train"]) == 1
    assert main(["verify", "data/train", "--repair", "data/good"]) == 3
    assert main(["verify", "data/good"]) == 0
    assert "1 found damaged" in capsys.readouterr().out


def test_tasks_from_the_command_line(here):
    tasks = [
        "Multiclass breed classes=pug,boxer,beagle,犬 weight=0.5",
        "Multilabel toys",
        "Regression age",
    ]
    line = ["convert", "train.csv", "--images", "jpg", "--prefix", "d"]
    assert main([*line, *(part for task in tasks for part in ("--task", task))]) == 0
    found = mxmtl.TaskSet.load("d.tasks.json")
    assert found["breed"] == mxmtl.Multiclass("breed", ["pug", "boxer", "beagle", "犬"], weight=0.5)
    assert found.columns == ["breed", "toys.ball", "toys.rope", "toys.bone", "age"]


def test_proposed_tasks_are_written_corrected_and_given_back(here, capsys):
    line = "convert train.csv --images jpg --prefix out --write-tasks my.json"
    assert main(line.split()) == 0
    assert "my.json: correct it" in capsys.readouterr().out
    assert not list(here.glob("out*"))
    proposed = json.loads((here / "my.json").read_text("utf-8"))
    proposed["tasks"][0]["weight"] = 0.25
    (here / "my.json").write_text(json.dumps(proposed), "utf-8")
    assert main(line.split()) == 1
    assert "my.json is there; --force replaces it." in capsys.readouterr().err
    assert main("convert train.csv --images jpg --prefix out --tasks my.json".split()) == 0
    written = json.loads((here / "out.tasks.json").read_text("utf-8"))
    table = csv.DictReader((here / "train.csv").read_text("utf-8").splitlines())
    ages = [float(row["age"]) for row in table if row["age"]]
    learned = {key: written["tasks"][-1].pop(key) for key in ("center", "scale")}
    assert learned == pytest.approx({"center": np.mean(ages), "scale": np.std(ages)}, rel=1e-6)
    assert written == proposed


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 2), ("", 2)])
def test_proposed_tasks_are_confirmed_at_a_terminal(here, monkeypatch, capsys, answer, code):
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda question: answer)
    assert main(shlex.split("convert train.csv --images jpg --prefix d")) == code
    assert "breed                Multiclass" in capsys.readouterr().out
    assert (here / "d.rec").exists() == (code == 0)


def test_a_doubt_stops_yes_until_it_is_answered(here, monkeypatch, capsys):
    write_csv(here / "t.csv", random_rows(60, [f"{i}.jpg" for i in range(12)]))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda question: "y")
    line = shlex.split("convert t.csv --images jpg --prefix d")
    for more in [], ["--yes"]:
        assert main([*line, *more]) == 2
        out, err = capsys.readouterr()
        assert "doubt: 48 rows name an image that another row names: '0.jpg' (rows 2, 14, " in out
        assert err == "mxmtl convert: first answer what is in doubt.\n"
        assert not list(here.glob("d.*"))
    assert "each is a record of its own: --write-tasks FILE, and --tasks FILE." in out
    assert main([*line, "--write-tasks", "my.json"]) == 0
    assert main([*line, "--tasks", "my.json"]) == 0
    assert mxmtl.TaskSet.load("d.tasks.json").names == ["breed", "outdoors", "toys", "age"]
    assert read_manifest("d")["records"] == 60
    said = "task 'breed': the labels of 7 pictures contradict each other"
    assert said in capsys.readouterr().out


def test_splits_shards_and_images_from_the_command_line(here):
    line = (
        "convert train.csv --images jpg --prefix d --yes --split a=0.5,b=0.5 --stratify --seed 3 "
        "--shard-rows 10 --resize 16 --center-crop --encoding png --color gray --workers 1 "
        "--missing-value NA --background 0,0,0"
    )
    assert main(shlex.split(line)) == 0
    manifest = read_manifest("d_a")
    assert manifest["records"] == 30
    assert len(manifest["shards"]) == 3
    assert manifest["images"]["encodings"] == {"png": 30}
    assert manifest["options"]["missing_values"] == ["", "NA"]


def test_column_names_mean_the_same_with_group_and_split_column(here):
    rows = [
        {"path": f"{i}.jpg", "outdoors": i % 2, "dog": i // 3, "part": i > 5} for i in range(12)
    ]
    write_csv(here / "t.csv", rows, ["path", "outdoors", "dog", "part"])
    base = "convert t.csv --images jpg --yes"
    assert (
        main(shlex.split(f"{base} --prefix g --split a=0.5,b=0.5 --group dog --ignore part")) == 0
    )
    assert mxmtl.TaskSet.load("g_a.tasks.json").names == ["outdoors"]
    assert main(shlex.split(f"{base} --prefix s --split-column part --ignore dog")) == 0
    assert [read_manifest(p)["records"] for p in ("s_train", "s_val")] == [6, 6]


def test_an_interrupt_is_one_line(here, monkeypatch, capsys):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("mxmtl.data.verify_records", interrupt)
    assert main(["verify", "data/train"]) == 130
    assert capsys.readouterr().err == "mxmtl verify: stopped.\n"


def test_a_pipe_that_closes_is_no_traceback(here):
    command = f"{sys.executable} -m mxmtl inspect data/train | head -n 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, check=True)
    assert done.stdout.startswith(b"data/train: 60 records")
    assert b"Traceback" not in done.stderr
