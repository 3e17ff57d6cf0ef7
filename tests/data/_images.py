"""Images and tables for tests of the converter; made here, so that nothing is fetched."""

from __future__ import annotations

import csv
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import mxmtl

import cv2
import mxnet as mx
import numpy as np

TASKS = mxmtl.TaskSet(
    [
        mxmtl.Multiclass("breed", classes=["beagle", "boxer", "pug", "犬"]),
        mxmtl.Binary("outdoors"),
        mxmtl.Multilabel("toys", labels=["ball", "rope", "bone"]),
        mxmtl.Regression("age", weight=0.1),
    ]
)
COLUMNS = ["path", *TASKS.columns]


def pixels(height: int, width: int, channels: int = 3, seed: int = 0) -> np.ndarray:
    """A smooth random picture, uint8."""
    rng = np.random.RandomState(seed)
    coarse = rng.randint(0, 256, (4, 5, channels), dtype=np.uint8)
    image = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    return image.reshape((height, width) if channels == 1 else (height, width, channels))


def encoded(image: np.ndarray, ending: str, *parameters: int) -> bytes:
    """An image file in memory."""
    return cv2.imencode(ending, image, list(parameters))[1].tobytes()


def with_orientation(jpeg: bytes, orientation: int) -> bytes:
    """A JPEG file with an EXIF segment that holds an orientation and nothing else."""
    tiff = b"II*\0" + struct.pack("<IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    exif = b"Exif\0\0" + tiff
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:]


def write_images(folder: Path, count: int, height: int = 24, width: int = 32) -> list[str]:
    """``0.jpg``, ``1.jpg``, ... of growing width; returns their names."""
    folder.mkdir(exist_ok=True)
    names = [f"{index}.jpg" for index in range(count)]
    for index, name in enumerate(names):
        image = pixels(height, width + index % 7, seed=index)
        (folder / name).write_bytes(encoded(image, ".jpg"))
    return names


def write_csv(path: Path, rows: Iterable[Mapping[str, Any]], columns: list[str] = COLUMNS) -> Path:
    """A table as spreadsheets write it; columns that a row lacks stay empty."""
    with open(path, "w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


def random_rows(count: int, names: list[str], seed: int = 0) -> list[dict[str, str]]:
    """Rows with random labels, of which about half are missing."""
    rng = np.random.RandomState(seed)
    rows = []
    for index in range(count):
        row = {
            "path": names[index % len(names)],
            "breed": str(rng.choice(TASKS["breed"].names)),
            "outdoors": str(rng.choice(["yes", "no", "0", "1"])),
            "age": repr(float(np.float32(rng.normal() * 1e3))),
        }
        row.update({column: str(rng.randint(2)) for column in TASKS["toys"].columns})
        rows.append({k: v if k == "path" or rng.rand() < 0.5 else "" for k, v in row.items()})
    return rows


def read_by_mxnet(prefix: Any) -> dict[int, tuple[np.ndarray, bytes]]:
    """{id: (label, image file)} of one .rec file, read by MXNet's own reader."""
    reader = mx.recordio.MXIndexedRecordIO(f"{prefix}.idx", f"{prefix}.rec", "r")
    records = {}
    for key in reader.keys:
        header, payload = mx.recordio.unpack(reader.read_idx(key))
        assert header.id == key
        records[key] = (np.atleast_1d(np.array(header.label, np.float32)), bytes(payload))
    reader.close()
    return records
