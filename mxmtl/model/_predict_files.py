"""Predictions of any number of images, written to a file as they come."""

from __future__ import annotations

import abc
import contextlib
import csv
import io
import json
import os
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import IO, Any, ClassVar

import numpy as np
from tqdm import tqdm

from .._files import atomic_write, printable
from .._progress import progress
from .._table import safe_cell, safe_path
from ._inputs import Inputs, Item
from ._model_file import ModelFile
from ._options import PredictOptions
from ._predictor import Predictor

SAID = 20  # images that could not be read and are named one by one


class Sheet:
    """Rows of a CSV file. Paths that begin as a formula get ``./`` before them, and are the same.

    Parameters
    ----------
    stream : text file
        Where to.
    safe : bool
        Whether all other texts that begin so get an apostrophe before them.
    """

    def __init__(self, stream: Any, safe: bool = False) -> None:
        self._writer, self._safe = csv.writer(stream, lineterminator="\n"), safe

    def writerow(self, cells: Iterable[Any]) -> None:
        """Write one row."""
        self._writer.writerow(map(safe_cell, cells) if self._safe else cells)


class Shown:
    """A terminal, to which only what can be printed is written."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text."""
        return self._stream.write(printable(text))


class Writer(abc.ABC):
    """Abstract: writes batches of predictions to a text stream.

    Parameters
    ----------
    stream : text file
        Where to.
    file : ModelFile
        Tasks and thresholds.
    column : str
        What the images' names are, ``"path"`` or ``"record"``; with ``_`` behind it where a task
        is called so.
    top : int
        How many of the likeliest classes are written.
    origin : sequence of str
        What else is known of each: ``("path", "row")`` of the table that a record came from.
    safe : bool
        Whether no cell of a table may be taken for a formula.
    """

    formats: ClassVar[dict[str, type[Writer]]] = {}

    def __init_subclass__(cls, form: str, **options: Any) -> None:
        super().__init_subclass__(**options)
        Writer.formats[form] = cls

    def __init__(
        self,
        stream: IO[str],
        file: ModelFile,
        column: str,
        top: int,
        origin: Sequence[str] = (),
        safe: bool = False,
    ) -> None:
        self.stream, self.file, self.top, self.safe = stream, file, top, safe
        taken = {*file.tasks.names, *file.tasks.columns, *file.tasks.headings.values()}
        self.columns = [name_beside(name, taken) for name in (column, *origin)]

    def known(self, item: Item) -> dict[str, Any]:
        """Return what is known of an image, by column."""
        return dict(zip(self.columns, (item.name, *item.origin)))

    @abc.abstractmethod
    def write(self, items: Sequence[Item], predictions: Sequence[np.ndarray]) -> None:
        """Write one batch: predictions are one array a task, (N, num_outputs)."""


def name_beside(column: str, taken: Collection[str]) -> str:
    """Return a column's name, with ``_`` behind it where a task has that name."""
    while column in taken:
        column += "_"
    return column


class CsvWriter(Writer, form="csv"):
    """A table with a header, in the columns that labels come from.

    ``breed`` and ``breed.probability`` hold the likeliest class, ``breed.2`` and
    ``breed.2.probability`` the next one if there is a ``top``; ``toys.ball`` is 0 or 1, by the
    thresholds.
    """

    def __init__(self, *about: Any) -> None:
        super().__init__(*about)
        self._writer = Sheet(self.stream, self.safe)
        self._begun = False

    def write(self, items: Sequence[Item], predictions: Sequence[np.ndarray]) -> None:
        known = [self.known(item) for item in items]
        table: dict[str, Any] = {
            name: [safe_path(one[name]) for one in known] for name in self.columns
        }
        for task, part in zip(self.file.tasks, predictions):
            own: dict[str, Any] = dict(task.describe(part, self.file.thresholds.get(task.name)))
            if task.kind.exclusive and self.top > 1:
                first = np.eye(task.num_outputs, dtype=bool)[task.chosen(part)]
                own.update(runners_up(task.name, task.names, part, self.top, first))
            table.update(self.file.tasks.under_heading(own))
        if not self._begun:
            self._writer.writerow(table)
            self._begun = True
        for row in zip(*table.values()):
            self._writer.writerow(row)


class JsonLinesWriter(Writer, form="jsonl"):
    """One object a line: the image, and of each task answer, probabilities and thresholds."""

    def write(self, items: Sequence[Item], predictions: Sequence[np.ndarray]) -> None:
        tasks, levels = self.file.tasks, self.file.thresholds
        for row, item in enumerate(items):
            data = self.known(item)
            for task, part in zip(tasks, predictions):
                answer = task.answer(part[row], levels.get(task.name)).to_dict()
                if task.kind.exclusive and self.top:
                    answer["probabilities"] = likeliest(answer["probabilities"], self.top)
                data[task.name] = short(answer)
            self.stream.write(json.dumps(data, ensure_ascii=False) + "\n")


class FashionAIWriter(Writer, form="fashionai"):
    """No header; ``file,<task>_labels,p;p;...``: the asked task's classes with 8 decimals."""

    def __init__(self, *about: Any) -> None:
        super().__init__(*about)
        self._writer = Sheet(self.stream, self.safe)

    def write(self, items: Sequence[Item], predictions: Sequence[np.ndarray]) -> None:
        by_task = dict(zip(self.file.tasks.names, predictions))
        for row, item in enumerate(items):
            if item.task not in by_task:
                raise ValueError(
                    f"row {item.number}, {item.name!r}: asks for task {item.task!r}, and the model "
                    f"has {self.file.tasks.names}."
                )
            cells = ";".join(f"{p:.8f}" for p in by_task[item.task][row])
            self._writer.writerow([item.name, f"{item.task}_labels", cells])


