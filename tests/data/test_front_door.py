"""Each command of docs/tables.md on a table of that layout: every stored label is what it says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import mxmtl
from mxmtl.cli import main

import numpy as np
import pytest

from . import _samples_more  # noqa: F401 (whose samples are registered)
from ._samples import SAMPLES

DOCS = Path(__file__).resolve().parents[2] / "docs" / "tables.md"
COMMANDS = re.findall(r"\| `mxmtl convert (.*)` \|", DOCS.read_text(encoding="utf-8"))


def name_of(command):
    return command.split()[0].split("/")[0]


def stored(prefix):
    """Return the cells of every record, in the order of the table."""
    data = mxmtl.RecordDataset(prefix)
    return [data.tasks.decode(np.asarray(data[at][1]).reshape(-1)) for at in range(len(data))]


@pytest.mark.parametrize("command", COMMANDS, ids=name_of)
def test_a_command_stores_what_the_table_says(command, tmp_path, monkeypatch, capsys):
    truth = SAMPLES[name_of(command)](tmp_path / name_of(command))
    monkeypatch.chdir(tmp_path)
    words = shlex.split(command.replace("\\|", "|"))
    code = main(["convert", *words, "--prefix", "out", "--passthrough", "always"])
    assert code == 0, capsys.readouterr()
    assert {ending: stored(f"out{ending}") for ending in truth} == truth
    assert len(list(tmp_path.glob("out*.rec"))) == len(truth)


def test_every_sample_has_its_command():
    assert sorted(map(name_of, COMMANDS)) == sorted(SAMPLES)
