"""The benchmarks of losses and balancing, each small: what they learn from, and their logs."""

import importlib
import json
import sys
from pathlib import Path

import mxmtl

import numpy as np
import pytest

pytest.importorskip("sklearn")
FOLDER = Path(__file__).parents[2] / "tools" / "benchmarks"


@pytest.fixture
def script(monkeypatch, tmp_path, capsys):
    """Import a script; return it, and a function that runs it and returns what it prints."""
    monkeypatch.syspath_prepend(str(FOLDER))

    def load(name):
        module = importlib.import_module(name)

        def run(*options):
            monkeypatch.setattr(sys, "argv", [name, *map(str, options)])
            module.main()
            return capsys.readouterr().out

        return module, run

    return load


def check_resuming(run, log, *options):
    """A stopped run goes on: what is logged is not made again, a torn line is."""
    first = run("--log", log, *options)
    lines = log.read_text("utf-8").splitlines()
    log.write_text("\n".join(lines[:-1]) + "\n" + lines[-1][:9], "utf-8")
    again = run("--log", log, *options)
    assert again.count('"seed"') + again.count("'seed'") == 1
    result = json.loads(log.read_text("utf-8").splitlines()[-1])
    expected = json.loads(lines[-1])
    for entry in (result, expected):
        entry.pop("seconds")
    assert result == expected
    stopped = run("--log", log.with_name("other"), *options, "--minutes", "0")
    assert "seed'" not in stopped
    assert "seed'" not in run("--log", log, "--table")
    return first


def test_partly_labelled(script, tmp_path, monkeypatch):
    partial, run = script("partial")
    part = partial.boards("train", 2000, 0)
    assert part.images.shape == (2000, 4, 64)
    share = part.labels.mean(axis=0)
    assert (np.diff(share) < 0.02).all()
    assert share[0] > 0.5 > 0.1 > share[-1]
    assert {len(settings) for settings in partial.MODES.values()} == {4}
    assert partial.MODES["ignored"] == partial.MODES[partial.WHOLE]
    kept = [partial.WHOLE, "ignored", "selective, prior"]
    monkeypatch.setattr(partial, "MODES", {name: partial.MODES[name][:1] for name in kept})
    monkeypatch.setattr(partial, "WAYS", {"random": {"share": 0.8}})
    options = ["--epochs", "1", "--sizes", "256", "64", "64", "--seeds", "2"]
    plot = tmp_path / "plot.png"
    out = check_resuming(run, tmp_path / "log", *options, "--plot", plot)
    rows = [line for line in out.splitlines() if line.startswith("| selective, prior")]
    assert len(rows) == 3
    assert rows[0].count("±") == 1
    assert plot.stat().st_size > 5000


def test_long_tail(script, tmp_path, monkeypatch):
    longtail, run = script("longtail")
    rng = np.random.RandomState(0)
    images = rng.randint(0, 256, (2000, 28, 28)).astype(np.uint8)
    classes = np.arange(2000) % 10
    part = longtail.cut(images, classes, most=200, seed=0)
    counts = np.bincount(part.labels[:, 0].astype(int))
    assert counts[0] == 100 * counts[-1] == 200
    assert part.images.shape == (counts.sum(), 1, 14, 14)
    parts = {"train": (images, classes), "t10k": (images[:100], classes[:100])}
    monkeypatch.setattr(longtail.digits, "fetch", lambda name, root: root)
    monkeypatch.setattr(longtail.digits, "load", lambda folder, name: parts[name])
    options = ["--most", "200", "--epochs", "1", "--seeds", "2"]
    out = check_resuming(run, tmp_path / "log", *options)
    assert [line.split("|")[1].strip() for line in out.splitlines()[-6:]] == longtail.METHODS
    task = longtail.task_of("logit adjustment", counts)
    assert isinstance(task.loss, mxmtl.losses.LogitAdjusted)


