"""Layouts that are all of one kind, row by row.

FashionAI's files, folders of class folders, and MXNet's image lists.
"""

from __future__ import annotations

import functools
import glob
import logging
import os
import re
import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import accumulate

import numpy as np

from ...tasks import HELD, altered, is_task_name
from .._errors import TableError, bad_name, escaped
from ._chunk import Row
from ._paths import IMAGE_ENDINGS
from ._table import TableOptions, TableReader
from ._text import lines_of, open_text
from ._values import ColumnValues
from ._words import SPLITS

SUFFIX, MARKS, UNKNOWN = "_labels", frozenset("ynm"), ("", "?")  # of FashionAI
log = logging.getLogger(__name__)
SHOWN = 10  # endings of files that are left out
TABLES = (".csv", ".tsv", ".xlsx", ".parquet", ".jsonl", ".json")  # the likely ones first
COLUMN, SPLIT = "class", "split"  # of a folder: the names of the folders in it
FIRST = re.compile(rb"[^,\r\n]+,\w+_labels,[ynm]+\r?\n")
EXPECTED = "expected index, label and path, separated by tabs."
# Marks, and the classes of two: most of what stands in wide lists, and certainly held.
EXACT = frozenset(f"{value:.{places}f}" for value in (-1, 0, 1) for places in range(7))


# -- FashionAI: no header; file, ``<task>_labels``, and ``nnnyn`` ----------------------------------
class FashionAITable(TableReader):
    """Rows that label one task each: all other tasks of the row are missing.

    The letters of the third cell stand for the task's classes: y marks the class, n is none,
    m (maybe) counts as none. Classes are named by their position: "0", "1", ...; a third cell
    of "?" (the test set) is missing. Empty lines are passed over.
    """

    layout, about = "fashionai", "no header: file, <task>_labels, nnyn"
    one_task_a_row = True

    @classmethod
    def recognises(cls, path: str, head: bytes) -> bool:
        return FIRST.match(head) is not None

    def __init__(self, path: str, options: TableOptions) -> None:
        super().__init__(path, options)
        self.num_classes: dict[str, int] = {}
        asks = False  # whether rows without letters ask for a task, as those of the test set do
        for _, line in self._lines():
            name = task_of(line)
            if len(line) == 3 and is_task_name(name) and set(line[2]) <= MARKS:
                self.num_classes[name] = max(self.num_classes.get(name, 0), len(line[2]))
            asks |= line[2] in UNKNOWN if len(line) == 3 else line[-1].endswith(SUFFIX)
        if not asks:
            self.check_labels()
        self.columns = list(self.num_classes)
        self.known_tasks = [
            {"type": "Multiclass", "name": name, "classes": [str(index) for index in range(count)]}
            for name, count in self.num_classes.items()
        ]

    def check_labels(self) -> None:
        if not self.num_classes:
            raise TableError(f"{self.source}: no rows of the form 'file,<task>_labels,nnyn'.")

    def rows(self) -> Iterator[Row]:
        empty = dict.fromkeys(self.columns, "")
        for record_id, (number, line) in enumerate(self._lines()):
            problem, cells, name = None, dict(empty), task_of(line)
            try:
                if len(line) != 3:
                    raise ValueError(f"it has {len(line)} cells; expected file, task, letters.")
                if not is_task_name(name):
                    raise ValueError(f"task name {name!r}: expected letters, digits, '_' and '-'.")
                cells[name] = self._marked(name, line[2])
            except ValueError as error:
                problem = str(error)
            yield Row(number, record_id, line[0], cells, problem=problem, task=name)

    def _marked(self, task: str, letters: str) -> str:
        if letters in UNKNOWN:
            return ""
        expected = self.num_classes.get(task, 0)
        if len(letters) != expected or not set(letters) <= MARKS or letters.count("y") != 1:
            raise ValueError(
                f"task {task!r}: {letters!r} is not {expected} letters n or m and one y."
            )
        return str(letters.index("y"))

    def _lines(self) -> Iterator[tuple[int, list[str]]]:
        for number, line in lines_of(self.source, ",", charset=self.options.charset):
            cells = [cell.strip() for cell in line]
            if any(cells):
                yield number, cells


def task_of(line: list[str]) -> str:
    """Return the task that the second cell of a row names; '' if there is none.

    >>> task_of(["1.jpg", "coat_length_labels", "?"])
    'coat_length'
    """
    name = line[1] if len(line) > 1 else ""
    return name[: -len(SUFFIX)] if name.endswith(SUFFIX) else name


