"""One phase of a run: a module, and ``Module.fit``."""

from __future__ import annotations

import contextlib
import copy
import logging
from typing import Any, Dict, List, Mapping, Optional, Tuple

import mxnet as mx

from .._devices import context, share
from ..augment import keys
from ..data import RecordIter
from ..data.records import record_tasks
from ..distributed import Workers
from ..model import Arrays
from ..nets import training_symbol
from ..tasks import TaskSet
from ._average import Average
from ._features import FeatureIter, make_features
from ._known_records import check_records, note_records
from ._mix import Mix
from ._monitor import make_suite
from ._network import Trained, only_weights_decay
from ._optimizer import draws, optimizer_params
from ._phases import Phase, decay_rates, freeze, keep_statistics, trunk_params
from ._precision import FULL, choose_precision, reduced, unscaled
from ._session import PhaseOver, Session
from ._settings import Settings
from ._stream import Stream
from ._symbol_json import draws_random_numbers

quiet = logging.getLogger("mxmtl.module")  # what Module.fit says; one line a metric is too much
quiet.setLevel(logging.ERROR)
RANK = 0x72616E6B  # keeps the random numbers of workers apart
DROPOUT = 0x64726F70  # keeps these random numbers apart from the order's and the augmentation's


class Records:
    """The training and the validation records as iterators: this worker's part of them.

    Attributes
    ----------
    train, val : mx.io.DataIter
        Batches to train and to validate on; ``val`` is None where there are none.
    prefixes : tuple
        What they were opened with.

    Raises
    ------
    ValueError
        If they were written for other tasks than ``tasks``, those of a run that goes on, or the
        validation records for others than the training records: their classes would be mixed up.
    """

    def __init__(
        self,
        settings: Settings,
        train: Any,
        val: Any,
        workers: Optional[Workers] = None,
        tasks: Optional[TaskSet] = None,
    ) -> None:
        self._settings, self.prefixes = settings, (train, val)
        count, rank = (workers.count, workers.rank) if workers is not None else (1, 0)
        self._part = {"num_parts": count, "part_index": rank}
        self._batch_size = settings.batch_size // count
        training: Dict[str, Any] = {"shuffle": True, "seed": settings.seed}
        if settings.augment:
            training["augment"] = settings.augment
        self.train = self._open(train, tasks, **self._part, **training)
        self.val = None if val is None else self._open(val, self.train.tasks, **self._part)

    def _open(self, prefix: Any, tasks: Optional[TaskSet], **options: Any) -> RecordIter:
        settings = self._settings
        return RecordIter(
            prefix,
            self._batch_size,
            tasks=None if tasks is None else record_tasks(prefix, tasks),
            threads=settings.threads,
            **{**settings.preprocessing.options(), **options},
        )

    def note(self) -> Dict[str, Any]:
        """Return what a run notes about them, for `check`."""
        return {
            name: note_records(prefix, part.num_records) for name, prefix, part in self._named()
        }

    def check(self, noted: Mapping[str, Any]) -> None:
        """Raise `ValueError` unless they are those that a run noted, as far as it did."""
        for name, prefix, part in self._named():
            check_records(prefix, part.num_records, noted.get(name))

    def _named(self) -> List[Tuple[str, Any, RecordIter]]:
        both = zip(("train", "val"), self.prefixes, (self.train, self.val))
        return [(name, prefix, part) for name, prefix, part in both if part is not None]

    def features(self, network: Trained) -> Records:
        """Return the features that a frozen network makes of them, instead of images."""
        settings, made = self._settings, copy.copy(self)
        common: Dict[str, Any] = {"batch_size": self._batch_size, "tasks": self.train.tasks}
        common.update(self._part)  # every worker computes all features, and takes its part
        parts = []
        for prefix in self.prefixes:
            if prefix is not None:
                with self._open(prefix, self.train.tasks) as images:
                    parts.append(make_features(network, images, devices(settings.gpus)))
        made.train = FeatureIter(*parts[0], shuffle=True, seed=settings.seed, **common)
        made.val = FeatureIter(*parts[1], **common) if len(parts) > 1 else None
        return made

    def __enter__(self) -> Records:
        return self

    def __exit__(self, *error: object) -> None:
        self.train.close()
        if self.val is not None:
            self.val.close()