def test_ordered(script, tmp_path, monkeypatch):
    ordered, run = script("ordered")
    rng = np.random.RandomState(0)
    classes = np.arange(200) % 5
    source = rng.normal(size=(200, 3, 8, 8)).astype(np.float32), classes, np.arange(200) // 4
    train, test = ordered.parts(source, 0)
    assert (len(train.labels), len(test.labels)) == (152, 48)
    assert not {image.tobytes() for image in train.images} & {i.tobytes() for i in test.images}
    names = ordered.SETS["skin tone"].classes
    monkeypatch.setitem(
        ordered.SETS, "skin tone", type(ordered.SETS["skin tone"])(names, lambda root: source)
    )
    options = ["--epochs", "1", "--seeds", "2", "--sets", "skin tone"]
    out = check_resuming(run, tmp_path / "log", *options)
    assert [line.split("|")[1].strip() for line in out.splitlines()[-4:]] == ordered.METHODS
    certain = np.eye(5)[[0, 1, 2, 3, 4]]
    part = ordered.Part(None, np.float32([[0], [1], [2], [3], [3]]))
    found = ordered.scores(mxmtl.Ordinal("rank", names), part, certain)
    assert found["class_mae"] == found["median_mae"] == pytest.approx(0.2)


def test_cost(script, monkeypatch):
    cost, run = script("loss_cost")
    kept = {name: cost.LOSSES[name] for name in ("plain", "focal", "large loss")}
    monkeypatch.setattr(cost, "LOSSES", kept)
    out = run("--size", "0", "--rounds", "1", "--repeat", "1", "--batch-size", "4")
    rows = [line for line in out.splitlines() if line.startswith("|")]
    assert len(rows) == 2 + 3 + 3
    assert rows[2].split("|")[1].strip() == "plain"


def test_balance_with_gaps(script, tmp_path, monkeypatch):
    gaps, run = script("balance_gaps")
    parts = gaps.with_gaps(gaps.Digits(), 0)
    known = {name: np.mean(parts["train"][name] >= 0) for name in ("digit", "turned", "high")}
    assert known["digit"] == 1
    assert known["turned"] == pytest.approx(0.1, abs=0.03)
    assert known["high"] == pytest.approx(0.05, abs=0.03)
    monkeypatch.setattr(gaps, "RATES", (0.1,))
    monkeypatch.setattr(gaps, "METHODS", ("upgrad(momentum=0.9)",))
    monkeypatch.setattr(gaps, "FIXED", {"equal": (1, 1, 1, 1, 1)})
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- digits -->\nold\n<!-- end of digits -->\nafter\n", "utf-8")
    options = ["--seeds", "2", "--steps", "2", "--log", tmp_path / "log", "--write", page]
    out = run(*options)
    rows = [line.split("|")[1].strip() for line in out.splitlines() if line.startswith("|")]
    assert rows[2:] == ["each alone", "equal", "upgrad(momentum=0.9)"]
    written = page.read_text("utf-8")
    assert "old" not in written
    assert written.startswith("before\n<!-- digits -->\n| weighed")
    lines = (tmp_path / "log").read_text("utf-8").splitlines()
    assert len(lines) == 2 * (2 + 5)
    (tmp_path / "log").write_text("\n".join(lines[:-1]) + "\n" + lines[-1][:20], "utf-8")
    run(*options)  # a torn line is made again, and nothing else
    again = (tmp_path / "log").read_text("utf-8").splitlines()
    assert again[: len(lines)] == [*lines[:-1], lines[-1][:20]]
    assert json.loads(again[-1])["test"] == json.loads(lines[-1])["test"]


def test_cost_of_balancing(script, tmp_path):
    _, run = script("balance")
    page = tmp_path / "page.md"
    page.write_text("<!-- table -->\n<!-- end of table -->", "utf-8")
    options = ["--trunk", "small", "--size", "16", "--batch-size", "4", "--tasks", "2"]
    out = run(*options, "--methods", "upgrad", "--rounds", "1", "--write", page)
    rows = [line.split("|") for line in out.splitlines() if line.startswith("|")]
    assert [row[1].strip() for row in rows[2:]] == ["mxmtl, equal", "mxmtl, upgrad"]
    assert rows[2][3].strip() == "1.00"
    assert "mxmtl, upgrad" in page.read_text("utf-8")
