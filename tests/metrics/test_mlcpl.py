"""Equal to mlcpl's metrics of partly labelled data, or the difference explained."""

import json
import os
import subprocess
from pathlib import Path

import mxmtl
from mxmtl import metrics

import numpy as np
import pytest

PYTHON = os.environ.get("MXMTL_MLCPL_PYTHON")
BINS = 15


@pytest.mark.skipif(
    not PYTHON, reason="set MXMTL_MLCPL_PYTHON to an interpreter that has mlcpl and torchmetrics"
)
def test_equal_to_mlcpl_or_explained(tmp_path):
    rng = np.random.RandomState(0)
    logits = rng.normal(size=(300, 6)).astype(np.float32) * 2
    chance = 1 / (1 + np.exp(-logits + rng.normal(size=logits.shape)))
    target = (rng.uniform(size=logits.shape) < chance).astype(np.float32)
    unknown = rng.uniform(size=target.shape) < 0.4
    unknown[np.arange(300), rng.randint(6, size=300)] = False  # theirs fails on rows without any
    target[unknown] = np.nan
    np.savez(tmp_path / "arrays.npz", logits=logits, target=target)
    script = Path(__file__).parents[2] / "tools" / "benchmarks" / "mlcpl_values.py"
    command = [PYTHON, str(script), str(tmp_path / "arrays.npz")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    theirs = {name: value for name, (value, _) in json.loads(done.stdout).items()}

    task = mxmtl.Multilabel("t", list("abcdef"))
    prediction = 1 / (1 + np.exp(-logits.astype(np.float64)))
    label = np.where(unknown, -1, target).astype(np.float32)

    def ours(name, label=label):
        kind, *average = name.split()
        options = {"average": average[0]} if average else {}
        options |= {"level": 0.6, "average": "none"} if "_at_" in kind else {}
        metric = metrics.Metric.types[kind](task, **options)
        metric.update(label, prediction)
        return [value for _, value in metric.get_name_value()]

    for average in ("macro", "micro"):
        # They divide by all bins and one more, we by those that hold a prediction.
        mean = ours(name := f"average_calibration_error {average}")
        expected = np.array(theirs.pop(name)) * (BINS + 1) / BINS
        np.testing.assert_allclose(mean, expected, rtol=1e-4)
    # One coefficient of all cells together; ours is the mean of the labels'.
    n, p, q, tp = np.array(theirs["confusion_matrix"]).reshape(6, 4).sum(axis=0)
    together = (tp * n - p * q) / np.sqrt((tp + p) * (tp + q) * (n + p) * (n + q))
    assert theirs.pop("matthews_corr_coef") == pytest.approx([together], abs=1e-5)
    # An unknown label counts as a no where labels of a row are ranked by precision.
    as_no = ours(name := "ranking_average_precision", label=np.maximum(label, 0))
    assert as_no == pytest.approx(theirs.pop(name), abs=1e-5)
    for name, expected in theirs.items():
        np.testing.assert_allclose(ours(name), expected, rtol=1e-4, atol=1e-6, err_msg=name)
