"""Balancing where labels are missing: five tasks a set, labelled in 5 to 100 % of the rows.

    python tools/benchmarks/balance_gaps.py --log gaps.jsonl --write docs/benchmarks/balancing.md
    python tools/benchmarks/balance_gaps.py --seeds 1 --steps 5 --log /tmp/x.jsonl      # seconds
    python tools/benchmarks/balance_gaps.py --emoji data/emoji_train data/emoji_test --log e.jsonl

Scikit-learn's digits, turned by a quarter or not, and one hidden layer that the tasks share; or the
records of examples/emoji.py at 24 px and two convolutions. Every way of weighing has the same
number of trials (the learning rates) and of updates, and fixed weights are among them; the rate is
chosen on validation rows, which are labelled as training rows are, and test rows are looked at
once. A finished run is a line of the log and is left out the next time.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mxmtl

import _loss_runs as runs
import mxnet as mx
import numpy as np
from tabulate import tabulate

RATES = (0.01, 0.03, 0.1)
BATCH, HIDDEN = 64, 48
PARTS = (1.0, 0.4, 0.2, 0.1, 0.05)  # of the rows that have a label, of each task
METHODS = (
    "uncertainty", "uncertainty(rescale=False)", "random", "imtl_g", "mgda",
    "mgda(normalize='loss+')", "pcgrad", "upgrad", "upgrad(momentum=0.9)", "nash_mtl",
)  # fmt: skip
# Fixed weights of the tasks, the one with most labels first.
FIXED = {
    "equal": (1, 1, 1, 1, 1),
    "fixed: rare ones 3": (0.33, 0.67, 1, 1.5, 1.5),
    "fixed: frequent ones 3": (1.5, 1.5, 1, 0.67, 0.33),
    "fixed: first 3": (3, 0.5, 0.5, 0.5, 0.5),
}
Arrays = dict[str, np.ndarray]


class Digits:
    """Scikit-learn's digits of 8x8, turned by a quarter or not."""

    name = "digits"
    tasks: Sequence[mxmtl.Task] = (
        mxmtl.Multiclass("digit", classes=list("0123456789")),
        mxmtl.Binary("odd"),
        mxmtl.Regression("ink"),
        mxmtl.Binary("turned"),
        mxmtl.Binary("high"),
    )

    def features(self) -> mx.sym.Symbol:
        hidden = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=HIDDEN, name="trunk")
        return mx.sym.relu(hidden)

    def parts(self, seed: int) -> tuple[dict[str, Arrays], np.random.RandomState]:
        """Return train, val and test: images (N, 64) and all labels of each task; and the draws."""
        from sklearn.datasets import load_digits

        rng, source = np.random.RandomState(seed), load_digits()
        turned = rng.randint(2, size=len(source.images))
        images = np.where(
            turned[:, None, None], np.rot90(source.images, axes=(1, 2)), source.images
        )
        ink = source.data.mean(axis=1)
        arrays = {
            "data": np.float32(images.reshape(len(images), -1) / 16),
            "digit": source.target, "odd": source.target % 2, "ink": (ink - ink.mean()) / ink.std(),
            "turned": turned, "high": source.target > 4,
        }  # fmt: skip
        order = rng.permutation(len(images))
        pieces = np.split(order, [900, 1200])
        parts = {p: taken(arrays, rows) for p, rows in zip(("train", "val", "test"), pieces)}
        return parts, rng


