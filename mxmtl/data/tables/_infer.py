"""Tasks from a table: types guessed, class names collected, shares missing shown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from ..._options import meant, one_of
from ...tasks import Task, TaskSet, is_task_name
from .._errors import TableError
from ._advice import AS_IT_IS, task_option
from ._amounts import doubts_on_points
from ._cells import MAX_CLASSES, ColumnCells
from ._doubts import (
    PathsSeen,
    cells_of,
    disagreeing,
    doubt_of_rows,
    doubts_of,
    doubts_on_cells,
    note_on_one_hot,
    note_on_unused,
    notes_on_cells,
    rows_of_yes,
)
from ._encode import LabelEncoder, is_names_column
from ._guess import as_task, column_called, guess_type, is_of_rows, task_name
from ._inference import Inference
from ._open import open_table
from ._paths import PathPattern
from ._table import TableOptions, TableReader
from ._values import ColumnValues, number

Spec = Mapping[str, Any]
NAMES = ("classes", "labels")  # fields of a task that hold names, which a column can tell
MAX_NAMES = 1_000_000  # of a task whose type is given; more are refused, not cut off
SHOWN = 8  # names on a line
GRADES = "ABCDEFGHIJ"


def infer_tasks(
    table: Any,
    *,
    given: Sequence[Spec] = (),
    ignore: Sequence[str] = (),
    options: TableOptions | None = None,
) -> Inference:
    """Propose tasks for a table, from its columns.

    Columns ``task.label`` of zeros and ones make a multi-label task, and so do lists and cells of
    several names (if ``options.separator`` is given); a column of zeros and ones is binary; other
    numbers are a regression, unless they are a few whole ones; text is multiclass, and so are
    numbers like 007, and whatever class folders are called. A proposal can encode all rows of the
    table, but for those that are pointed out.

    Parameters
    ----------
    table : path, DataFrame or iterable of dict
        What `write_records` takes; messages name rows as it does.
    given : sequence of dict
        Tasks as `Task.to_dict` has them, which the table is not asked about: at least ``type``
        and ``name``; class and label names are collected from the column where they are left
        out, or are the headers of ``columns``: names, numbers and ranges such as ``"6-"``, which
        counts from 1. If there are any, no others are proposed.
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
        return of_list(opened, given)
    kept = (opened.options.path_column, opened.split_column)
    no_tasks = {*ignored(ignore, opened), *kept, *opened.not_tasks}
    told = [with_columns(spec, opened, no_tasks) for spec in given or opened.known_tasks]
    asked = {spec.get("column", spec.get("name")) for spec in told}
    values = ColumnValues(opened.options.values)
    columns, num_rows, seen = read_columns(opened, no_tasks - asked, told, values)
    left_out: dict[str, str] = {}
    specs: list[Spec] = [{**collected(spec, columns, opened), **spec} for spec in told]
    if not given:
        free = opened.added_columns if told else columns
        specs += guesses(columns, [one for one in free if one not in asked], left_out, opened)
    if not specs:
        why = f": {shortened(left_out)}" if left_out else " beside that of the images"
        more = " If paths say what images show: --path-pattern '{class}/*'." * (not left_out)
        raise TableError(f"{opened.source}: no column suggests a task{why}.{more}")
    tasks = made(specs, opened)
    check_order(tasks, told, opened)
    notes, doubts = notes_on(tasks, columns, opened, bool(given)), {}
    unmet = without_effect(opened, columns, values)
    notes.update({"options": "; ".join(unmet)} if unmet else {})
    if given:
        used = no_tasks.union(asked, *(task.sources for task in tasks))
        unused = [name for name in opened.columns if name not in used]
        notes.update({"columns": note_on_unused(unused)} if unused else {})
    else:
        doubts = doubts_of(tasks, columns, left_out, opened)
        if opened.doubts:
            doubts["table"] = f"{' '.join(opened.doubts)} If it is right as it is: {AS_IT_IS}."
        one_hot = "" if told else note_on_one_hot(list(opened.columns), columns, num_rows)
        notes.update({"columns": one_hot} if one_hot else {})
    if seen and not opened.one_task_a_row:
        of_rows = "" if given else doubt_of_rows(seen, disagreeing(opened, tasks), columns)
        if of_rows:
            doubts["rows"] = of_rows
        else:
            notes["rows"] = f"{seen.text()}. Each row becomes a record; splits keep them together."
    labelled = {  # of a row in which two classes hold, one counts: it is refused
        task.name: min(known_cells(task, columns), num_rows * task.label_width) for task in tasks
    }
    counts = {task.name: counted(task, columns) for task in tasks}
    return Inference(tasks, num_rows, labelled, left_out, notes, doubts, counts)


