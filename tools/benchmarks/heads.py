"""What heads cost in a training step: more tasks against one, and our heads against plain ones.

    python tools/benchmarks/heads.py                # about 5 minutes on 2 cores
    python tools/benchmarks/heads.py --size 64 --rounds 3

One step is forward, backward and SGD update through a Module. All variants are built first and
then stepped in turn, round after round, so that a slow spell of the machine meets all of them;
the table shows the median over rounds of the time relative to the first variant.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import mxmtl

import mxnet as mx
import numpy as np
from tabulate import tabulate


def tasks_of(count: int) -> mxmtl.TaskSet:
    """One multiclass task of 10, then two binary, multi-label of 10 and multiclass in turn."""
    makers: list[Callable[[str], mxmtl.Task]] = [
        lambda name: mxmtl.Multiclass(name, [f"c{i}" for i in range(10)]),
        mxmtl.Binary,
        lambda name: mxmtl.Multilabel(name, [f"l{i}" for i in range(10)]),
        mxmtl.Binary,
    ]
    return mxmtl.TaskSet([makers[index % 4](f"t{index}") for index in range(count)])


def plain_symbol(features: mx.sym.Symbol, tasks: mxmtl.TaskSet) -> mx.sym.Symbol:
    """Build the heads as MXNet users write them by hand: nothing is masked but softmax rows."""
    outputs = []
    for task in tasks:
        logits = mx.sym.FullyConnected(features, num_hidden=task.num_outputs, name=task.name)
        label = mx.sym.var(task.label_name)
        if task.kind == "class":
            options = {"use_ignore": True, "ignore_label": -1, "name": task.name}
            outputs.append(mx.sym.SoftmaxOutput(logits, label, **options))
        else:
            outputs.append(mx.sym.LogisticRegressionOutput(logits, label, name=task.name))
    return mx.sym.Group(outputs)


def stepper(symbol: mx.sym.Symbol, tasks: mxmtl.TaskSet, data: np.ndarray) -> Callable[[], None]:
    """Bind a Module and return a function that makes one training step and waits for it."""
    rows, rng = len(data), np.random.RandomState(0)
    module = mx.mod.Module(symbol, label_names=tasks.label_names)
    labels = [(task.label_name, task.label_shape(rows)) for task in tasks]
    module.bind([("data", data.shape)], labels)
    module.init_params(mx.init.Xavier())
    module.init_optimizer(optimizer="sgd", optimizer_params=[("learning_rate", 1e-4)])
    values = [mx.nd.array(rng.randint(-1, 2, size=shape)) for _, shape in labels]
    batch = mx.io.DataBatch([mx.nd.array(data)], values)

    def step() -> None:
        module.forward_backward(batch)
        module.update()
        mx.nd.waitall()

    return step


def compare(variants: dict[str, Callable[[], None]], rounds: int, repeat: int) -> list[list[str]]:
    """Step all variants in turn; return rows of name, median time, median ratio to the first."""
    for step in variants.values():
        step()
    times: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(rounds):
        for name, step in variants.items():
            begin = time.perf_counter()
            for _ in range(repeat):
                step()
            times[name].append((time.perf_counter() - begin) / repeat)
    first = times[next(iter(times))]
    return [
        [
            name,
            f"{statistics.median(each) * 1e3:.2f} ms",
            f"{statistics.median(a / b for a, b in zip(each, first)):.3f}",
        ]
        for name, each in times.items()
    ]


def processor() -> str:
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--size", type=int, default=128, help="height and width of the images")
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()

    rng = np.random.RandomState(0)
    shape = (arguments.batch_size, 3, arguments.size, arguments.size)
    images = rng.normal(size=shape).astype(np.float32)
    features = rng.normal(size=(arguments.batch_size, 512)).astype(np.float32)
    data = mx.sym.var("data")
    print(f"{processor()}, {mxmtl.usable_cores()} cores, batch {arguments.batch_size}\n")

    one = tasks_of(1)
    trunk = mxmtl.zoo_trunk("resnet18_v1")
    variants = {"one plain head": stepper(plain_symbol(trunk(data), one), one, images)}
    for count in (1, 8, 40):
        tasks = tasks_of(count)
        variants[f"{count} tasks"] = stepper(mxmtl.training_symbol(trunk, tasks), tasks, images)
    headers = [f"ResNet-18 at {arguments.size} px", "a step", "ratio"]
    print(tabulate(compare(variants, arguments.rounds, 1), headers, tablefmt="github"), "\n")

    for count in (1, 8, 40):
        tasks = tasks_of(count)
        variants = {
            "MXNet's plain heads": stepper(plain_symbol(data, tasks), tasks, features),
            "ours, gated": stepper(mxmtl.training_symbol(data, tasks), tasks, features),
        }
        headers = [f"{count} heads on 512 features", "a step", "ratio"]
        rows = compare(variants, arguments.rounds, 50)
        print(tabulate(rows, headers, tablefmt="github"), "\n")


if __name__ == "__main__":
    main()