class Emoji:
    """The records of examples/emoji.py at 24 px; gender and tone have gaps of their own."""

    name = "emoji"

    def __init__(self, train: str, test: str) -> None:
        self._whole = {"train": self._read(train), "test": self._read(test)}

    def _read(self, prefix: str) -> Arrays:
        with mxmtl.RecordIter(prefix, 64, data_shape=(3, 24, 24)) as rows:
            known, found = rows.tasks, [(b.data[0].asnumpy(), b.label, b.pad) for b in rows]
        kept = [len(images) - pad for images, _, pad in found]
        labels = [
            np.concatenate([b[1][k].asnumpy()[:n] for b, n in zip(found, kept)])
            for k in range(len(known))
        ]
        of = dict(zip(known.names, labels))
        images = np.concatenate([images[:n] for (images, _, _), n in zip(found, kept)])
        self.tasks: Sequence[mxmtl.Task] = (
            mxmtl.Multiclass("category", classes=known["category"].classes),
            mxmtl.Binary("white"),
            mxmtl.Regression("coverage"),
            mxmtl.Multiclass("gender", classes=known["gender"].classes),
            mxmtl.Multiclass("tone", classes=known["tone"].classes),
        )
        return {
            "data": np.float32(images / 255 - 0.5), "category": of["category"].ravel(),
            "white": of["colors"][:, known["colors"].labels.index("white")],
            "coverage": of["coverage"].ravel() * 4 - 2,
            "gender": of["gender"].ravel(), "tone": of["tone"].ravel(),
        }  # fmt: skip

    def features(self) -> mx.sym.Symbol:
        x = mx.sym.var("data")
        for index, width in enumerate((16, 32)):
            x = mx.sym.Convolution(x, kernel=(3, 3), num_filter=width, name=f"conv{index}")
            x = mx.sym.Pooling(mx.sym.relu(x), kernel=(2, 2), stride=(2, 2), pool_type="max")
        hidden = mx.sym.FullyConnected(mx.sym.flatten(x), num_hidden=HIDDEN, name="trunk")
        return mx.sym.relu(hidden)

    def parts(self, seed: int) -> tuple[dict[str, Arrays], np.random.RandomState]:
        """Return train, val and test: images (N, 3, 24, 24) and all labels; and the draws."""
        whole = self._whole["train"]
        order = np.random.RandomState(seed).permutation(len(whole["data"]))
        val, train = np.split(order, [600])
        test = self._whole["test"]
        parts = {"train": taken(whole, train), "val": taken(whole, val), "test": test}
        return parts, np.random.RandomState(seed + 1000)


Source = Digits | Emoji


def taken(arrays: Arrays, rows: np.ndarray) -> Arrays:
    return {name: np.float32(array[rows]) for name, array in arrays.items()}


def with_gaps(source: Source, seed: int) -> dict[str, Arrays]:
    """Return the parts of a set; labels of all but the test are dropped."""
    parts, rng = source.parts(seed)
    for part in ("train", "val"):
        for task, share in zip(source.tasks, PARTS):
            label = parts[part][task.name]
            missing = np.nan if isinstance(task, mxmtl.Regression) else -1
            label[rng.uniform(size=len(label)) > share] = missing
    return parts


def tasks_of(source: Source, weights: Sequence[float] = (1, 1, 1, 1, 1)) -> mxmtl.TaskSet:
    made = [dataclasses.replace(task, weight=w) for task, w in zip(source.tasks, weights)]
    return mxmtl.TaskSet(made, normalization="valid")


def scores(module: mx.mod.Module, part: Arrays, tasks: mxmtl.TaskSet) -> dict[str, float]:
    """Return a score of each task, higher is better: accuracy, or R2 of the regression."""
    module.forward(mx.io.DataBatch([mx.nd.array(part["data"])], None), is_train=False)
    found = {}
    for task, output in zip(tasks, module.get_outputs()):
        name, answer, label = task.name, output.asnumpy(), part[task.name]
        if isinstance(task, mxmtl.Regression):
            known = label == label
            wrong = np.square(answer[known, 0] - label[known]).mean()
            found[name] = float(1 - wrong / label[known].var())
        else:
            known = label >= 0
            said = answer.argmax(1) if answer.shape[1] > 1 else answer[:, 0] > 0.5
            found[name] = float((said[known] == label[known]).mean())
    return found