def made(specs: Sequence[Spec], table: TableReader) -> TaskSet:
    """Make tasks; `TableError` names the table where they are none."""
    try:
        return TaskSet([Task.from_dict(spec) for spec in specs])
    except ValueError as error:
        raise TableError(f"{table.source}: {error}") from error


def of_list(table: TableReader, given: Sequence[Spec]) -> Inference:
    """Look at stored labels, of tasks that are given with all of their names."""
    if not given or any(map(wanted, given)):
        raise TableError(
            f"{table.source}: a list holds numbers without names. Say what they are by tasks, with "
            "their names: --task 'Multilabel attr labels=hat,bag' (given=[{'type': 'Multilabel', "
            "'name': 'attr', 'labels': ['hat', 'bag']}])."
        )
    tasks, rows = made(given, table), 0
    encoder = LabelEncoder(table, tasks)
    met = {value: np.zeros(tasks.label_width, np.int64) for value in (1, 0, -1)}
    known = np.zeros(tasks.label_width, np.int64)
    for chunk in table.chunks():
        labels, problems, _ = encoder.encode_all(chunk)
        labels = np.delete(labels, list(problems), axis=0)
        rows += len(labels)
        known += (~np.isnan(labels) & (labels != tasks.missing_label)).sum(axis=0)
        for value, count in met.items():
            count += (labels == value).sum(axis=0)
    notes = {}
    if ((met[1] > 0) & (met[0] == 0) & (met[-1] > 0) & (met[1] == known)).any():
        notes["table"] = "1 and -1 stand there, and -1 is unknown. If it means no: --values no=-1."
    if table.unmet():
        notes["options"] = "; ".join(table.unmet())
    labelled = {task.name: int(known[at].sum()) for task, at in zip(tasks, tasks.slices)}
    return Inference(tasks, rows, labelled, {}, notes)


def ignored(names: Sequence[str], table: TableReader) -> Iterator[str]:
    """Yield the columns that are no tasks, by their names or those of their tasks."""
    columns = [*table.columns, *table.more_columns]
    for name in names:
        column = column_called(name, columns)
        if not column and name != table.options.path_column:
            raise TableError(
                f"{table.source}: there is no column {name!r} to ignore among {columns[:50]}"
                f"{meant(name, columns)}."
            )
        yield column or name


def without_effect(
    table: TableReader, columns: Mapping[str, ColumnCells], values: ColumnValues
) -> list[str]:
    """Say which options are of what stands in no cell."""
    found, options = table.unmet(), table.options
    one = options.separator
    separators = one if isinstance(one, Mapping) else {"": one} if one else {}
    for name, mark in separators.items():
        if not any(cells.several for one, cells in columns.items() if name in ("", one)):
            found.append(f"separator: no cell{f' of {name!r}' * bool(name)} has {mark!r}")
    if options.long is not None:
        return found  # which its table says itself
    met = {word for cells in columns.values() for word in cells.none_met}
    found += [f"none_names: no cell is {name!r}" for name in options.none_names
              if not met & {name, name.partition(": ")[2]}]  # fmt: skip
    return found + values.unmet(columns)


def shortened(left_out: Mapping[str, str]) -> dict[str, str]:
    """Return the first reasons, for a message."""
    shown = dict(list(left_out.items())[:10])
    return {**shown, "...": f"{len(left_out) - 10} more"} if len(left_out) > 10 else shown


