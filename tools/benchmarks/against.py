"""Compare this checkout with another one: the same work in turn, A B B A ..., as ratios.

    python tools/benchmarks/against.py ../mxmtl-before --rounds 7

Each piece of work runs in a process of its own that imports mxmtl from one of the two folders, and
uses public names alone. It is timed inside, after a warm-up, by the clock and by the processor's
time of all threads; the ratio is the other's time to ours, of neighbouring runs, so that a machine
that is busy for a while slows both. Above 1 this checkout is faster.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tabulate import tabulate

HERE = Path(__file__).resolve().parents[2]
SETUP = """
import json, os, subprocess, sys, time
import numpy as np
import mxmtl
assert os.path.dirname(os.path.dirname(mxmtl.__file__)) == {folder!r}, mxmtl.__file__
def timed(work, repeats):
    work()
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(repeats):
        work()
    print(json.dumps([time.perf_counter() - wall, time.process_time() - cpu]))
TASKS = mxmtl.TaskSet([
    mxmtl.Multiclass("breed", classes=[f"b{{i}}" for i in range(20)]),
    mxmtl.Binary("outdoors"),
    mxmtl.Multilabel("toys", labels=[f"t{{i}}" for i in range(40)]),
    mxmtl.Regression("age", weight=0.1),
])
random = np.random.RandomState(0)
def label(n):
    rows = np.concatenate([
        random.randint(-1, 20, (n, 1)), random.randint(-1, 2, (n, 41)), random.rand(n, 1),
    ], axis=1).astype(np.float32)
    return rows
"""
WORK: dict[str, str] = {
    "records: RecordIter, 256 px JPEG": """
from mxmtl import augment
it = mxmtl.RecordIter("data/r", batch_size=32, data_shape=(3, 224, 224), shuffle=True, seed=0,
                      mean=127, std=64,
                      augment=[augment.RandomResizedCrop(), augment.RandomMirror()])
def work():
    it.reset()
    for batch in it: batch.data[0].wait_to_read()
timed(work, 3)
""",
    "records: RecordIter, JPEG at a quarter": """
it = mxmtl.RecordIter("data/r", batch_size=32, data_shape=(3, 64, 64), shuffle=True, seed=0)
def work():
    it.reset()
    for batch in it: batch.data[0].wait_to_read()
timed(work, 5)
""",
    "records: RecordIter, small PNG": """
it = mxmtl.RecordIter("data/s", batch_size=64, data_shape=(3, 28, 28), shuffle=True, seed=0)
def work():
    it.reset()
    for batch in it: batch.data[0].wait_to_read()
timed(work, 5)
""",
    "convert: pass-through, 4,000 rows": """
import shutil
def work():
    shutil.rmtree("out", ignore_errors=True)
    mxmtl.write_records("small.csv", images="png", prefix="out/x", tasks=TASKS, progress=False)
timed(work, 2)
""",
    "heads: Module, forward, backward, update": """
import mxnet as mx
net = mxmtl.MultiTaskNet(mxmtl.small_trunk(), TASKS)
module = mx.mod.Module(mxmtl.training_symbol(net, TASKS), label_names=TASKS.label_names)
labels = [mx.nd.array(part) for part in TASKS.split(label(64))]
batch = mx.io.DataBatch([mx.nd.random.uniform(shape=(64, 3, 32, 32))], labels)
module.bind([("data", (64, 3, 32, 32))], list(zip(TASKS.label_names, (l.shape for l in labels))))
module.init_params(mx.init.Xavier()); module.init_optimizer()
def work():
    for _ in range(20): module.forward_backward(batch); module.update()
    mx.nd.waitall()
timed(work, 3)
""",
    "metrics: all default ones, 200 batches": """
import mxnet as mx
metric = TASKS.metrics()
labels = [mx.nd.array(part) for part in TASKS.split(label(64))]
outputs = TASKS.predict([mx.nd.random.normal(shape=(64, t.num_outputs)) for t in TASKS])
def work():
    metric.reset()
    for _ in range(200): metric.update_dict(dict(zip(TASKS.label_names, labels)),
                                            dict(zip(TASKS.output_names, outputs)))
    metric.get()
timed(work, 3)
""",
    "fit: small trunk, 3 epochs": """
def work():
    mxmtl.fit("data/s", "data/s", run="run", force=True, epochs=3, data_shape=(3, 28, 28), lr=0.01,
              batch_size=64)
import logging; logging.disable(logging.CRITICAL)
import contextlib, io
with contextlib.redirect_stdout(io.StringIO()):
    work()
    wall, cpu = time.perf_counter(), time.process_time()
    work()
print(json.dumps([time.perf_counter() - wall, time.process_time() - cpu]))
""",
    "predict: Predictor, 512 images": """
