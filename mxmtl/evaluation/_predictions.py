"""Labels and predictions of a whole set of records: what evaluation and reports start from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Union

import mxnet as mx
import numpy as np

from ..data import RecordIter
from ..data.records._files_of import Prefixes
from ..deploy import Network
from ..tasks import Task, TaskSet
from ..training import Preprocessing


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
        By task name: float32 (N, num_outputs), before activation.
    temperature : dict
        By task name: what logits are divided by; 1 where there is none.
    """

    tasks: TaskSet
    index: np.ndarray
    labels: Dict[str, np.ndarray]
    logits: Dict[str, np.ndarray]
    temperature: Mapping[str, float]

    def __len__(self) -> int:
        return len(self.index)

    def prediction(self, task: Union[Task, str]) -> np.ndarray:
        """Return probabilities or values of one task, float32 (N, num_outputs)."""
        task = self.tasks[task] if isinstance(task, str) else task
        logits = self.logits[task.name] / np.float32(self.temperature.get(task.name, 1.0))
        activated: np.ndarray = task.activate(mx.nd, mx.nd.array(logits)).asnumpy()
        return activated

    def labelled(self, task: Union[Task, str]) -> np.ndarray:
        """Return which labels of one task are known: bool, in the labels' shape."""
        task = self.tasks[task] if isinstance(task, str) else task
        known: np.ndarray = task.labelled(self.labels[task.name])
        return known


def predict_records(
    network: Network,
    records: Prefixes,
    preprocessing: Preprocessing,
    *,
    batch_size: int = 32,
    temperature: Mapping[str, float] = {},
    **options: Any,
) -> Predictions:
    """Run a network over records, each row once and in order.

    Parameters
    ----------
    network : Network
        From `Network.of`.
    records : str or sequence of str
        Prefixes, as for `mxmtl.RecordIter`. Their tasks must be the network's.
    preprocessing : Preprocessing
        From ``run.model``.
    batch_size : int
        Rows at once.
    temperature : dict
        From ``run.model``.
    **options
        More for `mxmtl.RecordIter`, such as ``threads`` and ``on_error``.
    """
    blocks: List[List[np.ndarray]] = []
    with RecordIter(
        records, batch_size, tasks=network.tasks, **{**preprocessing.options(), **options}
    ) as batches:
        for batch in batches:
            rows = batch_size - batch.pad
            labels = [label.asnumpy()[:rows] for label in batch.label]
            logits = [part[:rows] for part in network.logits(batch.data[0])]
            blocks.append([batch.index[:rows], *labels, *logits])
    index, *arrays = map(np.concatenate, zip(*blocks))
    names = network.tasks.names
    return Predictions(
        network.tasks,
        index,
        dict(zip(names, arrays[: len(names)])),
        dict(zip(names, arrays[len(names) :])),
        dict(temperature),
    )
