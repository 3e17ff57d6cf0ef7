"""What benchmarks of losses and balancing share: a log to go on from, a loop, and intervals."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import mxmtl

import mxnet as mx
import numpy as np
from scipy import stats

Key = dict[str, Any]  # what tells one run from another
Log = list[dict[str, Any]]


class Part(NamedTuple):
    """Images float32 (N, C, H, W), and labels float32 (N, label_width) of the tasks."""

    images: np.ndarray
    labels: np.ndarray


def arguments(text: str, log: str) -> argparse.ArgumentParser:
    """Return a parser with what all of these benchmarks take."""
    parser = argparse.ArgumentParser(
        description=text, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--log", type=Path, default=Path(log), help="JSON lines, one a run")
    parser.add_argument("--table", action="store_true", help="print what the log says, no more")
    parser.add_argument("--minutes", type=float, help="begin no run after so long")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--root", type=Path, default=Path("data"), help="where packages go")
    return parser


def read(path: Path) -> Log:
    """Read a log; a line that was cut off when the run was stopped counts as none."""
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    return [json.loads(line) for line in lines if line.endswith("}")]


def append(path: Path, result: dict[str, Any]) -> None:
    """Add an entry; a line that was cut off stays one of its own."""
    text = path.read_text("utf-8") if path.exists() else ""
    with path.open("a", encoding="utf-8") as stream:
        stream.write("\n" * bool(text and text[-1] != "\n") + json.dumps(result) + "\n")


def found(log: Log, **key: Any) -> list[dict[str, Any]]:
    """Return the entries of a log that have this key."""
    return [entry for entry in log if all(entry.get(k) == v for k, v in key.items())]


class Runs:
    """Makes the runs that a log lacks, and writes each down as it ends."""

    def __init__(self, path: Path, minutes: float | None) -> None:
        self.path = path
        self.end = time.monotonic() + 60 * (1e9 if minutes is None else minutes)

    def get(
        self, key: Key, make: Callable[..., dict[str, Any]], *given: Any
    ) -> dict[str, Any] | None:
        """Return the result of this key, made of what is given; None if there is no time for it."""
        for entry in found(read(self.path), **key):  # which another process may write, too
            return entry
        if time.monotonic() > self.end:
            return None
        begin = time.perf_counter()
        result = {**key, **make(*given)}
        result["seconds"] = round(time.perf_counter() - begin, 1)
        append(self.path, result)
        print(result, flush=True)
        return result


def train(
    features: mx.sym.Symbol,
    tasks: mxmtl.TaskSet,
    part: Part,
    *,
    epochs: int,
    rate: float,
    seed: int,
    batch: int = 128,
    schedule: bool = True,
) -> mx.mod.Module:
    """Train once with Adam, at a rate that falls along half a cosine; return the module."""
    symbol = mxmtl.training_symbol(features, tasks)
    module = mx.mod.Module(
        symbol, label_names=tasks.label_names, fixed_param_names=tasks.epoch_names
    )
    shapes = [(task.label_name, task.label_shape(batch)) for task in tasks]
    module.bind([("data", (batch, *part.images.shape[1:]))], shapes)
    mx.random.seed(seed)
    module.init_params(mx.init.Xavier())
    steps = len(part.images) // batch
    options: dict[str, Any] = {"learning_rate": rate}
    if schedule:
        options["lr_scheduler"] = mx.lr_scheduler.CosineScheduler(epochs * steps, base_lr=rate)
    module.init_optimizer(optimizer="adam", optimizer_params=options)
    rng = np.random.RandomState(seed)
    for epoch in range(epochs):
        for name in tasks.epoch_names:
            now = {name: mx.nd.array([epoch])}
            module.set_params(now, {}, allow_missing=True, force_init=True)
        for given in batches(part, rng.permutation(len(part.images)), tasks, batch):
            module.forward_backward(given)
            module.update()
    mx.nd.waitall()  # a test pass that begins makes test passes of training passes that still wait
    return module


def batches(
    part: Part, rows: np.ndarray, tasks: mxmtl.TaskSet, batch: int
) -> Iterator[mx.io.DataBatch]:
    """Cut rows into whole batches; what is left over is for another epoch."""
    images = mx.nd.array(part.images[rows])  # all at once: a copy each batch would cost as much
    labels = tasks.split(mx.nd.array(part.labels[rows]))  # as the step itself
    for begin in range(0, len(rows) - batch + 1, batch):
        end = begin + batch
        yield mx.io.DataBatch([images[begin:end]], [label[begin:end] for label in labels])


def predict(module: mx.mod.Module, part: Part, tasks: mxmtl.TaskSet, batch: int = 128) -> Any:
    """Return the predictions of all rows, one array a task."""
    number = len(part.images)
    rows = np.minimum(np.arange(-(-number // batch) * batch), number - 1)  # the last fill up
    found = []
    for given in batches(part, rows, tasks, batch):
        module.forward(given, is_train=False)
        found.append([output.asnumpy() for output in module.get_outputs()])
    return [np.concatenate(each)[:number] for each in zip(*found)]


def measured(metrics: Sequence[Any], label: Any, prediction: Any) -> dict[str, float]:
    """Return metrics of one task by their name."""
    values = {}
    for metric in metrics:
        metric.update([mx.nd.array(label)], [mx.nd.array(prediction)])
        values.update({name.split("/")[1]: float(v) for name, v in metric.get_name_value()})
    return values


def interval(values: Iterable[float]) -> tuple[float, float]:
    """Return the mean over seeds, and half of its 95 % interval by Student's t.

    >>> [round(x, 3) for x in interval([1.0, 2.0, 3.0])]
    [2.0, 2.484]
    """
    array = np.array(list(values), np.float64)
    if len(array) < 2:
        return float(array.mean()) if len(array) else float("nan"), float("nan")
    half = stats.t.ppf(0.975, len(array) - 1) * array.std(ddof=1) / np.sqrt(len(array))
    return float(array.mean()), float(half)


def shown(values: Iterable[float], digits: int = 1) -> str:
    """Return a mean and its interval as text."""
    mean, half = interval(values)
    text = f"{mean:.{digits}f}"
    return text if np.isnan(half) else f"{text} ± {half:.{digits}f}"
