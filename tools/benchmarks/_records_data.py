"""Pictures like photographs, and record files of them, for the benchmark of reading."""

from __future__ import annotations

from pathlib import Path

from mxmtl.data.records import pack_frames, pack_record, write_index

import cv2
import numpy as np
import sklearn

# Height, width, JPEG quality and number of pictures.
SIZES = {"500 x 375, q95": (375, 500, 95, 1024), "256 x 256, q95": (256, 256, 95, 2048),
         "1024 x 768, q92": (768, 1024, 92, 512)}  # fmt: skip


def pictures(height: int, width: int, quality: int, count: int) -> list[bytes]:
    folder = Path(sklearn.__file__).parent / "datasets" / "images"
    photos = [cv2.imread(str(path)) for path in sorted(folder.glob("*.jpg"))]
    rng = np.random.RandomState(0)
    encoded = []
    for number in range(min(count, 256)):  # the same ones again do not matter to a decoder
        photo = photos[number % len(photos)]
        tall, wide = photo.shape[:2]
        cut = rng.uniform(0.6, 1.0) * min(tall, wide * height / width)
        rows, columns = int(cut), int(cut * width / height)
        top, left = rng.randint(tall - rows + 1), rng.randint(wide - columns + 1)
        image = photo[top : top + rows, left : left + columns]
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_CUBIC)
        image = np.clip(image + rng.normal(0, 3, image.shape), 0, 255).astype(np.uint8)
        options = [cv2.IMWRITE_JPEG_QUALITY, quality]
        encoded.append(cv2.imencode(".jpg", image, options)[1].tobytes())
    return [encoded[number % len(encoded)] for number in range(count)]


def write(prefix: str, images: list[bytes]) -> None:
    offsets = []
    with open(prefix + ".rec", "wb") as stream:
        for row, image in enumerate(images):
            offsets.append(stream.tell())
            stream.write(pack_frames(pack_record(np.float32([row]), row, image)))
    write_index(prefix + ".idx", range(len(images)), offsets)
