"""What each loss costs in a training step, against the plain one: 8 tasks and 40 labels.

    python tools/benchmarks/loss_cost.py                    # about 5 minutes
    python tools/benchmarks/loss_cost.py --size 0           # heads alone

Seven tasks of 10 classes and one of 40 labels; a third of the labels is missing. One step is
forward, backward and SGD update through a Module. All variants are built first and then stepped in
turn, round after round; the table shows medians over rounds, of times and of ratios to plain.
"""

from __future__ import annotations

import argparse
from typing import Any

import mxmtl
from mxmtl import losses

import mxnet as mx
import numpy as np
from heads import compare, processor, stepper
from tabulate import tabulate

NAMES = [str(k) for k in range(10)]
LABELS = [str(k) for k in range(40)]
SOME = np.arange(1, 11)  # counts of classes
CELLS = np.tile([5, 2], (40, 1))
LOSSES: dict[str, dict[str, dict[str, Any]]] = {
    "plain": {},
    "focal": {"class": {"loss": losses.Focal()}, "cells": {"loss": losses.Focal()}},
    "asymmetric": {"cells": {"loss": losses.Asymmetric()}},
    "Hill": {"cells": {"loss": losses.Hill()}},
    "strictly proper": {"cells": {"loss": losses.ProperAsymmetric()}},
    "class-balanced": {
        "class": {"loss": losses.ClassBalanced(counts=SOME)},
        "cells": {"loss": losses.ClassBalanced(counts=CELLS)},
    },
    "logit adjustment": {
        "class": {"loss": losses.LogitAdjusted(counts=SOME)},
        "cells": {"loss": losses.LogitAdjusted(counts=CELLS)},
    },
    "negative": {"cells": {"missing_as": losses.Negative()}},
    "known fraction": {"cells": {"missing_as": losses.KnownFraction()}},
    "maximum entropy": {"cells": {"missing_as": losses.MaximumEntropy()}},
    "selective": {"cells": {"missing_as": losses.Selective()}},
    "large loss": {"cells": {"missing_as": losses.LargeLoss()}},
    "self-paced": {"cells": {"missing_as": losses.SelfPaced(), "loss": losses.FocalMargin()}},
}


def tasks_with(options: dict[str, dict[str, Any]]) -> mxmtl.TaskSet:
    """Return the tasks, those of classes and those of labels with what is declared for them."""
    classes = [
        mxmtl.Multiclass(f"t{index}", NAMES, **options.get("class", {})) for index in range(7)
    ]
    return mxmtl.TaskSet([*classes, mxmtl.Multilabel("labels", LABELS, **options.get("cells", {}))])


def ordered(method: str) -> mxmtl.TaskSet:
    classes = [mxmtl.Ordinal(f"t{index}", NAMES, method=method) for index in range(7)]
    return mxmtl.TaskSet([*classes, mxmtl.Multilabel("labels", LABELS)])


def table_of(trunk: Any, data: np.ndarray, title: str, rounds: int, repeat: int) -> str:
    """Step a network with each loss; return the table."""
    sets = {name: tasks_with(options) for name, options in LOSSES.items()}
    sets.update({method: ordered(method) for method in ("corn", "coral", "soft")})
    variants = {
        name: stepper(mxmtl.training_symbol(trunk, tasks), tasks, data)
        for name, tasks in sets.items()
    }
    headers = [title, "a step", "ratio"]
    return tabulate(compare(variants, rounds, repeat), headers, tablefmt="github")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--size", type=int, default=64, help="of the images; 0: heads alone")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--repeat", type=int, default=20, help="steps a turn, of heads alone")
    options = parser.parse_args()
    rng = np.random.RandomState(0)
    print(f"{processor()}, {mxmtl.usable_cores()} cores, batch {options.batch_size}\n", flush=True)
    features = rng.normal(size=(options.batch_size, 512)).astype(np.float32)
    given = mx.sym.var("data"), features, "heads on 512 features", options.rounds, options.repeat
    print(table_of(*given), "\n", flush=True)
    if options.size:
        shape = (options.batch_size, 3, options.size, options.size)
        images = rng.normal(size=shape).astype(np.float32)
        trunk = mxmtl.zoo_trunk("resnet18_v1")
        title = f"ResNet-18 at {options.size} px"
        print(table_of(trunk, images, title, options.rounds, 1), flush=True)


if __name__ == "__main__":
    main()
