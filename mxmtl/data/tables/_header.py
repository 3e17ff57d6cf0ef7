"""What stands above the cells of a table: titles, two rows of names, columns without a name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ._advice import option
from ._cells import quoted
from ._paths import is_picture
from ._text import text
from ._values import number

Rows = Sequence[Sequence[Any]]
SHOWN = 3
MANY = 20  # names of a header that nobody types


def lines_above(rows: Rows) -> int:
    """Return how many rows stand above the first of several cells, if they are a title.

    Rows that begin with # are one.

    >>> lines_above([["Products, spring", ""], ["", ""], ["image", "price"]])
    2
    >>> lines_above([["image", "price"]]), lines_above([["image"], ["1.jpg"]])
    (0, 0)
    >>> lines_above([["# ours"], ["# a", "b"], ["image", "kind"], ["1.jpg", "x"]])
    2
    """
    marked = [bool(row) and text(row[0]).startswith("#") for row in rows]
    if len(marked) > 1 and marked[0] and not all(marked):
        return marked.index(False) if any(marked[1:]) or len(rows[0]) < len(rows[1]) else 0
    counts = (sum(text(cell) != "" for cell in row) for row in rows)
    titled = next(counts, 0) == 1
    return next((at for at, count in enumerate(counts, 1) if count > 1), 0) if titled else 0


def second_header(header: Sequence[str], rows: Rows) -> list[str]:
    """Return the names of columns if the first row goes on with them, as below merged cells.

    >>> rows = [["", "size", "price"], ["1.jpg", "L", 3.5], ["2.jpg", "M", 4]]
    >>> second_header(["image", "product", ""], rows)
    ['image', 'size', 'price']
    >>> second_header(["image", "size", ""], rows[1:])
    []
    """
    gaps = [at for at, name in enumerate(header) if not name]
    if not gaps:
        return []
    first, *later = [[text(cell) for cell in row[: len(header)]] for row in rows] or [[]]
    odd = any(is_picture(cell) or number(cell) is not None for cell in first)
    if odd or not any(first[at : at + 1] > [""] for at in gaps) or not later:
        return []
    columns = ([row[at] for row in later if len(row) > at] for at in range(len(first)))
    if not any(is_of_rows(cells, named=own != "") for own, cells in zip(first, columns)):
        return []
    names, above = [], ""
    for top, own in zip(header, first):
        above = top or above
        names.append(own or above)
    said = all(names) and len({*names}) == len(names) and not any("," in name for name in names)
    return names if said else []


def is_of_rows(cells: Sequence[str], named: bool) -> bool:
    """Tell whether cells are what no header says: pictures, or numbers below a text."""
    filled = [cell for cell in cells if cell]
    numbers = named and all(number(cell) is not None for cell in filled)
    return bool(filled) and (numbers or all(map(is_picture, filled)))


def said_of_header(
    header: Sequence[str], rows: Rows, above: int, called: Callable[[int], str]
) -> tuple[str, str]:
    """Return a note on columns without a name, and a doubt whether names stand in two rows.

    Parameters
    ----------
    header : sequence of str
        The names, '' where there is none.
    rows : sequence of sequences
        The first rows below, cell by cell.
    above : int
        Lines above the header.
    called : function
        From the place of a column to what the user calls it.
    """
    names = second_header(header, rows)
    if names:
        said = f"{option('--header', ','.join(names))} --skip-lines {above + 2}"
        own = quoted(cell for cell in map(text, rows[0]) if cell)
        return "", f"the row below the header seems to name columns as well ({own}). If so: {said}."
    found = {}
    for at, name in enumerate(header):
        cells = [cell for row in rows for cell in map(text, row[at : at + 1]) if cell]
        if cells and not name and not (at == 0 and counts_rows(cells)):
            shown = dict.fromkeys(cells)
            found[at] = f"{called(at)} ({', '.join(map(repr, [*shown][:SHOWN]))})"
    if not found:
        return "", ""
    mend = "Name them in the table."
    if len(header) <= MANY and not any("," in name for name in header):
        all_ = ",".join(name or f"column_{at}" for at, name in enumerate(header, start=1))
        mend = f"To read them: {option('--header', all_)} --skip-lines {above + 1}."
    one = "a column without a name is" if len(found) == 1 else "columns without a name are"
    return f"{one} not read: {'; '.join(found.values())}. {mend}", ""


def counts_rows(cells: Sequence[str]) -> bool:
    """Tell whether the first column is an index, as pandas leaves one."""
    return all(map(str.isdigit, cells)) and len({*cells}) == len(cells)
