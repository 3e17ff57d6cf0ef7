"""Tasks from a table: types guessed, class names collected, shares missing shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from ..._files import PathLike
from ...tasks import Task, TaskSet, is_task_name
from .._errors import TableError
from ._cells import MAX_CLASSES, ColumnCells, guess_type, hint, is_names_column, quoted
from ._table import TableOptions, TableReader, open_table

Spec = Mapping[str, Any]
NAMES = ("classes", "labels")  # fields of a task that hold names, which a column can tell
MAX_NAMES = 1_000_000  # of a task whose type is given; more are refused, not cut off


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
    notes : dict
        {task: what to look at before the proposal is taken}.
    """

    tasks: TaskSet
    num_rows: int
    labelled: Mapping[str, int]
    left_out: Mapping[str, str]
    notes: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = []
        for task in self.tasks:
            share = 100 * (1 - self.labelled[task.name] / self.num_rows)
            names = ", ".join(task.names[:8]) + (", ..." if len(task.names) > 8 else "")
            count = f"{len(task.names)}: " if task.names else ""
            lines.append(
                f"{task.name:<20} {type(task).__name__:<11} {share:5.1f}% missing  {count}{names}"
            )
        lines += [f"{name:<20} note: {note}" for name, note in self.notes.items()]
        lines += [f"{name:<20} left out: {why}" for name, why in self.left_out.items()]
        return "\n".join(line.rstrip() for line in lines)


def infer_tasks(
    table: PathLike,
    *,
    given: Sequence[Spec] = (),
    ignore: Sequence[str] = (),
    options: TableOptions | None = None,
) -> Inference:
    """Propose tasks for a table, from its columns.

    Columns ``task.label`` of zeros and ones make a multi-label task, and so do cells of several
    names (if ``options.separator`` is given); a column of zeros and ones is binary; other numbers
    are a regression, unless they are a few whole ones; text is multiclass, and so are numbers
    like 007, and whatever class folders are called. A proposal can encode all rows of the table.

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
        The table has no rows, or no column that suggests a task, or what it suggests or what is
        given makes no tasks.
    """
    opened = open_table(table, options or TableOptions())
    opened.check_labels()
    if opened.stored_width is not None:
        raise TableError(
            f"{opened.source}: a list holds numbers without names. Say what they are by tasks."
        )
    told = list(given or opened.known_tasks)
    not_tasks = {*ignore, opened.options.path_column, opened.split_column}
    columns, num_rows = read_columns(opened, not_tasks, told)
    left_out: dict[str, str] = {}
    specs: list[Spec] = [{**collected(spec, columns, opened), **spec} for spec in told]
    if not told:
        specs = guesses(columns, left_out, opened)
    if not specs:
        raise TableError(f"{opened.source}: no column suggests a task: {left_out}.")
    try:
        tasks = TaskSet([Task.from_dict(spec) for spec in specs])
    except ValueError as error:
        raise TableError(f"{opened.source}: {error}") from error
    labelled = {task.name: filled(task, columns) for task in tasks}
    return Inference(tasks, num_rows, labelled, left_out, notes_on(tasks, columns))


def read_columns(
    table: TableReader, ignore: set[str | None], told: Sequence[Spec]
) -> tuple[dict[str, ColumnCells], int]:
    """Go through the table once; return what each column holds, and the number of rows."""
    asked = {spec.get("name") for spec in told if wanted(spec)}
    columns = {
        name: ColumnCells(
            name,
            table.options.separator,
            limit=MAX_NAMES if name in asked else MAX_CLASSES,
            as_written=bool(table.known_tasks),
        )
        for name in table.columns
        if name not in ignore
    }
    number, bad = 0, ""
    for row in table.rows():
        if row.problem is not None:
            bad = bad or f"row {row.number}, {row.problem}"
            continue
        number += 1
        for name, cells in columns.items():
            cells.add(row.cells[name])
    if not number and bad:
        raise TableError(f"{table.source}: no row can be read; the first: {bad}")
    if not number:
        raise TableError(f"{table.source}: no rows.")
    return columns, number


def guesses(
    columns: Mapping[str, ColumnCells], left_out: dict[str, str], table: TableReader
) -> list[Spec]:
    """Propose a task for each column or group of columns, and say why others are left out."""
    specs: list[Spec] = []
    parts: dict[str, list[str]] = {}
    for name, cells in columns.items():
        task, dot, label = name.partition(".")
        kind = guess_type(cells)
        if dot and label and is_task_name(task) and cells.boolean:
            if cells.unknown:
                left_out[name] = kind
                continue
            if task not in parts:
                parts[task] = []
                specs.append({"type": "Multilabel", "name": task, "labels": parts[task]})
            parts[task].append(label)
        elif not is_task_name(name):
            left_out[name] = "a task's name has letters, digits, '_' and '-' only"
        elif kind not in Task.types:
            left_out[name] = kind
        else:
            names = names_from(cells, wanted({"type": kind}), table)
            specs.append({"type": kind, "name": name, **names})
    return [spec for spec in specs if can_be(spec, left_out, table)]


def can_be(spec: Spec, left_out: dict[str, str], table: TableReader) -> bool:
    """Tell whether a guess makes a task that its columns encode; else say why it is left out."""
    try:
        task = Task.from_dict(spec)
    except ValueError as error:
        left_out[spec["name"]] = str(error)
        return False
    of_names = task.name in table.columns and task.columns != (task.name,)
    if of_names and not is_names_column(task, table):
        twice = next(column for column in task.columns if column in table.columns)
        left_out[task.name] = f"the column {twice!r} is there as well"
        return False
    return True


def wanted(spec: Spec) -> list[str]:
    """Return the names that a spec leaves to its column: ``classes``, ``labels`` or neither."""
    if spec.get("type") not in Task.types:
        return []  # `Task.from_dict` says what is wrong with it
    own = [one.name for one in fields(Task.types[spec["type"]])]
    return [name for name in NAMES if name in own and name not in spec]


def names_from(cells: ColumnCells, names: Sequence[str], table: TableReader) -> Spec:
    """Return the names that a task takes from its column; `TableError` if they are too many."""
    for name in names:
        if cells.more_texts if name == "classes" else cells.more_parts:
            raise TableError(
                f"{table.source}: column {cells.name!r} holds more than {cells.limit} different "
                "names; a task cannot have so many. Is this a column of numbers, or of row names?"
            )
    return {name: getattr(cells, name)() for name in names}


def collected(spec: Spec, columns: Mapping[str, ColumnCells], table: TableReader) -> Spec:
    """Return the names that a given task leaves to the table."""
    name = str(spec.get("name"))
    labels = [one.partition(".")[2] for one in columns if one.startswith(name + ".")]
    if name in columns:
        return names_from(columns[name], wanted(spec), table)
    if labels:
        return {"labels": labels}
    raise TableError(
        f"{table.source}: no column {name!r} or '{name}.<label>' among {list(columns)}."
    )


def notes_on(tasks: TaskSet, columns: Mapping[str, ColumnCells]) -> dict[str, str]:
    """Point out cells that a task takes as they are, and that may mean unknown."""
    notes = {}
    for task in tasks:
        found = columns[task.name].unknown if task.name in columns else set()
        if found:
            notes[task.name] = f"cells {quoted(found)} are taken as they are. {hint(found)}"
    return notes


def filled(task: Task, columns: Mapping[str, Any]) -> int:
    """Return the most cells that any column of a task has."""
    return max(columns[name].filled for name in (task.name, *task.columns) if name in columns)
