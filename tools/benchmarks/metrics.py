"""How long metrics take: `mxmtl.metrics` beside torchmetrics, MXNet's own, and plain loops.

    python tools/benchmarks/metrics.py [--torch-python PATH] [--step] [--out FILE]

Eight tasks of 10 classes (accuracy, precision, recall, F1) and one of 40 labels (precision,
recall, F1), 30 % of the labels missing; 100 updates and one get. Every contender runs in each
round, one after the other; the table has medians over the rounds, and their ratio to ours.
torchmetrics runs in the interpreter given (its NumPy and ours do not go together), in
MetricCollections with compute groups, on the same numbers, and must give the same values.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from _metrics_data import CLASSES, LABELS, MISSING, TASKS, UPDATES, arrays, seconds

TORCH = "torchmetrics"
PAGE = f"""# What metrics cost

`python tools/benchmarks/metrics.py --torch-python PATH --step`: {TASKS} tasks of {CLASSES} classes
(accuracy, precision, recall and F1 each) and one of {LABELS} labels (precision, recall, F1),
{MISSING:.0%} of the labels missing. All take turns in every round. torchmetrics (1.9.0 on torch
2.13.0, compute groups) works on the same numbers as torch tensors, and must give the same values
to 1e-5; ours come as NDArrays and are copied first. MXNet's own accuracy counts a missing label as
wrong, so only its time compares. The loops take one sample and metric at a time, as in the article.

