"""What learning several tasks together gains: delta m, against a network of its own for each task.

A gain is the change of a task's main metric relative to that of its single-task run, positive where
it is better; delta m is the mean over tasks (Maninis et al. 2019). Both are shares: 0.01 is 1 %.
"""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Callable, Mapping

import numpy as np

from ..metrics import ALL_TASKS, MetricValue, main_metric
from ..training import SINGLE_TASKS
from ._evaluation import Evaluation


def single_task_runs(run: str | os.PathLike[str], names: list[str]) -> dict[str, str]:
    """Return the single-task run of each task beside a run, as ``train --single-tasks`` makes them.

    Raises `FileNotFoundError` where there is none.
    """
    found = {name: os.path.join(run, SINGLE_TASKS, name) for name in names}
    lacking = [name for name, folder in found.items() if not os.path.isdir(folder)]
    if lacking:
        raise FileNotFoundError(
            f"{os.path.join(run, SINGLE_TASKS)} has no run of {', '.join(lacking)}: "
            "mxmtl train ... --single-tasks makes one of each task."
        )
    return found


def with_gains(
    evaluation: Evaluation, run: str | os.PathLike[str], measured: Callable[[str], Evaluation]
) -> Evaluation:
    """Return the evaluation with ``<task>/gain`` and ``all_tasks/delta_m`` against single tasks.

    ``measured`` evaluates a run on the same records.
    """
    runs = single_task_runs(run, list(evaluation.tasks.names))
    return compared(evaluation, {name: measured(folder) for name, folder in runs.items()})


def compared(evaluation: Evaluation, alone: Mapping[str, Evaluation]) -> Evaluation:
    """Return the evaluation with gains against those of networks of single tasks, by task.

    A task whose main metric has no value, or is 0 alone, has no gain, and is no part of delta m.
    """
    gains: list[MetricValue] = []
    for name, single in alone.items():
        own = [v for v in evaluation.metrics if v.task == name and v.of_class is None]
        chosen = main_metric([value.metric for value in own])
        value = next(value for value in own if value.metric == chosen)
        before = single.values[value.name]
        sign = -1.0 if value.higher_is_better is False else 1.0
        gain = sign * (value.value - before) / abs(before) if before else math.nan
        gains.append(MetricValue(
            f"{name}/gain", name, "gain", None, gain, "share", higher_is_better=True
        ))  # fmt: skip
    known = [one.value for one in gains if math.isfinite(one.value)]
    mean = float(np.mean(known)) if known else math.nan
    gains.append(MetricValue(
        f"{ALL_TASKS}/delta_m", ALL_TASKS, "delta_m", None, mean, "share", higher_is_better=True
    ))  # fmt: skip
    drawn = evaluation.drawn
    if drawn is not None:
        drawn = np.pad(drawn, ((0, 0), (0, len(gains))), constant_values=np.nan)
    return dataclasses.replace(evaluation, metrics=[*evaluation.metrics, *gains], drawn=drawn)
