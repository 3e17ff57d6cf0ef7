"""Image lists from folders, as MXNet's im2rec makes them; for `im2rec.py --list`."""

from __future__ import annotations

import glob
import logging
import os
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mxmtl._files import PathLike, atomic_write
from mxmtl.data import TableError
from mxmtl.data.tables import bad_name, walk_folder

log = logging.getLogger(__name__)

SEED = 100  # MXNet's: the same folder gives the same lists as there
Entry = tuple[int, str, int]  # index, path, label


@dataclass(frozen=True)
class ListOptions:
    """How a folder becomes lists.

    Parameters
    ----------
    recursive : bool
        Go into subfolders; each folder with images is a class, numbered in the order of names.
        Otherwise only the images in the folder itself are listed, with label 0.
    endings : sequence of str
        What the names of images end in, in any case.
    shuffle : bool
        Shuffle, always in the same way.
    chunks : int
        Number of lists (or of sets of lists) to divide the images among.
    train_ratio, test_ratio : float
        Shares of a chunk's images for ``_train.lst`` and ``_test.lst``; the others go to
        ``_val.lst``. A train_ratio of 1 makes one list without such a name.
    """

    recursive: bool = False
    endings: Sequence[str] = (".jpeg", ".jpg", ".png")
    shuffle: bool = True
    chunks: int = 1
    train_ratio: float = 1.0
    test_ratio: float = 0.0

    def __post_init__(self) -> None:
        if self.chunks < 1:
            raise ValueError(f"chunks={self.chunks}: expected 1 or more.")
        for option in ("train_ratio", "test_ratio"):
            if not 0 <= getattr(self, option) <= 1:
                raise ValueError(f"{option}={getattr(self, option)} is not in [0, 1].")
        if self.train_ratio < 1 and self.train_ratio + self.test_ratio > 1 + 1e-9:
            raise ValueError("train_ratio and test_ratio add up to more than 1.")
        object.__setattr__(self, "endings", tuple(ending.lower() for ending in self.endings))


def write_lists(
    prefix: PathLike, root: PathLike, options: ListOptions
) -> tuple[list[str], dict[str, int]]:
    """List the images under a folder in one or several ``.lst`` files.

    Returns
    -------
    tuple
        Paths of the lists, and {folder: label}.

    Raises
    ------
    TableError
        There is no image, or one whose name a list cannot hold.
    """
    classes: dict[str, int] = {}
    entries = list(list_images(os.fspath(root), options, classes))
    if not entries:
        raise TableError(f"{os.fspath(root)}: no image that ends in {', '.join(options.endings)}.")
    if options.shuffle:
        random.Random(SEED).shuffle(entries)
    size = -(-len(entries) // options.chunks)
    paths = []
    for chunk in range(options.chunks):
        part = entries[chunk * size : (chunk + 1) * size]
        stem = os.fspath(prefix) + (f"_{chunk}" if options.chunks > 1 else "")
        for name, selected in parts_of(part, size, options):
            path = f"{stem}{name}.lst"
            if selected:
                write_list(path, selected)
                paths.append(path)
            else:
                log.warning("%s would hold no image, and is not written.", path)
    return paths, classes


def list_images(root: str, options: ListOptions, classes: dict[str, int]) -> Iterator[Entry]:
    """Yield the images; folders get their numbers in ``classes`` as they come."""
    index = 0
    for folder, folders, files in walk_folder(root):
        if not options.recursive:
            folders.clear()
        for name in files:
            path = os.path.join(folder, name)
            if os.path.splitext(name)[1].lower() not in options.endings or not os.path.isfile(path):
                continue
            if bad_name(os.path.relpath(path, root)):
                raise TableError(f"image {bad_name(path)}")
            check_can_stand(os.path.relpath(path, root))
            label = classes.setdefault(os.path.relpath(folder, root), len(classes))
            yield index, os.path.relpath(path, root), label
            index += 1


def check_can_stand(image: str) -> None:
    """Raise `TableError` for a name that would not be read back from a list as it is."""
    if image != image.strip() or {*image} & {*"\t\n\r"}:
        raise TableError(
            f"image {image!r} cannot stand in a list: tabs and ends of lines separate there, and "
            "spaces around a name are dropped. Rename it."
        )


def parts_of(
    entries: list[Entry], size: int, options: ListOptions
) -> Iterator[tuple[str, list[Entry]]]:
    """Divide a chunk of nominal size into its lists: name and entries of each."""
    if options.train_ratio == 1.0:
        yield "", entries
        return
    test = int(size * options.test_ratio)
    both = options.train_ratio + options.test_ratio
    # Where there is no _val, what the rounding leaves is for training; MXNet's im2rec drops it.
    train = test + int(size * options.train_ratio) if both < 1.0 else len(entries)
    if options.test_ratio:
        yield "_test", entries[:test]
    if both < 1.0:
        yield "_val", entries[train:]
    yield "_train", entries[test:train]


def write_list(path: str, entries: Sequence[Entry]) -> None:
    """Write ``index <tab> label <tab> path`` lines; the file appears when it is complete."""
    with atomic_write(path) as stream:
        for index, image, label in entries:
            stream.write(f"{index}\t{label:.6f}\t{image}\n".encode())


def find_lists(prefix: PathLike) -> list[str]:
    """Return ``<prefix>.lst`` and ``<prefix>_*.lst``, in order; `TableError` if there is none.

    A prefix that is a folder stands for all lists in it.
    """
    prefix = os.path.abspath(os.fspath(prefix))
    escaped = glob.escape(prefix)
    if os.path.isdir(prefix):
        found = glob.glob(os.path.join(escaped, "*.lst"))
    else:
        found = glob.glob(escaped + ".lst") + glob.glob(escaped + "_*.lst")
    if not found:
        raise TableError(f"no list {prefix}.lst or {prefix}_*.lst. Make one with --list.")
    return sorted(found)
