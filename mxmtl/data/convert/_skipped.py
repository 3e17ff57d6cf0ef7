"""The list of rows that did not become records."""

from __future__ import annotations

import csv
import os

from ..tables import LabelledRow


class SkippedRows:
    """A CSV file with the columns row, path and reason."""

    def __init__(self, folder: str, name: str) -> None:
        self.name, self.first = name, ""
        path = os.path.join(folder, name)
        self._stream = open(path, "w", encoding="utf-8", newline="")  # noqa: SIM115 (kept open)
        self._writer = csv.writer(self._stream, lineterminator="\n")
        self._writer.writerow(("row", "path", "reason"))

    def add(self, item: LabelledRow, reason: str) -> None:
        """List a row."""
        self.first = self.first or f"row {item.row.number}, {reason}"
        self._writer.writerow((item.row.number, item.row.path, reason))

    def close(self) -> None:
        """Complete the file."""
        if not self._stream.closed:
            self._stream.flush()
            os.fsync(self._stream.fileno())
            self._stream.close()
