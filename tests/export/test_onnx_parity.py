"""tools/onnx_parity.py on one trunk and one run, with this Python as the other environment."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

TOOL = Path(__file__).parents[2] / "tools" / "onnx_parity.py"


def test_the_matrix_is_written(world, tmp_path):
    command = [
        sys.executable,
        str(TOOL),
        "--trunks",
        "small",
        "--count",
        "1",
        "--out",
        str(tmp_path / "onnx.md"),
    ]
    command += ["--run", "runs/first", "--records", "data/val", "--images", "photos"]
    done = subprocess.run(command, cwd=world, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "onnx.md").read_text("utf-8")
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    rows = {row[0]: row for row in cells if len(row) > 2}
    assert float(rows["small"][2]) < 1e-4
    held_out, files = (row for row in cells if row and row[0].startswith("onnxruntime"))
    assert float(held_out[1]) < 1e-4
    assert held_out[2] == "0"
    equal, _, count = held_out[3].split()
    assert equal == count != "0"
    assert (files[1], files[2]) == ("5", "0")
