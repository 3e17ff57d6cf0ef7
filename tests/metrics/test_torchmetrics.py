"""Equal to torchmetrics, where scikit-learn has nothing, in an interpreter of its own."""

import json
import os
import subprocess
from pathlib import Path

import mxmtl
from mxmtl import metrics

import numpy as np
import pytest

PYTHON = os.environ.get("MXMTL_TORCH_PYTHON")


@pytest.mark.skipif(
    not PYTHON,
    reason="set MXMTL_TORCH_PYTHON to an interpreter that has torchmetrics (its NumPy is newer)",
)
def test_equal_to_torchmetrics(tmp_path):
    rng = np.random.RandomState(0)
    label, cells = rng.randint(5, size=300), rng.randint(2, size=(300, 4))
    logits = rng.normal(size=(300, 5)) * 2
    prediction = (np.exp(logits) / np.exp(logits).sum(1, keepdims=True)).astype(np.float32)
    scores = rng.uniform(size=(300, 4)).astype(np.float32)
    label[rng.uniform(size=300) < 0.3] = -1
    cells[rng.uniform(size=cells.shape) < 0.3] = -1
    path = tmp_path / "arrays.npz"
    np.savez(
        path,
        class_prediction=prediction,
        class_label=label,
        cells_prediction=scores,
        cells_label=cells,
    )
    script = Path(__file__).parents[2] / "tools" / "benchmarks" / "torchmetrics_values.py"
    done = subprocess.run(
        [PYTHON, str(script), str(path)], capture_output=True, text=True, check=True, timeout=200
    )
    theirs = json.loads(done.stdout)

    breed = mxmtl.Multiclass("breed", classes=list("abcde"))
    outdoors = mxmtl.Binary("outdoors")
    toys = mxmtl.Multilabel("toys", labels=list("wxyz"))
    options = {"breed/top_k_accuracy": {"k": 2}, "toys/f1": {"average": "micro"}}
    data = {
        "breed": (breed, label, prediction),
        "toys": (toys, cells, scores),
        "outdoors": (outdoors, cells[:, 0], scores[:, :1]),
    }
    for name, expected in theirs.items():
        task, task_label, task_prediction = data[name.split("/")[0]]
        metric = metrics.Metric.types[name.split("/")[1]](task, **options.get(name, {}))
        metric.update(task_label.astype(np.float32), task_prediction)
        assert metric.get() == (name, pytest.approx(expected, abs=1e-6))
