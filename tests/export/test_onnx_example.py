"""examples/serve_onnx.py: images on the command line and over HTTP, without mxmtl."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from pathlib import Path

import mxmtl
from mxmtl.export import ExportOptions, export_model
from mxmtl.model import Predictor
from tests.model._models import model_of

import cv2
import numpy as np
import pytest

SCRIPT = Path(__file__).parents[2] / "examples" / "serve_onnx.py"
# As in an environment that has neither.
WITHOUT = "import runpy, sys; sys.modules.update({'mxnet': None, 'mxmtl': None}); "
RUN = f"{WITHOUT}sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"


@pytest.fixture
def folder(tmp_path):
    model = model_of(mxmtl.small_trunk((4, 6)))
    export_model(model, tmp_path / "m.onnx", ExportOptions(reader=True))
    image = np.random.RandomState(0).randint(0, 256, (50, 60, 3)).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "a.png"), image)
    expected = Predictor(model)(tmp_path / "a.png").to_dict()
    return tmp_path, expected


def same(found, expected):
    for task, part in expected.items():
        assert found[task].keys() == part.keys()
        right = pytest.approx(part.get("probabilities", {}), abs=1e-4)
        assert found[task].get("probabilities", {}) == right
        if part.get("probabilities"):
            assert found[task]["answer"] == json.loads(json.dumps(part["answer"]))
    return True


def test_images_and_requests(folder):
    path, expected = folder
    command = [sys.executable, "-c", RUN, str(SCRIPT), "m.onnx", "a.png", "--port", "0"]
    process = subprocess.Popen(command, cwd=path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        found = json.loads(process.stdout.readline())
        assert found.pop("image") == "a.png"
        assert same(found, expected)
        port = int(process.stdout.readline().decode().rsplit(":", 1)[1])
        for body, status in (((path / "a.png").read_bytes(), 200), (b"hello", 422), (b"", 413)):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
            connection.request("POST", "/", body)
            response = connection.getresponse()
            answer = json.loads(response.read())
            assert response.status == status
            assert status != 200 or same(answer, expected)
            connection.close()
    finally:
        process.kill()
        process.communicate()
