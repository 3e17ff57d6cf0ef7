"""What one run was told, how it went, and how well it does on records: JSON-able."""

from __future__ import annotations

import os
from typing import Any, Dict

from ..evaluation import Predictions, measure
from ..model import ModelFile
from ..training import Run
from ._data_facts import counts_in, counts_of
from ._measured import Measured
from ._mistakes import worst
from ._network_facts import network_facts
from ._task_facts import task_facts

PICTURES = 240  # of one run, of all tasks together


def run_facts(
    run: Run,
    model: ModelFile,
    predictions: Predictions,
    which: str,
    mistakes: int,
    bootstrap: int,
) -> Dict[str, Any]:
    """Return all that a report says about one run; ``model`` has what it was predicted with."""
    checkpoint, settings = run.checkpoint(which), run.settings
    train, _ = run.records
    measured = [
        Measured.of(predictions, task, model.thresholds.get(task.name)) for task in model.tasks
    ]
    evaluation = measure(predictions, thresholds=model.thresholds, bootstrap=bootstrap)
    each = min(mistakes, max(1, PICTURES // len(measured)))
    return {
        "name": run.folder.resolve().name,
        "folder": os.fspath(run.folder),
        "checkpoint": checkpoint.stem,
        "which": which,
        "epoch": checkpoint.epoch,
        "monitor": settings.monitor,
        "settings": settings.to_dict(),
        "thresholds": model.thresholds,
        "temperature": model.temperature,
        "history": run.history,
        "train": {"prefix": listed(train), **counts_in(train, model.tasks)},
        "evaluated": counts_of(predictions),
        "skipped": predictions.skipped,
        "metrics": evaluation.values,
        "intervals": {name: list(pair) for name, pair in evaluation.intervals.items()},
        "level": evaluation.level,
        "tasks": {
            m.task.name: {
                "type": type(m.task).__name__,
                "names": list(m.task.names),
                "default_metrics": list(m.task.default_metrics),
                **task_facts(m),
                "mistakes": worst(m, predictions.index, each),
            }
            for m in measured
        },
        "network": network_facts(
            run.load(which)[0], model.tasks, tuple(model.preprocessing.data_shape)
        ),
    }


def listed(prefixes: Any) -> Any:
    """Return prefixes as a list of texts."""
    one = isinstance(prefixes, (str, os.PathLike))
    return [os.fspath(prefix) for prefix in ([prefixes] if one else prefixes)]
