"""What masking is worth: four ways with missing labels, at four shares of them.

    python tools/benchmarks/masking.py                    # 8x8 digits of scikit-learn
    python tools/benchmarks/masking.py --data fashion     # Fashion-MNIST (a Debian package)

Each picture has eight labels: one of ten classes, one yes or no, and six labels of a multi-label
task. Each label is hidden with the chance that stands above the column, in the same way for all
rows of the table; 87.5 % leaves one of eight. Tested on pictures of which all labels are known.

    masked             mxmtl: a missing label has no gradient
    rows dropped       only rows without a missing label are trained on
    read as 0          a missing class is the first class, a missing yes or no is a no
    stock MXNet, -1    SoftmaxOutput and LogisticRegressionOutput, as they are, fed with the -1

The same small network, the same number of steps and the same batches of rows (where they are not
dropped) for all.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import mxmtl

import mxnet as mx
import numpy as np
from _masking_data import Data, Part, fashion, handwriting
from tabulate import tabulate

BATCH_SIZE = 64
SHARES = (0.0, 0.3, 0.6, 0.875)
Result = dict[str, float]


def ours(features: mx.sym.Symbol, tasks: mxmtl.TaskSet) -> mx.sym.Symbol:
    return mxmtl.training_symbol(features, tasks)


def stock(features: mx.sym.Symbol, tasks: mxmtl.TaskSet) -> mx.sym.Symbol:
    """Build the heads from MXNet's operators with their defaults."""
    outputs = []
    for task in tasks:
        logits = mx.sym.FullyConnected(features, num_hidden=task.num_outputs, name=task.name)
        label = mx.sym.var(task.label_name)
        if task.kind == "class":
            outputs.append(mx.sym.SoftmaxOutput(logits, label, name=task.name))
        else:
            outputs.append(mx.sym.LogisticRegressionOutput(logits, label, name=task.name))
    return mx.sym.Group(outputs)


def dropped(part: Part) -> Part:
    whole = (part.labels >= 0).all(axis=1)
    return Part(part.images[whole], part.labels[whole])


def as_zero(part: Part) -> Part:
    return Part(part.images, np.maximum(part.labels, 0))


Way = tuple[Callable[[mx.sym.Symbol, mxmtl.TaskSet], mx.sym.Symbol], Callable[[Part], Part]]
WAYS: dict[str, Way] = {
    "masked (mxmtl)": (ours, lambda part: part),
    "rows with a gap dropped": (ours, dropped),
    "missing read as 0": (ours, as_zero),
    "stock MXNet fed with -1": (stock, lambda part: part),
}


def hidden(part: Part, share: float, seed: int) -> Part:
    """Hide labels, each with the chance ``share``."""
    missing = np.random.RandomState(seed).random_sample(part.labels.shape) < share
    return Part(part.images, np.where(missing, np.float32(-1), part.labels))


def batch_of(part: Part, rows: np.ndarray, tasks: mxmtl.TaskSet) -> mx.io.DataBatch:
    labels = tasks.split(mx.nd.array(part.labels[rows]))
    return mx.io.DataBatch([mx.nd.array(part.images[rows])], labels)


def run(data: Data, way: Way, share: float, seed: int, steps: int) -> Result | None:
    """Train and test once; None if no row is left to train on."""
    build, handle = way
    part = handle(hidden(data.train, share, seed))
    if not len(part.images):
        return None
    tasks = data.tasks
    symbol = build(mxmtl.small_trunk((16, 32))(mx.sym.var("data")), tasks)
    module = mx.mod.Module(symbol, label_names=tasks.label_names)
    shapes = [(task.label_name, task.label_shape(BATCH_SIZE)) for task in tasks]
    module.bind([("data", (BATCH_SIZE, *part.images.shape[1:]))], shapes)
    mx.random.seed(seed)
    module.init_params(mx.init.Xavier())
    schedule = mx.lr_scheduler.CosineScheduler(steps, base_lr=4e-3)
    options = {"learning_rate": None, "lr_scheduler": schedule}
    module.init_optimizer(optimizer="adam", optimizer_params=options)
    rng = np.random.RandomState(seed)
    for _ in range(steps):
        rows = rng.randint(len(part.images), size=BATCH_SIZE)
        module.forward_backward(batch_of(part, rows, tasks))
        module.update()
    # A test pass that is begun makes test passes of the training passes that still wait.
    mx.nd.waitall()
    return {"rows": len(part.images), **test(module, data)}


def test(module: mx.mod.Module, data: Data) -> Result:
    """Return accuracy of the classes, and accuracy and F1 of the yes-or-no labels, in percent."""
    tasks, M = data.tasks, mxmtl.metrics
    first, *others = tasks
    yes_no = [kind(task) for kind in (M.Accuracy, M.F1) for task in others]
    metric = M.Suite(tasks, [M.Accuracy(first), *yes_no])
    whole = len(data.test.images) // BATCH_SIZE * BATCH_SIZE
    for rows in np.arange(whole).reshape(-1, BATCH_SIZE):
        batch = batch_of(data.test, rows, tasks)
        module.forward(batch, is_train=False)
        module.update_metric(metric, batch.label)
    values = {name: 100 * value for name, value in metric.get_name_value()}
    # A task counts as often as it has labels.
    width = [task.label_width for task in others]
    means = {
        kind: np.average([values[f"{task.name}/{kind}"] for task in others], weights=width)
        for kind in ("accuracy", "f1")
    }
    return {
        "class accuracy": values[f"{first.name}/accuracy"],
        "yes/no F1": means["f1"],
        "yes/no accuracy": means["accuracy"],
    }


def cell(results: list[Result | None], name: str) -> str:
    """Return mean ± standard deviation over seeds, and how many had a row left if not all had."""
    values = [result[name] for result in results if result is not None]
    if not values:
        return "no row left"
    if name == "rows":
        return f"{statistics.mean(values):.0f}"
    text = f"{statistics.mean(values):.1f}"
    if len(values) > 1:
        text += f" ± {statistics.stdev(values):.1f}"
    return (
        text if len(values) == len(results) else f"{text} ({len(values)} of {len(results)} seeds)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", choices=["digits", "fashion"], default="digits")
    parser.add_argument("--root", type=Path, default=Path("data"), help="where packages go")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--shares", type=float, nargs="+", default=SHARES)
    arguments = parser.parse_args()

    data = handwriting() if arguments.data == "digits" else fashion(arguments.root)
    begin = time.perf_counter()
    results = {
        (name, share): [
            run(data, way, share, seed, arguments.steps) for seed in range(arguments.seeds)
        ]
        for share in arguments.shares
        for name, way in WAYS.items()
    }
    print(
        f"{len(data.train.images)} pictures to train on, {len(data.test.images)} to test, "
        f"{arguments.steps} steps of {BATCH_SIZE}, {arguments.seeds} seeds (mean ± standard "
        f"deviation), {time.perf_counter() - begin:.0f} s"
    )
    for measure in ("class accuracy", "yes/no F1", "yes/no accuracy", "rows"):
        rows = [
            [name, *(cell(results[name, share], measure) for share in arguments.shares)]
            for name in WAYS
        ]
        headers = [measure, *(f"{100 * share:g} % missing" for share in arguments.shares)]
        print("\n" + tabulate(rows, headers, tablefmt="github", disable_numparse=True))


if __name__ == "__main__":
    main()
