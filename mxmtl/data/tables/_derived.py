"""A table that is made of another, and hands on what it does not change."""

from __future__ import annotations

import abc
from collections.abc import Sequence

from ._table import ColumnTable, TableReader


class Derived(ColumnTable, abc.ABC):
    """Abstract: a table made of another; it is as that one is, but for what it changes."""

    def __init__(self, inner: TableReader) -> None:
        super().__init__(inner.source, inner.options)
        self.inner = inner
        self.columns: list[str] = list(inner.columns)
        self.not_tasks: list[str] = list(inner.not_tasks)
        self.more_columns = inner.more_columns
        self.known_tasks, self.split_column = inner.known_tasks, inner.split_column
        self.split_flags, self.stored_width = inner.split_flags, inner.stored_width
        self.one_task_a_row = inner.one_task_a_row  # type: ignore[misc]
        self.path_column, self.semicolons = inner.path_column, inner.semicolons
        self.hint_of_path = inner.hint_of_path
        self.added_columns: list[str] = list(inner.added_columns)
        self.own_notes: list[str] = []
        self.own_doubts: list[str] = []

    @property
    def notes(self) -> Sequence[str]:  # type: ignore[override]
        return [*self.inner.notes, *self.own_notes]

    @property
    def doubts(self) -> Sequence[str]:  # type: ignore[override]
        return [*self.inner.doubts, *self.own_doubts]

    @property
    def images_folder(self) -> str:
        return self.inner.images_folder

    def unmet(self) -> list[str]:
        return self.inner.unmet()

    def check_labels(self) -> None:
        self.inner.check_labels()

    def note_once(self, text: str) -> None:
        if text not in self.own_notes:
            self.own_notes.append(text)
