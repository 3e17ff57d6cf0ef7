"""Which task a column suggests, or the reason why it suggests none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...tasks import is_task_name
from ._advice import hint, option, task_option
from ._cells import ColumnCells, is_code, is_spelling, quoted
from ._paths import is_picture, plain
from ._values import number
from ._words import (
    DATE,
    ID,
    LABEL,
    OF_MANY,
    OF_ROWS,
    SPLITS,
    YES_NO,
    are_amounts,
    is_amount,
    plain_amount,
)

FEW_NUMBERS, MANY_ROWS = 20, 20
FEW_CLASSES = 10  # that are whole numbers with gaps
UNREAD = "units and bounds are not read: write the numbers alone"
MOST, FEW_ODD = 0.9, 5  # a column of numbers, or of different cells, but for a few


def guess_type(cells: ColumnCells) -> str:
    """Return the name of the task type that a column suggests, or the reason why there is none."""
    if not cells.parts and not cells.texts:
        return "every cell is empty"
    if cells.texts and len(cells.texts) == len(cells.unknown):
        return f"every cell is {quoted(cells.unknown, ' or ')}"
    if cells.several:
        return guess_names(cells)
    amounts = cells.numbers and (not cells.whole or are_many([*cells.known()]))
    if cells.boolean or amounts:
        return guess_number("Binary" if cells.boolean else "Regression", cells)
    written = nearly_numbers(cells) or written_amounts(cells)
    if written:
        return written
    if cells.more_texts:
        return f"more than {cells.limit} different cells"
    if all(map(is_picture, cells.texts)):
        return "its cells are names of image files"
    classes = cells.classes()
    if len(classes) < 2:
        return f"every cell is {classes[0]!r}{mark(cells, classes[0])}"
    of_rows = tells_of_rows(cells)
    if of_rows:
        return of_rows
    return all_different("cell", len(classes), cells.filled) or "Multiclass"


def all_different(what: str, different: int, rows: int) -> str:
    """Say that nearly nothing stands in two rows, as an id in those of a double; '' if it does.

    >>> all_different("cell", 680, 683), all_different("cell", 14, 683)
    ('nearly every cell is different (680 of 683)', '')
    """
    if rows <= MANY_ROWS or different < MOST * rows:
        return ""
    nearly = f"nearly every {what} is different ({different} of {rows})"
    return f"every {what} is different" if different == rows else nearly


def mark(cells: ColumnCells, word: str) -> str:
    """Say how to read a word in some cells as yes, and the empty ones as no; '' if none is."""
    means_yes = len(word) < 3 or word.lower() in {yes for yes, _ in YES_NO}
    if cells.filled == cells.rows or is_spelling(word) or not means_yes:
        return ""
    said = option("--values", f"{cells.name}: yes={word},no=")
    return f", or empty. If that means yes and no: {said}"


def tells_of_rows(cells: ColumnCells) -> str:
    """Say that cells are nothing to predict, whatever their column is called; '' if they may be."""
    texts = [text.lower() for text in cells.texts if text not in cells.unknown]
    again = f"if they are to be predicted: {as_task('Multiclass', cells.name)}"
    if all(map(DATE.fullmatch, texts)):
        return f"its cells are dates or times; {again}"
    if all(text.startswith(("http://", "https://")) for text in texts):
        return f"its cells are web addresses; {again}"
    if SPLITS.issuperset(texts) and not {"train", "training"}.isdisjoint(texts):
        split = option("--split-column", cells.name)
        return f"its cells are splits ({split}); {again}"
    return ""


def are_many(numbers: Sequence[str]) -> bool:
    """Tell whether whole numbers are amounts, as ages are, and not the numbers of classes.

    >>> are_many(["0", "5", "10"]), are_many([str(5 * age) for age in range(18)])
    (False, True)
    """
    return len(numbers) > FEW_NUMBERS or (len(numbers) > FEW_CLASSES and not in_a_row(numbers))


def in_a_row(numbers: Sequence[str]) -> bool:
    """Tell whether different whole numbers are 0, 1, 2, ... or 1, 2, 3, ..."""
    values = sorted(number(text) or 0.0 for text in numbers)
    return bool(values) and values[0] in (0, 1) and values[-1] - values[0] == len(values) - 1


def guess_names(cells: ColumnCells) -> str:
    """Return the type of a column of lists."""
    if cells.more_parts:
        return f"more than {cells.limit} different names"
    if not cells.parts:
        return "every list is empty"
    if len(cells.parts) == 1 and cells.said is None and [*cells.parts.values()] == [cells.filled]:
        return f"every cell is {next(iter(cells.parts))!r}"
    different = all_different("name", len(cells.parts), sum(cells.parts.values()))
    if different and cells.said is None:
        return different
    if cells.repeated and {number(name) for name in cells.parts} <= {0.0, 1.0}:
        return "its cells are lists of 0 and 1, whose places say what they are: make them columns"
    values = [number(name) for name in cells.parts]
    if None not in values and not all(value.is_integer() for value in values if value is not None):
        return "its cells are lists of numbers"
    return "Multilabel"


def guess_number(kind: str, cells: ColumnCells) -> str:
    """Return the type of a column of numbers, unless there is a cell that it cannot take."""
    if cells.no_value:
        return cells.no_value
    if cells.unknown:
        return f"it would be a {kind} without {quoted(cells.unknown)}. {hint(cells.unknown)}"
    return kind


def nearly_numbers(cells: ColumnCells) -> str:
    """Name the few cells that keep a column from being one of numbers; '' if it is none."""
    total = cells.count_numbers + cells.count_odd
    distinct = len(cells.texts) - len(cells.odd)
    if not (0 < cells.count_odd <= total * (1 - MOST) and len(cells.odd) <= FEW_ODD):
        return ""
    if distinct <= FEW_NUMBERS or any(map(is_code, cells.odd)):
        return ""
    odd = ", ".join(f"{text!r} (row {row})" for text, (_, row) in cells.odd.items())
    return (
        f"it would be a Regression: {cells.count_numbers} of {total} cells are numbers, but not "
        f"{odd}. {way_with(cells.odd, cells.name)}"
    )


def way_with(odd: Iterable[str], column: str) -> str:
    """Say how to read cells that keep a column from being one of numbers."""
    odd = list(odd)
    written = [text for text in odd if is_amount(text)]
    amounts = [text for text in written if is_read(text)]
    unread = [text for text in written if text not in amounts]
    mark = "comma" if any("," in text for text in amounts) else "point"
    said = option("--amounts", f"{column}: {mark}")
    ways = [f"Amounts as people write them: {said}."] if amounts else []
    ways += [f"Of {quoted(unread)}, {UNREAD}."] if unread else []
    rest = [text for text in odd if text not in written]
    return " ".join(ways + ([hint(rest)] if rest else []))


def written_amounts(cells: ColumnCells) -> str:
    """Say that a column holds numbers as people write them, which are not read; '' if not."""
    known = cells.known()
    odd = [text for text in known if number(text) is None]
    if not odd or any(map(is_code, odd)) or not are_amounts(known, FEW_CLASSES):
        return ""
    unread = [text for text in odd if not is_read(text)]
    how = "--amounts comma reads 3,5 and 1.200, --amounts point 1,200 and 45%"
    how = f"Of {quoted(unread[:3])}, {UNREAD}" if unread else how
    return (
        f"its cells are amounts as people write them ({quoted(odd[:3])}), and not numbers. {how}. "
        f"If they are names: {as_task('Multiclass', cells.name)}."
    )


def is_read(text: str) -> bool:
    """Tell whether --amounts reads an amount: 3,5 and 45%, and not 3.5 kg or 90+."""
    return any(number(plain_amount(text, mark)) is not None for mark in ".,")


def is_of_rows(cells: ColumnCells) -> str:
    """Say why a column tells of rows and not of pictures, as an id does; '' if not.

    >>> is_of_rows(ColumnCells("fold"))[:39], is_of_rows(ColumnCells("age"))
    ('its name is that of an id, a fold or a ', '')
    """
    many = len(cells.texts) > min(FEW_NUMBERS - 1, cells.filled / 4) and not cells.several
    own = plain(cells.name.rpartition(".")[2] or cells.name)
    if not OF_ROWS.fullmatch(own) and not (
        many and (ID.fullmatch(cells.name) or OF_MANY.fullmatch(own)) and not LABEL.search(own)
    ):
        return ""
    return (
        "its name is that of an id, a fold or a split, or of how the row was made. To keep rows of "
        f"one on the same side of a split: {option('--group', cells.name)}; to predict it: "
        f"{as_task('Multiclass', cells.name)}"
    )


def counts_rows(cells: ColumnCells) -> bool:
    """Tell whether a column has every whole number from one to another, nearly always once."""
    known = cells.known()
    if not cells.numbers or not cells.whole or cells.more_texts or len(known) <= FEW_NUMBERS:
        return False
    values = sorted(number(text) or 0.0 for text in known)
    return values[-1] - values[0] == len(values) - 1 and len(values) >= MOST * cells.filled


def task_name(
    header: str, columns: Mapping[str, Any], specs: Sequence[Mapping[str, Any]]
) -> dict[str, str]:
    """Return what a task is called after a column, and the column where that is another name."""
    if is_task_name(header):
        return {"name": header}
    kept = "".join(letter if is_task_name(f"_{letter}") else " " for letter in header)
    base = "_".join(kept.split()).lstrip("-") or "column"
    taken = {*columns, *(spec["name"] for spec in specs)}
    name, number = base, 2
    while name in taken:
        name, number = f"{base}_{number}", number + 1
    return {"name": name, "column": header}


def column_called(name: object, columns: Iterable[str]) -> str:
    """Return the column of a name, or of the task that is called after it; '' if there is none.

    >>> column_called("On_Sale", ["path", "On Sale?"]), column_called("sale", ["On Sale?"])
    ('On Sale?', '')
    """
    columns = list(columns)
    if name in columns:
        return str(name)
    found = [column for column in columns if column and task_name(column, {}, [])["name"] == name]
    return found[0] if len(found) == 1 else ""


def as_task(kind: str, column: str) -> str:
    """Return the option that makes a task of a column.

    >>> print(as_task("Regression", "Fold ID"))
    --task 'Regression Fold_ID column="Fold ID"'
    """
    return task_option(kind, **task_name(column, {}, []))
