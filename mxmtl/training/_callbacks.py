"""What training does along the way: mark the best epoch, save, stop when it is time, and tell.

Told are a bar or lines, to who watches it; and CSV, JSON lines or TensorBoard, to programs.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import logging
import math
import signal
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

from tqdm import tqdm

from .._files import atomic_write, finite
from .._progress import progress
from ..metrics import Metric, Suite, main_metric
from ..model import Checkpoint, best_entry, find_checkpoints
from ._session import Callback, Session, direction

log = logging.getLogger("mxmtl")
SIGNALS = (signal.SIGINT, signal.SIGTERM)
INTERRUPTED = "interrupted"  # the reason of a run that a signal stopped
TENSORBOARD = 'TensorBoard logs need tensorboardX: pip install "mxmtl[tensorboard]"'


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


def monitored(entry: dict[str, Any], name: str) -> float:
    """Return a value of an epoch: of its validation, or of training where there is none."""
    values = entry["val"] or entry["train"]
    value = values.get(name)
    return math.nan if value is None else float(value)


def _epochs_without_better(session: Session) -> int:
    """Return how many epochs of this part of the run, frozen or not, came after its best one."""
    begins = max(session.settings.frozen_epochs, session.settings.begin)
    here = [e for e in session.history if (e["epoch"] <= begins) == (session.epoch <= begins)]
    return next((n for n, entry in enumerate(reversed(here)) if entry["best"]), len(here))


class Keeper(Callback):
    """Writes a checkpoint after each epoch, and in the middle of one if asked to.

    Of those that are there the newest ``keep`` stay, and that of the best epoch. Damaged ones from
    which the run could not go on do not count; they go when the run has passed them.

    Parameters
    ----------
    keep : int
        How many of the newest stay. Two or more: if the newest is damaged there is another.
    batches : int
        Write one after so many batches of an epoch, too; 0 is never.
    minutes : float
        Write one when the last is so many minutes old; 0 is never.
    """

    def __init__(self, keep: int = 2, batches: int = 0, minutes: float = 0.0) -> None:
        self.keep, self.batches, self.minutes = keep, batches, minutes
        self._saved = time.monotonic()
        self._refused: set[Checkpoint] = set()

    def on_begin(self, session: Session) -> None:
        """Keep the first parameters, so that the run can begin again without its network."""
        there = find_checkpoints(session.folder)
        # The run goes on from the newest good one, so what is newer is damaged.
        place = (session.epoch, session.batch)
        self._refused |= {each for each in there if (each.epoch, each.batch) > place}
        none = not there
        if session.workers.agree("none" if none and session.workers.leads else ""):
            self._save(session)

    def on_batch_end(self, session: Session) -> None:
        """Write one if it is time."""
        if session.stream.at_end:
            return  # the end of the epoch writes one
        due = self.batches and session.batch % self.batches == 0
        old = self.minutes and time.monotonic() - self._saved >= 60 * self.minutes
        if self.minutes:  # workers' clocks differ, and all save at once
            old = bool(session.workers.agree("old" if old else ""))
        if due or old:
            self._save(session)

    def on_epoch_end(self, session: Session) -> None:
        """Write the epoch's."""
        self._save(session)

    def _save(self, session: Session) -> None:
        self._refused.discard(session.save())
        self._saved = time.monotonic()
        if not session.workers.leads:
            return
        best = best_entry(session.history)
        keep = {(best["epoch"], 0)} if best else set()
        there = find_checkpoints(session.folder)
        oldest = [each for each in there if each not in self._refused][-self.keep :][0]
        for checkpoint in there[: there.index(oldest)]:
            if (checkpoint.epoch, checkpoint.batch) not in keep:
                checkpoint.remove()


class Budget(Callback):
    """Stops after the batch in which so many minutes of training are over.

    Parameters
    ----------
    minutes : float
        Of the whole run: what a resumed run has used before counts.
    """

    def __init__(self, minutes: float) -> None:
        self.minutes = minutes

    def on_batch_end(self, session: Session) -> None:
        """Stop if the time is over."""
        if session.seconds >= 60 * self.minutes:
            session.stop(f"the budget of {self.minutes:g} minutes is used up")

    def on_epoch_end(self, session: Session) -> None:
        """Stop if the time ran out during validation."""
        self.on_batch_end(session)


