"""The value that says which epoch is best, and when to stop."""

from __future__ import annotations

import logging
import math
from typing import Any, Dict

from ..metrics import MeanOverTasks, Metric, Suite, WorstTask
from ..model import best_entry
from ..tasks import TaskSet
from ._session import Callback, Session

log = logging.getLogger("mxmtl")
ACROSS = "all_tasks/"


class Monitor(Callback):
    """Marks the best epoch in the history, and stops when no better one comes.

    While the value is nan, as where validation has no label of the task, no epoch is better than
    another: the last counts as best, since it was trained most, and patience waits. A warning
    says so once.

    Parameters
    ----------
    name : str
        ``<task>/<metric>``, ``all_tasks/<metric>`` or ``all_tasks/worst_<metric>``.
    patience : int
        Stop after so many epochs without a better one; 0 is never. In the frozen epochs of a run
        that has others it ends those alone: fine-tuning begins, from the weights of the last one,
        and with a patience of its own.
    """

    def __init__(self, name: str, patience: int = 0) -> None:
        self.name, self.patience = name, patience
        self._warned = False

    def on_epoch_end(self, session: Session) -> None:
        """Compare the epoch with the best one before."""
        history = session.history
        value = monitored(history[-1], self.name)
        best = best_entry(history[:-1])
        before = math.nan if best is None else monitored(best, self.name)
        sign = 1.0 if direction(session.metric, self.name) else -1.0
        history[-1]["best"] = math.isnan(before) or sign * value > sign * before
        if math.isnan(before) and math.isnan(value):
            self._warn(session)
        since = _epochs_without_better(session)
        if self.patience and since >= self.patience:
            reason = f"{self.name} has not improved for {since} epochs"
            if session.epoch <= session.settings.frozen_epochs and session.settings.epochs:
                log.info("%s: fine-tuning begins", reason)
                session.end_frozen()
            else:
                session.stop(reason)

    def _warn(self, session: Session) -> None:
        if self._warned or not session.workers.leads:
            return
        self._warned = True
        log.warning(
            "monitor: %s has no value in epoch %d, as where no row has a label for it. While it "
            "has none, the last epoch counts as the best, and patience does not count. Choose "
            "another value with --monitor, or validate on rows with labels.",
            self.name, session.epoch,
        )  # fmt: skip


def _epochs_without_better(session: Session) -> int:
    """Return how many epochs of this part of the run, frozen or not, came after its best one."""
    frozen = session.settings.frozen_epochs
    here = [e for e in session.history if (e["epoch"] <= frozen) == (session.epoch <= frozen)]
    return next((n for n, entry in enumerate(reversed(here)) if entry["best"]), len(here))


def monitored(entry: Dict[str, Any], name: str) -> float:
    """Return a value of an epoch: of its validation, or of training where there is none."""
    values = entry["val"] or entry["train"]
    value = values.get(name)
    return math.nan if value is None else float(value)


def make_suite(tasks: TaskSet, monitor: str) -> Suite:
    """Return the default metrics of all tasks, and the monitored one if it is none of them.

    Raises `ValueError` if there is no such metric, or the tasks have none of that kind, and for
    a task whose name stands for all of them.
    """
    if ACROSS[:-1] in tasks and len(tasks) > 1:
        raise ValueError(
            f"a task is called {ACROSS[:-1]!r}, which stands for the mean over all tasks in names "
            f"of values such as {ACROSS}task_loss. Give it another name in the table, and convert "
            "it again."
        )
    suite: Suite = tasks.metrics()
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
    raise ValueError(f"monitor={name!r} is not one of {suite.names}.")


def _make_metric(tasks: TaskSet, name: str) -> Metric:
    owner, _, kind = name.partition("/")
    worst = owner == ACROSS[:-1] and kind.startswith("worst_")
    kind = kind[len("worst_") :] if worst else kind
    made = Metric.types.get(kind)
    if made is None or not (owner in tasks or owner == ACROSS[:-1]):
        raise ValueError(
            f"monitor={name!r}: expected TASK/METRIC, all_tasks/METRIC or all_tasks/worst_METRIC, "
            f"TASK one of {tasks.names}, METRIC one of {sorted(Metric.types)}."
        )
    if owner in tasks:
        return made(tasks[owner])  # type: ignore[no-any-return]
    parts = []
    for task in tasks:
        try:
            parts.append(made(task))
        except (TypeError, ValueError):
            continue  # a metric of another kind of task
    if not parts:
        raise ValueError(f"monitor={name!r}: none of the tasks {tasks.names} has {kind!r}.")
    return WorstTask(parts, name=name) if worst else MeanOverTasks(parts, by="weight", name=name)
