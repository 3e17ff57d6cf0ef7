"""What confidence intervals cost, as a share of the prediction in the same run.

    python tools/benchmarks/intervals.py                 # 1,000 labels and 600 rows
    python tools/benchmarks/intervals.py --rows 20000 --tasks five

Seconds are those of the processor. Predictions are those of the small trunk, of pictures that are
drawn; labels are drawn, two fifths of them missing.
"""

from __future__ import annotations

import argparse
import csv
import os
import tempfile
import time
from typing import Any

import mxmtl
from mxmtl.evaluation import measure, predict_records
from mxmtl.model import Model, ModelFile, Network, Preprocessing

import cv2
import mxnet as mx
import numpy as np

MISSING, PICTURES, DRAWS = 0.4, 64, 200


def tasks_of(kind: str) -> mxmtl.TaskSet:
    """Return a task of 1,000 labels, or five tasks of all sorts."""
    if kind == "many":
        return mxmtl.TaskSet([mxmtl.Multilabel("tags", [f"t{i}" for i in range(1000)])])
    return mxmtl.TaskSet(
        [
            mxmtl.Multiclass("breed", list("abcdefghi")),
            mxmtl.Binary("outdoors"),
            mxmtl.Multilabel("toys", list("abcdefghijkl")),
            mxmtl.Regression("age"),
            mxmtl.Multiclass("size", list("abcde")),
        ]
    )


def cell(task: mxmtl.Task, rng: np.random.RandomState) -> Any:
    """Draw a cell of a table."""
    if rng.uniform() < MISSING:
        return ""
    if task.kind.exclusive:
        return task.names[rng.randint(task.num_outputs)]
    return int(rng.uniform() < 0.1) if task.kind.probabilities else f"{rng.normal():.3f}"


def write(tasks: mxmtl.TaskSet, rows: int, size: int) -> None:
    """Write pictures, a table and its records ``r`` here."""
    rng = np.random.RandomState(0)
    for number in range(PICTURES):
        cv2.imwrite(f"{number}.jpg", rng.randint(0, 256, (size, size, 3)).astype(np.uint8))
    with open("t.csv", "w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["path", *tasks.columns])
        for row in range(rows):
            cells = [cell(task, rng) for task in tasks for _ in task.columns]
            writer.writerow([f"{row % PICTURES}.jpg", *cells])
    mxmtl.write_records("t.csv", ".", prefix="r", tasks=tasks)


def main() -> None:
    """Measure, and print a line for each round."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=600)
    parser.add_argument("--tasks", choices=("many", "five"), default="many")
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    tasks, size = tasks_of(arguments.tasks), arguments.size
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        write(tasks, arguments.rows, size)
        net = mxmtl.MultiTaskNet(mxmtl.small_trunk(), tasks)
        net.initialize(mx.init.Xavier())
        net(mx.nd.zeros((1, 3, size, size)))
        file = ModelFile(tasks, Preprocessing((3, size, size), (127.0,), (64.0,)))
        model = Model(mxmtl.training_symbol(net, tasks), mxmtl.module_params(net), file, "drawn")
        for _ in range(arguments.rounds):
            clock = [time.process_time()]
            predicted = predict_records(Network.of_model(model), "r", file.preprocessing)
            clock.append(time.process_time())
            for draws in (0, DRAWS):
                measure(predicted, bootstrap=draws)
                clock.append(time.process_time())
            predict, plain, both = np.diff(clock)
            print(
                f"predict {predict:.2f} s, metrics {plain:.2f} s, with intervals {both:.2f} s: "
                f"intervals are {(both - plain) / predict:.2f} of the prediction",
                flush=True,
            )
        os.chdir("/")


if __name__ == "__main__":
    main()
