"""A problem that trains in a second: 46 pictures of 8 x 8, four tasks, half the labels missing."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import mxmtl
from mxmtl import training
from mxmtl.augment import RandomMirror
from mxmtl.training import _session
from tests import _cases

import cv2
import mxnet as mx
import numpy as np

ROWS, BATCH = 46, 8
KINDS = ("multiclass", "binary", "multilabel", "regression")


def tasks() -> mxmtl.TaskSet:
    return mxmtl.TaskSet([_cases.TASKS[kind] for kind in KINDS])


def write(folder: Path) -> str:
    """Write records; return their prefix."""
    rng = np.random.RandomState(7)
    label = np.concatenate([_cases.random_label(t, ROWS, 0.5, rng) for t in tasks()], axis=1)
    with (folder / "t.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, ["path", *tasks().columns])
        writer.writeheader()
        for index in range(ROWS):
            picture = rng.randint(0, 256, (8, 8, 3)).astype(np.uint8)
            cv2.imwrite(str(folder / f"{index}.png"), picture)
            writer.writerow({"path": f"{index}.png", **tasks().decode(label[index])})
    mxmtl.write_records(folder / "t.csv", images=folder, prefix=folder / "t", tasks=tasks())
    return str(folder / "t")


def network() -> mx.sym.Symbol:
    """Return a trunk with all that makes resuming hard: batch normalization and dropout."""
    with mx.name.NameManager():
        x = mx.sym.Convolution(mx.sym.var("data"), num_filter=6, kernel=(3, 3), name="conv")
        x = mx.sym.BatchNorm(x, name="bn", fix_gamma=False)
        x = mx.sym.Dropout(mx.sym.Activation(x, act_type="relu"), p=0.3)
        x = mx.sym.FullyConnected(mx.sym.Flatten(x), num_hidden=12, name="fc")
        return mx.sym.Activation(x, act_type="relu", name="features")


OPTIONS = {"data_shape": (3, 8, 8), "batch_size": BATCH, "epochs": 3, "threads": 1, "seed": 3}


def fit(prefix: str, run: Path, val: str | None = None, **changes: Any) -> training.Run:
    """Train for three epochs of six batches."""
    options = {**OPTIONS, "augment": [RandomMirror()], "network": network(), **changes}
    return mxmtl.fit(prefix, prefix if val is None else val, run=run, **options)


def weights(run: training.Run, which: str = "last") -> tuple[bytes, ...]:
    """Return the values of all parameters, byte for byte."""
    _, args, auxs = run.load(which)
    return tuple(a.asnumpy().tobytes() for _, a in sorted({**args, **auxs}.items()))


def train_on(monkeypatch: Any, *contexts: mx.Context) -> None:
    """Let runs train on these devices, as if the machine had no others."""
    monkeypatch.setattr(_session, "devices", lambda gpus: list(contexts))


class Crash(training.Callback):
    """Ends the run at a batch as a power cut does: nothing is saved by it."""

    def __init__(self, epoch: int, batch: int) -> None:
        self.place = (epoch, batch)

    def on_batch_end(self, session: training.Session) -> None:
        if (session.epoch, session.batch) == self.place:
            raise PowerCutError


class PowerCutError(Exception):
    pass
