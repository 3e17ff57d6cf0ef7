"""Rows with their labels: what the converter goes through."""

from __future__ import annotations

from typing import Iterator, NamedTuple, Optional

import numpy as np

from ...tasks import LabelError
from .._errors import RowError, RowLabelError, TableError
from ._labels import LabelEncoder
from ._table import Row, Table


class LabelledRow(NamedTuple):
    """A row and its label, or the problem that keeps it from being a record."""

    row: Row
    label: Optional[np.ndarray]
    problem: Optional[ValueError]

    def error(self, source: str) -> RowError:
        """Make the error that names this row."""
        kind = RowLabelError if isinstance(self.problem, LabelError) else RowError
        return kind(source, self.row.number, self.row.path, str(self.problem))


def labelled_rows(table: Table, encoder: LabelEncoder) -> Iterator[LabelledRow]:
    """Encode the rows of a table one after the other; bad ones carry their problem."""
    for row in table.rows():
        if row.problem is not None:
            yield LabelledRow(row, None, TableError(row.problem))
            continue
        try:
            yield LabelledRow(row, encoder(row), None)
        except LabelError as error:
            yield LabelledRow(row, None, error)
