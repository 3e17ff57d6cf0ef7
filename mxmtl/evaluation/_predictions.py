"""Labels and predictions of a whole set of records: what evaluation and reports start from."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Sequence, Union

import numpy as np
from tqdm import tqdm

from .._files import PathLike
from ..data import RecordIter
from ..data.records import Prefixes, record_tasks
from ..model import Preprocessing
from ..tasks import Task, TaskSet
from ._predictions_file import read_predictions, write_predictions


@dataclass(frozen=True)
class Predictions:
    """What a network said about N records, and what is known about them.

    Attributes
    ----------
    tasks : TaskSet
        What labels and logits mean.
    index : ndarray of int64 (N,)
        Record ids, as in ``batch.index`` of `mxmtl.RecordIter`.
    labels : dict of ndarray
        By task name: float32 (N,) or (N, num_labels), marked where missing.
    logits : dict of ndarray
        By task name: float32 (N, num_logits), before activation.
    temperature : dict
        By task name: what logits are divided by; 1 where there is none.
    thresholds : dict
        By task name: the threshold of each label; 0.5 where there is none.
    skipped : int
        Damaged records that were left out.
    """

    tasks: TaskSet
    index: np.ndarray
    labels: Dict[str, np.ndarray]
    logits: Dict[str, np.ndarray]
    temperature: Mapping[str, float]
    thresholds: Mapping[str, Sequence[float]] = field(default_factory=dict)
    skipped: int = 0

    def __len__(self) -> int:
        return len(self.index)

    def prediction(self, task: Union[Task, str]) -> np.ndarray:
        """Return probabilities or values of one task, float32 (N, num_outputs)."""
        task = self.tasks[task] if isinstance(task, str) else task
        (activated,) = TaskSet([task]).predict([self.logits[task.name]], self.temperature)
        return np.asarray(activated)

    def labelled(self, task: Union[Task, str]) -> np.ndarray:
        """Return which labels of one task are known: bool, in the labels' shape."""
        task = self.tasks[task] if isinstance(task, str) else task
        known: np.ndarray = task.labelled(self.labels[task.name])
        return known

    def save(self, path: PathLike) -> None:
        """Write all of it to one ``.npz`` file, whole or not at all."""
        about = {
            "tasks": self.tasks.to_dict(),
            "temperature": dict(self.temperature),
            "thresholds": {name: list(levels) for name, levels in self.thresholds.items()},
            "skipped": self.skipped,
        }
        arrays = {"index": self.index}
        arrays.update({f"labels/{name}": array for name, array in self.labels.items()})
        arrays.update({f"logits/{name}": array for name, array in self.logits.items()})
        write_predictions(path, about, arrays)

    @staticmethod
    def load(path: PathLike) -> "Predictions":
        """Read what `save` wrote; `ValueError` naming the file if it is something else."""
        about, arrays = read_predictions(path)
        try:
            tasks = TaskSet.from_dict(about["tasks"], source=str(path))
            rows = len(arrays["index"])
            labels = {
                t.name: arrays[f"labels/{t.name}"].reshape(t.label_shape(rows)) for t in tasks
            }
            logits = {t.name: arrays[f"logits/{t.name}"].reshape(rows, t.num_logits) for t in tasks}
            return Predictions(
                tasks, arrays["index"], labels, logits,
                about["temperature"], about["thresholds"], about["skipped"],
            )  # fmt: skip
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path}: no predictions of mxmtl ({error}).") from error


def predict_records(
    network: Any,
    records: Prefixes,
    preprocessing: Preprocessing,
    *,
    batch_size: int = 32,
    temperature: Mapping[str, float] = {},
    progress: bool = False,
    **options: Any,
) -> Predictions:
    """Run a network over records, each row once and in order.

    Parameters
    ----------
    network : Network
        From `Network.of`; or anything with ``tasks`` and ``logits(images)``.
    records : str or sequence of str
        Prefixes, as for `mxmtl.RecordIter`. Their tasks must have the network's columns and
        classes; weights and smoothing may differ.
    preprocessing : Preprocessing
        From ``run.model``.
    batch_size : int
        Rows at once.
    temperature : dict
        From ``run.model``.
    progress : bool
        Draw a bar, if the standard error is a terminal.
    **options
        More for `mxmtl.RecordIter`, such as ``threads`` and ``on_error``.

    Raises
    ------
    ValueError
        If the records were written for other tasks, or there are none.
    RecordError
        If a record is damaged, unless ``on_error="skip"``.
    """
    blocks: List[List[np.ndarray]] = []
    tasks = record_tasks(records, network.tasks)
    with RecordIter(
        records, batch_size, tasks=tasks, **{**preprocessing.options(), **options}
    ) as batches, tqdm(
        total=batches.num_records, unit=" images", unit_scale=True, leave=False,
        disable=not (progress and sys.stderr.isatty()),
    ) as bar:  # fmt: skip
        for batch in batches:
            rows = batch_size - batch.pad
            labels = [label.asnumpy()[:rows] for label in batch.label]
            logits = [part[:rows] for part in network.logits(batch.data[0])]
            blocks.append([batch.index[:rows], *labels, *logits])
            bar.update(rows)
        skipped = batches.skipped
    index, *arrays = map(np.concatenate, zip(*blocks))
    names = network.tasks.names
    return Predictions(
        network.tasks,
        index,
        dict(zip(names, arrays[: len(names)])),
        dict(zip(names, arrays[len(names) :])),
        dict(temperature),
        skipped=skipped,
    )
