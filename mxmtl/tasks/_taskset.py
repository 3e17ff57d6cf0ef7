"""An ordered set of tasks, and therefore a label layout."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from functools import cached_property
from importlib import import_module
from typing import Any

import numpy as np

from .._files import atomic_write, json_value
from .._options import one_of
from ._operators import operators
from ._task import NORMALIZATIONS, LabelError, Task

FORMAT = "mxmtl.tasks"
VERSION = 1
# Metrics are made from tasks and stand above them. So this package imports nothing of theirs: it
# knows the name of the one that makes them, and asks it when somebody wants metrics.
METRICS = "mxmtl.metrics"


class TaskSet(Sequence[Task]):
    """Tasks in order. Labels, heads, predictions and metrics follow this order and these names.

    Parameters
    ----------
    tasks : iterable of Task
        At least one; names must differ, also from the names that MXNet derives from them.
    normalization : {"batch", "valid"}
        What a task's loss is divided by. ``"batch"``: the rows of the batch, so that every
        label counts the same wherever it stands. ``"valid"``: the labelled cells of the batch
        (on several devices: of each device's share of it), so that a task with few labels
        counts as much as one with many.

    Examples
    --------
    >>> tasks = TaskSet([Task.from_dict({"type": "Binary", "name": "outdoors"}),
    ...                  Task.from_dict({"type": "Regression", "name": "age"})])
    >>> tasks.label_width, tasks.label_names, tasks.output_names
    (2, ['outdoors_label', 'age_label'], ['outdoors_output', 'age_output'])
    >>> tasks.encode({"outdoors": "1", "age": ""})
    array([ 1., nan], dtype=float32)
    >>> tasks["age"].weight, len(tasks)
    (1.0, 2)
    """

    def __init__(self, tasks: Iterable[Task], *, normalization: str = "batch") -> None:
        if isinstance(tasks, Task):
            raise TypeError(f"expected a list of tasks, got one: [{tasks!r}] is a list.")
        self._tasks = tuple(tasks)
        if not self._tasks:
            raise ValueError("a TaskSet needs at least one task.")
        for task in self._tasks:
            if not isinstance(task, Task):
                raise TypeError(f"expected tasks (mxmtl.Multiclass, ...), got {task!r}.")
        if normalization not in NORMALIZATIONS:
            found = one_of(str(normalization), NORMALIZATIONS)
            raise ValueError(f"normalization={normalization!r} is not {found}.")
        self.normalization = normalization
        self._by_name = {task.name: task for task in self._tasks}
        self._check_names()

    def _check_names(self) -> None:
        owner: dict[str, str] = {}
        for index, task in enumerate(self._tasks):
            if self._by_name[task.name] is not self._tasks[index]:
                raise ValueError(f"task name {task.name!r} is used twice; names must differ.")
        for task in self._tasks:
            suffixes = ("", "_label", "_output", "_weight", "_bias", "_fwd")
            names = [task.name + suffix for suffix in suffixes]
            for name in [*names, task.epoch_name] if task.epoch_name else names:
                if name in owner:
                    raise ValueError(
                        f"tasks {owner[name]!r} and {task.name!r} both make the name {name!r} in "
                        "the network; rename one of them."
                    )
                owner[name] = task.name

    # -- a sequence with names -----------------------------------------------------------------
    def __getitem__(self, key: str | int) -> Task:  # type: ignore[override]
        if isinstance(key, str):
            if key not in self._by_name:
                raise KeyError(f"task {key!r} is not {one_of(key, self.names)}")
            return self._by_name[key]
        return self._tasks[key]

    def __len__(self) -> int:
        return len(self._tasks)

    def __iter__(self) -> Iterator[Task]:
        return iter(self._tasks)

    def __contains__(self, key: object) -> bool:
        return key in self._by_name or key in self._tasks

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, TaskSet)
            and self._tasks == other._tasks
            and self.normalization == other.normalization
        )

    def __hash__(self) -> int:
        return hash((self._tasks, self.normalization))

    def __repr__(self) -> str:
        return f"TaskSet({list(self._tasks)}, normalization={self.normalization!r})"

    # -- layout --------------------------------------------------------------------------------
    @property
    def names(self) -> list[str]:
        """Task names, in order."""
        return [task.name for task in self._tasks]

    @property
    def columns(self) -> list[str]:
        """Table columns, one for each stored float, in order."""
        return [column for task in self._tasks for column in task.columns]

    @cached_property
    def label_width(self) -> int:
        """Number of floats stored for one record."""
        return sum(task.label_width for task in self._tasks)

    @property
    def label_names(self) -> list[str]:
        """``<task>_label`` of each task: pass it to ``mx.mod.Module(label_names=...)``."""
        return [task.label_name for task in self._tasks]

    @property
    def output_names(self) -> list[str]:
        """``<task>_output`` of each task."""
        return [task.output_name for task in self._tasks]

    @property
    def missing_label(self) -> np.ndarray:
        """The label of a record of which nothing is known: float32, (label_width,)."""
        return np.concatenate([np.full(t.label_width, t.missing, np.float32) for t in self._tasks])

    @property
    def padding_label(self) -> np.ndarray:
        """The label of a row that only fills a batch: float32, (label_width,)."""
        return np.concatenate([np.full(t.label_width, t.padding, np.float32) for t in self._tasks])

    @property
    def epoch_names(self) -> list[str]:
        """Variables that count finished epochs, of the tasks that want one."""
        return [task.epoch_name for task in self._tasks if task.epoch_name]

    @property
    def slices(self) -> list[slice]:
        """Where each task's cells stand in a record's label."""
        ends = np.cumsum([task.label_width for task in self._tasks]).tolist()
        return [slice(end - t.label_width, end) for end, t in zip(ends, self._tasks)]

    def encode(self, row: Mapping[str, Any]) -> np.ndarray:
        """Turn a table row into a record's label: float32, shape (label_width,).

        Raises `LabelError`, naming the task, for a cell that is no label and a column that is
        not there.
        """
        return np.concatenate([task.encode(row) for task in self._tasks])

    def decode(self, label: np.ndarray) -> dict[str, str]:
        """Turn one record's label into {column: text}, '' where missing: `encode` backwards."""
        label = self._checked_width(np.asarray(label, dtype=np.float32))
        cells: dict[str, str] = {}
        for task, part in zip(self._tasks, self.slices):
            cells.update(task.decode(label[part]))
        return cells

    def split(self, label: Any) -> list[Any]:
        """Cut labels (N, label_width), NDArray or ndarray, into one array a task, in order.

        Each is (N,), or (N, num_labels) for a multi-label task. An ndarray's parts are views.
        """
        self._checked_width(label)
        count = label.shape[0]
        return [
            label[:, part].reshape(task.label_shape(count))
            for task, part in zip(self._tasks, self.slices)
        ]

    def _checked_width(self, label: Any) -> Any:
        if label.shape[-1] != self.label_width:
            raise LabelError(
                f"labels are {label.shape[-1]} wide, but these tasks take {self.label_width}: "
                f"{self.columns}. Were the records written for other tasks?"
            )
        return label

    # -- what tasks are asked for ----------------------------------------------------------------
    def predict(self, outputs: Sequence[Any], temperature: Mapping[str, float] = {}) -> list[Any]:
        """Turn logits, one NDArray, ndarray or Symbol a task, into predictions (N, num_outputs).

        Probabilities for multiclass (softmax), binary and multi-label tasks (sigmoid), values
        for regression. ``temperature`` is what logits are divided by first, by task name.
        """
        self.check_count("logits", outputs)
        for task, logits in zip(self._tasks, outputs):
            if hasattr(logits, "shape"):  # a Symbol has none
                task.check_logits(logits.shape)
        F = operators(outputs[0])
        calm = [
            logits / np.float32(temperature[task.name]) if task.name in temperature else logits
            for task, logits in zip(self._tasks, outputs)
        ]
        return [task.prediction_output(F, logits) for task, logits in zip(self._tasks, calm)]

    def describe(
        self, predictions: Sequence[Any], thresholds: Mapping[str, Sequence[float]] = {}
    ) -> dict[str, np.ndarray]:
        """Put predictions, one array (N, num_outputs) a task, into words: {column: array (N,)}.

        See `Task.describe`; ``thresholds`` are by task name. The columns carry the names of the
        table that labels come from (see `headings`), so that `encode` reads the answers back.

        Examples
        --------
        >>> tasks = TaskSet([Task.from_dict({"type": "Binary", "name": "outdoors"})])
        >>> tasks.describe([np.array([[0.25], [0.75]])])
        {'outdoors': array([0, 1]), 'outdoors.probability': array([0.25, 0.75])}
        """
        self.check_count("predictions", predictions)
        table: dict[str, np.ndarray] = {}
        for task, prediction in zip(self._tasks, predictions):
            array = prediction if isinstance(prediction, np.ndarray) else prediction.asnumpy()
            rows = array.reshape(-1, task.num_outputs)
            own = task.describe(rows, thresholds.get(task.name))
            table.update(self.under_heading(own))
        return table

    @cached_property
    def headings(self) -> dict[str, str]:
        """What tables of answers call the columns of tasks: as the table does that labels are in.

        A task with a column that another task reads, or is called by, keeps its own.

        >>> spec = {"type": "Binary", "name": "On_Sale", "column": "On Sale?"}
        >>> TaskSet([Task.from_dict(spec)]).headings
        {'On_Sale': 'On Sale?'}
        """
        taken = Counter(name for task in self for name in {task.name, *task.columns, *task.sources})
        found: dict[str, str] = {}
        for task in self:
            alone = len(task.sources) == len(task.columns) and all(
                taken[source] == 1 for source in task.sources
            )
            found.update(zip(task.columns, task.sources if alone else task.columns))
        return found

    def under_heading(self, answers: Mapping[str, Any]) -> dict[str, Any]:
        """Return columns of a task's answers as they are called beside those of other tasks."""
        return {self._under_heading(column): values for column, values in answers.items()}

    def _under_heading(self, answer: str) -> str:
        column = answer
        while column and column not in self.headings:  # breed.2.probability is of breed
            column = column.rpartition(".")[0]
        return self.headings.get(column, "") + answer[len(column) :]

    def smoothed(self, share: float) -> TaskSet:
        """Return the tasks with this ``label_smoothing``, where they can smooth and declare none.

        Examples
        --------
        >>> spec = {"type": "Binary", "name": "outdoors"}
        >>> own = {"type": "Binary", "name": "indoors", "label_smoothing": 0.2}
        >>> tasks = TaskSet([Task.from_dict(spec), Task.from_dict(own)]).smoothed(0.1)
        >>> [task.label_smoothing for task in tasks]
        [0.1, 0.2]
        """
        tasks = [task.smoothed(share) for task in self._tasks]
        return TaskSet(tasks, normalization=self.normalization)

    def learned(self, counts: Mapping[str, Mapping[str, Any]]) -> TaskSet:
        """Return the tasks with what they take from the training labels; see `Task.learned`.

        Examples
        --------
        >>> counts = {"age": {"min": 20.0, "max": 60.0, "mean": 40.0, "std": 10.0}}
        >>> tasks = TaskSet([Task.from_dict({"type": "Regression", "name": "age"})])
        >>> tasks.learned(counts)["age"].to_dict()
        {'type': 'Regression', 'name': 'age', 'center': 40.0, 'scale': 10.0}
        """
        tasks = [task.learned(counts.get(task.name, {})) for task in self._tasks]
        return TaskSet(tasks, normalization=self.normalization)

    def opened(self, others: Sequence[tuple[TaskSet, Mapping[str, Any]]]) -> TaskSet:
        """Return the tasks without what was counted in one of several sets of records alone.

        ``others`` are the tasks of each set as they are stored, equal to these, and the counts of
        its labels. What the sets tell differently, and what `learned` makes of a set's own counts,
        nobody declared for all of them: `learned` fills it in again, from the counts of all.

        >>> age = {"type": "Regression", "name": "age", "center": 40.0, "scale": 10.0}
        >>> one, two = (TaskSet([Task.from_dict({**age, "scale": x})]) for x in (10.0, 20.0))
        >>> one.opened([(one, {}), (two, {})])["age"].to_dict()
        {'type': 'Regression', 'name': 'age', 'center': 40.0}
        """
        made = []
        for place, task in enumerate(self._tasks):
            bare = _without_counts(task)
            stored = [tasks[place].to_dict() for tasks, _ in others]
            own = [bare.learned(counts.get(task.name, {})).to_dict() for _, counts in others]
            made.append(Task.from_dict(_declared(bare.to_dict(), stored, own)))
        return TaskSet(made, normalization=self.normalization)

    def metrics(self) -> Any:
        """Make a ``mx.metric.CompositeEvalMetric`` of each task's default metrics."""
        return import_module(METRICS).default_metrics(self)

    def check_count(self, what: str, arrays: Sequence[Any]) -> None:
        """Raise `ValueError` unless there is one array a task; ``what`` names them."""
        if hasattr(arrays, "shape"):
            raise TypeError(f"{what}: one array {arrays.shape}; expected a list, one a task.")
        if len(arrays) != len(self._tasks):
            raise ValueError(f"{len(arrays)} {what} for {len(self._tasks)} tasks {self.names}.")

    # -- files ---------------------------------------------------------------------------------
    def to_dict(self) -> dict[str, Any]:
        """Return the tasks as JSON-able data."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "normalization": self.normalization,
            "tasks": [task.to_dict() for task in self._tasks],
        }

    @classmethod
    def from_dict(cls, spec: Mapping[str, Any], source: str = "tasks") -> TaskSet:
        """Make the set that `to_dict` described; `ValueError` naming ``source`` if it is none."""
        if not isinstance(spec, Mapping) or spec.get("format") != FORMAT:
            raise ValueError(f'{source}: no mxmtl tasks (expected "format": "{FORMAT}").')
        if spec.get("version") != VERSION:
            raise ValueError(
                f"{source}: version {spec.get('version')!r}; this mxmtl reads version {VERSION}. "
                "Install the mxmtl that wrote it, or a newer one."
            )
        try:
            tasks = [Task.from_dict(task) for task in spec["tasks"]]
            return cls(tasks, normalization=spec.get("normalization", "batch"))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{source}: {error}") from error

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the tasks as JSON, in UTF-8; the file appears only when it is complete."""
        with atomic_write(path) as stream:
            text = json.dumps(self.to_dict(), indent=2, ensure_ascii=False)
            stream.write((text + "\n").encode("utf-8"))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> TaskSet:
        """Read what `save` wrote; `ValueError` naming the file if it is something else."""
        return cls.from_dict(json_value(path), source=os.fspath(path))


def _without_counts(declared: Any) -> Any:
    """Return a task, or a loss, without what it may take from labels: what no equality asks."""
    parts = {f.name: None for f in fields(declared) if not f.compare and f.default is None}
    inner = getattr(declared, "loss", None)
    if inner is not None:
        parts["loss"] = _without_counts(inner)
    return replace(declared, **parts)


def _declared(bare: Mapping[str, Any], stored: Sequence[Any], own: Sequence[Any]) -> dict[str, Any]:
    """Add to a bare declaration what all stored ones say, and no set's own labels."""
    made = dict(bare)
    for name in stored[0]:
        said, counted = ([each.get(name) for each in part] for part in (stored, own))
        if isinstance(bare.get(name), Mapping):
            made[name] = _declared(bare[name], said, counted)
        elif name not in bare and all(each == said[0] for each in said):
            if any(map(_near, said, counted)):
                continue
            made[name] = said[0]
    return made


def _near(one: Any, other: Any) -> bool:
    """Tell whether numbers are the same, but for the order that they were added up in."""
    return other is not None and np.allclose(one, other, rtol=1e-5, atol=0)


def illegal_labels(tasks: TaskSet, labels: np.ndarray, *, soft: bool = False) -> dict[int, str]:
    """Say of labels (n, label_width) which rows hold what is no label: {row: reason}, in order.

    Soft labels are those that a network is given: there a cell may lie between 0 and 1.

    >>> import mxmtl
    >>> tasks = mxmtl.TaskSet([mxmtl.Multiclass("breed", classes=["beagle", "pug"])])
    >>> illegal_labels(tasks, np.float32([[1], [-1], [2]]))
    {2: "2 is no label of task 'breed' (breed); expected 0 to 1, or -1 where it is unknown."}
    """
    found: dict[int, str] = {}
    for task, part in zip(tasks, tasks.slices):
        cells = labels[:, part]
        legal = task.kind.valid_or_soft(task, cells) if soft else task.valid(cells)
        if np.count_nonzero(legal) < legal.size:  # half the time of all()
            for row in np.flatnonzero(~legal.all(axis=1)).tolist():
                column = int(np.argmin(legal[row]))
                allowed = task.kind.legal(task, soft)
                found.setdefault(row, _reason(task, column, float(cells[row, column]), allowed))
    return dict(sorted(found.items()))


def _reason(task: Task, column: int, value: float, allowed: str) -> str:
    """Say what stands where a label should, and what may."""
    return (
        f"{value:g} is no label of task {task.name!r} ({task.columns[column]}); expected "
        f"{allowed}, or {task.missing:g} where it is unknown."
    )
