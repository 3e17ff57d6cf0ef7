"""Folders of files about images: PASCAL VOC's sets of one file a class, and tables in splits."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .._errors import TableError
from ._arrange import SPLIT
from ._chunk import Chunk, Coded, always
from ._json import JsonTable, in_order_of
from ._long import UNKNOWN, StatementsTable
from ._table import ColumnTable, TableOptions, TableReader
from ._text import lines_of
from ._words import SPLITS

SET = re.compile(r"(.+)_(train|val|trainval|test)\.txt")
STATES = {"1": 1, "-1": 0, "0": UNKNOWN}
TABLES = ("metadata.csv", "metadata.jsonl", "_classes.csv", "_annotations.coco.json")


class ClassFiles(StatementsTable):
    """PASCAL VOC's ``ImageSets/Main``: a file for each class, with 1, -1 (no) and 0 (difficult).

    Difficult ones are missing. Files of ``train`` and ``val`` are splits.
    """

    layout, about, reads_folder = "voc-sets", "PASCAL VOC's ImageSets/Main", True

    def __init__(self, path: str, options: TableOptions) -> None:
        folder, pairs, splits = main_of(path), list[tuple[str, str, int]](), dict[str, str]()
        found = [(SET.fullmatch(name), name) for name in sorted(os.listdir(folder))]
        sets = [(match.group(1), match.group(2), name) for match, name in found if match]
        several = {"train", "val"} <= {split for _, split, _ in sets}
        for label, split, name in sets:
            if split == "trainval" and several:
                continue
            for number, line in lines_of(os.path.join(folder, name), None):
                if line and (len(line) != 2 or line[1] not in STATES):
                    raise TableError(
                        f"{folder}/{name} line {number}: expected a name and 1, -1 or 0."
                    )
                if line:
                    pairs.append((line[0], label, STATES[line[1]]))
                    splits[line[0]] = split
        images = list(splits)
        said = in_order_of({one: one for one in images}, pairs, options, path)
        super().__init__(path, options, "object", said)
        if len(set(splits.values())) > 1:
            self.columns, self.split_column, self.not_tasks = [*self.columns, SPLIT], SPLIT, [SPLIT]
        self._splits = splits

    @classmethod
    def recognises(cls, path: str, head: bytes) -> bool:
        folder = main_of(path)
        return os.path.isdir(folder) and any(map(SET.fullmatch, os.listdir(folder)))

    @property
    def images_folder(self) -> str:
        """Where the images are: beside the sets, if they are."""
        root = os.path.join(main_of(self.source), "..", "..")
        beside = os.path.normpath(os.path.join(root, "JPEGImages"))
        return beside if os.path.isdir(beside) else self.source

    def chunks(self) -> Iterator[Chunk]:
        for chunk in super().chunks():
            cells = [self._splits[path] for path in chunk.paths]
            yield chunk.changed({SPLIT: always(Coded.of(cells))})


def main_of(path: str) -> str:
    """Return the folder of the sets, of itself or of what it is in."""
    inner = os.path.join(path, "ImageSets", "Main")
    return inner if os.path.isdir(inner) else path


class TablesFolder(ColumnTable):
    """A folder with a table of a known name in it, or in the folder of each split.

    As Hugging Face (``metadata.csv``) and Roboflow (``_classes.csv``) have them.
    """

    layout, about, reads_folder = "tables", "folder with metadata.csv or such, or of splits", True

    def __init__(self, path: str, options: TableOptions) -> None:
        super().__init__(path, options)
        from ._open import opened_alone  # which opens what is in it

        self._tables: list[tuple[str, TableReader]] = [
            (folder, opened_alone(os.path.join(path, folder, name), options))
            for folder, name in tables_in(path)
        ]
        if len({tuple(table.columns) for _, table in self._tables}) > 1:
            self._tables = [
                (
                    folder,
                    JsonTable(table.source, options, True) if table.layout == "json" else table,
                )
                for folder, table in self._tables
            ]
        first = self._tables[0][1]
        self.columns, self.known_tasks = list(first.columns), known_tasks_of(first)
        self.options, self.path_column = first.options, first.path_column
        self.not_tasks = first.not_tasks
        for _, table in self._tables[1:]:
            if list(table.columns) != list(first.columns):
                raise TableError(
                    f"{table.source}: columns {list(table.columns)[:20]} are not those of "
                    f"{first.source}: {list(first.columns)[:20]}."
                )
        if len(self._tables) > 1:
            self.columns, self.split_column = [*self.columns, SPLIT], SPLIT

    @classmethod
    def recognises(cls, path: str, head: bytes) -> bool:
        return bool(tables_in(path))

    def chunks(self) -> Iterator[Chunk]:
        start = 0
        for folder, table in self._tables:
            for chunk in table.chunks():
                paths = [os.path.join(folder, path) if path else "" for path in chunk.paths]
                split = Coded.of([folder or "train"] * len(chunk))
                made = chunk.changed({SPLIT: always(split)}, paths)
                made.ids = range(start, start + len(chunk))
                start += len(chunk)
                yield made


def tables_in(path: str) -> list[tuple[str, str]]:
    """Return (folder, table) of the tables in a folder, or in the folders of splits in it."""
    own = set(os.listdir(path))
    here = next((name for name in TABLES if name in own), None)
    if here:
        return [("", here)]
    folders = sorted(name for name in own if name.lower() in SPLITS)
    return [
        (folder, name)
        for folder in sorted(folders, key=lambda one: not one.startswith("train"))
        for name in TABLES
        if os.path.isfile(os.path.join(path, folder, name))
    ]


def known_tasks_of(table: TableReader) -> Sequence[Mapping[str, Any]]:
    """Return the tasks that a table tells; Roboflow's columns are labels of one."""
    if os.path.basename(table.source) != "_classes.csv":
        return table.known_tasks
    labels = [name for name in table.columns if name != table.options.path_column]
    return [{"type": "Multilabel", "name": "class", "labels": labels, "column": "{label}"}]
