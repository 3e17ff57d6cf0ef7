"""MXNet's image lists: ``index <tab> label [<tab> label ...] <tab> path``."""

from __future__ import annotations

from typing import Iterator, List

import numpy as np

from .._errors import TableError
from ._table import Row, Table


class ListTable(Table):
    """A ``.lst`` file. Labels are stored values (class numbers, -1 or nan where missing).

    The first line sets how many labels a row has.
    """

    def __init__(self, path: str) -> None:
        self.source = path
        self.columns = []
        first = next(self._lines(), None)
        if first is None:
            raise TableError(f"{path}: no rows.")
        self.stored_width = len(first) - 2

    def rows(self) -> Iterator[Row]:
        for number, parts in enumerate(self._lines(), start=1):
            if parts == [""]:
                continue
            try:
                record_id, label = int(parts[0]), np.array(parts[1:-1], np.float32)
            except ValueError as error:
                yield Row(number, -1, parts[-1], {}, problem=f"{error}.")
                continue
            problem = None
            if len(label) != self.stored_width:
                problem = f"it has {len(label)} labels, but the first row has {self.stored_width}."
            elif not 0 <= record_id < 2**63:
                problem = f"index {record_id} is not in [0, 2^63)."
            yield Row(number, record_id, parts[-1], {}, label, problem)

    def _lines(self) -> Iterator[List[str]]:
        try:
            with open(self.source, encoding="utf-8-sig") as stream:
                for line in stream:
                    yield [part.strip() for part in line.strip().split("\t")]
        except UnicodeDecodeError as error:
            raise TableError(
                f"{self.source}: not UTF-8 ({error.reason}). Save the list as UTF-8."
            ) from error
