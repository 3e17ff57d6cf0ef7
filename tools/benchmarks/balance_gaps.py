"""Balancing where labels are missing: five tasks on digits of 8x8, labelled in 5 to 100 % of rows.

    python tools/benchmarks/balance_gaps.py --log gaps.jsonl --write docs/benchmarks/balancing.md
    python tools/benchmarks/balance_gaps.py --seeds 1 --steps 5 --log /tmp/x.jsonl      # seconds

Scikit-learn's digits, turned by a quarter or not; one hidden layer that the tasks share. Every way
of weighing has the same number of trials (the learning rates) and of updates, and fixed weights are
among them; the rate is chosen on validation rows, which are labelled as training rows are, and test
rows are looked at once. A finished run is a line of the log and is left out the next time.
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from pathlib import Path
from typing import Any

import mxmtl

import mxnet as mx
import numpy as np
from tabulate import tabulate

RATES = (0.01, 0.03, 0.1)
BATCH, HIDDEN = 64, 48
SHARES = {"digit": 1.0, "odd": 0.4, "ink": 0.2, "turned": 0.1, "high": 0.05}  # rows with a label
METHODS = (
    "uncertainty", "random", "imtl_g", "mgda", "mgda(normalize='loss+')", "pcgrad", "upgrad",
    "upgrad(momentum=0.9)", "nash_mtl",
)  # fmt: skip
# Rows: as every task weighs 1; and fixed weights of (digit, odd, ink, turned, high).
FIXED = {
    "equal": (1, 1, 1, 1, 1),
    "fixed: rare ones 3": (0.33, 0.67, 1, 1.5, 1.5),
    "fixed: frequent ones 3": (1.5, 1.5, 1, 0.67, 0.33),
    "fixed: digit 3": (3, 0.5, 0.5, 0.5, 0.5),
}
BEGIN, END = "<!-- gaps -->", "<!-- end of gaps -->"
Arrays = dict[str, np.ndarray]


def tasks_of(weights: tuple[float, ...] = (1, 1, 1, 1, 1)) -> mxmtl.TaskSet:
    digit, odd, ink, turned, high = weights
    made = [
        mxmtl.Multiclass("digit", classes=list("0123456789"), weight=digit),
        mxmtl.Binary("odd", weight=odd),
        mxmtl.Regression("ink", weight=ink),
        mxmtl.Binary("turned", weight=turned),
        mxmtl.Binary("high", weight=high),
    ]
    return mxmtl.TaskSet(made, normalization="valid")


def data(seed: int) -> dict[str, Arrays]:
    """Return train, val and test: images (N, 64) and a label of each task."""
    from sklearn.datasets import load_digits

    rng, source = np.random.RandomState(seed), load_digits()
    turned = rng.randint(2, size=len(source.images))
    images = np.where(turned[:, None, None], np.rot90(source.images, axes=(1, 2)), source.images)
    ink = source.data.mean(axis=1)
    labels = {
        "digit": source.target, "odd": source.target % 2, "ink": (ink - ink.mean()) / ink.std(),
        "turned": turned, "high": source.target > 4,
    }  # fmt: skip
    order = rng.permutation(len(images))
    parts = dict(zip(("train", "val", "test"), np.split(order, [900, 1200])))
    found = {}
    for part, rows in parts.items():
        kept = {"data": np.float32(images[rows].reshape(len(rows), -1) / 16)}
        for name, share in SHARES.items():
            label = np.float32(labels[name][rows])
            if part != "test":
                label[rng.uniform(size=len(rows)) > share] = np.nan if name == "ink" else -1
            kept[name] = label
        found[part] = kept
    return found


def features() -> mx.sym.Symbol:
    hidden = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=HIDDEN, name="trunk")
    return mx.sym.relu(hidden)


def scores(module: mx.mod.Module, part: Arrays, names: list[str]) -> dict[str, float]:
    """Return a score of each task, higher is better: accuracy, or R2 of the regression."""
    module.forward(mx.io.DataBatch([mx.nd.array(part["data"])], None), is_train=False)
    found = {}
    for name, output in zip(names, module.get_outputs()):
        answer, label = output.asnumpy(), part[name]
        if name == "ink":
            known = label == label
            wrong = np.square(answer[known, 0] - label[known]).mean()
            found[name] = float(1 - wrong / label[known].var())
        else:
            known = label >= 0
            said = answer.argmax(1) if answer.shape[1] > 1 else answer[:, 0] > 0.5
            found[name] = float((said[known] == label[known]).mean())
    return found


def train(name: str, rate: float, seed: int, steps: int) -> dict[str, Any]:
    """Train one network; return its scores on validation and test rows, and seconds a step."""
    parts, alone = data(seed), name.removeprefix("alone: ")
    weights = FIXED.get(name, (1, 1, 1, 1, 1))
    tasks = tasks_of(weights)
    if alone in SHARES:
        tasks = mxmtl.TaskSet([tasks[alone]], normalization="valid")
    balance = name if name in METHODS else "equal"
    symbol = mxmtl.training_symbol(features(), tasks, balance=balance)
    module = mx.mod.Module(symbol, label_names=tasks.label_names)
    module.bind([("data", (BATCH, 64))], [(n, (BATCH,)) for n in tasks.label_names])
    mx.random.seed(seed)
    module.init_params(mx.init.Xavier())
    state = ["balance_state"] if "momentum" in balance else []
    schedule = mx.lr_scheduler.CosineScheduler(steps, rate, 0)
    options = {"learning_rate": rate, "lr_scheduler": schedule, "momentum": 0.9, "wd": 1e-4}
    module.init_optimizer(optimizer="sgd", optimizer_params=options)
    rng, begin = np.random.RandomState(seed), time.perf_counter()
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
    seconds = (time.perf_counter() - begin) / steps
    predicting = mx.mod.Module(mxmtl.prediction_symbol(symbol, tasks), label_names=None)
    results: dict[str, Any] = {"seconds": seconds}
    for part in ("val", "test"):
        predicting.bind(
            [("data", parts[part]["data"].shape)], for_training=False, force_rebind=True
        )
        predicting.set_params(*module.get_params(), allow_extra=True)
        results[part] = scores(predicting, parts[part], tasks.names)
    return results


def chosen(rows: list[dict[str, Any]], name: str, seed: int) -> dict[str, Any]:
    """Return the run whose rate was best on validation rows, by the mean over tasks."""
    own = [row for row in rows if row["name"] == name and row["seed"] == seed]
    means = [np.mean(list(row["val"].values())) for row in own]
    return own[int(np.argmax(np.nan_to_num(means, nan=-np.inf)))]  # nan: that run diverged


def table(rows: list[dict[str, Any]]) -> str:
    from scipy.stats import t

    seeds = sorted({row["seed"] for row in rows})
    names = [name for name in (*FIXED, *METHODS) if any(row["name"] == name for row in rows)]
    alone = {
        (task, seed): chosen(rows, f"alone: {task}", seed)["test"][task]
        for task in SHARES
        for seed in seeds
    }
    plain = np.median([row["seconds"] for row in rows if row["name"] == "equal"])
    lines = [
        ["each alone", *(f"{100 * np.mean([alone[n, s] for s in seeds]):.1f}" for n in SHARES)]
    ]
    lines[0] += ["0", ""]
    for name in names:
        best = [chosen(rows, name, seed)["test"] for seed in seeds]
        gains = [
            100 * np.mean([(one[n] - alone[n, seed]) / abs(alone[n, seed]) for n in SHARES])
            for one, seed in zip(best, seeds)
        ]
        half = t.ppf(0.975, len(seeds) - 1) * np.std(gains, ddof=1) / len(seeds) ** 0.5
        spent = np.median([row["seconds"] for row in rows if row["name"] == name]) / plain
        means = [f"{100 * np.mean([one[n] for one in best]):.1f}" for n in SHARES]
        lines.append([name, *means, f"{np.mean(gains):+.1f} ± {half:.1f}", f"{spent:.1f}"])
    headers = ["weighed", *(f"{n}, {100 * share:.0f} %" for n, share in SHARES.items())]
    return tabulate(lines, [*headers, "delta m, %", "a step"], "github", disable_numparse=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--write", type=Path, help="put the table into this document")
    options = parser.parse_args()
    text = options.log.read_text("utf-8") if options.log.exists() else ""
    rows = [json.loads(line) for line in text.splitlines()]
    done = {(row["name"], row["rate"], row["seed"], row["steps"]) for row in rows}
    names = (*FIXED, *METHODS, *(f"alone: {task}" for task in SHARES))
    for seed, name, rate in itertools.product(range(options.seeds), names, RATES):
        if (name, rate, seed, options.steps) in done:
            continue
        key = {"name": name, "rate": rate, "seed": seed, "steps": options.steps}
        rows.append({**key, **train(name, rate, seed, options.steps)})
        with options.log.open("a", encoding="utf-8") as stream:
            print(json.dumps(rows[-1]), file=stream, flush=True)
    made = table([row for row in rows if row["steps"] == options.steps])
    print(made)
    if options.write:
        head, _, rest = options.write.read_text("utf-8").partition(BEGIN)
        tail = rest.partition(END)[2]
        options.write.write_text(f"{head}{BEGIN}\n{made}\n{END}{tail}", encoding="utf-8")


if __name__ == "__main__":
    main()
