"""Where the time of one image goes in `mxmtl.RecordIter`, in one thread."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import mxmtl
from mxmtl.data.images import decode_rows, jpeg_head
from mxmtl.data.loading import Normalize

import cv2
import numpy as np
from tabulate import tabulate

Step = Callable[[int], object]  # of a row


def steps(data: mxmtl.RecordIter, images: list[bytes]) -> str:
    """Return a table of the median of each step. The images are of one size.

    An image takes all steps before the next one: a slow spell meets all steps, and each finds
    in the caches what the one before left there.
    """
    source, shape = data._loader._source, data._normalize.data_shape
    size = cv2.imdecode(np.frombuffer(images[0], np.uint8), cv2.IMREAD_COLOR).shape[:2]
    view = source._pipeline.view(*size)
    part = view.rectangle(*size)
    floats, small = np.empty((64, *shape), np.float32), np.empty((64, *shape), np.uint8)
    to_bytes = Normalize(shape, dtype="uint8")
    with source.scratch() as scratch:

        def read(row: int) -> np.ndarray:
            payload = source.reader.read(row, scratch.record).payload
            return decode_rows(payload, jpeg_head(payload), 3, rows=part[1], into=scratch.pixels)

        decoded = read(0)
        rest = scratch.pixels[decoded.size :]
        scaled = view.cut(decoded, part, rest)
        found: dict[str, Step] = {
            "a whole image, by OpenCV": lambda row: cv2.imdecode(
                np.frombuffer(images[row], np.uint8), cv2.IMREAD_COLOR
            ),
            "record read": lambda row: source.reader.read(row, scratch.record),
            "record read, and the rows of the crop decoded": read,
            "crop scaled": lambda row: view.cut(decoded, part, rest),
            "written as planes of float32": lambda row: source.normalize(
                scaled, scratch.planes, floats[row % 64]
            ),
            "written as planes of uint8": lambda row: to_bytes(
                scaled, scratch.planes, small[row % 64]
            ),
        }
        for _ in range(2):  # the first epoch also verifies checksums, and warms up
            took: dict[str, list[float]] = {name: [] for name in found}
            for row in range(len(images)):
                for name, step in found.items():
                    start = time.perf_counter()
                    step(row)
                    took[name].append(time.perf_counter() - start)
    rows = [[name, f"{1e6 * statistics.median(times):,.0f}"] for name, times in took.items()]
    return tabulate(rows, ["one image, one thread", "microseconds"], tablefmt="github")
