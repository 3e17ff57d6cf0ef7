"""Which rows of a table show the same picture: by its path, or by the bytes of its file.

Rows of one picture belong into one split, or what is measured on one half was learnt from the
other. Files are compared without reading most of them: equal ones are of one size, and the last
bytes of two photographs of one size differ.
"""

from __future__ import annotations

import array
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

import numpy as np

from ..._progress import progress
from ..._threads import ordered_map
from .._options import OutputOptions

TAIL = 4096  # bytes at the end of a file that are compared before all of it
BATCH = 64  # files a thread takes at a time
Digest = Callable[[str], int]


class PictureFiles:
    """Paths as they come, row by row, in 16 bytes each.

    Parameters
    ----------
    find : function
        From a path to the file; `ValueError` where there is none.
    """

    def __init__(self, find: Callable[[str], str]) -> None:
        self._find = find
        self._paths, self._sizes = array.array("q"), array.array("q")

    def take(self, path: str) -> None:
        """Note the path of the next row; -1 is the size of what is no file."""
        path = os.path.normpath(path)
        try:
            size = os.stat(self._find(path)).st_size
        except (OSError, ValueError):
            size = -1
        self._paths.append(hash(path))
        self._sizes.append(size)

    def same(self, paths: Callable[[], Iterable[str]], options: OutputOptions) -> np.ndarray | None:
        """Return a number for each row, equal where pictures are; None if all are different.

        ``paths`` goes through the paths of all rows once more.
        """
        same = in_order_of_rows(np.array(self._paths, np.int64))
        keys = np.array(self._sizes, np.int64)
        for digest in (digest_of_end, digest_of_all):
            rows = alike(same, keys)
            if not len(rows):
                break
            keys[rows] = self._digests(rows, paths(), digest, options)
            keys[np.setdiff1d(np.arange(len(keys)), rows)] = -1
        else:
            same = joined(same, keys)
        return None if same.max(initial=-1) + 1 == len(same) else same

    def _digests(
        self, rows: np.ndarray, paths: Iterable[str], digest: Digest, options: OutputOptions
    ) -> np.ndarray:
        chosen = np.zeros(len(self._paths), bool)
        chosen[rows] = True
        files = (self._find(path) for path, one in zip(paths, chosen) if one)
        batches: Iterator[list[str]] = iter(lambda: list(islice(files, BATCH)), [])
        digests: list[int] = []
        with progress(len(rows), "files", shown=options.progress, what="comparing") as bar:
            for part in ordered_map(
                lambda batch: [digest(path) for path in batch], batches, options.num_workers
            ):
                digests += part
                bar.update(len(part))
        return np.array(digests, np.int64)


def digest_of_end(path: str) -> int:
    """Return 63 bits of the last bytes of a file, or -1 where it cannot be read."""
    return digest_of(path, TAIL)


def digest_of_all(path: str) -> int:
    """Return 63 bits of all bytes of a file, or -1 where it cannot be read."""
    return digest_of(path, 0)


def digest_of(path: str, tail: int) -> int:
    """Return 63 bits of a file's end, or of all of it for 0."""
    found = hashlib.blake2b(digest_size=8)
    try:
        with open(path, "rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            stream.seek(max(0, size - tail) if tail else 0)
            found.update(b"%d " % size)
            for block in iter(lambda: stream.read(1 << 20), b""):
                found.update(block)
    except (OSError, ValueError):  # it becomes no record, and the reason is said then
        return -1
    return int.from_bytes(found.digest(), "little") >> 1


def in_order_of_rows(values: np.ndarray) -> np.ndarray:
    """Return a number for each value, by where it is first: hashes differ from run to run.

    >>> in_order_of_rows(np.array([7, -3, 7, 5]))
    array([0, 1, 0, 2])
    """
    _, first, numbers = np.unique(values, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[numbers.reshape(-1)]


def alike(same: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """Return the rows whose key, from 0, is that of a row with another picture.

    >>> alike(np.array([0, 0, 1, 2]), np.array([5, 5, 5, 7]))
    array([0, 1, 2])
    """
    of_pictures = keys[np.unique(same, return_index=True)[1]]
    values, counts = np.unique(of_pictures[of_pictures >= 0], return_counts=True)
    return np.flatnonzero(np.isin(keys, values[counts > 1]))


def joined(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return numbers of rows, equal where those in either list are.

    Negative numbers of the second are equal to none.

    >>> joined(np.array([0, 1, 1, 2, 3]), np.array([7, 7, 8, 9, -1]))
    array([0, 0, 0, 1, 2])
    """
    number = np.arange(len(first))
    units = [np.unique(part, return_inverse=True)[1].reshape(-1) for part in (first, second)]
    units[1] = np.unique(np.where(second < 0, len(first) + number, units[1]), return_inverse=True)[
        1
    ].reshape(-1)
    while True:
        before = number
        for unit in units:
            least = np.full(len(number), len(number))
            np.minimum.at(least, unit, number)
            number = least[unit]
        if np.array_equal(before, number):
            return np.unique(number, return_inverse=True)[1].reshape(-1)


def together(groups: Sequence[str] | None, same: np.ndarray | None) -> Sequence[str] | None:
    """Return the groups of rows that also keep equal pictures together."""
    if same is None:
        return groups
    if groups is None:
        return [str(number) for number in same.tolist()]
    names = np.asarray(groups, dtype=object).astype(str)
    units = joined(np.unique(names, return_inverse=True)[1].reshape(-1), same)
    return [str(number) for number in units.tolist()]
