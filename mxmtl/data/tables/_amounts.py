"""Numbers whose point may stand between thousands: 1.234 in a table of decimal commas."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ._advice import option
from ._cells import ColumnCells
from ._table import TableReader
from ._values import number
from ._words import decimal_marks, is_amount

THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}\.\d{3}")  # 1.234, and not 0.125


def doubts_on_points(columns: Mapping[str, ColumnCells], table: TableReader) -> dict[str, str]:
    """Return {column: doubt} of numbers that may be read a thousand times too small.

    All of their points stand before three digits, and something speaks for commas: another column
    has them before decimals, or, of numbers such as 916 beside 1.234, semicolons stand between
    cells, as in tables of programs that write decimal commas.
    """
    plain = [name for name in columns if table.options.amounts_of(name)[0] == "plain"]
    marks, commas = set[str](), ""
    for name, cells in ((name, columns[name]) for name in plain):
        amounts = [text for text in cells.texts if is_amount(text)]
        found = decimal_marks(amounts)
        marks.update(found)
        if found == "," and len(amounts) > len(cells.texts) / 2:
            example = next(text for text in amounts if decimal_marks([text]))
            commas = commas or f"{name!r} has {example!r}"
    said = (how for how in of_columns(table) if how == "comma")
    commas = commas or (next(said, "") and "another column has decimal commas by --amounts")
    semicolons = table.semicolons and "." not in marks
    why = commas or (semicolons and "semicolons stand between cells")
    doubts = {}
    for name in plain if why else ():
        points, whole = shapes(columns[name])
        if points and (whole or (commas and "." not in marks)):
            beside = f" beside {whole!r}" if whole else ""
            comma, point = (option("--amounts", f"{name}: {how}") for how in ("comma", "point"))
            doubts[name] = (
                f"{points!r}{beside} may be {points.replace('.', '')}, as {why}. If so: {comma}; "
                f"if its point stands before decimals: {point}."
            )
    return doubts


def of_columns(table: TableReader) -> list[str]:
    """Return how numbers are written in the columns of which that was said."""
    how = table.options.amounts
    return [how] if isinstance(how, str) else [*how.values()]


def shapes(cells: ColumnCells) -> tuple[str, str]:
    """Return a number that may be thousands and one below them, '' for none.

    Both are '' where another number says that the points are none between thousands.

    >>> cells = ColumnCells("sold")
    >>> cells.texts = {"1.234": 1, "916": 1}
    >>> shapes(cells)
    ('1.234', '916')
    """
    points = whole = ""
    for text in cells.known() if cells.numbers else ():
        value = number(text)
        if THOUSANDS.fullmatch(text):
            points = points or text
        elif value is not None and value.is_integer() and abs(value) < 1000 and "." not in text:
            whole = whole or text
        else:
            return "", ""
    return points, whole