# -- folders of class folders: ``root/beagle/1.jpg`` -----------------------------------------------
class FolderTable(TableReader):
    """Images under a folder; the folder below the root is the class (column ``class``).

    Where all folders below the root are called as splits are (train, val, test), the folders in
    them are the classes. With a pattern of paths the columns are what it names. Files are taken in
    the order of their names, folder by folder. Files whose ending is none of an image's are left
    out, which is logged, and so are hidden ones; an image that stands in no class folder is a row
    with a problem, and so is one whose name is not UTF-8.
    """

    layout, about, reads_folder = "folder", "folder of class folders", True

    def __init__(self, path: str, options: TableOptions) -> None:
        super().__init__(path, options)
        pattern = options.path_pattern or ""
        self.columns, self._depth = [] if pattern else [COLUMN], 0
        if not pattern or f"{{{COLUMN}}}" in pattern:
            self.known_tasks = ({"type": "Multiclass", "name": COLUMN},)
        folders = [name for name in sorted(os.listdir(path)) if is_folder(path, name)]
        if not pattern and not folders:
            raise TableError(
                f"{path}: no class folders in it (expected {path}/<class>/1.jpg). If the names of "
                "the files say what they show: path_pattern='{age}_{sex}_*' (--path-pattern)."
                f"{table_in(path)}"
            )
        if not pattern and is_split(path, folders):
            self._depth, self.columns, self.split_column = 1, [COLUMN, SPLIT], SPLIT
            self.notes = [f"the folders {', '.join(folders)} are taken as splits."]
        elif not pattern:
            self.notes = note_on_levels(path, folders)

    def check_labels(self) -> None:
        folders = self._class_folders() if self.columns else []
        names: list[str] = []  # the first two
        for path in folders:
            name = os.path.basename(path)
            if name not in names and len(names) < 2 and any(image_files(path)):
                names.append(name)
        if len(names) == 1:
            raise TableError(f"{self.source}: {self._of_one(names[0], folders)}")
        every = sorted(os.path.basename(path) for path in folders)
        if names and not self._depth and all(map(speaks_of_a_split, every)):
            raise TableError(
                f"{self.source}: its folders {', '.join(map(repr, every[:SHOWN]))} are called as "
                "splits are, and hold no class folders (expected <split>/<class>/1.jpg). If they "
                "are classes: path_pattern='{class}/*' (--path-pattern '{class}/*')."
                f"{table_in(self.source)}"
            )

    def _of_one(self, name: str, folders: Sequence[str]) -> str:
        # Why the pictures in one folder make no classes, and what may be meant.
        root = glob.escape(self.source)
        boxes = next(glob.iglob(f"{root}/**/labels/**/*.txt", recursive=True), "")
        yolo = " Labels in .txt files, as YOLO's, are not read: export them as COCO's JSON."
        path = next(path for path in folders if os.path.basename(path) == name)
        inner = [os.path.join(path, one) for one in os.listdir(path) if is_folder(path, one)]
        several = len([one for one in inner if any(image_files(one))]) > 1
        below = f" Its folders may be the classes: mxmtl convert {shlex.quote(path)}."
        return (
            f"every picture is in one folder, {name!r}, which makes no classes. Expected two or "
            "more, as <class>/1.jpg or <split>/<class>/1.jpg, or metadata.csv, _classes.csv or "
            "such beside the pictures; a table elsewhere is given as mxmtl convert TABLE --images "
            f"FOLDER.{below if several else ''}{yolo if boxes else table_in(self.source)}"
        )

    def _class_folders(self) -> list[str]:
        found = glob.glob("*/" * (self._depth + 1), root_dir=self.source)
        return [os.path.join(self.source, folder.rstrip(os.sep)) for folder in found]

    def rows(self) -> Iterator[Row]:
        seen: set[str] = set()
        for index, found in enumerate(image_files(self.source)):
            path, trouble = escaped(found), bad_name(found)
            *folders, _ = path.split(os.sep)
            inside = len(folders) > self._depth
            seen.add(os.sep.join(folders[: self._depth + 1]))
            problem = None if inside or not self.columns else "the image stands in no class folder."
            problem = f"image {trouble}" if trouble else problem
            cells = {COLUMN: folders[self._depth] if inside else ""}
            if self._depth and folders:
                cells[SPLIT] = folders[0]
            yield Row(index + 1, index, path, cells, problem=problem)
        there = self._class_folders() if self.columns else []
        empty = sorted({escaped(os.path.relpath(path, self.source)) for path in there} - seen)
        if empty:
            more = f" and {len(empty) - SHOWN} more" if len(empty) > SHOWN else ""
            warn_once(
                f"{self.source}: no image in {', '.join(empty[:SHOWN])}{more}, so they make no "
                "classes."
            )


