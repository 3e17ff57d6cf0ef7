"""MXNet's image lists: ``index <tab> label [<tab> label ...] <tab> path``."""

from __future__ import annotations

from typing import Iterator, List, Optional, Tuple

import numpy as np

from ...tasks import HELD, altered
from .._errors import TableError, not_utf8
from ._table import Row, TableOptions, TableReader

EXPECTED = "expected index, label and path, separated by tabs."
# Marks, and the classes of two: most of what stands in wide lists, and certainly held.
EXACT = frozenset(f"{value:.{places}f}" for value in (-1, 0, 1) for places in range(7))


class ListTable(TableReader):
    """A ``.lst`` file. Labels are stored values (class numbers, -1 or nan where missing).

    The first line with labels sets how many a row has; where no line has any, the paths can be
    read all the same. Empty lines are passed over.
    """

    layout, about, endings = "lst", "MXNet's list: index, labels and path, by tabs", (".lst",)

    def __init__(self, path: str, options: TableOptions) -> None:
        super().__init__(path, options)
        self.columns = []
        self.stored_width = self._first_width()

    def check_labels(self) -> None:
        if not self.stored_width:
            raise TableError(f"{self.source}: its rows have no label; {EXPECTED}")

    def rows(self) -> Iterator[Row]:
        for number, parts in self._lines():
            if len(parts) < 3 and self.stored_width:
                yield Row(number, -1, parts[-1], {}, problem=f"it has no label; {EXPECTED}")
                continue
            try:
                record_id, label = int(parts[0]), np.array(parts[1:-1], np.float32)
            except ValueError as error:
                yield Row(number, -1, parts[-1], {}, problem=f"{error}; {EXPECTED}")
                continue
            problem = altered_label(parts[1:-1], label)
            if len(label) != self.stored_width:
                problem = (
                    f"it has {len(label)} labels, but the first row with any has "
                    f"{self.stored_width}."
                )
            elif not 0 <= record_id < 2**63:
                problem = f"index {record_id} is not in [0, 2^63)."
            yield Row(number, record_id, parts[-1], {}, label, problem)

    def _first_width(self) -> int:
        rows = False
        for _, parts in self._lines():
            rows = True
            if len(parts) >= 3:
                return len(parts) - 2
        if not rows:
            raise TableError(f"{self.source}: no rows.")
        return 0

    def _lines(self) -> Iterator[Tuple[int, List[str]]]:
        try:
            with open(self.source, encoding="utf-8-sig") as stream:
                for number, line in enumerate(stream, start=1):
                    if line.strip():
                        yield number, [part.strip() for part in line.strip().split("\t")]
        except UnicodeDecodeError as error:
            raise not_utf8(self.source) from error


def altered_label(cells: List[str], label: np.ndarray) -> Optional[str]:
    """Say which number of a row float32 does not hold, if there is one."""
    if EXACT.issuperset(cells):
        return None
    for number, (cell, stored) in enumerate(zip(cells, label.tolist()), start=1):
        if abs(stored) >= HELD or (stored == 0.0 and cell not in EXACT):
            trouble = altered(cell, stored)
            if trouble:
                return f"label {number}: {trouble}"
    return None
