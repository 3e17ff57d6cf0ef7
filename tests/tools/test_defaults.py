"""The benchmark of what training does without options, in a small setting."""

import importlib
import json
from pathlib import Path

import pytest

pytest.importorskip("sklearn")
FOLDER = Path(__file__).parents[2] / "tools" / "benchmarks"


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Call the script with these words; return what it printed."""
    monkeypatch.syspath_prepend(str(FOLDER))
    defaults = importlib.import_module("defaults")
    monkeypatch.setattr(defaults.data, "ROWS", 40)

    def called(*words):
        line = ["defaults.py", "--log", str(tmp_path / "log"), "--data", str(tmp_path / "data")]
        monkeypatch.setattr("sys.argv", [*line, *words])
        defaults.main()
        return capsys.readouterr().out

    return called


def test_it_measures_and_goes_on_from_its_log(run, tmp_path):
    words = ["--tables", "wine", "--epochs", "1", "--only", "default"]
    assert run(*words).startswith("wine default ")
    entry = json.loads((tmp_path / "log").read_text())
    assert set(entry["tasks"]) == {"kind", "flag", "marks", "amount"}
    assert 0.5 < entry["relative"] < 2  # one epoch knows about as much as a constant answer
    said = run(*words, "adam .004")
    assert "default" not in said
    assert said.startswith("wine adam .004 ")
    assert not run(*words, "adam .004")
    wine = run("--table").splitlines()[-1]
    assert wine.startswith("| wine | ")
    assert wine.count("**") == 2
