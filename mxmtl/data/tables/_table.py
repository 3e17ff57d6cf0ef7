"""What a table of images and labels is, whatever file it comes from."""

from __future__ import annotations

import abc
from dataclasses import dataclass, field
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence

import numpy as np


class Row(NamedTuple):
    """One row of a table.

    Attributes
    ----------
    number : int
        The row number that a spreadsheet shows: the header is row 1, an empty line counts, a
        quoted cell with line breaks counts once. In files without a header it is the line.
    record_id : int
        What the record will be called: the position among the data rows, from 0; in a
        ``.lst`` file its own index.
    path : str
        The image, relative to the image folder.
    cells : dict
        {column: text}; empty text where the label is missing.
    label : ndarray, optional
        The label itself, float32, where the file holds stored values instead of text (.lst).
    problem : str, optional
        Why this row cannot become a record, where that shows already.
    """

    number: int
    record_id: int
    path: str
    cells: Dict[str, str]
    label: Optional[np.ndarray] = None
    problem: Optional[str] = None


class Table(abc.ABC):
    """Abstract: rows that can be read again and again, one at a time.

    Attributes
    ----------
    source : str
        The file or folder, as messages name it.
    columns : list of str
        Columns that every row's `cells` have.
    stored_width : int, optional
        Number of stored values a row, where rows hold those (`Row.label`) instead of text.
    known_tasks : sequence of dict
        Tasks (as `Task.to_dict` has them) that the layout itself tells; classes that are left
        out are the cells of the column, letter by letter.
    split_column : str, optional
        Column that the layout splits by, unless told otherwise.
    """

    source: str
    columns: List[str]
    stored_width: Optional[int] = None
    known_tasks: Sequence[Mapping[str, Any]] = ()
    split_column: Optional[str] = None

    @abc.abstractmethod
    def rows(self) -> Iterator[Row]:
        """Read the rows from the start."""


@dataclass(frozen=True)
class TableOptions:
    """How to read a table; every field is an option of `write_records`.

    Parameters
    ----------
    layout : str
        ``"auto"`` (by the file's ending; a folder is a folder of class folders), ``"table"``
        (CSV or TSV with a header), ``"lst"``, ``"folder"``, ``"fashionai"`` (no header:
        file, task, ``nnyn``) or ``"pascal"`` (columns fname, labels, is_valid).
    path_column : str
        Column that holds the image's path.
    delimiter : str, optional
        What separates cells. By default the tab, comma or semicolon that the header has most of.
    missing_values : sequence of str
        Spellings of an unknown label. Only the empty cell by default.
    separator : str, optional
        What separates the names in a multi-label task's single column, as ``";"`` does in
        ``ball;rope``. A name that is not listed there does not hold for the row; where the cell
        is ``;``, none does.
    empty_names : {"missing", "none"}
        What an empty cell in such a column says: nothing is known, or none of the names holds.
    """

    layout: str = "auto"
    path_column: str = "path"
    delimiter: Optional[str] = None
    missing_values: Sequence[str] = field(default=("",))
    separator: Optional[str] = None
    empty_names: str = "missing"

    def __post_init__(self) -> None:
        if isinstance(self.missing_values, str):
            raise ValueError(
                f"missing_values={self.missing_values!r} is one string; expected a list."
            )
        if self.empty_names not in ("missing", "none"):
            raise ValueError(f"empty_names={self.empty_names!r} is not 'missing' or 'none'.")
        if self.delimiter is not None and len(self.delimiter) != 1:
            raise ValueError(f"delimiter={self.delimiter!r}: expected one character.")
        if self.separator == "":
            raise ValueError("separator='': expected what stands between names, such as ';'.")
        object.__setattr__(self, "missing_values", tuple(self.missing_values))
