"""Features of a frozen trunk, computed once, and batches of them instead of images."""

from __future__ import annotations

import logging
import time
from typing import Any, Dict, List, Mapping, Tuple

import mxnet as mx
import numpy as np

from ..data import RecordIter
from ..data.loading import Order
from ..tasks import TaskSet
from ._network import Trained
from ._symbol_json import nodes

log = logging.getLogger("mxmtl")


class FeatureIter(mx.io.DataIter):  # type: ignore[misc]
    """Batches of rows that are in memory, in the order in which `RecordIter` reads records.

    Parameters
    ----------
    features : numpy.ndarray
        (num_records, num_features), float32.
    labels : numpy.ndarray
        (num_records, label_width), float32.
    tasks : TaskSet
        What the labels mean.
    batch_size : int
        Rows in a batch.
    shuffle, seed, num_parts, part_index : bool, int, int, int
        As those of `RecordIter`.
    """

    def __init__(
        self,
        features: np.ndarray,
        labels: np.ndarray,
        tasks: TaskSet,
        *,
        batch_size: int,
        **order: Any,
    ) -> None:
        super().__init__(batch_size)
        self._features, self._labels, self.tasks = features, labels, tasks
        self._order = Order(len(features), batch_size, **order)
        self.num_batches = self._order.num_batches
        self.provide_data = [mx.io.DataDesc("data", (batch_size, features.shape[1]))]
        self.provide_label = [
            mx.io.DataDesc(task.label_name, task.label_shape(batch_size), layout="N")
            for task in tasks
        ]
        self._begin(0, 0)

    def _begin(self, epoch: int, batch: int) -> None:
        self.epoch, self._batch, self._cursor = epoch, batch, self._order.cursor(batch)
        self._rows, _ = self._order.rows(epoch)

    def __iter__(self) -> FeatureIter:
        if self._batch > self.num_batches:
            self.reset()
        return self

    def reset(self) -> None:
        """Begin the next epoch."""
        self._begin(self.epoch + 1, 0)

    def next(self) -> mx.io.DataBatch:
        """Return the next batch, or raise `StopIteration` at the end of the epoch."""
        batch, self._batch = self._batch, self._batch + 1
        if batch >= self.num_batches:
            self._batch = self.num_batches + 1
            raise StopIteration
        start = self._cursor
        self._cursor += self._order.take(batch, len(self._rows) - start)
        rows = self._rows[start : self._cursor]
        pad = self.batch_size - len(rows)
        filled = np.resize(rows, self.batch_size)  # padded rows repeat the first ones, unlabelled
        labels = self._labels[filled]
        labels[len(rows) :] = self.tasks.missing_label
        return mx.io.DataBatch(
            [mx.nd.array(self._features[filled])],
            [mx.nd.array(part) for part in self.tasks.split(labels)],
            pad,
            provide_data=self.provide_data,
            provide_label=self.provide_label,
        )

    def state_dict(self) -> Dict[str, Any]:
        """Return where it stands."""
        return {"epoch": self.epoch, "batch": self._batch, "made": self._order.describe()}

    def whole_state(self, state: Mapping[str, Any]) -> Dict[str, Any]:
        """Return where one iterator over all parts stands; it is the same batch."""
        return {**state, "made": self._order.whole().describe()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go to where another iterator stood."""
        self._begin(state["epoch"], state["batch"])


def features_symbol(symbol: mx.sym.Symbol, tasks: TaskSet) -> mx.sym.Symbol:
    """Return the part of a training symbol that the heads share: images to features."""
    graph = nodes(symbol)
    head = next(node for node in graph if node["name"] == f"{tasks[0].name}_fwd")
    source, output, *_ = head["inputs"][0]
    internals = symbol.get_internals()
    name = graph[source]["name"]
    outputs = [name] if graph[source]["op"] == "null" else []
    outputs += [o for o in internals.list_outputs() if o.startswith(f"{name}_output")]
    return internals[outputs[output]]


def make_features(
    network: Trained, records: RecordIter, context: List[mx.Context]
) -> Tuple[np.ndarray, np.ndarray]:
    """Compute features (n, num_features) and labels (n, label_width) of all records, in order."""
    began = time.monotonic()
    trunk = features_symbol(network.symbol, records.tasks)
    module = mx.mod.Module(trunk, label_names=None, context=context)
    module.bind(records.provide_data, for_training=False)
    module.init_params(None, arg_params=network.args, aux_params=network.auxs, allow_extra=True)
    features, labels = [], []
    for batch in records:
        module.forward(batch, is_train=False)
        rows = records.batch_size - batch.pad
        features.append(module.get_outputs()[0].asnumpy()[:rows])
        parts = [label.asnumpy().reshape(records.batch_size, -1) for label in batch.label]
        labels.append(np.concatenate(parts, axis=1)[:rows])
    seconds = time.monotonic() - began
    log.info("features of %d images computed once, in %.1f s", records.num_records, seconds)
    return np.concatenate(features), np.concatenate(labels)
