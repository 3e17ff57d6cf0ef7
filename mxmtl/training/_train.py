"""One phase of a run: a module, and ``Module.fit``."""

from __future__ import annotations

import logging
from typing import Any, Dict, List

import mxnet as mx

from .._devices import context
from ..augment._uniform import keys
from ..data import RecordIter
from ._monitor import make_suite
from ._network import Trained
from ._optimizer import optimizer_params
from ._phases import Phase, decay_rates, freeze_statistics, trunk_params
from ._session import Session
from ._settings import Settings
from ._stream import Stream
from ._symbol_json import draws_random_numbers

quiet = logging.getLogger("mxmtl.module")  # what Module.fit says; one line a metric is too much
quiet.setLevel(logging.ERROR)
DROPOUT = 0x64726F70  # keeps these random numbers apart from the order's and the augmentation's


class Records:
    """The training and the validation records as iterators.

    Attributes
    ----------
    train, val : RecordIter
        ``val`` is None where there are none.
    """

    def __init__(self, settings: Settings, train: Any, val: Any) -> None:
        options: Dict[str, Any] = {
            "batch_size": settings.batch_size,
            "threads": settings.threads,
            **settings.preprocessing.options(),
        }
        training = {**options, "shuffle": True, "seed": settings.seed}
        if settings.augment:
            training["augment"] = settings.augment
        self.train = RecordIter(train, **training)
        self.val = None if val is None else RecordIter(val, tasks=self.train.tasks, **options)

    def __enter__(self) -> Records:
        return self

    def __exit__(self, *error: object) -> None:
        self.train.close()
        if self.val is not None:
            self.val.close()


def train_phase(session: Session, phase: Phase, network: Trained, records: Records) -> Trained:
    """Train the epochs of a phase that are left; return the network with its new values."""
    settings, tasks = session.settings, session.tasks
    symbol = network.symbol
    if phase.frozen:
        trained = freeze_statistics(symbol)
    else:
        trained = decay_rates(symbol, tasks, settings.layer_decay)
    session.module = module = mx.mod.Module(
        trained,
        label_names=tasks.label_names,
        context=devices(settings.gpus),
        fixed_param_names=trunk_params(symbol, tasks) if phase.frozen else None,
        logger=quiet,
    )
    session.stream = make_stream(session, records.train, trained)
    session.metric = make_suite(tasks, settings.monitor)
    session.num_batches = records.train.num_batches
    session.go(phase)
    mx.random.seed(settings.seed)  # what has no values yet is drawn from here
    module.fit(
        session.stream,
        eval_data=records.val,
        eval_metric=session.metric,
        validation_metric=make_suite(tasks, settings.monitor),
        begin_epoch=session.epoch,
        num_epoch=phase.end,
        optimizer=settings.optimizer,
        optimizer_params=optimizer_params(
            settings, phase, session.num_batches, session.begin_update
        ),
        initializer=mx.init.Xavier(),
        arg_params=network.args,
        aux_params=network.auxs,
        allow_missing=True,
        batch_end_callback=session.batch_end,
        epoch_end_callback=None if records.val else session.epoch_end,
        eval_end_callback=session.eval_end,
    )
    return Trained(symbol, *module.get_params())


def make_stream(session: Session, batches: mx.io.DataIter, symbol: mx.sym.Symbol) -> Stream:
    """Return the training batches; before each, MXNet's random numbers begin at its own seed.

    The state of MXNet's generators cannot be read, so a run that resumes could not set it. As
    seeding them takes a millisecond, it is left out where the network draws nothing.
    """

    def seed(epoch: int, index: int) -> None:
        mx.random.seed(int(keys(session.settings.seed, DROPOUT, epoch, index)[0]) >> 33)

    def nothing(epoch: int, index: int) -> None:
        pass

    drawing = draws_random_numbers(symbol)
    return Stream(batches, seed if drawing else nothing, session.on_start)


def devices(gpus: str) -> List[mx.Context]:
    """Return the GPUs ``"0,1"`` names; all that work if it is empty, else the CPU."""
    if not gpus:
        return context()
    return [mx.gpu(int(index)) for index in gpus.split(",")]
