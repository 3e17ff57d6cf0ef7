"""Pixels to look at: of records by their positions, and of batches."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np

from ..augment import power_of_two
from ..data import ImageError
from ..data.images import Rendering, decode_image, encode_image, read_info
from ..data.records import Prefixes, RecordError, RecordReader, record_files
from ..tasks import TaskSet

Levels = float | Sequence[float]
EDGE = 144  # pixels of a small picture's longer edge
QUALITY = 82
TINY = 40  # pixels: of an image of which each is to be seen


class RecordPicture(NamedTuple):
    """One record: its id, pixels uint8 (height, width, 3) RGB, and label (label_width,)."""

    record: int
    pixels: np.ndarray
    label: np.ndarray


class RecordPictures:
    """Pictures and labels of records by row; whoever shows records opens them here.

    Parameters
    ----------
    records : str or sequence of str
        Prefixes.
    index : ndarray of int64 (N,), optional
        Record ids of the rows that are asked for, in the order of the records; damaged ones may
        be left out of it. All of them by default.
    """

    def __init__(self, records: Prefixes, index: np.ndarray | None = None) -> None:
        self._reader = RecordReader(record_files(records))
        self._rows = self._reader.rows_of(index)
        self._made: dict[int, str | None] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def __enter__(self) -> RecordPictures:
        return self

    def __exit__(self, *_: Any) -> None:
        self._reader.close()

    def labels(self, tasks: TaskSet) -> np.ndarray:
        """Return all labels, (N, label_width); `ValueError` if they are of other tasks."""
        self._reader.check_width(tasks)
        return self._reader.labels(tasks.label_width)[self._rows]

    def name(self, row: int) -> str:
        """Return what a row is called: its picture and its row in the table, or its number."""
        at = int(self._rows[row])
        return str(self._reader.name(at)) or f"record {self._reader.where(at)[1]}"

    def picture(self, row: int, edge: int = EDGE) -> RecordPicture | None:
        """Return a row's image, fitted into a square, and its label; None if it is damaged."""
        try:
            record = self._reader.read(int(self._rows[row]))
            data = bytes(record.payload)
            info = read_info(data)
            factor = power_of_two(min(info.width, info.height) / edge)
            pixels = decode_image(data, info, "color", Rendering(), factor)
        except (RecordError, ImageError):
            return None
        return RecordPicture(record.id, fitted(pixels, edge)[..., ::-1], record.label)

    def uri(self, row: int) -> str | None:
        """Return a row's image as a data URI, made once; None if it cannot be read."""
        if row not in self._made:
            found = self.picture(row)
            self._made[row] = None if found is None else data_uri(found.pixels)
        return self._made[row]


def fitted(image: np.ndarray, edge: int) -> np.ndarray:
    """Shrink an image so that its longer edge is no longer than ``edge``."""
    scale = min(1.0, edge / max(image.shape[:2]))
    size = tuple(max(1, round(side * scale)) for side in image.shape[1::-1])
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA) if scale < 1 else image


def data_uri(pixels: np.ndarray) -> str:
    """Return pixels, RGB or grey, as a data URI: JPEG, but PNG of an image of few pixels.

    There JPEG would show more than is in the image.
    """
    tiny = max(pixels.shape[:2]) <= TINY
    stored = np.ascontiguousarray(pixels[..., ::-1])
    data = encode_image(stored, "png", 9) if tiny else encode_image(stored, "jpg", QUALITY)
    kind = "png" if tiny else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


# -- batches ---------------------------------------------------------------------------------------
def pixels_and_labels(
    batch: Any, tasks: TaskSet, mean: Levels | None, std: Levels | None
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return images as uint8 (N, height, width, channels), and each task's labels, without pad."""
    restore = None
    if hasattr(batch, "state_dict") and hasattr(batch, "pixels"):
        restore, state = batch.pixels, batch.state_dict()
        reader, batch = batch, batch.next()
        reader.load_state_dict(state)
    elif hasattr(batch, "next"):
        batch = batch.next()
    images, labels = (batch.data[0], batch.label) if hasattr(batch, "data") else batch
    rows = len(images) - (getattr(batch, "pad", 0) or 0)
    known = mean is None and std is None
    pixels = restore(images) if restore and known else as_pixels(array_of(images), mean, std)
    if not isinstance(labels, list | tuple):
        labels = tasks.split(array_of(labels))
    tasks.check_count("labels", labels)
    parts = [
        array_of(label)[:rows].reshape(rows, task.label_width) for task, label in zip(tasks, labels)
    ]
    return pixels[:rows], parts


def as_pixels(images: np.ndarray, mean: Levels | None, std: Levels | None) -> np.ndarray:
    """Undo a normalization, or guess it where none is given: uint8, channels last."""
    planes = images.shape[1] in (1, 3) and images.shape[3] not in (1, 3)
    images = images.transpose(0, 2, 3, 1) if planes else images
    if images.dtype == np.uint8:
        return images
    images = images.astype(np.float64)
    if mean is not None or std is not None:
        images = images * np.asarray(1.0 if std is None else std) + np.asarray(
            0.0 if mean is None else mean
        )
    elif images.size and (images.min() < 0 or images.max() > 255 or images.max() <= 1):
        low = images.min(axis=(1, 2, 3), keepdims=True)
        spread = images.max(axis=(1, 2, 3), keepdims=True) - low
        images = 255 * (images - low) / np.where(spread > 0, spread, 1.0)
    return np.clip(np.rint(images), 0, 255).astype(np.uint8)


def array_of(array: Any) -> np.ndarray:
    """Return an NDArray or ndarray as an ndarray."""
    return array.asnumpy() if hasattr(array, "asnumpy") else np.asarray(array)
