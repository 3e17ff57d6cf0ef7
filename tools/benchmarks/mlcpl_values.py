"""Run by an interpreter that has mlcpl and torchmetrics: read arrays, print what it makes of them.

    python tools/benchmarks/mlcpl_values.py arrays.npz

Of each metric its value, and the milliseconds that one call takes. mlcpl's metrics are loaded
without the rest of it, which wants the libraries of a dozen data sets.
"""

import importlib.util
import json
import sys
import time
import types

import numpy as np
import torch

AVERAGED = {
    "accuracy": "accuracy",
    "auroc": "auroc",
    "average_precision": "average_precision",
    "cohen_kappa": "cohen_kappa",
    "f1": "f1_score",
    "hamming_loss": "hamming_distance",
    "hinge": "hinge_loss",
    "jaccard": "jaccard_index",
    "precision": "precision",
    "recall": "recall",
    "specificity": "specificity",
    "calibration_error": "expected_calibration_error",
    "average_calibration_error": "average_calibration_error",
    "max_calibration_error": "maximum_calibration_error",
}
WHOLE = {
    "exact_match": "exact_match",
    "matthews_corr_coef": "matthews_corrcoef",
    "ranking_average_precision": "ranking_average_precision",
    "ranking_loss": "ranking_loss",
}
POINTS = {
    "precision_at_recall": "precision_at_fixed_recall",
    "recall_at_precision": "recall_at_fixed_precision",
    "sensitivity_at_specificity": "sensitivity_at_specificity",
    "specificity_at_sensitivity": "specificity_at_sensitivity",
}


def load():
    """Return mlcpl.metrics."""
    spec = importlib.util.find_spec("mlcpl")
    package = types.ModuleType("mlcpl")
    package.__path__ = list(spec.submodule_search_locations)
    sys.modules["mlcpl"] = package
    return importlib.import_module("mlcpl.metrics")


def main(path: str) -> None:
    arrays = np.load(path)
    logits, target = (torch.from_numpy(arrays[name]) for name in ("logits", "target"))
    metrics, found = load(), {}

    def call(key, name, *options, **more):
        function = getattr(metrics, "partial_multilabel_" + name)
        begin = time.perf_counter()
        value = function(logits, target, *options, **more)
        took = 1e3 * (time.perf_counter() - begin)
        value = value[0] if isinstance(value, tuple | list) else value
        found[key] = [np.asarray(value, float).ravel().tolist(), took]

    for ours, theirs in AVERAGED.items():
        for average in ("macro", "micro"):
            call(f"{ours} {average}", theirs, average=average)
    for ours, theirs in WHOLE.items():
        call(ours, theirs)
    for ours, theirs in POINTS.items():
        call(ours, theirs, 0.6)
    call("confusion_matrix", "confusion_matrix")
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1])
