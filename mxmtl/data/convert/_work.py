"""What becomes of one row: its image file is found, read, checked, converted and framed."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from typing import Any, NamedTuple

from .._errors import ImageError
from .._options import ImageOptions
from ..images import convert_image
from ..records import MAX_LENGTH, frame_record, picture_digest
from ..tables import LabelledRow
from ._output import Outcome, Skipped, Stored
from ._pictures import PictureFinder

# What the machine lacks, and no fault of the image.
OURS = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)


class RowJob(NamedTuple):
    """A row to be worked on, and the split that it goes to."""

    item: LabelledRow
    split: int


class ImageWorker:
    """Turn batches of jobs into outcomes; safe to call from many threads.

    Parameters
    ----------
    images : str
        Folder that the paths in the table begin from.
    options : ImageOptions
        What the images shall become.
    """

    def __init__(self, images: str, options: ImageOptions) -> None:
        self._images, self._options = images, options
        self.find = PictureFinder(images)

    def __call__(self, jobs: list[RowJob]) -> list[Outcome]:
        for job in jobs:
            announce(self._path(job.item))
        return [self._outcome(job.item) for job in jobs]

    def _path(self, item: LabelledRow) -> str:
        return os.path.join(self._images, item.row.path)

    def _read(self, path: str) -> Any:
        try:
            return read_file(path)
        except ImageError as error:
            if os.path.exists(path):
                raise
            raise ImageError(f"{error}{self.find.near(path)}") from error

    def _outcome(self, item: LabelledRow) -> Outcome:
        if item.label is None:
            return Skipped(str(item.problem))
        path = self._path(item)
        try:
            path = self.find(item.row.path)
            image = convert_image(self._read(path), self._options)
            framed = frame_record(item.label, item.row.record_id, image.data)
        except ValueError as error:  # ImageError, a path with a NUL, a record that is too large
            return Skipped(f"image {path!r}: {error}")
        digest = picture_digest(image.data)
        return Stored(framed, *image[1:], digest)


def announce(path: str) -> None:
    """Let the system begin to read a file that is read soon: disks work while processors do."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (OSError, ValueError):  # `read_file` says what is wrong with it
        return
    with contextlib.suppress(OSError):  # a pipe has nothing to begin with
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_WILLNEED)
    os.close(handle)


def read_file(path: str) -> bytes:
    """Read an image file; `ImageError` if there is none to read."""
    try:
        # Not to wait for someone who writes into a pipe that has an image's name.
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            about = os.fstat(handle)
            check_readable(about)
            # One byte more than there should be: if it does not come, that was all. Few calls,
            # because threads wait for one another after each.
            data = os.read(handle, about.st_size + 1)
            if len(data) == about.st_size:
                return data
            with open(handle, "rb", buffering=0, closefd=False) as stream:
                return data + stream.read()
        finally:
            os.close(handle)
    except FileNotFoundError:
        raise ImageError("no such file.") from None
    except OSError as error:
        if error.errno in OURS:
            raise
        raise ImageError(f"{error.strerror}.") from None


def check_readable(about: os.stat_result) -> None:
    """Raise `ImageError` for what is no file, or larger than any record."""
    if not stat.S_ISREG(about.st_mode):
        raise ImageError("a folder, a pipe or a device, and no file.")
    if about.st_size > MAX_LENGTH:
        raise ImageError(f"{about.st_size} bytes; a record holds {MAX_LENGTH}.")
