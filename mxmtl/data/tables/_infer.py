"""Tasks from a table: types guessed, class names collected, shares missing shown."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ..._files import PathLike
from ...tasks import Task, TaskSet
from ...tasks._task import NAME
from .._errors import TableError
from ._guess import ColumnCells, guess_type
from ._table import Table, TableOptions
from ._table_open import open_table

Spec = Mapping[str, Any]
NAMES = ("classes", "labels")  # fields of a task that hold names, which a column can tell


@dataclass(frozen=True)
class Inference:
    """Tasks that a table suggests, to be looked at before they are used.

    Attributes
    ----------
    tasks : TaskSet
        The proposal.
    num_rows : int
        Rows of the table.
    labelled : dict
        {task: rows with at least one cell}.
    left_out : dict
        {column: reason} of columns that suggest no task.
    """

    tasks: TaskSet
    num_rows: int
    labelled: Mapping[str, int]
    left_out: Mapping[str, str]

    def __str__(self) -> str:
        lines = []
        for task in self.tasks:
            share = 100 * (1 - self.labelled[task.name] / self.num_rows)
            names = ", ".join(task.names[:8]) + (", ..." if len(task.names) > 8 else "")
            count = f"{len(task.names)}: " if task.names else ""
            lines.append(
                f"{task.name:<20} {type(task).__name__:<11} {share:5.1f}% missing  {count}{names}"
            )
        lines += [f"{name:<20} left out: {why}" for name, why in self.left_out.items()]
        return "\n".join(line.rstrip() for line in lines)


def infer_tasks(
    table: PathLike,
    *,
    given: Sequence[Spec] = (),
    ignore: Sequence[str] = (),
    options: Optional[TableOptions] = None,
) -> Inference:
    """Propose tasks for a table, from its columns.

    Columns ``task.label`` of zeros and ones make a multi-label task, and so do cells of several
    names (if ``options.separator`` is given); a column of zeros and ones is binary; other numbers
    are a regression, unless they are a few whole ones; text is multiclass.

    Parameters
    ----------
    table : path
        What `write_records` takes.
    given : sequence of dict
        Tasks as `Task.to_dict` has them, which the table is not asked about: at least ``type``
        and ``name``; class and label names are collected from the column where they are left
        out. If there are any, no others are proposed.
    ignore : sequence of str
        Columns that are no task, beside that of the paths.
    options : TableOptions, optional
        How to read the table.

    Raises
    ------
    TableError
        The table has no rows, or no column that suggests a task.
    """
    opened, options = open_table(table, options or TableOptions())
    not_tasks = {*ignore, options.path_column, opened.split_column}
    columns, num_rows = read_columns(opened, not_tasks, options)
    if opened.stored_width is not None:
        raise TableError(
            f"{opened.source}: a list holds numbers without names. Say what they are by tasks."
        )
    left_out: Dict[str, str] = {}
    specs: List[Spec] = list(opened.known_tasks)
    if given:
        specs = [{**collected(spec, columns, opened), **spec} for spec in given]
    elif not specs:
        specs = guesses(columns, left_out)
    if not specs:
        raise TableError(f"{opened.source}: no column suggests a task: {left_out}.")
    tasks = TaskSet([Task.from_dict(spec) for spec in specs])
    labelled = {task.name: filled(task, columns) for task in tasks}
    return Inference(tasks, num_rows, labelled, left_out)


def read_columns(
    table: Table, ignore: "set[Optional[str]]", options: TableOptions
) -> Tuple[Dict[str, ColumnCells], int]:
    """Go through the table once; return what each column holds, and the number of rows."""
    columns = {
        name: ColumnCells(name, options.separator) for name in table.columns if name not in ignore
    }
    number = 0
    for row in table.rows():
        if row.problem is None:
            number += 1
            for name, cells in columns.items():
                cells.add(row.cells[name])
    if not number:
        raise TableError(f"{table.source}: no rows.")
    return columns, number


def guesses(columns: Mapping[str, ColumnCells], left_out: Dict[str, str]) -> List[Spec]:
    """Propose a task for each column or group of columns, and say why others are left out."""
    specs: List[Spec] = []
    parts: Dict[str, List[str]] = {}
    for name, cells in columns.items():
        task, dot, label = name.partition(".")
        kind = guess_type(cells)
        if dot and label and NAME.fullmatch(task) and (cells.boolean or not cells.filled):
            if task not in parts:
                parts[task] = []
                specs.append({"type": "Multilabel", "name": task, "labels": parts[task]})
            parts[task].append(label)
        elif not NAME.fullmatch(name):
            left_out[name] = "a task's name has letters, digits, '_' and '-' only"
        elif kind[0].islower():
            left_out[name] = kind
        else:
            specs.append({"type": kind, "name": name, **fill(kind, cells)})
    return specs


def fill(kind: str, cells: ColumnCells) -> Spec:
    """Return the names that a task of this type takes from its column."""
    if kind not in Task.types:
        return {}  # `Task.from_dict` says what is wrong with it
    own = [field.name for field in fields(Task.types[kind]) if field.name in NAMES]
    return {name: cells.sorted_names() for name in own}


def collected(spec: Spec, columns: Mapping[str, ColumnCells], table: Table) -> Spec:
    """Return the names that a given task leaves to the table."""
    name = str(spec.get("name"))
    labels = [one.partition(".")[2] for one in columns if one.startswith(name + ".")]
    if name in columns:
        return fill(str(spec.get("type")), columns[name])
    if labels:
        return {"labels": labels}
    raise TableError(
        f"{table.source}: no column {name!r} or '{name}.<label>' among {list(columns)}."
    )


def filled(task: Task, columns: Mapping[str, Any]) -> int:
    """Return the most cells that any column of a task has."""
    return max(columns[name].filled for name in (task.name, *task.columns) if name in columns)