def train(source: Source, name: str, rate: float, seed: int, steps: int) -> dict[str, Any]:
    """Train one network; return its scores on validation and test rows."""
    tasks = tasks_of(source, FIXED.get(name, (1, 1, 1, 1, 1)))
    parts, alone = with_gaps(source, seed), name.removeprefix("alone: ")
    if alone in tasks.names:
        tasks = mxmtl.TaskSet([tasks[alone]], normalization="valid")
    balance = name if name in METHODS else "equal"
    symbol = mxmtl.training_symbol(source.features(), tasks, balance=balance)
    module = mx.mod.Module(symbol, label_names=tasks.label_names)
    shape = (BATCH, *parts["train"]["data"].shape[1:])
    module.bind([("data", shape)], [(n, (BATCH,)) for n in tasks.label_names])
    mx.random.seed(seed)
    module.init_params(mx.init.Xavier())
    state = ["balance_state"] if "momentum" in balance else []
    schedule = mx.lr_scheduler.CosineScheduler(steps, rate, 0)
    options = {"learning_rate": rate, "lr_scheduler": schedule, "momentum": 0.9, "wd": 1e-4}
    module.init_optimizer(optimizer="sgd", optimizer_params=options)
    rng = np.random.RandomState(seed)
    for _ in range(steps):
        rows = rng.choice(len(parts["train"]["data"]), BATCH, replace=False)
        labels = [mx.nd.array(parts["train"][task.name][rows]) for task in tasks]
        batch = mx.io.DataBatch([mx.nd.array(parts["train"]["data"][rows])], labels)
        module.forward_backward(batch)
        module.update()
        if state:
            told = mx.nd.slice_axis(module.get_outputs()[-1], axis=1, begin=2, end=4)
            told.copyto(module._exec_group.execs[0].arg_dict[state[0]])
    mx.nd.waitall()
    predicting = mx.mod.Module(mxmtl.prediction_symbol(symbol, tasks), label_names=None)
    results: dict[str, Any] = {}
    for part in ("val", "test"):
        predicting.bind(
            [("data", parts[part]["data"].shape)], for_training=False, force_rebind=True
        )
        predicting.set_params(*module.get_params(), allow_extra=True)
        results[part] = scores(predicting, parts[part], tasks)
    return results


def chosen(rows: list[dict[str, Any]], name: str, seed: int) -> dict[str, Any]:
    """Return the run whose rate was best on validation rows, by the mean over tasks."""
    own = [row for row in rows if row["name"] == name and row["seed"] == seed]
    means = [np.mean(list(row["val"].values())) for row in own]
    return own[int(np.argmax(np.nan_to_num(means, nan=-np.inf)))]  # nan: that run diverged


def table(rows: list[dict[str, Any]], names_of_tasks: list[str]) -> str:
    from scipy.stats import t

    seeds = sorted({row["seed"] for row in rows})
    names = [name for name in (*FIXED, *METHODS) if any(row["name"] == name for row in rows)]
    alone = {
        (task, seed): chosen(rows, f"alone: {task}", seed)["test"][task]
        for task in names_of_tasks
        for seed in seeds
    }
    lines = [
        [
            "each alone",
            *(f"{100 * np.mean([alone[n, s] for s in seeds]):.1f}" for n in names_of_tasks),
        ]
    ]
    lines[0].append("0")
    for name in names:
        best = [chosen(rows, name, seed)["test"] for seed in seeds]
        gains = [
            100 * np.mean([(one[n] - alone[n, seed]) / abs(alone[n, seed]) for n in names_of_tasks])
            for one, seed in zip(best, seeds)
        ]
        half = t.ppf(0.975, len(seeds) - 1) * np.std(gains, ddof=1) / len(seeds) ** 0.5
        means = [f"{100 * np.mean([one[n] for one in best]):.1f}" for n in names_of_tasks]
        lines.append([name, *means, f"{np.mean(gains):+.1f} ± {half:.1f}"])
    headers = ["weighed", *(f"{n}, {100 * share:.0f} %" for n, share in zip(names_of_tasks, PARTS))]
    return tabulate(lines, [*headers, "delta m, %"], "github", disable_numparse=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--emoji", nargs=2, metavar="RECORDS", help="train on these, test on those")
    parser.add_argument("--write", type=Path, help="put the table into this document")
    options = parser.parse_args()
    source: Source = Emoji(*options.emoji) if options.emoji else Digits()
    tasks = [task.name for task in source.tasks]
    rows = runs.read(options.log)
    rows = [row for row in rows if (row["set"], row["steps"]) == (source.name, options.steps)]
    done = {(row["name"], row["rate"], row["seed"]) for row in rows}
    names = (*FIXED, *METHODS, *(f"alone: {task}" for task in tasks))
    for seed, name, rate in itertools.product(range(options.seeds), names, RATES):
        if (name, rate, seed) in done:
            continue
        key = {"set": source.name, "name": name, "rate": rate, "seed": seed, "steps": options.steps}
        rows.append({**key, **train(source, name, rate, seed, options.steps)})
        runs.append(options.log, rows[-1])
    made = table(rows, tasks)
    print(made)
    if options.write:
        begin, end = f"<!-- {source.name} -->", f"<!-- end of {source.name} -->"
        head, _, rest = options.write.read_text("utf-8").partition(begin)
        tail = rest.partition(end)[2]
        options.write.write_text(f"{head}{begin}\n{made}\n{end}{tail}", encoding="utf-8")


if __name__ == "__main__":
    main()
