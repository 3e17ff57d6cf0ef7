"""Weights of a run as the beginning of another: its trunk, and heads of tasks that are the same.

A head means what its task means. So it is taken where the task is read the same way from the
records, and where the same logits are the same prediction: a number that was standardised by other
labels has another head.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable, Mapping

import mxnet as mx
import numpy as np

from ..model import MODEL, Arrays, ModelFile, RunFolder
from ..tasks import NumpyOperators, Task, TaskSet

log = logging.getLogger("mxmtl")
OF_A_RUN = re.compile(r"(.*)-\d{4,}(-batch-\d{4,})?\.params")
PROBE = np.linspace(-2, 2, 7)  # logits


def weights_file(source: str) -> str:
    """Return the file of weights that a name stands for: of a run folder its best checkpoint."""
    if os.path.isdir(source):
        return str(RunFolder(source).best.path(".params"))
    return source


def same_heads(source: str, tasks: TaskSet, shapes: Mapping[str, tuple[int, ...]]) -> Arrays:
    """Return the parameters of heads, from weights of a run, whose tasks are the same.

    Other files have none, and a head that reads other features, or has other layers, as ``shapes``
    of the new network's parameters tell, is another. What was taken, and what was not, is logged.
    """
    path = weights_file(source)
    match = OF_A_RUN.fullmatch(path)
    beside = os.path.join(os.path.dirname(path), MODEL)
    if match is None or not os.path.exists(beside):
        return {}
    theirs, arrays = ModelFile.load(beside).tasks, mx.nd.load(path)
    taken: Arrays = {}
    new = []
    for task in tasks:
        if task.name not in theirs or not is_same(task, theirs[task.name]):
            new.append(task.name)
            continue
        there = head_params(task, theirs, [key.removeprefix("arg:") for key in arrays])
        found = {name: arrays[f"arg:{name}"] for name in there}
        wanted = {name: shapes[name] for name in head_params(task, tasks, shapes)}
        if {name: array.shape for name, array in found.items()} != wanted:
            new.append(task.name)
            continue
        taken.update(found)
    if taken:  # gates know which expert is which
        names = {key.removeprefix("arg:"): array for key, array in arrays.items()}
        shared = {name for name in names if name.startswith("experts") and name in shapes}
        taken.update({n: names[n] for n in shared if names[n].shape == shapes[n]})
    done = ", ".join(name for name in tasks.names if name not in new) or "none"
    log.info("heads taken from %s: %s%s", path, done, f"; new: {', '.join(new)}" if new else "")
    return taken


def head_params(task: Task, tasks: TaskSet, names: Iterable[str]) -> list[str]:
    """Return which parameters are those of a task's head."""
    longer = tuple(f"{name}_" for name in tasks.names if name.startswith(f"{task.name}_"))
    others = (task.label_name, task.epoch_name)
    return [
        name
        for name in names
        if name.startswith(f"{task.name}_") and not name.startswith(longer) and name not in others
    ]


def is_same(task: Task, other: Task) -> bool:
    """Tell whether a head of one task is one of another: same labels, same meaning of logits."""

    def meaning(one: Task) -> tuple[object, ...]:
        return type(one).__name__, one.columns, one.names, one.num_logits

    if meaning(task) != meaning(other):
        return False
    logits = np.stack([np.roll(PROBE, i) for i in range(task.num_logits)], axis=1)
    made = [one.activate(NumpyOperators(), logits.astype(np.float32)) for one in (task, other)]
    return bool(np.array_equal(*made))
