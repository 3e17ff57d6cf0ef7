"""Classes with an order: softmax, CORN, CORAL and soft labels, on emoji and on playing cards.

    python tools/benchmarks/ordered.py                    # about 15 minutes of one core
    python tools/benchmarks/ordered.py --table            # what the log says

    skin tone   1,615 emoji of 5 tones, 24 px; an emoji and its variants stay together
    card rank   1,200 cards, ace to ten, of 30 decks, 36x24 px; decks stay together

A fourth of the groups is tested on, drawn anew for each seed. The same small network, steps and
rate for all. And the tutorial of coral-pytorch, in its protocol: MNIST, which has no order, two
convolutions without an activation, Adam at 0.001, 10 epochs of batches of 128.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mxmtl

import _loss_runs as runs
import mxnet as mx
import numpy as np
from _loss_runs import Part
from _ordered_data import EXAMPLES, SETS, parts
from tabulate import tabulate

METHODS = ["softmax", "corn", "coral", "soft"]
MEASURES = ["class_mae", "quadratic_kappa", "accuracy", "ranked_probability_score", "median_mae"]


def task_of(method: str, classes: list[str]) -> mxmtl.Task:
    if method == "softmax":
        return mxmtl.Multiclass("rank", classes)
    return mxmtl.Ordinal("rank", classes, method=method)


def network() -> mx.sym.Symbol:
    x = mx.sym.var("data")
    for index, width in enumerate((16, 32)):
        x = mx.sym.Convolution(x, kernel=(3, 3), pad=(1, 1), num_filter=width, name=f"conv{index}")
        x = mx.sym.Activation(x, act_type="relu")
        x = mx.sym.Pooling(x, kernel=(2, 2), stride=(2, 2), pool_type="max")
    x = mx.sym.FullyConnected(x, num_hidden=64, name="hidden")
    return mx.sym.Activation(x, act_type="relu")


def tutorial_network() -> mx.sym.Symbol:
    """Return the 294 features of coral-pytorch's tutorial."""
    x = mx.sym.var("data")
    for index, width in enumerate((3, 6)):
        x = mx.sym.Convolution(x, kernel=(3, 3), pad=(1, 1), num_filter=width, name=f"conv{index}")
        x = mx.sym.Pooling(x, kernel=(2, 2), stride=(2, 2), pool_type="max")
    return mx.sym.Flatten(x)


def scores(task: mxmtl.Task, part: Part, prediction: np.ndarray) -> dict[str, float]:
    """Return metrics, and the error of the median class: the rank as CORAL's authors have it."""
    M = mxmtl.metrics
    kinds = [M.ClassMAE, M.QuadraticKappa, M.Accuracy, M.RankedProbabilityScore]
    label = part.labels[:, 0]
    found = runs.measured([kind(task) for kind in kinds], label, prediction)
    median = (np.cumsum(prediction, axis=1)[:, :-1] <= 0.5).sum(axis=1)
    return {**found, "median_mae": float(np.abs(median - label).mean())}


def result(name: str, source: Any, method: str, seed: int, epochs: int) -> dict[str, float]:
    train, test = parts(source, seed)
    task = task_of(method, SETS[name].classes)
    tasks = mxmtl.TaskSet([task])
    module = runs.train(network(), tasks, train, epochs=epochs, rate=0.002, seed=seed, batch=32)
    return scores(task, test, runs.predict(module, test, tasks, batch=32)[0])


def tutorial(root: Path, method: str, seed: int, epochs: int) -> dict[str, float]:
    import sys

    sys.path.append(str(EXAMPLES / "multi_mnist"))
    import digits

    folder = digits.fetch("mnist", root)
    train, test = (as_part(*digits.load(folder, name)) for name in ("train", "t10k"))
    task = task_of(method, [str(k) for k in range(10)])
    tasks, options = mxmtl.TaskSet([task]), {"rate": 0.001, "seed": seed, "schedule": False}
    module = runs.train(tutorial_network(), tasks, train, epochs=epochs, **options)
    whole = len(test.images) // 128 * 128  # theirs leaves out the last, smaller batch
    test = Part(test.images[:whole], test.labels[:whole])
    return scores(task, test, runs.predict(module, test, tasks)[0])


def as_part(images: np.ndarray, classes: np.ndarray) -> Part:
    pixels = (images[:, np.newaxis] / 255).astype(np.float32)
    return Part(pixels, classes[:, np.newaxis].astype(np.float32))


def table_of(log: runs.Log, name: str) -> str:
    rows = []
    for method in METHODS:
        entries = runs.found(log, set=name, method=method)
        if entries:
            values = [[entry[measure] for entry in entries] for measure in MEASURES]
            rows.append([method, *(runs.shown(each, 3) for each in values), len(entries)])
    headers = [name, "MAE", "quadratic kappa", "accuracy", "RPS", "MAE of the median", "seeds"]
    return tabulate(rows, headers, tablefmt="github", disable_numparse=True)


def main() -> None:
    parser = runs.arguments(__doc__, "ordered.jsonl")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--tutorial-epochs", type=int, default=10)
    parser.add_argument("--sets", nargs="+", default=[*SETS, "mnist"], choices=[*SETS, "mnist"])
    options = parser.parse_args()
    log = runs.Runs(options.log, 0 if options.table else options.minutes)
    for name in options.sets if not options.table else ():
        source = SETS[name].load(options.root) if name in SETS else None
        for seed in range(options.seeds):
            for method in METHODS:
                key = {"set": name, "method": method, "seed": seed}
                if source is None:
                    given = options.root, method, seed + 1, options.tutorial_epochs
                    log.get(key, tutorial, *given)
                else:
                    log.get(key, result, name, source, method, seed, options.epochs)
    for name in options.sets:
        print("\n" + table_of(runs.read(options.log), name))


if __name__ == "__main__":
    main()
