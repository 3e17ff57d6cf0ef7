"""A training run while it runs: its parts, where it stands, and what callbacks may ask of it.

``Module.fit`` owns the loop, and has no way to pause, to tell where it stands, or to begin in the
middle. A `Session` is what stands beside it: it is given every callback that fit has, counts
epochs and batches by itself, and leaves the loop only by exceptions. Three things make that hard:

* A run has parts, frozen and not, each with a module and an optimizer of its own; all that lasts
  longer than a module (history, seconds, metrics) lives here.
* Restoring has an order: weights go in before fit binds, the optimizer's memory can be given back
  only after fit has made the optimizer, which is when it asks for the first batch (`on_start`).
* Several workers must do the same at the same time: who would save or stop alone waits for ever.
  So every reason to stop is agreed upon after each batch, and worker 0 writes what all have.

Who they are, and on which devices they train, is settled once, before: the `RunContext`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import mxnet as mx

from .._devices import devices
from .._files import check_form
from .._options import one_of
from ..balance import balance_of
from ..distributed import KINDS, WorkerRank, Workers, find_worker_rank, workers
from ..metrics import (
    ALL_TASKS,
    AbstractAcross,
    MeanOverTasks,
    Metric,
    Suite,
    WorstTask,
    read_values,
    relative_losses,
)
from ..model import Arrays, Checkpoint, write_checkpoint
from ..tasks import TaskSet
from ._balancing import Balancing
from ._module_state import (
    Average,
    begin_as_worker_0,
    give_statistics,
    mean_statistics,
    numbers_of,
    own_statistics,
    pack_states,
    unpack_states,
)
from ._settings import Settings
from ._stream import Stream

RAW = "weight:"  # before the names of weights that stand beside their average
RESTORED = {"history": object, "seconds": float, "num_update": int, "iterator": object,
            "optimizer": object}  # fmt: skip
LAST_FROZEN = "last_frozen"  # in the history: the epoch after which fine-tuning began early


@dataclass(frozen=True)
class RunContext:
    """The settings of a run, and what follows from them in this process on this machine.

    Made once by whoever begins a run (`fit`, `resume`, `find_lr`) and handed down to all that it
    is made of, so that nothing is looked for, and warned of, in several places.

    Attributes
    ----------
    settings : Settings
        What the run was told.
    workers : Workers
        Those that train together, of which this process is one.
    devices : list of mx.Context
        On which this worker trains.
    """

    settings: Settings
    workers: Workers
    devices: list[mx.Context]

    @staticmethod
    def settle(settings: Settings) -> RunContext:
        """Find the workers of the launch and the devices that work.

        Raises `ValueError` for settings that do not fit them: a GPU that is not there, a store
        for workers without workers or the reverse, and a batch that cannot be divided.
        """
        return RunContext._checked(settings, _choose_workers(settings))

    @staticmethod
    def alone(settings: Settings) -> RunContext:
        """Return the context of training in this process by itself, whatever was launched."""
        if settings.kvstore in KINDS:
            settings = replace(settings, kvstore="")
        return RunContext._checked(settings, Workers(WorkerRank()))

    @staticmethod
    def _checked(settings: Settings, group: Workers) -> RunContext:
        used = devices(settings.gpus)
        least = group.count * len(used)
        if settings.batch_size < least:  # MXNet says so only when it runs
            raise ValueError(
                f"batch_size={settings.batch_size}: a batch is divided among {least} devices, and "
                f"each needs a row. Take {least} or more, or fewer devices (gpus)."
            )
        return RunContext(settings, group, used)


def _choose_workers(settings: Settings) -> Workers:
    kvstore = settings.kvstore
    if find_worker_rank() is None:
        if kvstore in KINDS:
            raise ValueError(
                f"kvstore={kvstore!r} needs workers: mxmtl launch -n 2 -- mxmtl train ..."
            )
        return Workers(WorkerRank())
    if kvstore and kvstore not in KINDS:
        raise ValueError(
            f"kvstore={kvstore!r}: each worker would train by itself, in one folder. Leave it out "
            f"under mxmtl launch, or take one of {KINDS}."
        )
    group = workers(kvstore or KINDS[0])
    if settings.batch_size % group.count:
        raise ValueError(
            f"batch_size={settings.batch_size} is that of all workers together, and cannot be "
            f"divided among {group.count}. Take a multiple of {group.count}."
        )
    return group


@dataclass(frozen=True)
class Phase:
    """A part of a run: epochs that are trained with one module, optimizer and schedule.

    Attributes
    ----------
    begin, end : int
        From the epoch ``begin`` to before ``end``.
    frozen : bool
        Whether only the heads learn.
    lr : float
        Highest learning rate.
    schedule : mx.lr_scheduler.LRScheduler, optional
        Instead of the one that the settings ask for.
    """

    begin: int
    end: int
    frozen: bool
    lr: float
    schedule: mx.lr_scheduler.LRScheduler | None = None


def make_phases(settings: Settings) -> list[Phase]:
    """Return the parts of a run that have epochs: first with the trunk frozen, then whole.

    Of a finished run that trains on, the new part comes after ``settings.begin`` epochs.
    """
    frozen = settings.frozen_epochs
    both = [
        Phase(0, frozen, True, settings.frozen_lr or settings.lr),
        Phase(max(frozen, settings.begin), settings.num_epochs, False, settings.lr),
    ]
    return [phase for phase in both if phase.begin < phase.end]


class Stop(Exception):  # noqa: N818 (no error: the way out of Module.fit)
    """Ends the run after a batch or an epoch; the text says why."""


class PhaseOver(Exception):  # noqa: N818 (no error: the way out of Module.fit)
    """Ends the frozen epochs after one of them; the next part of the run begins."""


class Callback:
    """Abstract: something that happens along a run; override what is needed."""

    def on_begin(self, session: Session) -> None:
        """Begin: parameters and optimizer are there, the first batch comes next."""

    def on_batch_end(self, session: Session) -> None:
        """Take note of a batch, the ``session.batch``-th of this epoch."""

    def on_validation_batch(self, session: Session) -> None:
        """Take note of one of ``session.num_validation_batches`` that were validated."""

    def on_epoch_end(self, session: Session) -> None:
        """Take note of an epoch and its validation: ``session.history[-1]``."""

    def on_end(self, session: Session) -> None:
        """End: the run is done, was stopped, or has failed."""


class Session:
    """A run between the callbacks of ``Module.fit``.

    Attributes
    ----------
    epoch, batch, num_update : int
        Epochs that are finished, batches of the next one, updates of this phase.
    history : list of dict
        One entry for each finished epoch: its values of metrics, learning rate and seconds.
    reason : str
        Why the run is to stop; empty while it is not.
    metric, validation_metric : Suite
        What is measured in training and in validation.
    workers : Workers
        Those that train together, of which this process is one. Callbacks are called on each;
        what they write to files they write where ``session.workers.leads``.

    Raises
    ------
    ValueError
        If there is no such value as the one to monitor.
    """

    def __init__(
        self,
        context: RunContext,
        tasks: TaskSet,
        folder: Path,
        callbacks: Sequence[Callback],
        constants: Mapping[str, Sequence[float]] = {},
    ) -> None:
        self.context, self.tasks, self.folder = context, tasks, folder
        self.settings, self.workers = context.settings, context.workers
        self.callbacks = list(callbacks)
        self.metric: Suite = make_suite(tasks, self.settings.monitor, constants)
        self.validation_metric: Suite = make_suite(tasks, self.settings.monitor, constants)
        self.module: mx.mod.Module = None
        self.stream: Stream = None  # type: ignore[assignment]
        self.num_batches = self.num_validation_batches = self.begin_update = 0
        method = balance_of(self.settings.balance)
        self.balancing = None if method is None else Balancing(method, tasks)
        self._train_values: dict[str, float] = {}
        self.epoch = self.batch = 0
        self.history: list[dict[str, Any]] = []
        self.reason = ""
        self.extra: tuple[Arrays, Arrays] = ({}, {})  # parameters that the module has not
        self.average: Average | None = None
        self.validated = False
        self._averaged: Arrays = {}
        self._restored: tuple[dict[str, Any], Arrays] | None = None
        self._numbers: dict[str, float] = {}
        self._began, self._seconds = time.monotonic(), 0.0
        self._epoch_began, self._epoch_first = self._began, 0

    # -- what callbacks ask ----------------------------------------------------------------------
    @property
    def seconds(self) -> float:
        """Seconds of training so far, earlier parts of a resumed run included."""
        return self._seconds + time.monotonic() - self._began

    @property
    def num_update(self) -> int:
        """Updates of this phase."""
        return int(self.module._optimizer.num_update)

    @property
    def lr(self) -> float:
        """Learning rate of the last update."""
        return float(self.module._optimizer.learning_rate)

    def stop(self, reason: str) -> None:
        """Ask the run to stop after this batch, or this epoch; its state is saved."""
        self.reason = self.reason or reason

    def end_frozen(self) -> None:
        """Ask for fine-tuning after this epoch, though frozen epochs may be left.

        Epochs keep their numbers: those that are left out are missing from the history.
        """
        self.history[-1][LAST_FROZEN] = True

    def rate(self) -> float:
        """Images a second in this epoch."""
        elapsed = max(time.monotonic() - self._epoch_began, 1e-9)
        return (self.batch - self._epoch_first) * self.settings.batch_size / elapsed

    def save(self) -> Checkpoint:
        """Write a checkpoint of where it stands; worker 0 does, and all must call this."""
        self.workers.numbers("save", self.epoch, self.batch)
        mean_statistics(self.module, self.workers)
        place = Checkpoint(self.folder, self.epoch, self.batch)
        if not self.workers.leads:
            return place
        arrays, trees = pack_states(self.module)
        if self.batch:
            arrays.update(own_statistics(self.module))
        optimizer = self.module._optimizer
        numbers = {k: v for k, v in numbers_of(optimizer).items() if v != self._numbers.get(k)}
        state = {
            "num_update": self.num_update,
            "optimizer": {"name": self.settings.optimizer, "trees": trees, "numbers": numbers},
            "iterator": self.stream.whole_place() if self.batch else None,
            "random": {"seed": self.settings.seed, "counters": [self.epoch, self.batch]},
            "history": self.history,
            "seconds": self.seconds,
        }
        args, auxs = self.module.get_params()
        if self.average is not None:
            # What is used and validated is the average; training goes on from the weights.
            arrays.update({RAW + name: array for name, array in args.items()})
            args = self.average.values
        params = ({**self.extra[0], **args}, {**self.extra[1], **auxs})
        return write_checkpoint(place, state, params, arrays)

    def restore(self, checkpoint: Checkpoint, state: dict[str, Any]) -> None:
        """Take over where a checkpoint stands; the optimizer follows when it is made."""
        check_form(state, RESTORED, str(checkpoint.path(".json")))
        self.epoch, self.batch = checkpoint.epoch, checkpoint.batch
        self.history, self._seconds = list(state["history"]), state["seconds"]
        self._restored = (state, checkpoint.optimizer())
        self._leave_frozen()

    def weights(self, args: Arrays) -> Arrays:
        """Return the parameters to train on from, given those of the checkpoint."""
        arrays = self._restored[1] if self._restored else {}
        raw = {name[len(RAW) :]: a for name, a in arrays.items() if name.startswith(RAW)}
        self._averaged = {name: args[name] for name in raw}
        return {**args, **raw}

    def begin_phase(self, phase: Phase, module: mx.mod.Module, stream: Stream) -> None:
        """Train this module on this stream from here on: from the place where the run stands.

        `begin_update` tells how many updates of the phase were done before.
        """
        self.module, self.stream = module, stream
        self.average = Average(self.settings.ema) if self.settings.ema else None
        state = self._restored[0] if self._restored else None
        inside = state is not None and phase.begin < self.epoch + bool(self.batch)
        if not inside:  # a new phase: a new optimizer, and a new average
            self._restored, self._averaged = None, {}
        self.begin_update = int(state["num_update"]) if state and inside else 0
        self.stream.go_to(self.epoch, self.batch, state["iterator"] if state else None)

    # -- the callbacks of Module.fit -------------------------------------------------------------
    def on_start(self) -> None:
        """First batch: give the optimizer its memory back."""
        optimizer = self.module._optimizer
        self._numbers = numbers_of(optimizer)
        if self._restored is not None:
            state, arrays = self._restored
            unpack_states(self.module, arrays, state["optimizer"]["trees"])
            give_statistics(self.module, arrays)
            vars(optimizer).update(state["optimizer"]["numbers"])
            self._restored = None
        begin_as_worker_0(self.module, self.workers, (self.epoch, self.batch))
        if self.average is not None:
            self.average.begin(self.module, self._averaged)
            self._averaged = {}
        self._epoch_began, self._epoch_first = time.monotonic(), self.batch
        self._each("on_begin")

    def batch_end(self, param: Any) -> None:
        """Count the batch; stop here if that was asked for."""
        self.batch += 1
        if self.balancing is not None:
            batch = param.locals["data_batch"]
            self.balancing.after_batch(self.module, batch, self.stream)
        if self.average is not None:
            self.average.update(self.module, self.num_update)
        if self.stream.at_end:
            self._train_values = self._values_of(param.eval_metric)
        self._each("on_batch_end")
        self.reason = self.workers.agree(self.reason)
        if self.reason and not self.stream.at_end:
            self.save()
            raise Stop(self.reason)

    def epoch_end(self, *_: Any) -> None:
        """End of an epoch, before its validation if there is one."""
        mean_statistics(self.module, self.workers)
        if not self.validated:
            self._finish_epoch({})
        elif self.average is not None:
            self.average.swap_in(self.module)

    def eval_batch_end(self, _: Any) -> None:
        """Tell of a batch of the validation."""
        self._each("on_validation_batch")

    def eval_end(self, param: Any) -> None:
        """End of the validation of an epoch."""
        if self.average is not None:
            self.average.swap_out(self.module)
        self._finish_epoch(self._values_of(param.eval_metric))

    def _values_of(self, metric: Suite) -> dict[str, float]:
        self.workers.merge(metric)
        return dict(metric.get_global_name_value())

    def _finish_epoch(self, val: dict[str, float]) -> None:
        rate = self.rate()
        self.epoch, self.batch = self.epoch + 1, 0
        self.history.append(
            {
                "epoch": self.epoch,
                "lr": self.lr,
                "seconds": round(self.seconds, 3),
                "images_per_second": round(rate, 2),
                "train": self._train_values,
                "val": val,
            }
        )
        if self.balancing is not None:
            self.history[-1]["balance"] = self.balancing.epoch_values()
        self._each("on_epoch_end")
        self.reason = self.workers.agree(self.reason)
        if self.reason:
            raise Stop(self.reason)
        if self._leave_frozen():
            raise PhaseOver
        self._epoch_began, self._epoch_first = time.monotonic(), 0

    def _leave_frozen(self) -> bool:
        """Go to the first epoch of fine-tuning if it was asked for, and tell whether it was."""
        asked = bool(self.history and self.history[-1].get(LAST_FROZEN))
        if asked:
            self.epoch = max(self.epoch, self.settings.frozen_epochs)
        return asked

    def end(self) -> None:
        """Tell the callbacks that it is over."""
        self._each("on_end")

    def _each(self, event: str) -> None:
        for callback in self.callbacks:
            getattr(callback, event)(self)


# -- the metrics of a run --------------------------------------------------------------------------
def make_suite(
    tasks: TaskSet, monitor: str, constants: Mapping[str, Sequence[float]] = {}
) -> Suite:
    """Return the default metrics of all tasks, and the monitored one if it is none of them.

    Where ``constants`` has the constant answer of a task, its relative loss is among them.

    Raises `ValueError` if there is no such metric, or the tasks have none of that kind, and for
    a task whose name stands for all of them.
    """
    if ALL_TASKS in tasks and len(tasks) > 1:
        raise ValueError(
            f"a task is called {ALL_TASKS!r}, which stands for the mean over all tasks in names "
            f"of values such as {ALL_TASKS}/task_loss. Give it another name in the table, and "
            "convert it again."
        )
    suite: Suite = tasks.metrics()
    for metric in relative_losses(tasks, constants):
        suite.add(metric)
    if monitor not in suite.names:
        suite.add(_make_metric(tasks, monitor))
    suite.reset()  # shares statistics from here on
    direction(suite, monitor)
    return suite


def direction(suite: Suite, name: str) -> bool:
    """Tell whether higher is better for a value of a suite; `ValueError` if neither is."""
    for metric in suite.metrics:
        if isinstance(metric, Metric) and name in metric.names:
            if metric.higher_is_better is None:
                raise ValueError(f"monitor={name!r}: neither more nor less of it is better.")
            return metric.higher_is_better
    raise ValueError(f"monitor={name!r} is not {one_of(name, suite.names)}.")


def _make_metric(tasks: TaskSet, name: str) -> Metric:
    (value,) = read_values({name: math.nan}, tasks)
    worst = value.task == ALL_TASKS and value.metric.startswith("worst_")
    kind = value.metric[len("worst_") :] if worst else value.metric
    known = {k: made for k, made in Metric.types.items() if not issubclass(made, AbstractAcross)}
    made = known.get(kind)
    if made is None or value.task is None or value.of_class is not None:
        raise ValueError(
            f"monitor={name!r}: expected TASK/METRIC, all_tasks/METRIC or all_tasks/worst_METRIC, "
            f"TASK one of {tasks.names}, METRIC one of {sorted(known)}."
        )
    if value.task in tasks:
        return made(tasks[value.task])  # type: ignore[no-any-return]
    parts = []
    for task in tasks:
        try:
            parts.append(made(task))
        except (TypeError, ValueError):
            continue  # a metric of another kind of task
    if not parts:
        raise ValueError(f"monitor={name!r}: none of the tasks {tasks.names} has {kind!r}.")
    return WorstTask(parts, name=name) if worst else MeanOverTasks(parts, by="weight", name=name)
