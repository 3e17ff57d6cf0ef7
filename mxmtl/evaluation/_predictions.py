"""Labels and predictions of a whole set of records: what evaluation and reports start from."""

from __future__ import annotations

import inspect
import json
import os
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import mxnet as mx
import numpy as np

from .. import _progress
from .._files import PathLike, atomic_write, check_archive, check_form, open_regular
from .._options import unknown_option
from ..data import LoadingOptions, RecordIter
from ..data.records import Prefixes, RecordName, record_tasks
from ..model import Preprocessing, check_tuned
from ..tasks import Task, TaskSet, illegal_labels

FORMAT = "mxmtl.predictions"
VERSION = 1
ABOUT = "about"
READING = ("batch_size", "threads", "on_error", "progress", "ctx")  # what all take beside their own
FORM = {"tasks": object, "temperature": {str: float}, "thresholds": {str: [float]},
        "skipped": int, "names?": [[(str, int)]]}  # fmt: skip
# What NumPy writes before whole numbers, float32 and bytes of one dimension or two. It is not read
# as Python, which NumPy does, and which ends in many ways.
HEAD = re.compile(
    rb"\{'descr': '(<i8|<f4|\|u1)', 'fortran_order': (?:True|False), "
    rb"'shape': \((\d{1,18}),(?: (\d{1,18}))?\), \} *\n"
)


@dataclass(frozen=True)
class Predictions:
    """What a network predicts for N records, and what is known about them.

    Attributes
    ----------
    tasks : TaskSet
        What labels and logits mean.
    index : ndarray of int64 (N,)
        Record ids, as in ``batch.index`` of `mxmtl.RecordIter`.
    labels : dict of ndarray
        By task name: float32 (N,) or (N, num_labels), marked where missing.
    logits : dict of ndarray
        By task name: float32 (N, num_logits), before activation.
    temperature : dict
        By task name: what logits are divided by; 1 where there is none.
    thresholds : dict
        By task name: the threshold of each label; 0.5 where there is none.
    skipped : int
        Damaged records that were left out.
    names : sequence of RecordName
        By row: the file and the row of the table that each record came from; empty where the
        records tell of none.
    """

    tasks: TaskSet
    index: np.ndarray
    labels: dict[str, np.ndarray]
    logits: dict[str, np.ndarray]
    temperature: Mapping[str, float]
    thresholds: Mapping[str, Sequence[float]] = field(default_factory=dict)
    skipped: int = 0
    names: Sequence[RecordName] = ()

    def __len__(self) -> int:
        return len(self.index)

    def name(self, row: int) -> str:
        """Return what a row's record is called: picture and row of the table, or its number."""
        return (str(self.names[row]) if self.names else "") or f"record {self.index[row]}"

    def prediction(self, task: Task | str) -> np.ndarray:
        """Return probabilities or values of one task, float32 (N, num_outputs)."""
        task = self.tasks[task] if isinstance(task, str) else task
        (activated,) = TaskSet([task]).predict([self.logits[task.name]], self.temperature)
        return np.asarray(activated)

    def labelled(self, task: Task | str) -> np.ndarray:
        """Return which labels of one task are known: bool, in the labels' shape."""
        task = self.tasks[task] if isinstance(task, str) else task
        known: np.ndarray = task.labelled(self.labels[task.name])
        return known

    def save(self, path: PathLike) -> None:
        """Write all of it to one ``.npz`` file, whole or not at all."""
        about = {
            "tasks": self.tasks.to_dict(),
            "temperature": dict(self.temperature),
            "thresholds": {name: list(levels) for name, levels in self.thresholds.items()},
            "skipped": self.skipped,
            "names": [[name.path, name.row] for name in self.names],
        }
        arrays = {"index": self.index}
        arrays.update({f"labels/{name}": array for name, array in self.labels.items()})
        arrays.update({f"logits/{name}": array for name, array in self.logits.items()})
        write_predictions(path, about, arrays)

    @staticmethod
    def load(path: PathLike) -> Predictions:
        """Read what `save` wrote; `ValueError` naming the file if it is something else."""
        about, arrays = read_predictions(path)
        try:
            check_form(about, FORM, "about")
            tasks = TaskSet.from_dict(about["tasks"], source=str(path))
            check_tuned(tasks, about["thresholds"], about["temperature"])
            (rows,) = arrays["index"].shape
            labels = {
                t.name: arrays[f"labels/{t.name}"].reshape(t.label_shape(rows)) for t in tasks
            }
            logits = {t.name: arrays[f"logits/{t.name}"].reshape(rows, t.num_logits) for t in tasks}
            for reason in illegal_labels(tasks, np.column_stack(list(labels.values()))).values():
                raise ValueError(reason)
            names = [RecordName(str(path), int(row)) for path, row in about.get("names", ())]
            if len(names) not in (0, rows):
                raise ValueError(f"{len(names)} names of {rows} rows")
            return Predictions(
                tasks, arrays["index"], labels, logits,
                about["temperature"], about["thresholds"], about["skipped"], names,
            )  # fmt: skip
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path}: no predictions of mxmtl ({error}).") from error


def check_options(function: Callable[..., Any], options: Mapping[str, Any], *more: str) -> None:
    """Raise `TypeError` for an option that neither a function nor reading takes.

    It names what may be given to the function, ``more`` beside its own, or what was perhaps meant.
    """
    named = inspect.signature(function).parameters.values()
    own = [*more, *(each.name for each in named if each.kind is each.KEYWORD_ONLY)]
    reading = {"data_shape", *(field.name for field in fields(LoadingOptions))}
    for name in options:
        if name not in {*own, *READING, *reading}:
            raise unknown_option(name, [*own, *READING])


