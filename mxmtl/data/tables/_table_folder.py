"""A folder of class folders: ``root/beagle/1.jpg``."""

from __future__ import annotations

import os
from typing import Iterator

from .._errors import TableError
from ._table import Row, Table
from ._utf8 import bad_name, escaped
from ._walk import image_files

COLUMN = "class"


class FolderTable(Table):
    """Images under a folder; the folder below the root is the class (column ``class``).

    Files are taken in the order of their names, folder by folder. Files whose ending is none
    of an image's are left out, which is logged, and so are hidden ones; an image that stands in
    no class folder is a row with a problem, and so is one whose name is not UTF-8.
    """

    def __init__(self, root: str) -> None:
        self.source = root
        self.columns = [COLUMN]
        self.known_tasks = [{"type": "Multiclass", "name": COLUMN}]
        if not any(os.path.isdir(os.path.join(root, name)) for name in os.listdir(root)):
            raise TableError(f"{root}: no class folders in it (expected {root}/<class>/1.jpg).")

    def rows(self) -> Iterator[Row]:
        for index, found in enumerate(image_files(self.source)):
            path, trouble = escaped(found), bad_name(found)
            name, _, inside = path.partition(os.sep)
            problem = None if inside else "the image stands in no class folder."
            problem = f"image {trouble}" if trouble else problem
            yield Row(index + 1, index, path, {COLUMN: name if inside else ""}, problem=problem)