class Interrupt(Callback):
    """Turns the first Ctrl-C (or SIGTERM) into a stop after the batch; a second stops at once.

    The handler only sets a flag, which is looked at after each batch: an exception that is
    raised while Python deletes an array would be swallowed.
    """

    def __init__(self) -> None:
        self._asked = False
        self._handlers: dict[int, Any] = {}

    def on_begin(self, session: Session) -> None:
        """Take the signals over, where that is possible: in the main thread."""
        if not self._handlers and threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                self._handlers[number] = signal.signal(number, self._handle)

    def on_batch_end(self, session: Session) -> None:
        """Stop if a signal came."""
        if self._asked:
            session.stop(INTERRUPTED)

    def on_epoch_end(self, session: Session) -> None:
        """Stop if a signal came during validation."""
        self.on_batch_end(session)

    def on_end(self, session: Session) -> None:
        """Give the signals back."""
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._handlers = {}

    def _handle(self, number: int, frame: Any) -> None:
        if self._asked:
            raise KeyboardInterrupt
        self._asked = True
        log.info("stopping after this batch; once more stops at once.")


class Interrupted(KeyboardInterrupt):
    """The run was stopped by Ctrl-C, and saved; the text says how to go on."""


# -- what a run tells ------------------------------------------------------------------------------
@contextlib.contextmanager
def told() -> Iterator[None]:
    """Show what training says where the program has set up no logging: nobody would see it.

    Lines go to the standard output, warnings to the standard error. A level that the program has
    given the logger ``mxmtl`` holds.
    """
    if log.hasHandlers():
        yield
        return
    lines, warnings = logging.StreamHandler(sys.stdout), logging.StreamHandler()
    lines.addFilter(lambda record: record.levelno < logging.WARNING)
    warnings.setLevel(logging.WARNING)
    before = log.level, log.propagate
    log.handlers[:] = [lines, warnings]
    log.setLevel(log.level or logging.INFO)
    log.propagate = False  # a handler that somebody adds meanwhile would say all again
    try:
        yield
    finally:
        log.handlers.clear()
        log.setLevel(before[0])
        log.propagate = before[1]


@contextlib.contextmanager
def said_once() -> Iterator[None]:
    """Drop what trainings on the same records would say again, word for word."""
    said: set[str] = set()

    def new(record: logging.LogRecord) -> bool:
        text = record.getMessage()
        return text not in said and not said.add(text)  # type: ignore[func-returns-value]

    log.addFilter(new)
    try:
        yield
    finally:
        log.removeFilter(new)


class Progress(Callback):
    """Rate, time left and running metrics of the epoch; one line of log for each epoch.

    Parameters
    ----------
    bar : bool, optional
        Whether to draw a bar; by default if the standard error is a terminal.
    """

    few = 1.0  # seconds between two looks at the metrics
    line = 30.0  # seconds between two lines of log

    def __init__(self, bar: bool | None = None) -> None:
        self._draw = sys.stderr.isatty() if bar is None else bar
        self._bar: Any = None
        self._validation: Any = None
        self._looked = time.monotonic()

    def on_batch_end(self, session: Session) -> None:
        """Move the bar, or write a line if the last is old."""
        if self._draw:
            if self._bar is None:
                self._bar = self._make_bar(session)
            self._bar.update(session.settings.batch_size)
        interval = self.few if self._draw else self.line
        if time.monotonic() - self._looked < interval:
            return
        self._looked = time.monotonic()
        values = {name: f"{value:.3f}" for name, value in running(session.metric).items()}
        if self._draw:
            self._bar.set_postfix(values)
        else:
            left = (session.num_batches - session.batch) * session.settings.batch_size
            log.info(
                "%s  batch %d/%d  %.0f images/s  %s left  %s",
                heading(session, session.epoch + 1), session.batch, session.num_batches,
                session.rate(), tqdm.format_interval(left / max(session.rate(), 1e-9)),
                "  ".join(f"{name} {value}" for name, value in values.items()),
            )  # fmt: skip

    def on_validation_batch(self, session: Session) -> None:
        """Move the bar of the validation, in place of the training's."""
        if self._validation is None:
            self.on_end(session)
            count = session.num_validation_batches
            self._validation = progress(count, "batches", shown=self._draw, what="validation")
        self._validation.update()

    def on_epoch_end(self, session: Session) -> None:
        """Write the epoch's line."""
        self.on_end(session)
        entry = session.history[-1]
        names = dict.fromkeys([session.settings.monitor, *running(session.metric)])
        log.info(
            "%s  lr %.3g  %.0f images/s  %s%s",
            heading(session, session.epoch), entry["lr"], entry["images_per_second"],
            "  ".join(filter(None, (beside(entry, name) for name in names))),
            "  best" if entry.get("best") else "",
        )  # fmt: skip

    def on_end(self, session: Session) -> None:
        """Take the bars away."""
        for bar in (self._bar, self._validation):
            if bar is not None:
                bar.close()
        self._bar = self._validation = None

    def _make_bar(self, session: Session) -> Any:
        size = session.settings.batch_size
        return tqdm(
            desc=heading(session, session.epoch + 1),
            total=session.num_batches * size,
            initial=(session.batch - 1) * size,
            unit=" images",
            unit_scale=True,
            leave=False,
        )


