"""A network whose convolutions and heads compute in 8 bits: made, and measured beside its model.

MXNet quantizes a symbol with oneDNN, for the CPU alone: weights become whole numbers of 8 bits,
and so does what flows between layers, scaled by the range of values that each layer had on some
images. Predictions change a little. How much is a matter of the network and of the images, so the
8 bits are never handed out without the metrics and the speed of both.
"""

from __future__ import annotations

import contextlib
import logging
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import mxnet as mx
import numpy as np
from tabulate import tabulate

from .._progress import progress
from ..data import RecordIter
from ..data.records import Prefixes, record_tasks
from ..metrics import AbstractDecision, Metric, Suite, main_metric
from ..model import Model, Network, Preprocessing
from ..nets import logits_name, logits_symbol
from ..tasks import Task

BACKEND = "MKLDNN_QUANTIZE"
IMAGES = 320  # to take ranges from
BATCH = 32
ROOM = 0.005  # of a value: 1e-4 of it are four steps of float32
ROUNDS = 7  # in which the two take turns to be timed


def quantize(model: Model, records: Prefixes, *, images: int = IMAGES, **options: Any) -> Model:
    """Return the same model in 8 bits, for `Predictor`, `evaluate` and `Network` on the CPU.

    The range of each layer's values is taken from images of the training or validation records
    ("naive" calibration: their smallest and largest). It pays for large networks, and for
    batches. `export_model` with ``int8`` writes it, and measures what it costs and saves.

    Parameters
    ----------
    model : Model
        From `load_model`.
    records : str or sequence of str
        Prefixes of records; labels do not matter.
    images : int
        How many of them to look at.
    **options
        More for `mxmtl.RecordIter`.

    Raises
    ------
    ValueError
        If the network has an operator that MXNet cannot quantize, which is named; or if it
        computes in 8 bits already.
    """
    if images < 1:
        raise ValueError(f"images={images}: expected 1 or more to calibrate on.")
    if model.in_8_bits:  # MXNet would end the process
        raise ValueError(f"{model.name} computes in 8 bits already: quantize the model it is of.")
    tasks = model.tasks
    seen = planes_of(records, model.file.preprocessing, images, **options)
    logits, params = _quantized(model, seen)
    named = (
        logits[index]  # not quantized itself, as where a head ends with a sum
        if logits[index].list_outputs() == [logits_name(task.name)]
        else mx.sym.identity(logits[index], name=logits_name(task.name)[: -len("_output")])
        for index, task in enumerate(tasks)
    )
    outputs = [
        task.prediction_output(mx.sym, part, name=task.name) for task, part in zip(tasks, named)
    ]
    # From JSON, as it will be read: what is measured is what will be loaded.
    symbol = mx.sym.load_json(mx.sym.Group(outputs).tojson())
    return replace(model, symbol=symbol, params=params, name=f"{model.name} in 8 bits")


def _quantized(model: Model, images: np.ndarray) -> tuple[mx.sym.Symbol, Any]:
    """Return the network of logits in 8 bits, and its parameters."""
    from mxnet.contrib.quantization import quantize_model

    quiet = logging.getLogger("mxmtl.quantize")
    quiet.propagate, quiet.level = False, logging.ERROR
    try:
        with without_lines_of("quantize_graph_pass.cc"):
            symbol, *params = quantize_model(
                sym=logits_symbol(model.symbol, model.tasks).get_backend_symbol(BACKEND),
                arg_params=model.params[0],
                aux_params=model.params[1],
                data_names=("data",),
                label_names=None,
                ctx=mx.cpu(),
                calib_mode="naive",
                calib_data=mx.io.NDArrayIter(images, batch_size=min(BATCH, len(images))),
                num_calib_examples=len(images),
                quantized_dtype="auto",
                logger=quiet,
            )
    except mx.MXNetError as error:
        reason = str(error).strip().splitlines()[-1]
        raise ValueError(f"{model.name} cannot be quantized: {reason}") from error
    return symbol.get_backend_symbol(BACKEND), tuple(params)


@contextlib.contextmanager
def without_lines_of(source: str) -> Iterator[None]:
    """Drop what a file of MXNet's C++ says meanwhile: a line for each layer, errors or not."""
    sys.stderr.flush()
    shown = os.dup(2)
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(shown, 2)
            os.close(shown)
            said.seek(0)
            for line in said:
                if source.encode() not in line:
                    os.write(2, line)


