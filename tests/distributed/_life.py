"""A life of a run, begun or gone on with: ``_life.py RECORDS RUN SECONDS [EPOCHS]``.

It saves after every batch, and waits so many seconds.
"""

from __future__ import annotations

import logging
import sys
import time
from pathlib import Path
from typing import Any

from mxmtl import training
from tests.training import _small

import mxnet as mx


def network() -> mx.sym.Symbol:
    """A trunk without batch normalization and dropout, which depend on who sees which rows."""
    with mx.name.NameManager():
        x = mx.sym.Convolution(mx.sym.var("data"), num_filter=6, kernel=(3, 3), name="conv")
        x = mx.sym.Activation(x, act_type="tanh")
        x = mx.sym.FullyConnected(mx.sym.Flatten(x), num_hidden=12, name="fc")
        return mx.sym.Activation(x, act_type="relu", name="features")


OPTIONS = {"augment": [], "save_batches": 1, "epochs": 4, "optimizer": "adam", "lr": 0.01}


class Slow(training.Callback):
    """Tells of each batch, and leaves time to be killed in it."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def on_batch_end(self, session: training.Session) -> None:
        print(f"epoch {session.epoch}, batch {session.batch} is done", flush=True)
        time.sleep(self.seconds)


def live(records: str, run: Path, **options: Any) -> training.Run:
    """Begin a run, or go on with it."""
    if training.find_checkpoints(run):
        return training.resume(run, callbacks=options.get("callbacks", ()))
    return _small.fit(records, run, **{"network": network(), **OPTIONS, **options, "force": True})


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    records, run, seconds, *epochs = sys.argv[1:]
    longer = {"epochs": int(epochs[0])} if epochs else {}
    live(records, Path(run), callbacks=[Slow(float(seconds))], **longer)
    print("the run is done", flush=True)