def predict_records(
    network: Any,
    records: Prefixes,
    preprocessing: Preprocessing,
    *,
    batch_size: int = 32,
    temperature: Mapping[str, float] = {},
    progress: bool = False,
    **options: Any,
) -> Predictions:
    """Run a network over records, each row once and in order.

    Parameters
    ----------
    network : Network
        From `Network.of`; or anything with ``tasks`` and ``logits(images)``.
    records : str or sequence of str
        Prefixes, as for `mxmtl.RecordIter`. Their tasks must have the network's columns and
        classes; weights and smoothing may differ.
    preprocessing : Preprocessing
        From ``run.model``.
    batch_size : int
        Rows at once.
    temperature : dict
        From ``run.model``.
    progress : bool
        Draw a bar, if the standard error is a terminal.
    **options
        More for `mxmtl.RecordIter`, such as ``threads`` and ``on_error``.

    Raises
    ------
    ValueError
        If the records were written for other tasks, or there are none.
    RecordError
        If a record is damaged, unless ``on_error="skip"``.
    """
    index, labels, logits, skipped, names = run_over_records(
        lambda images: network.logits(images), network.tasks, records, preprocessing,
        batch_size=batch_size, progress=progress, **options,
    )  # fmt: skip
    return Predictions(
        network.tasks, index, labels, logits, dict(temperature), skipped=skipped, names=names
    )


def run_over_records(
    compute: Callable[[mx.nd.NDArray], Sequence[np.ndarray]],
    tasks: TaskSet,
    records: Prefixes,
    preprocessing: Preprocessing,
    *,
    batch_size: int = 32,
    progress: bool = False,
    **options: Any,
) -> tuple[np.ndarray, dict[str, np.ndarray], dict[str, np.ndarray], int, Sequence[RecordName]]:
    """Call a function with the prepared images of records, each row once and in order.

    ``compute`` takes images (batch_size, channels, height, width) and returns one array a task.
    Gives record ids, labels and what was computed, by task, how many records were left out, and
    the names of the others;
    parameters and errors are those of `predict_records`.
    """
    blocks: list[list[np.ndarray]] = []
    with RecordIter(
        records, batch_size, tasks=record_tasks(records, tasks),
        **{**preprocessing.options(), **options},
    ) as batches, _progress.progress(
        batches.num_records, "images", shown=progress, what="predicting"
    ) as bar:  # fmt: skip
        for batch in batches:
            rows = batch_size - batch.pad
            labels = [label.asnumpy()[:rows] for label in batch.label]
            computed = [part[:rows] for part in compute(batch.data[0])]
            blocks.append([batch.index[:rows], *labels, *computed])
            bar.update(rows)
        skipped = batches.skipped
        names = batches.names(np.concatenate([block[0] for block in blocks])) if blocks else []
    index, *arrays = map(np.concatenate, zip(*blocks))
    count = len(tasks)
    by_task = [dict(zip(tasks.names, part)) for part in (arrays[:count], arrays[count:])]
    return index, by_task[0], by_task[1], skipped, names


# -- one .npz file: plain arrays and a JSON text, no pickle ----------------------------------------
def write_predictions(
    path: PathLike, about: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
) -> None:
    """Write arrays, and JSON-able data about them."""
    text = json.dumps({"format": FORMAT, "version": VERSION, **about}, ensure_ascii=False)
    named: dict[str, Any] = {ABOUT: np.frombuffer(text.encode("utf-8"), np.uint8), **arrays}
    with atomic_write(path) as stream:
        np.savez(stream, **named)


def read_predictions(path: PathLike) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read what `write_predictions` wrote; `ValueError` naming the file if it is damaged."""
    name = os.fspath(path)
    try:
        with open_regular(path) as stream, zipfile.ZipFile(stream) as archive:
            check_archive(archive, os.fstat(stream.fileno()).st_size)
            for member in archive.infolist():
                check_member(archive, member)
        with np.load(path, allow_pickle=False) as stored:
            arrays = {key: stored[key] for key in stored.files}
        about = json.loads(arrays.pop(ABOUT).tobytes().decode("utf-8"))
        if about.get("format") != FORMAT or about.get("version") != VERSION:
            raise ValueError(f"expected format {FORMAT!r}, version {VERSION}")
    except (
        zipfile.BadZipFile, KeyError, ValueError, AttributeError, EOFError, NotImplementedError,
        RecursionError,
    ) as error:  # fmt: skip
        raise ValueError(f"{name}: no predictions of mxmtl ({error}).") from error
    return about, arrays


def check_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Refuse an array that is compressed, or larger than its bytes: neither did we write."""
    with archive.open(member) as stream:
        version, length = np.lib.format.read_magic(stream), stream.read(2)
        head = HEAD.fullmatch(stream.read(int.from_bytes(length, "little")))
        if version != (1, 0) or head is None:
            raise ValueError(f"{member.filename} was not written by mxmtl")
        size = int(head[2]) * int(head[3] or 1) * np.dtype(head[1].decode()).itemsize
        if stream.tell() + size != member.file_size:
            raise ValueError(f"{member.filename} is not what its head says")
