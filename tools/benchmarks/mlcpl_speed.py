"""How long metrics of partly labelled data take, beside mlcpl's, on the same numbers.

    python tools/benchmarks/mlcpl_speed.py PYTHON_WITH_MLCPL --rows 2000 --labels 20

Both are called in turn, in several rounds; the least of each is told, in milliseconds of one call
with all rows, and whether the values are equal (where not, tests/metrics/test_mlcpl.py says why).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from pathlib import Path

import mxmtl
from mxmtl import metrics

import numpy as np
from tabulate import tabulate


def ours(
    name: str, task: mxmtl.Task, label: np.ndarray, prediction: np.ndarray
) -> tuple[list[float], float]:
    """Return the values of a metric, and how long they take."""
    kind, *average = name.split()
    options = {"average": average[0]} if average else {}
    options |= {"level": 0.6, "average": "none"} if "_at_" in kind else {}
    begin = time.perf_counter()
    metric = metrics.Metric.types[kind](task, **options)
    metric.update(label, prediction)
    values = [value for _, value in metric.get_name_value()]
    return values, 1e3 * (time.perf_counter() - begin)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("python", help="an interpreter that has mlcpl and torchmetrics")
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--labels", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    rng = np.random.RandomState(0)
    logits = rng.normal(size=(options.rows, options.labels)).astype(np.float32) * 2
    target = (rng.uniform(size=logits.shape) < 1 / (1 + np.exp(-logits))).astype(np.float32)
    unknown = rng.uniform(size=target.shape) < 0.4
    unknown[:, 0] = False
    target[unknown] = np.nan
    task = mxmtl.Multilabel("t", [str(k) for k in range(options.labels)])
    label = np.where(unknown, -1, target).astype(np.float32)
    prediction = (1 / (1 + np.exp(-logits.astype(np.float64)))).astype(np.float32)
    best: dict[str, list[float]] = {}
    equal = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "arrays.npz"
        np.savez(path, logits=logits, target=target)
        script = Path(__file__).with_name("mlcpl_values.py")
        for _ in range(options.rounds):
            command = [options.python, str(script), str(path)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            for name, (expected, took) in json.loads(done.stdout).items():
                values, own = ours(name, task, label, prediction)
                times = best.setdefault(name, [np.inf, np.inf])
                best[name] = [min(times[0], own), min(times[1], took)]
                same = len(values) == len(expected) and np.allclose(values, expected, atol=1e-5)
                equal[name] = "equal" if same else "differs"
    rows = [[n, f"{o:.2f}", f"{t:.2f}", f"{t / o:.0f}", equal[n]] for n, (o, t) in best.items()]
    sums = np.sum(list(best.values()), axis=0)
    rows.append(["all", *(f"{s:.1f}" for s in sums), f"{sums[1] / sums[0]:.0f}", ""])
    headers = ["metric", "mxmtl, ms", "mlcpl, ms", "times", "values"]
    print(tabulate(rows, headers, tablefmt="github", disable_numparse=True))


if __name__ == "__main__":
    main()
