"""From a CSV to a trained model and all that comes after it: does this environment work?

    python tools/smoke.py [onnx] [report] [serve] [tables] [plot] ...

Trains on a handful of made-up pictures, then takes one step for each extra that is named, by the
command that `pip` installed. Ends with ``ok``, the steps and the loss, or with what went wrong. It
needs nothing of the clone, and runs in a folder of its own.
"""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import urllib.request
from importlib import metadata
from pathlib import Path

import mxmtl

import cv2
import mxnet as mx
import numpy as np

TASKS = mxmtl.TaskSet(
    [
        mxmtl.Multiclass("shade", ["dark", "light"]),
        mxmtl.Multilabel("sides", ["left", "right"]),
        mxmtl.Regression("level"),
    ]
)
ROWS, SIZE = 30, 16


def name_of(index: int) -> str:
    return f"{index}.{'jpg' if index % 2 else 'png'}"  # two ways to decode


def write_table() -> None:
    rng = np.random.RandomState(0)
    with open("table.csv", "w", newline="") as stream:
        writer = csv.DictWriter(stream, ["path", *TASKS.columns])
        writer.writeheader()
        for index in range(ROWS):
            left, right = rng.randint(0, 256, 2)
            picture = np.full((SIZE, SIZE, 3), left, np.uint8)
            picture[:, SIZE // 2 :] = right
            cv2.imwrite(name_of(index), picture)
            cells = ["light" if left + right > 255 else "dark", int(left > 127), int(right > 127)]
            cells = [cell if rng.rand() < 0.7 else "" for cell in [*cells, round(left / 255, 3)]]
            writer.writerow(dict(zip(["path", *TASKS.columns], [name_of(index), *cells])))


def train_in_python() -> float:
    """Train by `Module.fit`, and return the loss."""
    mxmtl.write_records("table.csv", images=".", prefix="records", tasks=TASKS)
    mx.random.seed(0)
    net = mxmtl.MultiTaskNet(mxmtl.small_trunk((8, 8)), TASKS)
    module = mx.mod.Module(mxmtl.training_symbol(net, TASKS), label_names=TASKS.label_names)
    with mxmtl.RecordIter("records", batch_size=8, data_shape=(3, SIZE, SIZE)) as train:
        loss = mx.metric.CompositeEvalMetric([mxmtl.metrics.TaskLoss(task) for task in TASKS])
        module.fit(
            train,
            num_epoch=8,
            eval_metric=TASKS.metrics(),
            initializer=mx.init.Xavier(),
            optimizer="adam",
            optimizer_params=[("learning_rate", 0.01)],
        )
        after = sum(value for _, value in module.score(train, loss))
        rows = module.predict(train)[0].shape[0]
        module.init_params(mx.init.Xavier(), force_init=True)
        before = sum(value for _, value in module.score(train, loss))
    if not (np.isfinite(after) and after < before and rows == ROWS):
        raise SystemExit(f"loss {before} -> {after}, {rows} rows predicted")
    return float(after)


def mxmtl_command(line: str) -> None:
    command = [str(Path(sysconfig.get_path("scripts"), "mxmtl")), *line.split()]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"mxmtl {line}\n{done.stdout}{done.stderr}")


def predictions(path: str) -> list[list[str]]:
    with open(path, newline="") as stream:
        return list(csv.reader(stream))


# -- one step for each extra -----------------------------------------------------------------------
def onnx() -> None:
    mxmtl_command("export run -o model.onnx")
    mxmtl_command("predict model.onnx pictures -o onnx.csv")
    rows = predictions("predictions.csv"), predictions("onnx.csv")
    for ours, theirs in zip(*rows):
        for one, other in zip(ours, theirs):
            if one != other and not np.isclose(float(one), float(other), atol=1e-4):
                raise SystemExit(f"MXNet says {ours}, the ONNX file {theirs}")


def report() -> None:
    mxmtl_command("report run --records records -o report.html")
    if "<svg" not in Path("report.html").read_text("utf-8"):
        raise SystemExit("the report has no figure")


def plot() -> None:
    mxmtl.show_results("run", "records", count=4, path="results.png")
    if cv2.imread("results.png") is None:
        raise SystemExit("no picture was drawn")


def serve() -> None:
    command = [sys.executable, "-m", "mxmtl", "serve", "run", "--port", "0"]  # one that is free
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as it:
        try:
            lines, url = [], None
            while url is None:
                lines.append(it.stdout.readline())
                if not lines[-1]:
                    raise SystemExit("".join(lines))
                url = re.search(r"http://[\d.:]+", lines[-1])
            image = Path("pictures", name_of(0)).read_bytes()
            there = f"{url[0]}/predict"
            with urllib.request.urlopen(there, image) as answer:  # noqa: S310  our own address
                if "shade" not in json.dumps(json.load(answer)):
                    raise SystemExit("the service has no answer for a task")
        finally:
            it.terminate()


def tables() -> None:
    import pandas

    frame = pandas.read_csv("table.csv")
    frame.to_parquet("table.parquet")
    mxmtl_command("convert table.parquet --images . --prefix parquet --tasks records.tasks.json")
    if Path("parquet.rec").read_bytes() != Path("records.rec").read_bytes():
        raise SystemExit("the records of the Parquet file are not those of the CSV")


def gluoncv() -> None:
    """Train one of its networks for an epoch, and export it."""
    mxmtl_command(
        "train records --val records --run zoo --trunk resnet18_v1b --data-shape 3,32,32 "
        "--batch-size 8 --epochs 1 --threads 1"
    )
    mxmtl_command("export zoo -o zoo.onnx")  # computes both, and compares
    names = {found.metadata["Name"] for found in metadata.distributions()}
    opencv = sorted(name for name in names if name.startswith("opencv"))
    if opencv != ["opencv-python-headless"]:
        raise SystemExit(f"more than one OpenCV in one folder: {opencv}")


STEPS = {step.__name__: step for step in (onnx, report, plot, serve, tables, gluoncv)}


def main(extras: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        write_table()
        loss = train_in_python()
        mxmtl_command(
            f"train records --val records --run run --data-shape 3,{SIZE},{SIZE} --batch-size 8 "
            "--optimizer adam --lr 0.01 --epochs 2 --threads 1"
        )
        os.mkdir("pictures")
        shutil.copy(name_of(0), "pictures")
        mxmtl_command("predict run pictures -o predictions.csv")
        if len(predictions("predictions.csv")) != 2:
            raise SystemExit("not one row for one picture")
        for extra in extras:
            STEPS[extra]()
        os.chdir("/")
    print(f"ok, loss {loss:.6f}, {', '.join(['train', 'predict', *extras])}")


if __name__ == "__main__":
    main(sys.argv[1:])
