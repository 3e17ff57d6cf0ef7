"""The records with the highest loss of a task, with their images."""

from __future__ import annotations

import base64
from typing import Any, Dict, List, Optional

import cv2
import numpy as np

from ..data import ImageError
from ..data.images import decode_image, encode_image, read_info
from ..data.records import Prefixes, RecordError, RecordReader, record_files
from ._measured import Measured
from ._words import said

EDGE = 144  # pixels of a small picture's longer edge
QUALITY = 82
TINY = 40  # pixels: of an image of which each is to be seen
WHITE = (255, 255, 255)


def worst(measured: Measured, index: np.ndarray, count: int) -> List[Dict[str, Any]]:
    """Return the labelled rows with the highest loss, highest first, JSON-able.

    ``index`` are the record ids of all rows.
    """
    return [
        {"row": int(row), "record": int(index[row]), **row_facts(measured, row)}
        for row in measured.worst(count)
    ]


def row_facts(measured: Measured, row: int) -> Dict[str, Any]:
    """Return what a row says, and what was said about it."""
    label, prediction = measured.label[row], measured.prediction[row]
    words = said(measured.task, label, prediction, measured.tuned)
    return {
        "loss": float(measured.losses[row]),
        "label": words.label,
        "prediction": words.answer,
        "right": words.right,
        "probabilities": words.probabilities,
    }


class Thumbnails:
    """Small pictures of records, as data URIs, each made once.

    Parameters
    ----------
    records : str or sequence of str
        Prefixes.
    index : ndarray of int64 (N,)
        Record ids of the rows that are asked for, in the order of the records; damaged ones may
        be left out of it.
    """

    def __init__(self, records: Prefixes, index: np.ndarray) -> None:
        self._reader = RecordReader(record_files(records))
        self._rows = rows_of(index, self._reader.ids(np.arange(len(self._reader))))
        self._made: Dict[int, Optional[str]] = {}

    def __enter__(self) -> "Thumbnails":
        return self

    def __exit__(self, *_: Any) -> None:
        self._reader.close()

    def pixels(self, row: int, edge: int = EDGE) -> Optional[np.ndarray]:
        """Return a row's image, fitted into a square: uint8 (height, width, 3), blue first.

        None if it cannot be read.
        """
        try:
            data = bytes(self._reader.read(int(self._rows[row])).payload)
            return fitted(decode_image(data, read_info(data), "color", WHITE, edge), edge)
        except (RecordError, ImageError):
            return None

    def uri(self, row: int) -> Optional[str]:
        """Return a row's image as a data URI; None if it cannot be read."""
        if row not in self._made:
            pixels = self.pixels(row)
            self._made[row] = None if pixels is None else data_uri(pixels)
        return self._made[row]


def rows_of(index: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """Return where each of ``index`` stands in ``ids``, of which some may be left out."""
    if len(index) == len(ids):
        return np.arange(len(ids))
    rows, at = [], 0
    for record in index.tolist():
        at += int(np.argmax(ids[at:] == record))
        rows.append(at)
        at += 1
    return np.array(rows, np.int64)


def fitted(image: np.ndarray, edge: int) -> np.ndarray:
    """Shrink an image so that its longer edge is no longer than ``edge``."""
    scale = min(1.0, edge / max(image.shape[:2]))
    size = tuple(max(1, round(side * scale)) for side in image.shape[1::-1])
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA) if scale < 1 else image


def data_uri(pixels: np.ndarray) -> str:
    """Return an image as a data URI: JPEG, but PNG where that would show more than the image."""
    tiny = max(pixels.shape[:2]) <= TINY
    data = encode_image(pixels, "png", 9) if tiny else encode_image(pixels, "jpg", QUALITY)
    kind = "png" if tiny else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