"""


# -- ours ------------------------------------------------------------------------------------------
def task_set() -> Any:
    import mxmtl

    classes = [f"c{i}" for i in range(CLASSES)]
    tasks: list[Any] = [mxmtl.Multiclass(f"t{i}", classes=classes) for i in range(TASKS)]
    return mxmtl.TaskSet([*tasks, mxmtl.Multilabel("m", labels=[f"l{i}" for i in range(LABELS)])])


def mxmtl_run(rows: int, default: bool = False) -> Callable[[], tuple[float, Any]]:
    import mxmtl

    import mxnet as mx

    tasks = task_set()
    kinds = [mxmtl.metrics.Precision, mxmtl.metrics.Recall, mxmtl.metrics.F1]
    members = [cls(task) for task in tasks for cls in kinds]
    members += [mxmtl.metrics.Accuracy(task) for task in list(tasks)[:-1]]
    suite = tasks.metrics() if default else mxmtl.metrics.Suite(tasks, members)
    labels, predictions = ([mx.nd.array(a) for a in part] for part in arrays(rows))
    by_label = dict(zip(tasks.label_names, labels))
    by_output = dict(zip(tasks.output_names, predictions))

    def run() -> tuple[float, Any]:
        suite.reset()
        mx.nd.waitall()
        taken, value = seconds(lambda: suite.update_dict(by_label, by_output), suite.get)
        return taken, dict(zip(*value))

    return run


def mxnet_run(rows: int) -> Callable[[], tuple[float, Any]]:
    """MXNet's own accuracy of each softmax task, and binary F1 of nothing: it has no more.

    It counts a missing label as wrong, so its values are of another thing; only time compares.
    """
    import mxnet as mx

    labels, predictions = ([mx.nd.array(a) for a in part[:-1]] for part in arrays(rows))
    names = [f"t{i}" for i in range(TASKS)]
    suite = mx.metric.CompositeEvalMetric(
        [
            mx.metric.Accuracy(name=n, output_names=[f"{n}_output"], label_names=[f"{n}_label"])
            for n in names
        ]
    )
    by_label = {f"{n}_label": label for n, label in zip(names, labels)}
    by_output = {f"{n}_output": prediction for n, prediction in zip(names, predictions)}

    def run() -> tuple[float, Any]:
        suite.reset()
        mx.nd.waitall()
        return seconds(lambda: suite.update_dict(by_label, by_output), suite.get)

    return run


# -- loops over samples, a metric at a time, as in the article -------------------------------------
def count_class(label: np.ndarray, prediction: np.ndarray, what: str, sums: np.ndarray) -> None:
    choice = prediction.argmax(axis=1)
    for i in range(len(label)):
        if label[i] == -1:
            continue
        own, chosen = int(label[i]), int(choice[i])
        if own == chosen:
            sums[own, 0] += 1
        if what in ("precision", "f1"):
            sums[chosen, 1] += 1
        if what in ("recall", "f1", "accuracy"):
            sums[own, 2] += 1


def count_labels(label: np.ndarray, prediction: np.ndarray, what: str, sums: np.ndarray) -> None:
    for i in range(len(label)):
        for j in range(LABELS):
            if label[i, j] == -1:
                continue
            chosen = prediction[i, j] > 0.5
            if chosen and label[i, j] == 1:
                sums[j, 0] += 1
            if what in ("precision", "f1") and chosen:
                sums[j, 1] += 1
            if what in ("recall", "f1") and label[i, j] == 1:
                sums[j, 2] += 1


def loops_run(rows: int) -> Callable[[], tuple[float, Any]]:
    labels, predictions = arrays(rows)
    repeats = 3  # of 100: they take long

    def run() -> tuple[float, Any]:
        sums = {
            (t, what): np.zeros((max(CLASSES, LABELS), 3))
            for t in range(TASKS + 1)
            for what in ("accuracy", "precision", "recall", "f1")
            if t < TASKS or what != "accuracy"
        }
        start = time.perf_counter()
        for _ in range(repeats):
            for (t, what), total in sums.items():
                count = count_class if t < TASKS else count_labels
                count(labels[t], predictions[t], what, total)
        return (time.perf_counter() - start) * UPDATES / repeats, None

    return run


# -- torchmetrics, in an interpreter of its own ----------------------------------------------------
def torch_client(
    worker: subprocess.Popen[str], rows: int, validate: bool
) -> Callable[[], tuple[float, Any]]:
    def run() -> tuple[float, Any]:
        assert worker.stdin
        assert worker.stdout
        worker.stdin.write(json.dumps([rows, validate]) + "\n")
        worker.stdin.flush()
        taken, values = json.loads(worker.stdout.readline())
        return taken, values

    return run


# -- the step that metrics stand beside ------------------------------------------------------------
def step_seconds(rows: int, size: int = 128, repeats: int = 5) -> float:
    """Median time of forward, backward and update of a ResNet-18 with these heads."""
    import mxmtl

    import mxnet as mx

    tasks = task_set()
    trunk = mx.gluon.model_zoo.vision.resnet18_v2(classes=1).features
    trunk.initialize()
    symbol = mxmtl.training_symbol(mxmtl.MultiTaskNet(trunk, tasks), tasks)
    module = mx.mod.Module(symbol, label_names=tasks.label_names, context=mx.cpu())
    labels = [mx.nd.array(y) for y in arrays(rows)[0]]
    module.bind(
        [("data", (rows, 3, size, size))],
        [(name, y.shape) for name, y in zip(tasks.label_names, labels)],
    )
    module.init_params(mx.init.Xavier())
    module.init_optimizer()
    batch = mx.io.DataBatch([mx.nd.random.normal(shape=(rows, 3, size, size))], labels)
    times = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        module.forward_backward(batch)
        module.update()
        mx.nd.waitall()
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


# -- the table -------------------------------------------------------------------------------------
def check(ours: dict[str, float], theirs: dict[str, float]) -> None:
    for name, value in theirs.items():
        np.testing.assert_allclose(ours[name], value, rtol=1e-5, err_msg=name)


def measure(rows: int, rounds: int, worker: Any) -> list[tuple[str, float, float]]:
    """Return name, median milliseconds an update (get included) and ratio to ours."""
    runs = {
        "mxmtl, the same metrics": mxmtl_run(rows),
        "mxmtl, default suite (6 a task)": mxmtl_run(rows, default=True),
        "MXNet, accuracy of the 8 only": mxnet_run(rows),
        "loops over samples": loops_run(rows),
    }
    if worker is not None:
        runs[TORCH] = torch_client(worker, rows, validate=True)
        runs[f"{TORCH}, validate_args=False"] = torch_client(worker, rows, validate=False)
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        values = {}
        for name, run in runs.items():
            taken, values[name] = run()
            times[name].append(taken / UPDATES * 1e3)
        if worker is not None:
            check(values["mxmtl, the same metrics"], values[TORCH])
    ours = times["mxmtl, the same metrics"]
    return [
        (
            name,
            statistics.median(taken),
            statistics.median(a / b for a, b in zip(taken, ours)),
        )
        for name, taken in times.items()
    ]


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--torch-python", help="an interpreter that has torch and torchmetrics")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--step", action="store_true", help="time a ResNet-18 step as well")
    parser.add_argument("--out", help="write the table to this file")
    options = parser.parse_args()
    worker = None
    if options.torch_python:
        command = [options.torch_python, str(Path(__file__).with_name("metrics_torch.py"))]
        pipe = subprocess.PIPE
        worker = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
    lines = [
        f"{processor()}, {os.cpu_count()} cores, OMP_NUM_THREADS="
        f"{os.environ.get('OMP_NUM_THREADS', 'unset')}. Milliseconds an update, its share of one "
        f"get after {UPDATES} updates included; medians of {options.rounds} rounds.",
        "",
        "| batch | what | ms an update | times ours |",
        "| ---: | --- | ---: | ---: |",
    ]
    for rows in (64, 1024):
        for name, milliseconds, times in measure(rows, options.rounds, worker):
            lines.append(f"| {rows} | {name} | {milliseconds:.3f} | {times:.1f} |")
    if options.step:
        step = step_seconds(64) * 1e3
        lines += ["", f"A ResNet-18 step (batch 64, 128 px, same heads): {step:.0f} ms."]
    if worker is not None:
        assert worker.stdin
        worker.stdin.close()
        worker.wait()
    text = "\n".join(lines) + "\n"
    print(text)
    if options.out:
        Path(options.out).write_text(PAGE + text, "utf-8")


if __name__ == "__main__":
    main()
