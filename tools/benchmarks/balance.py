"""What balancing tasks costs in a training step, against the same step without it.

    python tools/benchmarks/balance.py                      # ResNet-18 at 64 px; about 10 minutes
    python tools/benchmarks/balance.py --tasks 8 --methods imtl_g,upgrad

One step is forward, backward and SGD update through a Module. All methods are built first and then
stepped in turn, round after round; the table shows the median over rounds of the time relative to
a step without balancing.
"""

from __future__ import annotations

import argparse

import mxmtl

import numpy as np
from heads import compare, processor, stepper, tasks_of
from tabulate import tabulate

METHODS = "uncertainty,gradnorm,imtl_g,mgda,pcgrad,cagrad,dualproj,upgrad,nash_mtl"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--trunk", default="resnet18_v1")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--size", type=int, default=64, help="height and width of the images")
    parser.add_argument("--tasks", default="2,8,20", help="numbers of tasks")
    parser.add_argument("--methods", default=METHODS)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()

    shape = (options.batch_size, 3, options.size, options.size)
    images = np.random.RandomState(0).normal(size=shape).astype(np.float32)
    print(f"{processor()}, {mxmtl.usable_cores()} cores, batch {options.batch_size}\n")
    for count in map(int, options.tasks.split(",")):
        tasks = tasks_of(count)
        trunk = mxmtl.nets.named_trunk(options.trunk)
        variants = {
            name: stepper(mxmtl.training_symbol(trunk, tasks, balance=name), tasks, images)
            for name in ("equal", *options.methods.split(","))
        }
        headers = [f"{count} tasks, {options.trunk} at {options.size} px", "a step", "ratio"]
        rows = compare(variants, options.rounds, 1)
        print(tabulate(rows, headers, tablefmt="github"), "\n", flush=True)


if __name__ == "__main__":
    main()
