"""Run by an interpreter that has torchmetrics: read arrays, print what it makes of them."""

import json
import sys

import numpy as np
import torch
import torchmetrics.functional.classification as tm


def main(path: str) -> None:
    arrays = {key: torch.from_numpy(value) for key, value in np.load(path).items()}
    p, y = arrays["class_prediction"], arrays["class_label"].long()
    options = {"num_classes": p.shape[1], "ignore_index": -1}
    values = {
        "breed/specificity": tm.multiclass_specificity(p, y, average="macro", **options),
        "breed/calibration_error": tm.multiclass_calibration_error(p, y, n_bins=15, **options),
        "breed/auroc": tm.multiclass_auroc(p, y, average="macro", **options),
        "breed/cohen_kappa": tm.multiclass_cohen_kappa(p, y, **options),
        "breed/matthews_corr_coef": tm.multiclass_matthews_corrcoef(p, y, **options),
        "breed/top_k_accuracy": tm.multiclass_accuracy(p, y, average="micro", top_k=2, **options),
    }
    p, y = arrays["cells_prediction"], arrays["cells_label"].long()
    options = {"num_labels": p.shape[1], "ignore_index": -1}
    values.update(
        {
            "toys/specificity": tm.multilabel_specificity(p, y, average="macro", **options),
            "toys/f1": tm.multilabel_f1_score(p, y, average="micro", **options),
            "toys/average_precision": tm.multilabel_average_precision(p, y, **options),
        }
    )
    p, y = arrays["cells_prediction"][:, 0], arrays["cells_label"][:, 0].long()
    calibration = tm.binary_calibration_error(p, y, n_bins=15, ignore_index=-1)
    values["outdoors/calibration_error"] = calibration
    print(json.dumps({key: float(value) for key, value in values.items()}))


if __name__ == "__main__":
    main(sys.argv[1])
