"""What balancing tasks costs in a training step, beside plain training and other toolkits.

    python tools/benchmarks/balance.py                      # ResNet-18 at 64 px; some minutes
    python tools/benchmarks/balance.py --torch PYTHON --libmtl FOLDER --write docs/...md

One step is forward, backward and SGD update. All variants are built first and then stepped in turn,
round after round, so that a slow spell of the machine meets all of them; the table shows medians
over rounds, of the time and of its ratio to a step without balancing (PyTorch's to its own). An
interpreter that has torch, torchvision and torchjd steps TorchJD on the same network, and LibMTL
from a folder of its sources; both processes have as many threads.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import mxmtl

import numpy as np
from heads import processor, stepper, tasks_of
from tabulate import tabulate

METHODS = "imtl_g,mgda,pcgrad,upgrad"
BEGIN, END = "<!-- table -->", "<!-- end of table -->"
Step = Callable[[], float]


class Other:
    """The process that steps TorchJD and LibMTL; see balance_torch.py."""

    def __init__(self, python: str, count: int, rows: int, size: int, libmtl: str) -> None:
        script = Path(__file__).with_name("balance_torch.py")
        command = [python, str(script), *map(str, (count, rows, size)), libmtl]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdin
        assert self.process.stdout
        self.given, self.told = self.process.stdin, self.process.stdout
        self.names = list(iter(lambda: self.told.readline().strip(), ""))

    def step(self, name: str) -> float:
        """Make one step of a variant, and return its seconds."""
        print(name, file=self.given, flush=True)
        return float(self.told.readline())

    def close(self) -> None:
        """End it."""
        self.process.communicate()


def timed(step: Callable[[], None]) -> Step:
    def one() -> float:
        begin = time.perf_counter()
        step()
        return time.perf_counter() - begin

    return one


def measured(variants: dict[str, Step], rounds: int) -> dict[str, list[float]]:
    """Step all variants in turn, after one step each that is not counted."""
    for step in variants.values():
        step()
    times: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(rounds):
        for name, step in variants.items():
            times[name].append(step())
    return times


def table(times: dict[str, list[float]], headers: list[str]) -> str:
    rows = []
    for name, each in times.items():
        first = times["PyTorch, equal" if ", " in name and "mxmtl" not in name else "mxmtl, equal"]
        ratio = statistics.median(a / b for a, b in zip(each, first))
        rows.append([name, f"{statistics.median(each):.3f} s", f"{ratio:.2f}"])
    return tabulate(rows, headers, tablefmt="github", disable_numparse=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--trunk", default="resnet18_v1")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--size", type=int, default=64, help="height and width of the images")
    parser.add_argument("--tasks", default="2,8,20", help="numbers of tasks")
    parser.add_argument("--methods", default=METHODS)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--torch", default="", help="an interpreter that has torchjd")
    parser.add_argument("--libmtl", default="", help="folder that holds LibMTL/")
    parser.add_argument("--write", type=Path, help="put the tables into this document")
    options = parser.parse_args()

    shape = (options.batch_size, 3, options.size, options.size)
    images = np.random.RandomState(0).normal(size=shape).astype(np.float32)
    threads = os.environ.get("OMP_NUM_THREADS", mxmtl.usable_cores())
    parts = [f"{processor()}, {threads} thread(s), batch {options.batch_size}"]
    print(parts[0], flush=True)
    for count in map(int, options.tasks.split(",")):
        tasks, trunk = tasks_of(count), mxmtl.nets.named_trunk(options.trunk)
        variants: dict[str, Step] = {}
        for name in ("equal", *options.methods.split(",")):
            symbol = mxmtl.training_symbol(trunk, tasks, balance=name)
            variants[f"mxmtl, {name}"] = timed(stepper(symbol, tasks, images))
        other = None
        if options.torch:
            other = Other(options.torch, count, *shape[::2], options.libmtl)
            variants.update({name: partial(other.step, name) for name in other.names})
        headers = [f"{count} tasks, {options.trunk} at {options.size} px", "a step", "to equal"]
        parts.append(table(measured(variants, options.rounds), headers))
        print(f"\n{parts[-1]}", flush=True)
        if other is not None:
            other.close()
    if options.write:
        head, _, rest = options.write.read_text("utf-8").partition(BEGIN)
        tail = rest.partition(END)[2]
        text = f"{head}{BEGIN}\n" + "\n\n".join(parts) + f"\n{END}{tail}"
        options.write.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
