"""The pixels that a predictor sees are those of `RecordIter`, bit for bit."""

from __future__ import annotations

import io

import mxmtl
from mxmtl.data import ImageError
from mxmtl.model import ImageReader
from mxmtl.training import Preprocessing
from tests.data._images import encoded, pixels, with_orientation, write_csv

import cv2
import mxnet as mx
import numpy as np
import pytest
from PIL import Image

TASKS = mxmtl.TaskSet([mxmtl.Binary("b")])
WIDE, SMALL = pixels(300, 410), pixels(9, 14, seed=1)


def files():
    """Image files of every kind, by name."""
    alpha = np.dstack([pixels(40, 50), pixels(40, 50, 1, seed=3)])
    deep = pixels(50, 40).astype(np.uint16) * 257 + 77
    cmyk = io.BytesIO()
    Image.fromarray(pixels(60, 50)).convert("CMYK").save(cmyk, "jpeg")
    progressive = encoded(WIDE, ".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    made = {
        "wide.jpg": encoded(WIDE, ".jpg"),
        "tall.jpg": encoded(WIDE.transpose(1, 0, 2), ".jpg"),
        "progressive.jpg": progressive,
        "gray.jpg": encoded(pixels(200, 90, 1), ".jpg"),
        "small.jpg": encoded(SMALL, ".jpg"),
        "cmyk.jpg": cmyk.getvalue(),
        "wide.png": encoded(WIDE, ".png"),
        "gray.png": encoded(pixels(33, 47, 1), ".png"),
        "alpha.png": encoded(alpha, ".png"),
        "deep.png": encoded(deep, ".png"),
        "a.webp": encoded(WIDE, ".webp"),
    }
    for orientation in range(1, 9):
        made[f"turned{orientation}.jpg"] = with_orientation(encoded(WIDE, ".jpg"), orientation)
    return made


# The converter would code these anew, and not without loss.
KEPT = ("cmyk.jpg", *(f"turned{orientation}.jpg" for orientation in range(2, 9)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    for name, data in files().items():
        (folder / name).write_bytes(data)
    for part in (True, False):
        names = [name for name in files() if (name in KEPT) == part]
        rows = [{"path": name, "b": 1} for name in names]
        write_csv(folder / f"{part}.csv", rows, ["path", "b"])
        mxmtl.write_records(
            folder / f"{part}.csv", folder, prefix=folder / str(part), tasks=TASKS,
            passthrough="always" if part else "auto",
        )  # fmt: skip
    return folder


@pytest.mark.parametrize(
    ("shape", "crop"),
    [((3, 32, 32), 1.0), ((3, 24, 40), 0.875), ((1, 32, 32), 0.875), ((3, 500, 480), 1.0)],
)
@pytest.mark.parametrize("kept", [True, False])
def test_the_pixels_are_those_of_the_records(folder, shape, crop, kept):
    reader = ImageReader(Preprocessing(shape, crop=crop))
    names = [name for name in files() if (name in KEPT) == kept]
    options = {"data_shape": shape, "augment": [mxmtl.augment.CenterCrop(crop)]}
    with mxmtl.RecordIter(folder / str(kept), 1, dtype="uint8", **options) as batches:
        for name, batch in zip(names, batches):
            expected = batch.data[0].asnumpy()[0].transpose(1, 2, 0)
            found = reader(folder / name)
            assert (found.shape, found.dtype) == (expected.shape, np.uint8)
            # OpenCV's decoder of PNG has a grey of its own, which no other function has.
            off = 2 if shape[0] == 1 and name in ("alpha.png", "deep.png") else 0
            np.testing.assert_allclose(found, expected, rtol=0, atol=off, err_msg=name)


def test_paths_and_bytes_are_one(folder):
    reader, path = ImageReader(Preprocessing((3, 16, 16))), folder / "turned6.jpg"
    data = path.read_bytes()
    for image in (str(path), data, bytearray(data), memoryview(data)):
        np.testing.assert_array_equal(reader(image), reader(path))


@pytest.mark.parametrize("channels", [1, 3])
def test_arrays_are_red_green_blue_and_of_any_size(channels):
    reader = ImageReader(Preprocessing((channels, 24, 40)))
    for image in (WIDE, SMALL, pixels(33, 47, 1)):
        array = image if image.ndim == 2 else image[:, :, ::-1]
        expected = reader(encoded(image, ".png"))
        for given in (array, np.asfortranarray(array), mx.nd.array(array, dtype=np.uint8)):
            np.testing.assert_allclose(reader(given), expected, rtol=0, atol=2)
    gray = pixels(33, 47, 1)
    np.testing.assert_array_equal(reader(gray), reader(gray[:, :, np.newaxis]))
    if channels == 3:
        np.testing.assert_array_equal(reader(WIDE[:, :, ::-1]), reader(encoded(WIDE, ".png")))


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (b"", "the file is empty"),
        (b"no image", "it does not decode"),
        (files()["wide.jpg"][:3000], "cut short"),
        (files()["wide.png"][:3000], "cut short"),
        ("none.jpg", "none.jpg: No such file"),
        (np.zeros((4, 4, 4), np.uint8), r"an array \(4, 4, 4\) of uint8; expected uint8 \(height"),
        (np.zeros((4, 4, 3), np.float32), "of float32; expected uint8"),
        (np.zeros((0, 4, 3), np.uint8), r"an array \(0, 4, 3\)"),
        (np.zeros(4, np.uint8), r"an array \(4,\)"),
    ],
)
def test_what_is_no_image_is_named(image, message):
    with pytest.raises(ImageError, match=message):
        ImageReader(Preprocessing((3, 8, 8)))(image)


def test_a_broken_file_is_named_and_too_many_pixels_are_not_decoded(tmp_path):
    path = tmp_path / "broken.png"
    path.write_bytes(files()["wide.png"][:3000])
    with pytest.raises(ImageError, match=r"broken.png: .*cut short"):
        ImageReader(Preprocessing((3, 8, 8)))(path)
    small = ImageReader(Preprocessing((3, 8, 8)), max_pixels=1000)
    with pytest.raises(ImageError, match="410 x 300 pixels; at most 1000 are taken"):
        small(files()["wide.png"])
    with pytest.raises(TypeError, match="int is no image; expected a path"):
        small(3)
