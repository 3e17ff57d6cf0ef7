"""The file of a picture, where a table does not name it as it lies on the disk.

Tables leave out the ending (``ISIC_0024306``), or name a folder that is not there
(``CheXpert-v1.0-small/train/...``), or no folder at all while the pictures lie in twelve, or spell
the name in other letters (``img_1.jpg`` of ``IMG_1.JPG``). One file that may be meant is taken; of
two none is.
"""

from __future__ import annotations

import logging
import os
import re
import threading
from collections.abc import Callable, Iterator

from .._errors import ImageError
from ..tables import IMAGE_ENDINGS, walk_folder

SHOWN = 4
WHOLE = re.compile(r"\d+\.0")
log = logging.getLogger(__name__)


class PictureFinder:
    """Finds files below a folder; safe to call from many threads.

    The folder is gone through once, when the first name is not there as it is.

    Parameters
    ----------
    root : str
        Folder that the paths of a table begin from.
    """

    def __init__(self, root: str) -> None:
        self._root, self._lock = root, threading.Lock()
        self._by_stem: dict[str, list[str]] | None = None
        self._told = False

    def __call__(self, path: str) -> str:
        """Return the file of a path; the path itself, below the root, if none is found.

        Raises `ImageError` if there are several.
        """
        whole = os.path.join(self._root, path)
        if not path or os.path.exists(whole):
            return whole
        found = sorted(self._candidates(path.replace("\\", "/")))
        if not found and WHOLE.fullmatch(path):  # an id that was read as a number
            found = sorted(self._candidates(path[:-2]))
        if len(found) > 1:
            shown = ", ".join(map(repr, found[:SHOWN])) + ", ..." * (len(found) > SHOWN)
            raise ImageError(f"no such file, and {len(found)} that may be meant: {shown}.")
        if not found:
            return whole
        with self._lock:
            if not self._told:
                log.warning("%r is read from %r, and others accordingly.", path, found[0])
                self._told = True
        return os.path.join(self._root, found[0])

    def there(self, path: str) -> str:
        """Return the file of a path; `ImageError` names files called alike if there is none."""
        file = self(path)
        if not os.path.exists(file):
            raise ImageError(f"no such file.{self.near(path)}")
        return file

    def near(self, path: str) -> str:
        """Say which files have names that begin alike; '' if none."""
        stem = os.path.splitext(path.replace("\\", "/").rpartition("/")[2])[0]
        found = [
            file
            for name, files in self._index().items()
            if stem and name.startswith(folded(stem))
            for file in files
        ]
        return f" There are {', '.join(map(repr, sorted(found)[:SHOWN]))}." if found else ""

    def _candidates(self, path: str) -> Iterator[str]:
        path = path.rpartition("?d=")[2]  # Label Studio's local files
        path = path.partition("?")[0] if "://" in path else path  # an address
        folder, _, name = path.rpartition("/")
        alike = [(same, self._called(name, same)) for same in SAME]
        for same, files in alike:
            beside = [file for file in files if same(os.path.dirname(file)) == same(folder)]
            if beside:
                yield from beside
                return
        first = path.lstrip("/").split("/")[0]
        if folder and os.path.isdir(os.path.join(self._root, first)):
            return  # its folder is there, and the file is not in it
        files = alike[0][1] or alike[1][1]
        lengths = {file: same_end(folded(file), folded(path)) for file in files}
        longest = max(lengths.values(), default=0)
        yield from (file for file, length in lengths.items() if length == longest)

    def _called(self, name: str, same: Callable[[str], str]) -> list[str]:
        # The files of a name, with or without its ending, as far as it is told apart.
        complete = name.lower().endswith(IMAGE_ENDINGS)
        found = []
        for file in self._index().get(folded(os.path.splitext(name)[0] if complete else name), ()):
            base = os.path.basename(file)
            own = base if complete else os.path.splitext(base)[0]
            found += [file] if same(own) == same(name) else []
        return found

    def _index(self) -> dict[str, list[str]]:
        with self._lock:
            if self._by_stem is None:
                self._by_stem = {}
                root = self._root or os.curdir
                if os.path.isdir(root):
                    for folder, _, names in walk_folder(root):
                        relative = os.path.relpath(folder, root)
                        for name in names:
                            if name.lower().endswith(IMAGE_ENDINGS):
                                file = name if relative == "." else os.path.join(relative, name)
                                stem = folded(os.path.splitext(name)[0])
                                self._by_stem.setdefault(stem, []).append(file)
            return self._by_stem


def folded(path: str) -> str:
    """Return a path as systems that do not tell capitals apart compare it, with one JPEG ending.

    >>> folded("Cats/IMG_1.JPEG")
    'cats/img_1.jpg'
    """
    return path.lower().replace(".jpeg", ".jpg").replace(".tiff", ".tif")


SAME: tuple[Callable[[str], str], ...] = (str, folded)  # of which the first comes first


def same_end(file: str, path: str) -> int:
    """Count the folders at the ends of two paths that are the same.

    >>> same_end("a/b/1.jpg", "x/b/1")
    1
    """
    one, two = file.split("/")[:-1][::-1], path.split("/")[:-1][::-1]
    return next(
        (at for at, pair in enumerate(zip(one, two)) if pair[0] != pair[1]), min(len(one), len(two))
    )