def read_columns(
    table: TableReader, ignore: set[str | None], told: Sequence[Spec], values: ColumnValues
) -> tuple[dict[str, ColumnCells], int, PathsSeen]:
    """Go through the table once; return what each column holds, the rows, and double images."""
    asked = {spec.get("column", spec.get("name")) for spec in told if wanted(spec)}
    options = table.options
    columns = {
        name: ColumnCells(
            name,
            options.separator_of(name),
            limit=MAX_NAMES if name in asked else MAX_CLASSES,
            as_written=bool(table.known_tasks) and name not in table.added_columns,
            none_names=options.none_names_of(name),
            empty_names=options.empty_names,
            words=values.of(name),
        )
        for name in table.columns
        if name not in ignore
    }
    number, bad, seen = 0, "", PathsSeen()
    for chunk in table.chunks():
        rows = None
        if chunk.problems:
            at, text = next(iter(sorted(chunk.problems.items())))
            bad = bad or f"row {chunk.numbers[at]}, {text}"
            rows = np.array([at for at in range(len(chunk)) if at not in chunk.problems], np.int64)
        number += len(chunk) if rows is None else len(rows)
        if rows is None or len(rows):
            seen.add(chunk.paths, chunk.numbers)
            for cells in columns.values():
                cells.add(chunk, rows)
    for cells in columns.values() if options.merge_names else ():
        cells.merge()
    if not number and bad:
        raise TableError(f"{table.source}: no row can be read; the first: {bad}")
    if not number:
        raise TableError(f"{table.source}: no rows.")
    return columns, number, seen


def guesses(
    columns: Mapping[str, ColumnCells],
    names: Iterable[str],
    left_out: dict[str, str],
    table: TableReader,
) -> list[Spec]:
    """Propose a task for each column or group of columns, and say why others are left out."""
    specs: list[Spec] = []
    parts: dict[str, list[str]] = {}
    for name in (name for name in names if name in columns):
        cells = columns[name]
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
        elif kind not in Task.types:
            left_out[name] = kind
        elif is_of_rows(cells):
            left_out[name] = is_of_rows(cells)
        else:
            own = names_from(cells, wanted({"type": kind}), table)
            specs.append({"type": kind, **task_name(name, columns, specs), **own})
    return [spec for spec in specs if can_be(spec, left_out, table)]


def can_be(spec: Spec, left_out: dict[str, str], table: TableReader) -> bool:
    """Tell whether a guess makes a task that its columns encode; else say why it is left out."""
    try:
        task = Task.from_dict(spec)
    except ValueError as error:
        left_out[spec.get("column", spec["name"])] = str(error)
        return False
    column = task.column or task.name
    of_names = column in table.columns and task.sources != (column,)
    if of_names and not is_names_column(task, table):
        twice = next(one for one in task.sources if one in table.columns)
        left_out[column] = f"the column {twice!r} is there as well"
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
    if "classes" in names and cells.lists and not cells.texts:
        raise TableError(
            f"{table.source}: column {cells.name!r} holds lists of names, and not one class: "
            f"{as_task('Multilabel', cells.name)}."
        )
    found = {name: getattr(cells, name)() for name in names}
    if "labels" in found:
        found["labels"] = chosen(found["labels"], cells.parts, table)
    return found


def chosen(names: Sequence[str], counts: Mapping[str, int], table: TableReader) -> list[str]:
    """Return the labels that the options ask for; `TableError` if one is not there."""
    asked = table.options.labels
    if len(asked) == 1 and asked[0].isdigit() and asked[0] not in names:
        kept = [name for name in names if counts[name] >= int(asked[0])]
        if not kept:
            most = max(counts.values(), default=0)
            raise TableError(f"{table.source}: no label has {asked[0]} rows; the most is {most}.")
        return kept
    for name in asked:
        if name not in counts:
            raise TableError(
                f"{table.source}: label {name!r}: expected {one_of(name, list(names))}."
            )
    return [name for name in names if name in asked] if asked else list(names)


def collected(spec: Spec, columns: Mapping[str, ColumnCells], table: TableReader) -> Spec:
    """Return the names that a given task leaves to the table."""
    name = str(spec.get("column", spec.get("name")))
    if not wanted(spec) and "{" in name:
        return {}
    labels = [one.removeprefix(name + ".") for one in columns if one.startswith(name + ".")]
    if name in columns:
        return names_from(columns[name], wanted(spec), table)
    if labels:
        return {"labels": labels}
    raise TableError(
        f"{table.source}: no column {name!r} or '{name}.<label>' among "
        f"{list(columns)[:50]}{meant(name, list(columns))}."
    )


