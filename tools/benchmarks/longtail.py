"""A long tail: Fashion-MNIST cut so that the commonest class has 100 times the rows of the rarest.

    python tools/benchmarks/longtail.py                      # about 3 minutes of one core
    python tools/benchmarks/longtail.py --table              # what the log says

Of class k are kept 2,000 * 100^(-k/9) rows, 2,000 to 20, drawn anew for each seed; the test set is
whole and balanced. The same network of two hidden layers, steps and rate for all; tau is 1 and
beta 0.999, and nothing is tuned. Balanced accuracy is the mean of the classes' recalls.
"""

from __future__ import annotations

import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

import mxmtl
from mxmtl import losses

import _loss_runs as runs
import mxnet as mx
import numpy as np
from _loss_runs import Part
from tabulate import tabulate

sys.path.append(str(Path(__file__).parents[2] / "examples" / "multi_mnist"))
import digits

CLASSES = [str(k) for k in range(10)]
AFTERWARDS = "logit adjustment afterwards"
METHODS = ["plain", AFTERWARDS, "logit adjustment", "class weights", "class-balanced", "focal"]
MEASURES = ["balanced_accuracy", "rarest", "commonest"]


def task_of(method: str, counts: np.ndarray) -> mxmtl.Multiclass:
    """Return the task as a method declares it, of classes with these counts."""
    declared: dict[str, Any] = {
        "class weights": {"class_weight": losses.effective_weights(counts, 1.0)},
        "class-balanced": {"loss": losses.ClassBalanced(counts=counts, beta=0.999)},
        "logit adjustment": {"loss": losses.LogitAdjusted(counts=counts)},
        "focal": {"loss": losses.Focal()},
    }
    return mxmtl.Multiclass("article", CLASSES, **declared.get(method, {}))


def cut(images: np.ndarray, classes: np.ndarray, most: int, seed: int) -> Part:
    """Keep fewer rows of each class than of the class before."""
    rng, kept = np.random.RandomState(seed), []
    for k, number in enumerate(most * 100.0 ** (-np.arange(10) / 9)):
        kept.append(rng.permutation(np.flatnonzero(classes == k))[: round(number)])
    rows = np.concatenate(kept)
    return Part(as_images(images[rows]), classes[rows, np.newaxis].astype(np.float32))


def as_images(images: np.ndarray) -> np.ndarray:
    """Return float32 (N, 1, 14, 14): each pixel the mean of four."""
    halved = images.reshape(len(images), 1, 14, 2, 14, 2).mean(axis=(3, 5))
    return (halved / 255 - 0.3).astype(np.float32)


def network() -> mx.sym.Symbol:
    x = mx.sym.Flatten(mx.sym.var("data"))
    for name, width in (("first", 128), ("second", 64)):
        x = mx.sym.FullyConnected(x, num_hidden=width, name=name)
        x = mx.sym.Activation(x, act_type="relu")
    return x


def scores(task: mxmtl.Multiclass, part: Part, prediction: np.ndarray) -> dict[str, float]:
    M = mxmtl.metrics
    found = runs.measured(
        [M.BalancedAccuracy(task), M.Accuracy(task)], part.labels[:, 0], prediction
    )
    right = prediction.argmax(axis=1) == part.labels[:, 0]
    recalls = [right[part.labels[:, 0] == k].mean() for k in range(10)]
    return {**found, "rarest": float(recalls[-1]), "commonest": float(recalls[0])}


class Experiment:
    """The runs of a method: what it is trained and tested on."""

    def __init__(self, root: Path, most: int, epochs: int) -> None:
        folder = digits.fetch("fashion", root)
        self.train, (images, classes) = digits.load(folder, "train"), digits.load(folder, "t10k")
        self.test = Part(as_images(images), classes[:, np.newaxis].astype(np.float32))
        self.most, self.epochs = most, epochs
        self.plain = lru_cache(maxsize=1)(lambda seed: self.predicted("plain", seed))

    def predicted(self, method: str, seed: int) -> tuple[mxmtl.Multiclass, np.ndarray, np.ndarray]:
        """Train; return the task, the counts of the classes, and predictions of the test set."""
        part = cut(*self.train, self.most, seed)
        counts = np.bincount(part.labels[:, 0].astype(int), minlength=10)
        task = task_of(method, counts)
        tasks = mxmtl.TaskSet([task])
        module = runs.train(
            network(), tasks, part, epochs=self.epochs, rate=0.003, seed=seed, batch=64
        )
        return task, counts, runs.predict(module, self.test, tasks)[0]

    def result(self, method: str, seed: int) -> dict[str, float]:
        if method not in ("plain", AFTERWARDS):
            task, _, prediction = self.predicted(method, seed)
            return scores(task, self.test, prediction)
        task, counts, prediction = self.plain(seed)
        if method == AFTERWARDS:  # what `mxmtl tune --adjust 1` does
            prediction = prediction / counts
            prediction = prediction / prediction.sum(axis=1, keepdims=True)
        return scores(task, self.test, prediction)


def table_of(log: runs.Log) -> str:
    rows = []
    for method in METHODS:
        entries = runs.found(log, method=method)
        cells = [runs.shown([100 * entry[name] for entry in entries]) for name in MEASURES]
        rows.append([method, *cells])
    headers = ["%", "balanced accuracy", "rarest class", "commonest class"]
    return tabulate(rows, headers, tablefmt="github", disable_numparse=True)


def main() -> None:
    parser = runs.arguments(__doc__, "longtail.jsonl")
    parser.add_argument("--most", type=int, default=2000, help="rows of the commonest class")
    parser.add_argument("--epochs", type=int, default=10)
    options = parser.parse_args()
    if not options.table:
        log = runs.Runs(options.log, options.minutes)
        experiment = Experiment(options.root, options.most, options.epochs)
        for seed in range(options.seeds):
            for method in METHODS:
                key = {"method": method, "seed": seed}
                log.get(key, experiment.result, method, seed)
    print("\n" + table_of(runs.read(options.log)))


if __name__ == "__main__":
    main()