def heading(session: Session, epoch: int) -> str:
    """Return ``epoch 3/12``."""
    return f"epoch {epoch}/{session.settings.num_epochs}"


def beside(entry: dict[str, Any], name: str) -> str:
    """Write a value of an epoch: ``ink/rmse 5.2000 (train 4.9000, constant 14.4000)``.

    The first is that of the validation, if there is one; the last what a constant answer reaches.
    """
    task, _, metric = name.rpartition("/")
    shown, train = entry["val"] or entry["train"], entry["train"] if entry["val"] else {}
    value = {
        "": shown.get(name),
        "train ": train.get(name),
        "constant ": shown.get(f"{task}/baseline_{metric}"),
    }
    first, *rest = (word + in_short(v) for word, v in value.items() if word == "" or not _is_nan(v))
    return f"{name} {first}" + (f" ({', '.join(rest)})" if rest else "")


def in_short(value: float | None) -> str:
    """Write a value with four decimals, or four digits where those would say nothing.

    >>> in_short(0.25), in_short(1234567.0), in_short(1e-7), in_short(None)
    ('0.2500', '1.235e+06', '1e-07', 'nan')
    """
    if value is None:
        return "nan"
    plain = value == 0 or 1e-3 <= abs(value) < 1e5 or not math.isfinite(value)
    return f"{value:.4f}" if plain else f"{value:.4g}"


def running(suite: Suite) -> dict[str, float]:
    """Return one telling value of each task that learns: of its default metrics the main one."""
    values = {}
    for metric in suite.metrics:
        if isinstance(metric, Metric) and len(metric.tasks) == 1:
            task = metric.tasks[0]
            if task.weight and metric.name == f"{task.name}/{main_metric(task.default_metrics)}":
                value = metric.get_global()[1]
                if not math.isnan(value):
                    values[metric.name] = value
    return values


def flat(entry: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Give an epoch's values by names ``train/<name>`` and ``val/<name>``."""
    for key, value in entry.items():
        if isinstance(value, dict):
            yield from ((f"{key}/{name}", number) for name, number in value.items())
        else:
            yield key, value


class CsvLog(Callback):
    """Writes ``log.csv``: one row an epoch, one column a value; nan is an empty cell.

    The file is written anew each time, so that a resumed run has no row twice.
    """

    def on_epoch_end(self, session: Session) -> None:
        """Write the history."""
        rows = [dict(flat(entry)) for entry in session.history]
        names = list(dict.fromkeys(name for row in rows for name in row))
        text = io.StringIO()
        writer = csv.DictWriter(text, names, lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({name: "" if _is_nan(value) else value for name, value in row.items()})
        with atomic_write(session.folder / "log.csv") as stream:
            stream.write(text.getvalue().encode("utf-8"))


class JsonLinesLog(Callback):
    """Writes ``log.jsonl``: one object an epoch; nan is null."""

    def on_epoch_end(self, session: Session) -> None:
        """Write the history."""
        lines = [json.dumps(finite(entry), ensure_ascii=False) for entry in session.history]
        with atomic_write(session.folder / "log.jsonl") as stream:
            stream.write(("\n".join(lines) + "\n").encode("utf-8"))


class TensorBoardLog(Callback):
    """Writes the folder ``tensorboard``, with tensorboardX."""

    def __init__(self) -> None:
        try:
            from tensorboardX import SummaryWriter
        except ImportError as error:
            raise ImportError(TENSORBOARD) from error
        self._make = SummaryWriter
        self._writer: Any = None

    def on_begin(self, session: Session) -> None:
        """Open it; what a stopped run wrote after the place where this one begins is hidden."""
        if self._writer is None:
            folder = str(session.folder / "tensorboard")
            self._writer = self._make(folder, purge_step=session.epoch + 1)

    def on_epoch_end(self, session: Session) -> None:
        """Write the epoch's values."""
        for name, value in flat(session.history[-1]):
            if isinstance(value, int | float) and not _is_nan(value):
                self._writer.add_scalar(name, value, session.epoch)
        self._writer.flush()

    def on_end(self, session: Session) -> None:
        """Close it."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def make_logs(names: tuple[str, ...]) -> list[Callback]:
    """Return the callbacks that write the named logs."""
    kinds = {"csv": CsvLog, "jsonl": JsonLinesLog, "tensorboard": TensorBoardLog}
    return [kinds[name]() for name in names]


def _is_nan(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))
