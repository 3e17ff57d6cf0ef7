"""One part of a run: a module is made, and ``Module.fit`` called.

The parts of a run train different modules, and hand the values of all parameters on. While the
trunk is frozen its features never change, so that they are computed once and the module is the
heads alone, which is what takes seconds instead of hours; or, without room for them in memory,
the whole network with its trunk held still. What such a module lacks (the trunk's values) is laid
aside in ``session.extra``, so that each checkpoint is whole and no reader sees a difference.

The same seed must give the same weights, also where a run was stopped in between. fit draws what
has no values when it begins, and everything later (dropout, an optimizer's noise) while it goes
on, from one generator, whose state MXNet does not give away. So it is seeded here: once before
fit, and before each batch where something is drawn.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Sequence
from typing import NamedTuple

import mxnet as mx

from ..augment import keys
from ..balance import Balance
from ..nets import heads_alone, training_symbol
from ..tasks import TaskSet
from ._logic_mix import LogicMix
from ._network import (
    SymbolAndParams,
    decay_heads,
    decay_rates,
    draws_random_numbers,
    freeze,
    keep_statistics,
    only_weights_decay,
    tell_epoch,
    trunk_params,
)
from ._optimizer import draws, make_schedule, optimizer_params
from ._records import TrainAndVal
from ._session import Phase, PhaseOver, Session
from ._settings import Settings
from ._stream import Change, Mix, Stream

quiet = logging.getLogger("mxmtl.module")  # what Module.fit says; one line a metric is too much
quiet.setLevel(logging.ERROR)
RANK = 0x72616E6B  # keeps the random numbers of workers apart
DROPOUT = 0x64726F70  # keeps these random numbers apart from the order's and the augmentation's


def train_phase(
    session: Session, phase: Phase, network: SymbolAndParams, records: TrainAndVal
) -> SymbolAndParams:
    """Train the epochs of a phase that are left; return the network with its new values."""
    settings = session.settings
    part = _choose_part(session, phase, network, records)
    module = mx.mod.Module(
        part.symbol,
        label_names=session.tasks.label_names,
        context=session.context.devices,
        # What says the epoch is a parameter to MXNet, and nobody else may change it.
        fixed_param_names=[*part.fixed, *session.tasks.epoch_names],
        logger=quiet,
    )
    session.num_batches = part.records.train.num_batches
    val = part.records.val
    session.validated = val is not None
    session.num_validation_batches = val.num_batches if val is not None else 0
    session.begin_phase(phase, module, make_stream(session, part.records.train, part.symbol))
    schedule = phase.schedule or make_schedule(
        settings, phase.lr, session.num_batches, phase.end - phase.begin
    )
    mx.random.seed(settings.seed)  # what has no values yet is drawn from here
    known = set(part.symbol.list_arguments())
    with contextlib.suppress(PhaseOver):
        module.fit(
            session.stream,
            eval_data=val,
            eval_metric=session.metric,
            validation_metric=session.validation_metric,
            begin_epoch=session.epoch,
            num_epoch=phase.end,
            optimizer=settings.optimizer,
            optimizer_params=optimizer_params(settings, schedule, session.begin_update),
            initializer=mx.init.Xavier(),
            arg_params={name: array for name, array in part.values.args.items() if name in known},
            aux_params=part.values.auxs,
            allow_missing=True,
            kvstore=session.workers.store() or settings.kvstore or "local",
            batch_end_callback=session.batch_end,
            epoch_end_callback=session.epoch_end,
            eval_end_callback=session.eval_end,
            eval_batch_end_callback=session.eval_batch_end,
        )
    args, auxs = module.get_params()
    values = {**session.extra[0], **args}, {**session.extra[1], **auxs}
    session.extra = ({}, {})
    return SymbolAndParams(network.symbol, *values)


class _Part(NamedTuple):
    """What is trained in a phase, on what, from which values, with which of them fixed."""

    symbol: mx.sym.Symbol
    records: TrainAndVal
    values: SymbolAndParams
    fixed: Sequence[str] = ()


def _choose_part(
    session: Session, phase: Phase, network: SymbolAndParams, records: TrainAndVal
) -> _Part:
    """Return the whole network, the one with its trunk held still, or the heads on features."""
    settings, tasks = session.settings, session.tasks
    trunk = set(trunk_params(network.symbol, tasks))
    method = session.balancing.method if session.balancing else None
    fixed = session.balancing.fixed if session.balancing else []
    more = settings.head_wd / settings.wd if settings.head_wd else 1.0  # wd is above 0 then
    if not phase.frozen:
        whole = decay_rates(network.symbol, tasks, settings.layer_decay)
        whole = decay_heads(whole, tasks, more)
        whole = keep_statistics(whole) if settings.keep_statistics else whole
        return _Part(balanced(whole, tasks, method), records, network, fixed)
    if not settings.cache:
        held = decay_heads(freeze(network.symbol), tasks, more)
        held = balanced(held, tasks, method)
        return _Part(held, records, network, [*sorted(trunk), *fixed])
    network = with_values(network, records, settings)
    features = records.features(network)
    session.extra = ({k: v for k, v in network.args.items() if k in trunk}, network.auxs)
    heads = only_weights_decay(training_symbol(heads_alone(network.symbol, tasks), tasks))
    heads = decay_heads(heads, tasks, more)
    if method is not None and not method.weighs_losses:
        return _Part(heads, features, network)  # there is no trunk whose gradients it could weigh
    return _Part(balanced(heads, tasks, method), features, network, fixed)


def balanced(symbol: mx.sym.Symbol, tasks: TaskSet, method: Balance | None) -> mx.sym.Symbol:
    """Return the training symbol whose tasks are balanced; checkpoints have the one without."""
    return symbol if method is None else training_symbol(symbol, tasks, balance=method)


def with_values(
    network: SymbolAndParams, records: TrainAndVal, settings: Settings
) -> SymbolAndParams:
    """Return the network with a value for every parameter, drawn where there was none."""
    tasks = records.train.tasks
    if set(network.symbol.list_arguments()) <= {"data", *tasks.label_names, *network.args}:
        return network
    module = mx.mod.Module(network.symbol, label_names=tasks.label_names, logger=quiet)
    module.bind(records.train.provide_data, records.train.provide_label)
    mx.random.seed(settings.seed)
    module.init_params(mx.init.Xavier(), network.args, network.auxs, allow_missing=True)
    return SymbolAndParams(network.symbol, *module.get_params())


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
    mix: Change = Mix(settings.mixup, settings.cutmix, seed)
    if settings.logic_mix:
        mix = LogicMix(settings.logic_mix, session.tasks, seed)
    mixing = images and bool(settings.mixup or settings.cutmix or settings.logic_mix)

    told = -1

    def change(batch: mx.io.DataBatch, epoch: int, index: int) -> mx.io.DataBatch:
        nonlocal told
        if epoch != told:
            tell_epoch(session.module, session.tasks, epoch)
            told = epoch
        return mix(batch, epoch, index) if mixing else batch

    def begin_random_numbers(epoch: int, index: int) -> None:
        if drawing:
            mx.random.seed(int(keys(drawn, DROPOUT, epoch, index)[0]) >> 33)

    return Stream(batches, change, begin_random_numbers, session.on_start)
