"""One training run: from pictures to accuracies, resumed at the epoch where it stopped."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import mxmtl
from mxmtl.training import find_checkpoints, load_module, newest_good, save_module

import mxnet as mx
import numpy as np
from digits import Pictures
from lenet import network
from protocols import BATCH_SIZE, MEAN, PROTOCOLS, STD, initializer

Epoch = dict[str, float]
NORMALIZED = ((np.arange(256) - MEAN) / STD).astype(np.float32)  # of each value of a pixel


@dataclass(frozen=True)
class Job:
    """What is trained; two runs of the same job end with the same weights.

    ``images`` of each part are taken (0: all). A job that tunes holds 10,000 training pictures
    out to measure on, and never looks at the test pictures.
    """

    protocol: str
    dataset: str
    model: str
    seed: int
    epochs: int
    lr: float
    images: int = 0
    tune: bool = False
    balance: str = "equal"

    @property
    def name(self) -> str:
        """A folder's name."""
        return "-".join(str(value) for value in asdict(self).values())

    def is_that_of(self, row: dict[str, Any]) -> bool:
        """Tell whether a line of the log is of this job; older lines were not balanced."""
        return asdict(self).items() <= {"balance": "equal", **row}.items()


class Batches(mx.io.DataIter):
    """Batches of pictures, in an order that depends on the seed and the epoch alone.

    Rows that pad the last batch have no labels (-1): they teach nothing and are not measured.
    """

    def __init__(
        self, pictures: Pictures, tasks: mxmtl.TaskSet, *, seed: int | None = None
    ) -> None:
        super().__init__(BATCH_SIZE)
        self.images, self.seed, self.epoch = NORMALIZED[pictures.images[:, np.newaxis]], seed, 0
        self.labels = [getattr(pictures, task.name).astype(np.float32) for task in tasks]
        self.provide_data = [mx.io.DataDesc("data", (BATCH_SIZE, *self.images.shape[1:]))]
        self.provide_label = [mx.io.DataDesc(name, (BATCH_SIZE,)) for name in tasks.label_names]
        self.num_batches = -(-len(self.images) // BATCH_SIZE)
        self.reset()

    def start(self, epoch: int) -> None:
        """Go to the start of an epoch, counted from 0."""
        self.epoch = epoch
        self.reset()

    def reset(self) -> None:
        """Go back to the start of the epoch."""
        self.batches = self._batches()

    def next(self) -> mx.io.DataBatch:
        return next(self.batches)

    def _batches(self) -> Iterator[mx.io.DataBatch]:
        order = np.arange(len(self.images))
        if self.seed is not None:
            np.random.RandomState([self.seed, self.epoch]).shuffle(order)
        for begin in range(0, len(order), BATCH_SIZE):
            rows = order[begin : begin + BATCH_SIZE]
            pad = BATCH_SIZE - len(rows)
            images = self.images[np.pad(rows, (0, pad))]
            labels = [np.pad(label[rows], (0, pad), constant_values=-1) for label in self.labels]
            arrays = [mx.nd.array(array) for array in (images, *labels)]
            yield mx.io.DataBatch(arrays[:1], arrays[1:], pad=pad)


def suite(tasks: mxmtl.TaskSet) -> mxmtl.metrics.Suite:
    kinds = (mxmtl.metrics.Accuracy, mxmtl.metrics.CrossEntropy)
    return mxmtl.metrics.Suite(tasks, [kind(task) for task in tasks for kind in kinds])


def train(job: Job, parts: dict[str, Pictures], work: Path) -> dict[str, Any]:
    """Train and measure a job, from where its folder in ``work`` stands; return its result."""
    protocol = PROTOCOLS[job.protocol]
    tasks = protocol.tasks(job.model)
    # Names begin anew: the symbol of a job that resumes must be the one that was saved.
    with mx.name.NameManager():
        symbol = network(tasks, protocol.dropout, protocol.random_biases, job.balance)
    batches = Batches(parts["train"], tasks, seed=job.seed)
    measured = {name: Batches(parts[name], tasks) for name in parts if name != "train"}
    module = mx.mod.Module(symbol, label_names=tasks.label_names, context=mxmtl.context())
    module.bind(batches.provide_data, batches.provide_label)
    folder = work / job.name
    history = _begin(module, job, batches.num_batches, folder)
    for epoch in range(len(history), job.epochs):
        begin = time.perf_counter()
        mx.random.seed(1000 * job.seed + epoch)  # of the dropout
        batches.start(epoch)
        metric = suite(tasks)
        for batch in batches:
            module.forward_backward(batch)
            module.update()
            module.update_metric(metric, batch.label)
        # A test pass that is begun makes test passes of the training passes that still wait.
        mx.nd.waitall()
        row = {f"train/{name}": value for name, value in metric.get_name_value()}
        for name, part in measured.items():
            part.reset()
            scores = module.score(part, suite(tasks))
            row.update({f"{name}/{metric}": value for metric, value in scores})
        history.append({**row, "seconds": time.perf_counter() - begin})
        _save(module, history, folder)
        print(job.name, f"epoch {epoch + 1}/{job.epochs}", _accuracies(history[-1]), flush=True)
    num_params = sum(array.size for array in module.get_params()[0].values())
    shutil.rmtree(folder)
    return {**asdict(job), "num_params": num_params, **_result(job, history)}


def _begin(module: mx.mod.Module, job: Job, steps: int, folder: Path) -> list[Epoch]:
    # Give the module its weights and its optimizer; return what is known of the epochs so far.
    protocol = PROTOCOLS[job.protocol]
    params = protocol.optimizer_params(job.lr, job.epochs, steps)
    options = {"optimizer": protocol.optimizer, "optimizer_params": params}
    found = newest_good(folder)
    if found is None:
        mx.random.seed(job.seed)
        module.init_params(initializer())
        module.init_optimizer(**options)
        return []
    return list(load_module(module, found[0], **options))


def _save(module: mx.mod.Module, history: list[Epoch], folder: Path) -> None:
    save_module(folder, module, epoch=len(history), state=history)
    for old in find_checkpoints(folder)[:-1]:
        old.remove()


def _accuracies(row: Epoch) -> str:
    return " ".join(f"{name} {value:.4f}" for name, value in row.items() if "accuracy" in name)


def _result(job: Job, history: list[Epoch]) -> dict[str, Any]:
    # The epoch that the protocol reports, and all epochs for the curves.
    def validation(row: Epoch) -> float:
        return sum(
            value
            for name, value in row.items()
            if name.startswith("val/") and name.endswith("/accuracy")
        )

    chosen = history[-1]
    if PROTOCOLS[job.protocol].best:
        chosen = max(reversed(history), key=validation)  # the last of equals, as their code does
    return {
        "epoch": history.index(chosen) + 1,
        **{name: round(value, 4) for name, value in chosen.items() if "accuracy" in name},
        "seconds": round(sum(row["seconds"] for row in history)),
        "curves": {name: [round(row[name], 4) for row in history] for name in history[0]},
    }