def with_columns(spec: Spec, table: TableReader, ignore: set[str | None]) -> Spec:
    """Return a spec whose ``columns`` are the names of its labels or classes.

    One that is called as a proposal calls a column is of that column.
    """
    if "columns" not in spec:
        name = str(spec.get("name"))
        column = "" if "column" in spec else column_called(name, table.columns)
        dotted = any(one.startswith(f"{name}.") for one in table.columns)
        return spec if dotted or column in ("", name) else {**spec, "column": column}
    asked = spec["columns"]
    asked = [asked] if isinstance(asked, str | int) else list(asked)
    names = [name for one in asked for name in columns_in(str(one), table, ignore)]
    own = {key: value for key, value in spec.items() if key != "columns"}
    field_name = next(iter(wanted(own)), None)
    if field_name is None:
        raise TableError(
            f"{table.source}: task {spec.get('name')!r}: columns={spec['columns']!r} goes with a "
            "task that has labels or classes, and does not name them itself."
        )
    place = {"labels": "{label}", "classes": "{class}"}[field_name]
    return {**own, field_name: list(dict.fromkeys(names)), "column": place}


def columns_in(asked: str, table: TableReader, ignore: set[str | None]) -> Iterator[str]:
    """Yield the columns that a name, a number or a range means."""
    columns = list(table.columns)
    if asked in columns:
        yield asked
        return
    found = re.fullmatch(r"(\d*)(-?)(\d*)", asked)
    first, last = (found.group(1), found.group(3)) if found else ("", "")
    if not found or not (first or last):
        raise TableError(f"{table.source}: column {asked!r}: expected {one_of(asked, columns)}.")
    start = int(first or 1)
    stop = start if not found.group(2) else int(last or len(columns))
    if not 1 <= start <= stop <= len(columns):
        raise TableError(f"{table.source}: columns {asked!r}: there are {len(columns)}.")
    if found.group(2) and not last:  # which is said of the columns that one sees in a file
        pattern = table.options.path_pattern
        of_paths = PathPattern(pattern).columns if pattern else ()
        ignore = ignore.union(name for name in of_paths if name in table.added_columns)
    yield from (name for name in columns[start - 1 : stop] if name not in ignore)


def notes_on(
    tasks: TaskSet, columns: Mapping[str, ColumnCells], table: TableReader, given: bool
) -> dict[str, str]:
    """Point out what a task takes as it is, and what may mean something else."""
    notes, points = {}, doubts_on_points(columns, table) if given else {}
    for task in tasks:
        cells = cells_of(task, columns)
        if cells is not None:
            doubt = "" if given else " ".join(doubts_on_cells(task, cells))
            found = [one for one in notes_on_cells(task, cells, given) if one not in doubt]
            found += [points[cells.name]] if cells.name in points else []
            if found:
                notes[task.name] = " ".join(found)
    of_table = [*table.notes, *(table.doubts if given else ())]
    if of_table:
        notes["table"] = " ".join(of_table)
    return notes


def check_order(tasks: TaskSet, told: Sequence[Spec], table: TableReader) -> None:
    """Raise `TableError` for a task with an order that nobody has given, and that names lack.

    Numbers have one, and grades from A to E; S, M and L have not that of letters.
    """
    for task, spec in zip(tasks, told):
        names = task.names
        if not task.ordered or not wanted(spec) or None not in map(number, names):
            continue
        if all(len(name) == 1 for name in names) and "".join(sorted(names)).upper() in GRADES:
            continue
        own = {} if task.column is None else {"column": task.column}
        said = task_option(type(task).__name__, task.name, **own, classes=names)
        if any("," in name for name in names):  # which separates them there
            said = f"in a file of tasks: {AS_IT_IS}"
        raise TableError(
            f"{table.source}: task {task.name!r}: nobody has said the order of its classes. Say "
            f"it, from the lowest to the highest, as here but in order: {said} "
            f"(classes={list(names)})."
        )


def known_cells(task: Task, columns: Mapping[str, ColumnCells]) -> int:
    """Return how many labels of a task are known."""
    column = task.column or task.name
    if column in columns:
        return columns[column].labelled(task.label_width)
    own = [columns[name] for name in task.sources if name in columns]
    if len(task.sources) != task.label_width:
        return sum(rows_of_yes(cells) for cells in own)
    return sum(cells.filled for cells in own)


def counted(task: Task, columns: Mapping[str, ColumnCells]) -> dict[str, int]:
    """Return how many rows have each class or label."""
    column = task.column or task.name
    cells = columns.get(column)
    if cells is None:
        pairs = zip(task.names, task.sources)
        return {name: rows_of_yes(columns[one]) for name, one in pairs if one in columns}
    found = cells.parts if len(task.names) == task.label_width else cells.known()
    return {name: found[name] for name in task.names if name in found}