def is_folder(root: str, name: str) -> bool:
    """Tell whether a name in a folder is that of a folder, and not hidden."""
    return not name.startswith(".") and os.path.isdir(os.path.join(root, name))


def is_split(root: str, folders: Sequence[str]) -> bool:
    """Tell whether all folders are called as splits are, and have folders in them."""
    if not folders or not all(name.lower() in SPLITS for name in folders):
        return False
    paths = [os.path.join(root, name) for name in folders]
    return all(any(is_folder(path, name) for name in os.listdir(path)) for path in paths)


def note_on_levels(root: str, folders: Sequence[str]) -> list[str]:
    """Say that the folders of classes have the same folders in them, which tell nothing so far."""
    inner: list[set[str]] = []
    for folder in folders[:SHOWN]:
        with suppress(OSError), os.scandir(os.path.join(root, folder)) as found:  # told when read
            inner.append({one.name for one in found if one.is_dir() and one.name[0] != "."})
    both = sorted(set.intersection(*inner)) if len(inner) > 1 else []
    if len(both) < 2:
        return []
    splits = SPLITS.issuperset(map(str.lower, both))
    pattern = "{class}/{split}/*" if splits else "{set}/{class}/*"
    mend = "To split by them" if splits else "If those are the classes"
    return [
        f"the folders {', '.join(both[:SHOWN])} stand in each class, and tell nothing so far. "
        f"{mend}: --path-pattern '{pattern}'."
    ]


def speaks_of_a_split(name: str) -> bool:
    """Tell whether a folder is called as a split is, or as the images of one.

    >>> speaks_of_a_split("train_images"), speaks_of_a_split("testImages"), speaks_of_a_split("cat")
    (True, True, False)
    """
    return not SPLITS.isdisjoint(re.sub(r"([A-Z])", r" \1", name).lower().replace("_", " ").split())


def table_in(root: str) -> str:
    """Say how to read a table that lies in a folder, or in one of its folders; '' for none."""
    found: list[str] = []
    for depth in ("", "*/"):
        for ending in TABLES:
            some = glob.glob(f"{depth}*{ending}", root_dir=root)
            found += sorted(some, key=lambda name: ("train" not in name, name))
    if not found:
        return ""
    folder = f" --images {shlex.quote(root)}" if os.sep in found[0] else ""
    command = f"mxmtl convert {shlex.quote(os.path.join(root, found[0]))}{folder}"
    return f" If their labels are in {found[0]!r}, {command} reads them."


def walk_folder(root: str) -> Iterator[tuple[str, list[str], list[str]]]:
    """Go through a folder as `os.walk` does, in the order of names.

    Links to folders are followed, but never to a folder that the way to them came through. A
    folder that cannot be read raises its `OSError`. Folders that the caller takes out of the
    list are not gone into.
    """
    for folder, folders, files in os.walk(root, followlinks=True, onerror=raise_error):
        folders[:] = sorted(
            name for name in folders if not leads_back(os.path.join(folder, name), root)
        )
        yield folder, folders, sorted(files)


def leads_back(path: str, root: str) -> bool:
    """Tell whether a folder is a link to one above it, on the way that came from the root."""
    if not os.path.islink(path):
        return False
    goal = os.path.realpath(path).rstrip(os.sep) + os.sep
    steps = os.path.relpath(os.path.dirname(path), root).split(os.sep)
    way = accumulate([root, *steps], os.path.join)
    return any((os.path.realpath(folder) + os.sep).startswith(goal) for folder in way)


def raise_error(error: OSError) -> None:
    """Let an unreadable folder be an error: `os.walk` would pass over it without a word."""
    raise error