def planes_of(
    records: Prefixes, preprocessing: Preprocessing, count: int, **options: Any
) -> np.ndarray:
    """Read up to ``count`` images as the network takes them, float32 (N, channels, h, w)."""
    seen: list[np.ndarray] = []
    with RecordIter(records, BATCH, **{**preprocessing.options(), **options}) as batches:
        for batch in batches:
            seen.append(batch.data[0].asnumpy()[: BATCH - batch.pad])
            if sum(map(len, seen)) >= count:
                break
    return np.concatenate(seen)[:count]


class Comparison:
    """A model and what was made of it, on all of some labelled records.

    Parameters
    ----------
    models : (Model, Model)
        As it is, and in 8 bits.
    records : str or sequence of str
        Prefixes; their labels are measured against.

    Attributes
    ----------
    images : int
        How many records there were.
    difference : float
        The largest of a prediction, as `apart` measures it.
    speed : list of float
        Images a second of each, in batches of 32, without reading them.
    """

    def __init__(self, models: tuple[Model, Model], records: Prefixes) -> None:
        self.tasks, self._file = models[0].tasks, models[0].file
        self.images, self.difference = 0, 0.0
        self._names = [main_metric(task.default_metrics) for task in self.tasks]
        self._suites = [self._suite() for _ in models]
        networks = [Network.of_model(model) for model in models]
        batch = self._measure(networks, records)
        self.speed = [BATCH / seconds for seconds in seconds_of(networks, batch)]

    def _suite(self) -> Suite:
        made = []
        for task, name in zip(self.tasks, self._names):
            kind, levels = Metric.types[name], self._file.thresholds.get(task.name)
            decides = levels is not None and issubclass(kind, AbstractDecision)
            made.append(kind(task, **({"threshold": levels} if decides else {})))
        return Suite(self.tasks, made)

    def _measure(self, networks: list[Network], records: Prefixes) -> Any:
        """Go through the records; return the images of the first batch."""
        first: Any = None
        tasks = record_tasks(records, self.tasks)
        with RecordIter(
            records, BATCH, tasks=tasks, **self._file.preprocessing.options()
        ) as batches:
            for batch in progress(batches, "batches", what="measuring"):
                rows = slice(0, BATCH - batch.pad)
                labels = [label.asnumpy()[rows] for label in batch.label]
                images = batch.data[0].asnumpy()
                first, made = images if first is None else first, []
                for network, suite in zip(networks, self._suites):
                    logits = [part[rows] for part in network.logits(images)]
                    made.append(self.tasks.predict(logits, self._file.temperature))
                    suite.update(labels, made[-1])
                for task, one, other in zip(self.tasks, *made):
                    far = apart(task, one, other)
                    self.difference = float(np.maximum(self.difference, far))  # nan stays
                self.images += len(labels[0])
        return first

    def __str__(self) -> str:
        values = [[metric.get()[1] for metric in suite.metrics] for suite in self._suites]
        rows = [
            [task.name, name, f"{before:.4f}", f"{after:.4f}"]
            for task, name, before, after in zip(self.tasks, self._names, *values)
        ]
        rows.append(["", "images a second", *(f"{rate:.1f}" for rate in self.speed)])
        return tabulate(
            rows, ["task", "metric", "as it is", "in 8 bits"], tablefmt="github",
            disable_numparse=True, colalign=("left", "left", "right", "right"),
        )  # fmt: skip


def apart(task: Task, right: np.ndarray, found: np.ndarray) -> float:
    """Return how far predictions are from the right ones at most; nan where one is no number.

    Probabilities as they are; values in units of the labels' spread, and as shares of their
    distance from the middle where they are further from it: so the unit of labels does not matter.

    >>> import mxmtl
    >>> age = mxmtl.Regression("age", center=40, scale=20)
    >>> apart(age, np.array([[41.0], [140.0]]), np.array([[42.0], [142.0]]))
    0.05
    """
    center, scale = task.units
    reach = np.maximum(np.abs(right - center), ROOM * np.abs(right))
    return float((np.abs(task.nearest(right, found) - right) / np.maximum(reach, scale)).max())


def seconds_of(networks: list[Network], images: np.ndarray) -> list[float]:
    """Return the median time that each network takes for a batch; they take turns."""
    took: list[list[float]] = [[] for _ in networks]
    for _ in range(ROUNDS):
        for network, seconds in zip(networks, took):
            begin = time.perf_counter()
            network.logits(images)
            seconds.append(time.perf_counter() - begin)
    return [statistics.median(seconds) for seconds in took]
