"""Folders whose pictures belong together, as those of one patient: a split by shares parts them.

So do names of files that begin alike, as 10_left.jpg and 10_right.jpg.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..tables import LabelledRow

FOLDERS = 20  # that are ids
LEAST, MOST = 1.5, 50  # their mean of pictures; of classes there are more
LOOKED = 100  # rows in which the folder may be the class
ID = re.compile(r"[A-Za-z]*[ _-]?\d+")
START = re.compile(r"([A-Za-z]*\d+)[_-]")  # of a name that goes on with a view, or a number


@dataclass
class Folder:
    """What is seen of a folder: its pictures, and the labels of the first, hashed."""

    label: int
    count: int = 0


class Level:
    """The folders at one depth of the paths."""

    def __init__(self) -> None:
        self.folders: dict[str, Folder] = {}
        self.ids, self.named, self.rows, self.varies = True, True, 0, False

    def take(self, path: str, name: str, cells: set[str], label: int) -> None:
        """Take the folder of the next row."""
        folder = self.folders.get(path)
        if folder is None:
            folder = self.folders[path] = Folder(label)
            self.ids = self.ids and ID.fullmatch(name) is not None
        folder.count += 1
        self.rows += 1
        self.varies |= folder.label != label
        self.named = self.named and (self.rows > LOOKED or name in cells)

    def together(self) -> bool:
        """Tell whether the folders look like ids with a few pictures each, and not like classes."""
        count = len(self.folders)
        labels = {folder.label for folder in self.folders.values()}
        classes = self.named or (not self.varies and len(labels) == count)
        few = count >= FOLDERS and LEAST <= self.rows / count <= MOST
        return self.ids and not classes and few


class Folders:
    """The folders of paths as they come, and how names of files begin, row by row."""

    def __init__(self, columns: list[str]) -> None:
        self._columns, self._levels = columns[:LOOKED], list[Level]()
        self._even = True  # all paths are equally deep, as a pattern of them has to be
        self._starts = Level()  # of the names of files

    def take(self, item: LabelledRow) -> None:
        """Take the next row."""
        if item.label is None or not (self._even or self._starts.ids):
            return
        *names, file = item.row.path.replace("\\", "/").split("/")
        self._levels = self._levels or [Level() for _ in names]
        self._even = self._even and len(names) == len(self._levels)
        looked = any(level.rows < LOOKED for level in (*self._levels, self._starts))
        cells = {str(item.row.cells.get(name, "")) for name in self._columns if looked}
        path, label = "", hash(item.label.tobytes())
        start = START.match(file)
        self._starts.take(start.group() if start else file, start[1] if start else "", cells, label)
        for level, name in zip(self._levels, names):
            path = f"{path}/{name}"
            level.take(path, name, cells, label)

    def note(self, taken: bool) -> str:
        """Say that pictures of one folder come to several splits; '' if none belong together.

        ``taken`` if there is a pattern of paths already.
        """
        for at, level in enumerate(self._levels if self._even else ()):
            if level.together():
                most = max(level.folders.values(), key=lambda folder: folder.count)
                path = next(path for path, one in level.folders.items() if one is most)
                name = path.rpartition("/")[2]
                pattern = f"--path-pattern '{{folder}}{'/*' * (len(self._levels) - at)}'"
                mend = "{folder} in the --path-pattern, and" if taken else pattern
                return (
                    f"pictures of one folder may come to several splits; {name!r} has "
                    f"{most.count}. If a folder is one patient or one thing: {mend} --group folder."
                )
        starts = [*self._starts.folders]
        if self._starts.together() and len({start[-1] for start in starts}) == 1:
            most = max(self._starts.folders.values(), key=lambda folder: folder.count)
            start = next(start for start in starts if self._starts.folders[start] is most)
            mend = "{start} in the --path-pattern, and" if taken else ""
            mend = mend or f"--path-pattern '{{start}}{start[-1]}*'"
            return (
                f"pictures whose names begin alike may come to several splits; {most.count} begin "
                f"with {start!r}. If those are of one patient or one thing: {mend} --group start."
            )
        return ""