def train_phase(session: Session, phase: Phase, network: Trained, records: Records) -> Trained:
    """Train the epochs of a phase that are left; return the network with its new values."""
    settings, tasks = session.settings, session.tasks
    symbol, fixed = network.symbol, None
    trunk = set(trunk_params(symbol, tasks))
    if not phase.frozen:
        trained = decay_rates(symbol, tasks, settings.layer_decay)
        trained = keep_statistics(trained) if settings.keep_statistics else trained
    elif settings.cache:
        network = with_values(network, records, settings)
        records = records.features(network)
        trained = only_weights_decay(training_symbol(mx.sym.var("data"), tasks))
        session.extra = ({k: v for k, v in network.args.items() if k in trunk}, network.auxs)
    else:
        trained, fixed = freeze(symbol), sorted(trunk)
    cached = phase.frozen and settings.cache  # the trunk has done its work
    used = devices(settings.gpus)
    session.precision = FULL if cached else choose_precision(settings.precision, used)
    session.module = mx.mod.Module(
        reduced(trained, tasks, session.precision),
        label_names=tasks.label_names,
        context=used,
        fixed_param_names=fixed,
        logger=quiet,
    )
    session.average = Average(settings.ema) if settings.ema else None
    args, auxs = run_module(session, phase, network, records)
    values = Trained(symbol, {**session.extra[0], **args}, {**session.extra[1], **auxs})
    session.extra = ({}, {})
    return values


def run_module(
    session: Session, phase: Phase, network: Trained, records: Records
) -> Tuple[Arrays, Arrays]:
    """Call ``Module.fit`` for the epochs that are left; return the parameters."""
    settings, module = session.settings, session.module
    session.stream = make_stream(session, records.train, module.symbol)
    session.metric = make_suite(session.tasks, settings.monitor)
    session.num_batches = records.train.num_batches
    session.validated = records.val is not None
    session.go(phase)
    mx.random.seed(settings.seed)  # what has no values yet is drawn from here
    known = set(module.symbol.list_arguments())
    params = optimizer_params(settings, phase, session.num_batches, session.begin_update)
    with contextlib.suppress(PhaseOver):
        module.fit(
            session.stream,
            eval_data=records.val,
            eval_metric=session.metric,
            validation_metric=make_suite(session.tasks, settings.monitor),
            begin_epoch=session.epoch,
            num_epoch=phase.end,
            optimizer=settings.optimizer,
            optimizer_params=unscaled(params, settings.batch_size, session.precision),
            initializer=mx.init.Xavier(),
            arg_params={name: array for name, array in network.args.items() if name in known},
            aux_params=network.auxs,
            allow_missing=True,
            kvstore=session.workers.store() or settings.kvstore or "local",
            batch_end_callback=session.batch_end,
            epoch_end_callback=session.epoch_end,
            eval_end_callback=session.eval_end,
        )
    return module.get_params()  # type: ignore[no-any-return]


def with_values(network: Trained, records: Records, settings: Settings) -> Trained:
    """Return the network with a value for every parameter, drawn where there was none."""
    tasks = records.train.tasks
    if set(network.symbol.list_arguments()) <= {"data", *tasks.label_names, *network.args}:
        return network
    module = mx.mod.Module(network.symbol, label_names=tasks.label_names, logger=quiet)
    module.bind(records.train.provide_data, records.train.provide_label)
    mx.random.seed(settings.seed)
    module.init_params(mx.init.Xavier(), network.args, network.auxs, allow_missing=True)
    return Trained(network.symbol, *module.get_params())


def make_stream(session: Session, batches: mx.io.DataIter, symbol: mx.sym.Symbol) -> Stream:
    """Return the training batches; before each, MXNet's random numbers begin at its own seed.

    The state of MXNet's generators cannot be read, so a run that resumes could not set it. As
    seeding them takes a millisecond, it is left out where network and optimizer draw nothing.
    """
    settings = session.settings
    noise = draws(settings)
    drawing = noise or draws_random_numbers(symbol)
    images = len(batches.provide_data[0].shape) == 4  # features of a frozen trunk are not mixed
    rank = session.workers.rank  # each worker draws its own
    seed = int(keys(settings.seed, RANK, rank)[0]) >> 1 if rank else settings.seed
    # What an optimizer draws is for the weights, which are the same on all workers.
    drawn = settings.seed if noise else seed
    mix = Mix(settings.mixup, settings.cutmix, seed)
    mixing = images and bool(settings.mixup or settings.cutmix)

    def change(batch: mx.io.DataBatch, epoch: int, index: int) -> mx.io.DataBatch:
        if drawing:
            mx.random.seed(int(keys(drawn, DROPOUT, epoch, index)[0]) >> 33)
        return mix(batch, epoch, index) if mixing else batch

    return Stream(batches, change, session.on_start)


def devices(gpus: str) -> List[mx.Context]:
    """Return the GPUs that ``"0,1"`` names; all that work if it is empty or "all", else the CPU.

    Of several workers on a machine each gets its share.

    Raises `ValueError` for a text that is no list of numbers, and a GPU that is not there.
    """
    if gpus in ("", "all"):
        return context()
    numbers = [text.strip() for text in gpus.split(",")]
    if not all(text.isdigit() for text in numbers):
        raise ValueError(f"gpus={gpus!r}: expected numbers, such as 0,1, or all.")
    count = mx.context.num_gpus()
    if max(map(int, numbers)) >= count:
        raise ValueError(f"gpus={gpus!r}: MXNet sees {count} on this machine, counted from 0.")
    return share([mx.gpu(int(text)) for text in numbers])
