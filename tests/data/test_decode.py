"""Decoding no more than it takes: scaled decoding and EXIF orientation change no picture."""

import struct
import zlib

import mxmtl
from mxmtl.data import ImageError
from mxmtl.data.images import decode_view, decode_whole, jpeg_head

import cv2
import numpy as np
import pytest

from ._records import encoded, picture, random_labels, write

# How a picture is stored that EXIF orientation 1 to 8 then shows upright (Exif 2.3, 4.6.4 A).
STORED = {
    1: lambda image: image,
    2: lambda image: image[:, ::-1],
    3: lambda image: image[::-1, ::-1],
    4: lambda image: image[::-1],
    5: lambda image: image.transpose(1, 0, 2),
    6: lambda image: np.rot90(image, 1),
    7: lambda image: image[::-1, ::-1].transpose(1, 0, 2),
    8: lambda image: np.rot90(image, -1),
}


def oriented(image: np.ndarray, orientation: int, *options: int) -> bytes:
    """A JPEG file that stores the picture turned, and says how."""
    data = encoded(np.ascontiguousarray(STORED[orientation](image)), ".jpg", *options)
    entry = struct.pack("<HHIHH", 0x0112, 3, 1, orientation, 0)
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 1) + entry + bytes(4)
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + data[2:]


def smooth(height: int, width: int) -> np.ndarray:
    """A picture without fine detail, so that only a wrong place or colour makes a difference."""
    small = np.random.RandomState(0).randint(60, 200, (3, 4, 3)).astype(np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)


@pytest.mark.parametrize("orientation", STORED)
def test_size_and_pixels_are_upright(orientation):
    image = smooth(240, 320)
    data = oriented(image, orientation, cv2.IMWRITE_JPEG_QUALITY, 98)
    assert jpeg_head(data).size == (240, 320)
    for reduction in (1, 2, 4, 8):
        found = decode_whole(memoryview(data), 3, reduction)
        assert found.shape == (240 // reduction, 320 // reduction, 3)
        expected = cv2.resize(image, found.shape[1::-1], interpolation=cv2.INTER_AREA)
        assert np.abs(found.astype(int) - expected).mean() < 2
        gray = decode_whole(memoryview(data), 1, reduction)
        assert np.abs(gray - expected @ [0.299, 0.587, 0.114]).mean() < 2


@pytest.mark.parametrize("orientation", [1, 3, 6])
@pytest.mark.parametrize("shape", [(3, 60, 80), (3, 25, 25), (1, 50, 40)])
def test_scaled_decoding_shows_the_same_part(tmp_path, orientation, shape):
    image = smooth(480, 640)
    jpeg = oriented(image, orientation, cv2.IMWRITE_JPEG_QUALITY, 98)
    for steps in (None, [mxmtl.augment.RandomResizedCrop(), mxmtl.augment.RandomRotation(20)]):
        images = []
        for row in range(2):  # the same row number in both files: the same random numbers
            folder = tmp_path / str(row)
            folder.mkdir(exist_ok=True)
            write(folder / "a", random_labels(1), lambda _, row=row: [jpeg, encoded(image)][row])
            with mxmtl.RecordIter(folder / "a", 1, shape, augment=steps, dtype="uint8") as data:
                images.append(next(data).data[0].asnumpy().astype(int))
        assert np.abs(images[0] - images[1]).mean() < 3


def test_sizes_that_the_head_does_not_tell():
    image = picture(0, 8, 9)
    assert jpeg_head(encoded(image)) is None  # PNG
    assert jpeg_head(b"") is None
    data = encoded(image, ".jpg")
    assert jpeg_head(data).size == (8, 9)
    for length in range(2, data.index(b"\xff\xc0") + 9):
        assert jpeg_head(data[:length]) is None
    filled = data.replace(b"\xff\xdb", b"\xff\xff\xff\xdb", 1)  # fill bytes before a marker
    assert jpeg_head(filled).size == (8, 9)
    progressive = encoded(image, ".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    assert jpeg_head(progressive).size == (8, 9)


def test_what_opencv_does_not_decode():
    with pytest.raises(ImageError, match="it does not decode: it begins with the text .abc."):
        decode_whole(memoryview(b"abc"), 3)


def with_comment(data: bytes) -> bytes:
    """The same PNG file with a text behind its head, so that all of its parts must be followed."""
    body = b"tEXtComment\0drawn"
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return data[:33] + chunk + data[33:]


@pytest.mark.parametrize("size", [(28, 28), (30, 9), (13, 10)])
@pytest.mark.parametrize("stored", ["gray", "color"])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_small_png_is_read_by_a_shorter_way_to_the_same_pixels(channels, stored, size):
    image = np.random.RandomState(1).randint(0, 256, (40, 31, 3)).astype(np.uint8)
    data = encoded(image if stored == "color" else image[..., 0], ".png")
    assert data.count(b"IDAT") == 1
    steps = [
        mxmtl.augment.RandomResizedCrop((0.3, 1)),
        mxmtl.augment.RandomMirror(),
        mxmtl.augment.RandomRotation(20),
    ]
    pipeline = mxmtl.augment.Pipeline(steps, size)
    for draws in np.random.RandomState(2).uniform(size=(20, pipeline.draws)).tolist():
        short, long = (
            decode_view(memoryview(one), pipeline, draws, channels)
            for one in (data, with_comment(data))
        )
        assert short.shape[:2] == size
        np.testing.assert_array_equal(short, long)


def test_a_small_png_that_is_damaged_says_so():
    data = encoded(np.random.RandomState(1).randint(0, 256, (40, 31, 3)).astype(np.uint8), ".png")
    pipeline = mxmtl.augment.Pipeline(None, (8, 8))
    with pytest.raises(ImageError, match="does not decode"):  # its pixels are no deflate stream
        decode_view(memoryview(data[:41] + bytes(len(data) - 53) + data[-12:]), pipeline, [], 3)
    with pytest.raises(ImageError, match="cut short"):
        decode_view(memoryview(data[:-20]), pipeline, [], 3)