predictor = mxmtl.Predictor("fitted", batch_size=32)
images = [random.randint(0, 255, (64, 64, 3), dtype=np.uint8) for _ in range(512)]
def work(): predictor(images)
timed(work, 3)
""",
}
COMMANDS: dict[str, list[str]] = {
    "mxmtl --help": ["--help"],
    "mxmtl train --help": ["train", "--help"],
    "mxmtl convert --help": ["convert", "--help"],
    "mxmtl evaluate --help": ["evaluate", "--help"],
    "mxmtl train --epochs x": ["train", "--epochs", "x"],
}


def main() -> None:
    """Make the data, run both in turn, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("before", type=Path, help="folder of the other checkout")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="work whose name contains this")
    arguments = parser.parse_args()
    folders = [arguments.before.resolve(), HERE]
    rows = []
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        run(folders[0], MAKE)
        for name, code in {**WORK, **COMMANDS}.items():
            if arguments.only not in name:
                continue
            times: tuple[list[list[float]], list[list[float]]] = ([], [])
            for turn in range(arguments.rounds):
                for side in (0, 1) if turn % 2 == 0 else (1, 0):
                    times[side].append(measure(folders[side], code))
            rows.append([name, *summary(*times)])
            print(*map(str, rows[-1]), sep="  ", flush=True)
    head = ["work", "before s", "now s", "ratio", "lowest", "highest", "ratio of processor time"]
    print("\n" + tabulate(rows, head, "github", floatfmt=".3g"))


def measure(folder: Path, work: object) -> list[float]:
    """Return (wall, processor) seconds of a piece of work or of a command."""
    if isinstance(work, str):
        return run(folder, work)
    code = f"import sys; from mxmtl.cli import main; sys.exit(main({work!r}))"
    timer = (
        "import json, resource, subprocess, sys, time; began = time.perf_counter(); "
        "subprocess.run([sys.executable, '-c', sys.argv[1]], stdout=-3, stderr=-3); "
        "wall = time.perf_counter() - began; used = resource.getrusage(resource.RUSAGE_CHILDREN); "
        "print(json.dumps([wall, used.ru_utime + used.ru_stime]))"
    )
    return result(folder, ["-c", timer, code])


def run(folder: Path, code: str) -> list[float]:
    """Run code with mxmtl from a folder; return what it measured."""
    return result(folder, ["-c", SETUP.format(folder=str(folder)) + code])


def result(folder: Path, words: list[str]) -> list[float]:
    """Return the numbers on a program's last line."""
    env = {**os.environ, "PYTHONPATH": str(folder)}
    shutil.rmtree("run", ignore_errors=True)
    done = subprocess.run(
        [sys.executable, *words], env=env, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{folder}: {done.stderr}")
    lines = done.stdout.strip().splitlines()
    return [float(number) for number in json.loads(lines[-1])] if lines else []


def summary(before: list[list[float]], now: list[list[float]]) -> list[float]:
    """Return medians of seconds and of the ratios of neighbours."""
    walls = [a[0] / b[0] for a, b in zip(before, now)]
    processor = [a[1] / b[1] for a, b in zip(before, now)]
    return [
        statistics.median(a[0] for a in before),
        statistics.median(b[0] for b in now),
        statistics.median(walls),
        min(walls),
        max(walls),
        statistics.median(processor),
    ]


MAKE = """
import cv2, csv
from contextlib import redirect_stdout
for folder, n, edge, ending in (("jpg", 400, 256, "jpg"), ("png", 4000, 28, "png")):
    os.makedirs(folder)
    with open({"jpg": "large.csv", "png": "small.csv"}[folder], "w") as stream:
        writer = csv.writer(stream); writer.writerow(["path", *TASKS.columns])
        for i, row in enumerate(label(n)):
            noise = random.randint(0, 255, (8, 8, 3), dtype=np.uint8)
            image = cv2.resize(noise, (edge * 3 // 2 if edge > 99 else edge, edge))
            cv2.imwrite(f"{folder}/{i}.{ending}", image)
            known = TASKS.decode(row); writer.writerow([f"{i}.{ending}", *(known[c] for c in TASKS.columns)])
mxmtl.write_records("large.csv", images="jpg", prefix="data/r", tasks=TASKS, progress=False)
mxmtl.write_records("small.csv", images="png", prefix="data/s", tasks=TASKS, progress=False)
with redirect_stdout(sys.stderr):
    mxmtl.fit("data/s", run="fitted", epochs=1, data_shape=(3, 28, 28), lr=0.01, batch_size=64)
print("[]")
"""  # noqa: E501


if __name__ == "__main__":
    main()