def runners_up(
    column: str, names: Sequence[str], prediction: np.ndarray, top: int, first: np.ndarray
) -> dict[str, list[Any]]:
    """Return the likeliest classes of each row after the first, and their probabilities."""
    order = np.argsort(np.where(first, -np.inf, -prediction), axis=1, kind="stable")[:, :top]
    table: dict[str, list[Any]] = {}
    for place in range(1, order.shape[1]):
        index = order[:, place]
        table[f"{column}.{place + 1}"] = [names[i] for i in index]
        table[f"{column}.{place + 1}.probability"] = list(prediction[np.arange(len(index)), index])
    return table


def likeliest(probabilities: dict[str, float], top: int) -> dict[str, float]:
    """Return the highest of them, in order."""
    return dict(sorted(probabilities.items(), key=lambda pair: -pair[1])[:top])


def short(data: Any) -> Any:
    """Return JSON-able data with as many digits as float32 has."""
    if isinstance(data, dict):
        return {key: short(value) for key, value in data.items()}
    return float(f"{data:.9g}") if isinstance(data, float) else data


def predict_inputs(
    predictor: Predictor,
    inputs: Inputs,
    options: PredictOptions = PredictOptions(),  # noqa: B008 (frozen)
) -> tuple[int, int]:
    """Predict images and write what comes out; memory does not grow with their number.

    Images that cannot be read are named on the standard error, and in
    ``<output>.skipped.csv`` with their reasons; the rest goes on.

    Parameters
    ----------
    predictor : Predictor
        The network.
    inputs : Inputs
        From `open_inputs`.
    options : PredictOptions
        Where to, and how.

    Returns
    -------
    (int, int)
        How many were predicted, and how many could not be read.

    Raises
    ------
    ValueError
        If there are none, or none can be read, and then no file is written; or, for FashionAI, a
        row asks for a task that the model has not.
    """
    done = 0
    bar = progress(inputs.total, "images", shown=options.progress, what="predicting")
    skipped = Skipped(options.skipped, options.safe_cells)
    with (
        bar, skipped, contextlib.suppress(NothingDone), text_output(options.output) as stream
    ):  # fmt: skip
        file = predictor.backend.file
        about = (stream, file, inputs.column, options.top, inputs.origin, options.safe_cells)
        writer = Writer.formats[options.form](*about)
        for batch in predictor.batches(inputs.items, inputs.pixels(predictor.read)):
            pairs = list(zip(batch.images, batch.errors))
            good = [item for item, error in pairs if error is None]
            for item, error in pairs:
                if error is not None:
                    skipped.add(item, error)
            if good:
                writer.write(good, batch.predictions)
            done += len(good)
            bar.update(len(pairs))
        if not done:
            raise NothingDone
    if not done:
        raise ValueError(nothing_done(skipped, inputs))
    return done, skipped.count


class NothingDone(Exception):  # noqa: N818 (no error yet)
    """Ends the writing of predictions of which there is none; what was skipped is still listed."""


def nothing_done(skipped: Skipped, inputs: Inputs) -> str:
    """Say why there are no predictions at all, and what may mend that."""
    if not skipped.count:
        return "there is nothing to predict: the list is empty."
    begin = " and ".join(repr(one or os.curdir) for one in dict.fromkeys(inputs.begin))
    mend = (
        f" The paths begin from {begin}: images= (--images) names another folder, path_column= "
        "(--path) the column of the images."
    ) * bool(begin)
    which = "the only image" if skipped.count == 1 else f"each of the {skipped.count} images"
    return f"nothing is written, for {which} was skipped; the first: {skipped.first}{mend}"


@contextlib.contextmanager
def text_output(path: str | None) -> Iterator[IO[str]]:
    """Open a text file that appears whole or not at all, or the standard output."""
    if path is None:
        terminal = getattr(sys.stdout, "isatty", bool)()
        yield Shown(sys.stdout) if terminal else sys.stdout  # type: ignore[misc]
        return
    with atomic_write(path) as binary:
        stream = io.TextIOWrapper(binary, "utf-8", newline="", write_through=True)
        yield stream
        stream.flush()
        stream.detach()  # closing it is atomic_write's


class Skipped:
    """Images that could not be read: named on the standard error, and listed in a file."""

    def __init__(self, path: str | None, safe: bool = False) -> None:
        self.path, self.count, self._safe = path, 0, safe
        self.first = ""
        self._rows: list[Any] = []
        self._files = contextlib.ExitStack()
        self._writer: Any = None

    def add(self, item: Item, error: Exception) -> None:
        """Name an image and the reason."""
        reason, start = " ".join(str(error).split()), f"{item.image}: "
        reason = reason[len(start) :] if reason.startswith(start) else reason
        name = str(item.origin) or item.name or f"row {item.number}"
        self.first = self.first or f"{name}: {reason}"
        if self.count < SAID:
            tqdm.write(printable(f"skipped {name}: {reason}"), file=sys.stderr)
        elif self.count == SAID:
            where = f"; all are in {self.path}" if self.path else ""
            tqdm.write(f"skipped more{where}", file=sys.stderr)
        self.count += 1
        if self.path is not None:
            if self._writer is None:
                stream = self._files.enter_context(text_output(self.path))
                self._writer = Sheet(stream, self._safe)
                self._writer.writerow(("row", "path", "reason"))
            name = printable(safe_path(item.origin.path or item.name))
            self._writer.writerow((item.number, name, printable(reason)))

    def __enter__(self) -> Skipped:
        return self

    def __exit__(self, *error: Any) -> None:
        # Completes the list, or leaves none; one of an earlier run goes if nothing was skipped.
        self._files.__exit__(*error)
        if error[0] is None and self.path and not self.count and os.path.exists(self.path):
            os.unlink(self.path)
