"""The history of a run for other programs: CSV, JSON lines, TensorBoard."""

from __future__ import annotations

import csv
import io
import json
import math
from typing import Any, Dict, Iterator, List, Tuple

from .._files import atomic_write, finite
from ._session import Callback, Session

TENSORBOARD = 'TensorBoard logs need tensorboardX: pip install "mxmtl[tensorboard]"'


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
