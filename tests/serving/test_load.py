"""Good requests, bad ones and slow clients at once, from a second process, for two seconds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import mxmtl
from mxmtl.export import export_model
from mxmtl.serving import Limits
from tests.model._models import model_of
from tests.serving._service import ask, serving

TOOL = Path(__file__).parents[2] / "tools" / "serve_load.py"


def test_every_request_ends_as_it_should(tmp_path):
    export_model(model_of(mxmtl.small_trunk((4, 6))), tmp_path / "m.onnx")
    limits = Limits(max_bytes=1_000_000, timeout=5)
    with serving(mxmtl.Predictor(tmp_path / "m.onnx"), limits) as service:
        command = [sys.executable, str(TOOL), "--url", service.url, "--seconds", "2"]
        command += ["--max-bytes", "1000000", "--out", str(tmp_path / "load.md")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        status, _, text = ask(service, path="/metrics")
    assert status == 200
    table = (tmp_path / "load.md").read_text("utf-8")
    for line in ("slow head", "decompression bomb", "huge header", "client leaves"):
        assert f"| {line}" in table
    assert "| wrong statuses or answers | 0 " in " ".join(table.split("  ")).replace("  ", " ")
    assert b"mxmtl_in_flight 0.0" in text  # nothing is left over
    assert b"mxmtl_body_bytes 0.0" in text
    assert service.app.waiting == 0
