"""What a run tells: a bar or lines to who watches it; CSV, JSON lines, TensorBoard to programs."""

from __future__ import annotations

import csv
import io
import json
import logging
import math
import sys
import time
from typing import Any, Dict, Iterator, List, Optional, Tuple

from tqdm import tqdm

from .._files import atomic_write, finite
from ..metrics import Metric, Suite
from ._session import Callback, Session

log = logging.getLogger("mxmtl")
FEW = 1.0  # seconds between two looks at the metrics
LINE = 30.0  # seconds between two lines of log
TENSORBOARD = 'TensorBoard logs need tensorboardX: pip install "mxmtl[tensorboard]"'


class Progress(Callback):
    """Rate, time left and running metrics of the epoch; one line of log for each epoch.

    Parameters
    ----------
    bar : bool, optional
        Whether to draw a bar; by default if the standard error is a terminal.
    """

    def __init__(self, bar: Optional[bool] = None) -> None:
        self._draw = sys.stderr.isatty() if bar is None else bar
        self._bar: Any = None
        self._looked = time.monotonic()

    def on_batch_end(self, session: Session) -> None:
        """Move the bar, or write a line if the last is old."""
        if self._draw:
            if self._bar is None:
                self._bar = self._make_bar(session)
            self._bar.update(session.settings.batch_size)
        interval = FEW if self._draw else LINE
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

    def on_epoch_end(self, session: Session) -> None:
        """Write the epoch's line."""
        self.on_end(session)
        entry = session.history[-1]
        name = session.settings.monitor
        values = {name: entry["val"].get(name, entry["train"].get(name))}
        values.update(
            {key: (entry["val"] or entry["train"])[key] for key in running(session.metric)}
        )
        log.info(
            "%s  lr %.3g  %.0f images/s  %s%s",
            heading(session, session.epoch), entry["lr"], entry["images_per_second"],
            "  ".join(f"{key} {value:.4f}" for key, value in values.items() if value is not None),
            "  best" if entry.get("best") else "",
        )  # fmt: skip

    def on_end(self, session: Session) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

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


def running(suite: Suite) -> Dict[str, float]:
    """Return one telling value of each task: its first metric that is no count and no baseline."""
    chosen: Dict[str, Metric] = {}
    for metric in suite.metrics:
        telling = isinstance(metric, Metric) and metric.higher_is_better is not None
        if telling and len(metric.tasks) == 1 and "baseline" not in metric.name:
            chosen.setdefault(metric.tasks[0].name, metric)
    values = {}
    for metric in chosen.values():
        name, value = metric.get_global()
        if isinstance(name, str) and not math.isnan(value):
            values[name] = value
    return values


def flat(entry: Dict[str, Any]) -> Iterator[Tuple[str, Any]]:
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
            if isinstance(value, (int, float)) and not _is_nan(value):
                self._writer.add_scalar(name, value, session.epoch)
        self._writer.flush()

    def on_end(self, session: Session) -> None:
        """Close it."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def make_logs(names: Tuple[str, ...]) -> List[Callback]:
    """Return the callbacks that write the named logs."""
    kinds = {"csv": CsvLog, "jsonl": JsonLinesLog, "tensorboard": TensorBoardLog}
    return [kinds[name]() for name in names]


def _is_nan(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))