def image_files(root: str, endings: tuple[str, ...] = IMAGE_ENDINGS) -> Iterator[str]:
    """Yield the paths of image files under a folder, relative to it, in a fixed order.

    Hidden files and folders are passed over. A log line tells of others that are left out for
    their endings. `TableError` names a folder that cannot be read.
    """
    left_out: Counter[str] = Counter()
    try:
        for folder, folders, files in walk_folder(root):
            folders[:] = [name for name in folders if not name.startswith(".")]
            for name in files:
                if name.startswith("."):
                    continue
                if name.lower().endswith(endings):
                    yield os.path.relpath(os.path.join(folder, name), root)
                else:
                    left_out[os.path.splitext(name)[1].lower() or "no ending"] += 1
    except OSError as error:
        raise TableError(
            f"{error.filename}: the folder cannot be read ({error.strerror}). "
            f"Make it readable, or move it out of {root}."
        ) from error
    if left_out:
        warn_once(f"{root}: {counted(left_out)} By their names they are no images.")


def counted(endings: Counter[str]) -> str:
    """Put numbers of files into words.

    >>> counted(Counter({".txt": 2, ".json": 1}))
    '3 files were left out: .txt (2), .json (1).'
    """
    ranked = sorted(endings.items(), key=lambda item: (-item[1], item[0]))
    listed = [f"{ending} ({count})" for ending, count in ranked[:SHOWN]]
    listed += ["..."] * (len(ranked) > SHOWN)
    number = sum(endings.values())
    files = "1 file was" if number == 1 else f"{number} files were"
    return f"{files} left out: {', '.join(listed)}."


@functools.cache
def warn_once(line: str) -> None:
    """Log a line, the first time only: a folder is gone through several times."""
    log.warning(line)


# -- MXNet's lists: ``index <tab> label [<tab> label ...] <tab> path`` -----------------------------
class ListTable(TableReader):
    """A ``.lst`` file. Labels are stored values (class numbers, -1 or nan where missing).

    The first line with labels sets how many a row has; where no line has any, the paths can be
    read all the same. Empty lines are passed over.
    """

    layout, about, endings = "lst", "MXNet's list: index, labels and path, by tabs", (".lst",)

    def __init__(self, path: str, options: TableOptions) -> None:
        super().__init__(path, options)
        self.columns = []
        self._values = ColumnValues(options.values)
        self.stored_width = self._first_width()

    def check_labels(self) -> None:
        if not self.stored_width:
            raise TableError(f"{self.source}: its rows have no label; {EXPECTED}")

    def rows(self) -> Iterator[Row]:
        for number, parts in self._lines():
            if len(parts) < 3 and self.stored_width:
                yield Row(number, -1, parts[-1], {}, problem=f"it has no label; {EXPECTED}")
                continue
            words = self._values.of("")
            cells = [str(words(part)) or "nan" for part in parts[1:-1]] if words else parts[1:-1]
            try:
                record_id, label = int(parts[0]), np.array(cells, np.float32)
            except ValueError as error:
                yield Row(number, -1, parts[-1], {}, problem=f"{error}; {EXPECTED}")
                continue
            problem = altered_label(cells, label)
            if len(label) != self.stored_width:
                problem = (
                    f"it has {len(label)} labels, but the first row with any has "
                    f"{self.stored_width}."
                )
            elif not 0 <= record_id < 2**63:
                problem = f"index {record_id} is not in [0, 2^63)."
            yield Row(number, record_id, parts[-1], {}, label, problem)

    def unmet(self) -> list[str]:
        return self._values.unmet([""]) if self.options.values else []

    def _first_width(self) -> int:
        rows = False
        for _, parts in self._lines():
            rows = True
            if len(parts) >= 3:
                return len(parts) - 2
        if not rows:
            raise TableError(f"{self.source}: no rows.")
        return 0

    def _lines(self) -> Iterator[tuple[int, list[str]]]:
        with open_text(self.source, self.options.charset) as stream:
            for number, line in enumerate(stream, start=1):
                if line.strip():
                    yield number, [part.strip() for part in line.strip().split("\t")]


def altered_label(cells: list[str], label: np.ndarray) -> str | None:
    """Say which number of a row float32 does not hold, if there is one."""
    if EXACT.issuperset(cells):
        return None
    for number, (cell, stored) in enumerate(zip(cells, label.tolist()), start=1):
        if abs(stored) >= HELD or (stored == 0.0 and cell not in EXACT):
            trouble = altered(cell, stored)
            if trouble:
                return f"label {number}: {trouble}"
    return None
