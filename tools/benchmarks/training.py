"""Images a second of ``mxmtl.fit`` beside a bare Module loop, MXNet's defaults, and PyTorch.

    python tools/benchmarks/training.py
    python tools/benchmarks/training.py --torch /path/to/python   # one that has torch

ResNet-18 with three heads, batches of 16 images of 128 x 128, SGD with momentum. Each variant is
a process of its own, as threads are chosen when MXNet loads. They run in turn, round after round;
the table has medians over rounds, and medians of the ratios within a round.

    fit      mxmtl.fit from records: decoding, metrics of all tasks and callbacks included, its
             rate as it is logged (the last of two epochs; writing a checkpoint comes after it)
    loop     forward_backward and update of a Module, by hand, on arrays that are in memory
    stock    the same loop with as many threads as MXNet takes by itself
    frozen   mxmtl.fit with a frozen trunk, epochs after the first, images each time
    cached   the same with cached features
    torch    the same network in PyTorch, as the loop; the faster of its two memory layouts
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SIZE, BATCH, BATCHES = 128, 16, 20
CLASSES = {"kind": 10, "color": 5}
LABELS = 8
RATIOS = [("fit", "loop", 0.97), ("fit", "stock", 1.5), ("fit", "torch", 1.0)]
RATIOS += [("cached", "frozen", 20.0)]
VERSION = "import torch; print(torch.__version__)"


def task_set() -> Any:
    import mxmtl

    tasks = [mxmtl.Multiclass(name, [f"c{i}" for i in range(n)]) for name, n in CLASSES.items()]
    return mxmtl.TaskSet([*tasks, mxmtl.Multilabel("tags", [f"t{i}" for i in range(LABELS)])])


def write(folder: Path) -> str:
    """Write records of noise that JPEG compresses as it does photographs; half is unlabelled."""
    import csv

    import mxmtl

    import cv2
    import numpy as np

    rng, tasks = np.random.RandomState(0), task_set()
    with (folder / "t.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, ["path", *tasks.columns])
        writer.writeheader()
        for index in range(BATCH * BATCHES):
            coarse = rng.randint(0, 256, (20, 20, 3)).astype(np.uint8)
            cv2.imwrite(str(folder / f"{index}.jpg"), cv2.resize(coarse, (170, 170)))
            row: dict[str, Any] = {"path": f"{index}.jpg"}
            for task in tasks:
                for column in task.columns:
                    values = task.names if task.kind == "class" else (0, 1)
                    row[column] = values[rng.randint(len(values))] if rng.rand() < 0.5 else ""
            writer.writerow(row)
    mxmtl.write_records(folder / "t.csv", images=folder, prefix=folder / "t", tasks=tasks)
    return str(folder / "t")


def fit(records: str, **options: Any) -> float:
    """Return the rate of the last epoch of `mxmtl.fit`."""
    import mxmtl

    with tempfile.TemporaryDirectory() as run:
        done = mxmtl.fit(
            records, run=run, trunk="resnet18_v1", data_shape=(3, SIZE, SIZE), batch_size=BATCH,
            lr=0.01, **options,
        )  # fmt: skip
        return float(done.history[-1]["images_per_second"])


def loop(records: str, first: str = "mxmtl") -> float:
    """Return the rate of a Module that is stepped by hand; ``first`` is imported first."""
    importlib.import_module(first)  # mxnet before mxmtl has MXNet's own threads
    import mxmtl

    import mxnet as mx
    import numpy as np

    tasks, rng = task_set(), np.random.RandomState(0)
    net = mxmtl.MultiTaskNet(mxmtl.zoo_trunk("resnet18_v1"), tasks)
    module = mx.mod.Module(mxmtl.training_symbol(net, tasks), label_names=tasks.label_names)
    data = mx.nd.array(rng.normal(size=(BATCH, 3, SIZE, SIZE)))
    labels = [mx.nd.array(rng.randint(-1, 2, task.label_shape(BATCH))) for task in tasks]
    shapes = list(zip(tasks.label_names, (label.shape for label in labels)))
    module.bind([("data", data.shape)], shapes)
    module.init_params(mx.init.Xavier())
    module.init_optimizer(
        optimizer="sgd", optimizer_params={"learning_rate": 0.01, "momentum": 0.9, "wd": 1e-4}
    )
    batch = mx.io.DataBatch([data], labels)

    def step() -> None:
        module.forward_backward(batch)
        module.update()

    return timed(step, mx.nd.waitall)


def torch_loop(records: str) -> float:
    """Return the rate of the same network in PyTorch, in the layout that is faster."""
    import torch

    return max(torch_rate(layout) for layout in (torch.channels_last, torch.contiguous_format))


def torch_rate(layout: Any) -> float:
    """Return the rate in one memory layout."""
    import torch
    from torch import nn

    def block(wide: int, channels: int, stride: int) -> nn.Module:
        class Residual(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.main = nn.Sequential(
                    nn.Conv2d(wide, channels, 3, stride, 1, bias=False), nn.BatchNorm2d(channels),
                    nn.ReLU(inplace=True),
                    nn.Conv2d(channels, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels),
                )  # fmt: skip
                same = stride == 1 and wide == channels
                self.side = nn.Identity() if same else nn.Sequential(
                    nn.Conv2d(wide, channels, 1, stride, bias=False), nn.BatchNorm2d(channels)
                )  # fmt: skip

            def forward(self, x: Any) -> Any:
                return torch.relu(self.main(x) + self.side(x))

        return Residual()

    layers: list[nn.Module] = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)]
    layers += [nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)]
    for wide, channels, stride in ((64, 64, 1), (64, 128, 2), (128, 256, 2), (256, 512, 2)):
        layers += [block(wide, channels, stride), block(channels, channels, 1)]
    trunk = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    widths = [*CLASSES.values(), LABELS]
    heads = nn.ModuleList([nn.Linear(512, width) for width in widths])
    trunk = trunk.to(memory_format=layout)
    parameters = [*trunk.parameters(), *heads.parameters()]
    optimizer = torch.optim.SGD(parameters, lr=0.01, momentum=0.9, weight_decay=1e-4)
    data = torch.randn(BATCH, 3, SIZE, SIZE).to(memory_format=layout)
    labels = [torch.randint(0, width, (BATCH,)) for width in CLASSES.values()]
    tags = torch.randint(0, 2, (BATCH, LABELS)).float()

    def step() -> None:
        optimizer.zero_grad()
        *logits, last = [head(features) for features in [trunk(data)] for head in heads]
        loss = sum(nn.functional.cross_entropy(z, y) for z, y in zip(logits, labels))
        (loss + nn.functional.binary_cross_entropy_with_logits(last, tags)).backward()
        optimizer.step()

    return timed(step, lambda: None)


def timed(step: Callable[[], None], wait: Callable[[], None]) -> float:
    """Return images a second over a few steps, after some that are not counted."""
    for _ in range(4):
        step()
    wait()
    began = time.perf_counter()
    for _ in range(BATCHES):
        step()
    wait()
    return BATCH * BATCHES / (time.perf_counter() - began)


FROZEN = {"frozen_epochs": 3, "epochs": 0}
VARIANTS: dict[str, Callable[[str], float]] = {
    "fit": lambda records: fit(records, epochs=2),
    "loop": loop,
    "stock": lambda records: loop(records, first="mxnet"),
    "frozen": lambda records: fit(records, cache=False, **FROZEN),
    "cached": lambda records: fit(records, **FROZEN),
    "torch": torch_loop,
}


def spawn(variant: str, records: str, python: str) -> float:
    """Run a variant in a process of its own."""
    from mxmtl import usable_cores

    environment = dict(os.environ)
    cores = str(usable_cores())  # what mxmtl takes; the bare loop and PyTorch are given the same
    environment.pop("OMP_NUM_THREADS", None)
    if variant in ("loop", "torch"):
        environment["OMP_NUM_THREADS"] = cores
    command = [python, __file__, "--child", variant, "--records", records]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return float(done.stdout.splitlines()[-1])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--torch", help="a Python that has torch")
    parser.add_argument("--only", nargs="*", help="these variants only")
    parser.add_argument("--out", type=Path, help="write the table as Markdown")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--records", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        print(VARIANTS[arguments.child](arguments.records))
        return 0
    names = [n for n in VARIANTS if n in (arguments.only or VARIANTS)]
    if not arguments.torch and "torch" in names:
        names.remove("torch")
    rates: dict[str, list[float]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as folder:
        records = write(Path(folder))
        for number in range(arguments.rounds):
            for name in names:
                python = arguments.torch if name == "torch" else sys.executable
                rates[name].append(spawn(name, records, python))
            print(json.dumps({name: round(rates[name][number], 1) for name in names}), flush=True)
    text = f"{title(arguments)}\n\n{table(rates)}"
    print(text)
    if arguments.out:
        arguments.out.write_text(text + "\n", "utf-8")
    return 0


def title(arguments: argparse.Namespace) -> str:
    """Return what was measured, where and how."""
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    name = next((x.split(":")[1].strip() for x in lines if x.startswith("model name")), "a CPU")
    cores = len(os.sched_getaffinity(0))
    torch = ""
    if arguments.torch:
        version = subprocess.check_output([arguments.torch, "-c", VERSION], text=True)
        torch = f", PyTorch {version.strip()}"
    return f"""# What training costs

`python tools/benchmarks/training.py --rounds {arguments.rounds}` on {name} with {cores} cores,
MXNet 1.9.1{torch}. ResNet-18, three heads, batches of {BATCH} at {SIZE} px, SGD with momentum.
The variants run in turn, each in a process of its own, round after round; rates are medians, and
ratios medians of the ratios within a round, which say more than the rates.

```
{textwrap.dedent(__doc__[__doc__.index("    fit ") :]).strip()}
```"""


def table(rates: dict[str, list[float]]) -> str:
    """Return medians and ratios in Markdown."""
    lines = ["| variant | images a second, median | least | most |", "|---|---|---|---|"]
    for name, values in rates.items():
        middle = statistics.median(values)
        lines.append(f"| {name} | {middle:.1f} | {min(values):.1f} | {max(values):.1f} |")
    lines += ["", "| ratio | median | goal |", "|---|---|---|"]
    for above, below, goal in RATIOS:
        if above in rates and below in rates:
            pairs = [a / b for a, b in zip(rates[above], rates[below])]
            lines.append(f"| {above} / {below} | {statistics.median(pairs):.2f} | {goal} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
