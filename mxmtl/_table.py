"""Tables, written as text, Markdown or CSV: no name breaks one, and unknown has one mark."""

from __future__ import annotations

import csv
import io
import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tabulate import tabulate
from wcwidth import wcswidth

UNKNOWN = "-"  # stands for what is not known or not defined; in JSON that is null, in CSV nothing
MARKUP = "\\`*[]<>|#$~!&"  # what Markdown may read as more than itself
# Between two letters an underscore is none of these, and names of metrics keep theirs.
UNDERSCORE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet takes for one by its begin
BREAKING = {"Cc", "Zl", "Zp"}  # Unicode's categories of what ends a line or steers a terminal


@dataclass(frozen=True)
class Cell:
    """A value of a table that needs more than itself: how it is written, whether it is best."""

    value: Any
    text: str
    best: bool = False


@dataclass(frozen=True)
class Table:
    r"""Rows under a header; the first column names the rows.

    Attributes
    ----------
    title : str
        What it shows; nothing where the header says so.
    header : list of str
        Names of the columns.
    rows : list of list
        Texts, whole numbers, other numbers (four digits are shown), `Cell`, or None for what is
        not known.
    note : str
        What was left out.

    Examples
    --------
    >>> table = Table("", ["task", "labels", "f1"], [["a|b", 12, 0.5], ["c", 0, None]])
    >>> print(table.text())
    task      labels      f1
    ------  --------  ------
    a|b           12  0.5000
    c              0       -
    >>> print(table.markdown())
    | task   |   labels |     f1 |
    |:-------|---------:|-------:|
    | a\|b   |       12 | 0.5000 |
    | c      |        0 |      - |
    """

    title: str
    header: list[str]
    rows: list[list[Any]]
    note: str = ""

    def text(self) -> str:
        """Return it for a terminal."""
        head = [one_line(name) for name in self.header]
        body = [[one_line(written(cell)) for cell in row] for row in self.rows]
        return below(one_line(self.title), self._grid(head, body, "simple"), self.note, gap="\n")

    def markdown(self) -> str:
        """Return it in Markdown, in which nothing is markup but what is best."""
        head = [in_markdown(name) for name in self.header]
        body = [[in_markdown(cell) for cell in row] for row in self.rows]
        title = f"**{in_markdown(self.title)}**" if self.title else ""
        return below(title, self._grid(head, body, "pipe"), self.note, gap="\n\n")

    def csv(self, safe_cells: bool = False) -> str:
        """Return it as CSV, with every digit; what is not known is empty.

        ``safe_cells`` puts an apostrophe before texts that a spreadsheet would run.
        """
        return csv_text(self.header, self.rows, safe_cells)

    def is_number(self, column: int) -> bool:
        """Tell whether a column has numbers, and perhaps unknown ones among them."""
        return bool(self.rows) and all(is_number(row[column]) for row in self.rows)

    def _grid(self, head: list[str], body: list[list[str]], form: str) -> str:
        align = ["right" if self.is_number(i) else "left" for i in range(len(head))]
        return tabulate(
            body, head, tablefmt=form, colalign=align if body else None, disable_numparse=True
        )


def below(title: str, table: str, note: str, gap: str) -> str:
    """Put title, table and note below each other, those that there are."""
    return gap.join(part for part in (title, table, note) if part)


def filled(text: str, width: int) -> str:
    """Fill a text up to so many cells of a terminal; a Chinese character takes two.

    >>> filled("tone", 6) + "|", filled("肤色", 6) + "|"
    ('tone  |', '肤色  |')
    """
    return text + " " * max(0, width - wcswidth(text))


def written(cell: Any) -> str:
    """Return a cell's text: four digits of a real number, `UNKNOWN` for None and nan.

    >>> written(0.5), written(12345), written(1e-7), written(float("nan")), written("pug")
    ('0.5000', '12,345', '1e-07', '-', 'pug')
    """
    if isinstance(cell, Cell):
        return cell.text
    if not known(cell):
        return UNKNOWN
    if isinstance(cell, float):
        return f"{cell:.4f}" if 1e-3 <= abs(cell) < 1e5 or not cell else f"{cell:.3g}"
    return f"{cell:,}" if isinstance(cell, int) and not isinstance(cell, bool) else str(cell)


def known(cell: Any) -> bool:
    """Tell whether there is a value."""
    return not (cell is None or (isinstance(cell, float) and math.isnan(cell)))


def value_of(cell: Any) -> Any:
    """Return what a cell is sorted by: None where it is not known."""
    value = cell.value if isinstance(cell, Cell) else cell
    return value if known(value) else None


def is_number(cell: Any) -> bool:
    """Tell whether a cell stands with the numbers; one that is not known may."""
    value = value_of(cell)
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def one_line(text: str) -> str:
    r"""Return a text without what would break a line or steer a terminal; that is escaped.

    >>> print(one_line("two\nlines"))
    two\nlines
    """
    return "".join(
        letter.encode("unicode_escape").decode()
        if unicodedata.category(letter) in BREAKING
        else letter
        for letter in text
    )


def in_markdown(cell: Any) -> str:
    r"""Return a cell, or a text, as Markdown in which nothing is markup but what is best.

    >>> print(in_markdown("num_labels of _a|b_"))
    num_labels of \_a\|b\_
    """
    text = one_line(written(cell))
    for sign in MARKUP:
        text = text.replace(sign, "\\" + sign)
    text = UNDERSCORE.sub(r"\\_", text)
    return f"**{text}**" if isinstance(cell, Cell) and cell.best else text


def csv_text(header: Sequence[str], rows: Sequence[Sequence[Any]], safe_cells: bool = False) -> str:
    r"""Return CSV with every digit; a cell that is not known is empty.

    >>> csv_text(["name", "value"], [["a,b", 12], ["c", float("nan")]])
    'name,value\n"a,b",12\nc,\n'
    """
    change = safe_cell if safe_cells else value_of
    return "".join(
        csv_line([exact(change(value_of(cell))) for cell in row]) for row in [header, *rows]
    )


def safe_cell(cell: Any) -> Any:
    """Return a cell that no spreadsheet takes for a formula; numbers are none.

    >>> safe_cell("=2+2"), safe_cell("a=2"), safe_cell(-2)
    ("'=2+2", 'a=2', -2)
    """
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell


def safe_path(name: Any) -> Any:
    """Return a path by which a spreadsheet does nothing.

    >>> safe_path("=2+2.png"), safe_path("a=2.png")
    ('./=2+2.png', 'a=2.png')
    """
    return f"./{name}" if isinstance(name, str) and name.startswith(FORMULA) else name


def csv_line(row: Sequence[str]) -> str:
    """Return one line; csv quotes a carriage return only where lines end in one."""
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\r\n").writerow(row)
    return stream.getvalue()[:-2] + "\n"


def exact(value: Any | None) -> str:
    """Return every digit of a number; nothing for None."""
    if value is None:
        return ""
    return repr(value) if isinstance(value, int | float) else str(value)
