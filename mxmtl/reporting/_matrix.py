"""A confusion matrix as a table with shaded cells."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping

import numpy as np

SHOWN = 14  # classes of a matrix that is still readable


def heat(confusion: Mapping[str, Any]) -> Dict[str, Any]:
    """Return the matrix of the classes that are confused most: names and rows of cells.

    A cell has its number, its share of the label's records, and whether it is right. ``rest`` is
    what was answered with a class that is not shown.
    """
    names = confusion["classes"]
    counts = np.zeros((len(names), len(names)), np.int64)
    for label, answer, number in confusion["cells"]:
        counts[label, answer] = number
    wrong = counts.sum(axis=0) + counts.sum(axis=1) - 2 * np.diag(counts)
    shown = np.sort(np.argsort(-wrong, kind="stable")[:SHOWN])
    total = counts.sum(axis=1)
    rows: List[Dict[str, Any]] = []
    for i in shown.tolist():
        cells = [
            {
                "number": int(counts[i, j]),
                "share": round(100 * counts[i, j] / total[i], 1) if total[i] else 0.0,
                "right": i == j,
            }
            for j in shown.tolist()
        ]
        rest = int(total[i] - counts[i, shown].sum())
        rows.append({"name": names[i], "cells": cells, "rest": rest, "total": int(total[i])})
    left_out = len(names) - len(shown)
    return {"names": [names[i] for i in shown.tolist()], "rows": rows, "left_out": left_out}
