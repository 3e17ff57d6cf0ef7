"""Folders of class folders, ``root/beagle/1.jpg``; how folders of images are walked through."""

from __future__ import annotations

import functools
import logging
import os
from collections import Counter
from itertools import accumulate
from typing import Iterator, List, Tuple

from .._errors import TableError, bad_name, escaped
from ._table import Row, TableOptions, TableReader

log = logging.getLogger(__name__)
# What OpenCV reads, if it was built with all of it; a file that it cannot read is an error.
IMAGE_ENDINGS = tuple(
    ".jpg .jpeg .jpe .jfif .jp2 .png .webp .bmp .dib .gif .tif .tiff .pbm .pgm .ppm .pnm".split()
)
SHOWN = 10  # endings of files that are left out
COLUMN = "class"


class FolderTable(TableReader):
    """Images under a folder; the folder below the root is the class (column ``class``).

    Files are taken in the order of their names, folder by folder. Files whose ending is none
    of an image's are left out, which is logged, and so are hidden ones; an image that stands in
    no class folder is a row with a problem, and so is one whose name is not UTF-8.
    """

    layout, about, reads_folder = "folder", "folder of class folders", True
    known_tasks = ({"type": "Multiclass", "name": COLUMN},)

    def __init__(self, path: str, options: TableOptions) -> None:
        super().__init__(path, options)
        self.columns = [COLUMN]
        if not any(os.path.isdir(os.path.join(path, name)) for name in os.listdir(path)):
            raise TableError(f"{path}: no class folders in it (expected {path}/<class>/1.jpg).")

    def rows(self) -> Iterator[Row]:
        for index, found in enumerate(image_files(self.source)):
            path, trouble = escaped(found), bad_name(found)
            name, _, inside = path.partition(os.sep)
            problem = None if inside else "the image stands in no class folder."
            problem = f"image {trouble}" if trouble else problem
            yield Row(index + 1, index, path, {COLUMN: name if inside else ""}, problem=problem)


def walk_folder(root: str) -> Iterator[Tuple[str, List[str], List[str]]]:
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


def image_files(root: str, endings: Tuple[str, ...] = IMAGE_ENDINGS) -> Iterator[str]:
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


@functools.lru_cache(maxsize=None)
def warn_once(line: str) -> None:
    """Log a line, the first time only: a folder is gone through several times."""
    log.warning(line)
