"""Decoding no row below what is shown: to the bit what OpenCV decodes of the whole file."""

import mxmtl
from mxmtl import augment
from mxmtl.data.images import _decode, decode_rows, decode_whole, jpeg_head

import cv2
import numpy as np
import pytest
import simplejpeg

from ._records import encoded, picture, random_labels, write

SUBSAMPLINGS = ("444", "422", "420", "440", "411", "Gray")


def noisy(height: int, width: int) -> np.ndarray:
    """Grain of every colour: the rows of a JPEG file then differ as much as they can."""
    return np.random.RandomState(height).randint(0, 256, (height, width, 3)).astype(np.uint8)


def jpeg(image: np.ndarray, subsampling: str) -> bytes:
    if subsampling == "Gray":
        return simplejpeg.encode_jpeg(image[:, :, :1].copy(), 90, "GRAY", "Gray")
    return simplejpeg.encode_jpeg(image, 90, "RGB", subsampling)


@pytest.mark.parametrize("subsampling", SUBSAMPLINGS)
@pytest.mark.parametrize("channels", [3, 1])
@pytest.mark.parametrize("reduction", [1, 2, 4, 8])
def test_rows_are_those_of_the_whole_image(subsampling, channels, reduction):
    data = jpeg(noisy(83, 61), subsampling)
    whole = decode_whole(memoryview(data), channels, reduction)
    fewer = 0
    for rows in range(len(whole) + 1):
        payload = memoryview(bytearray(data))
        head = jpeg_head(payload)
        found = decode_rows(payload, head, channels, reduction=reduction, rows=rows)
        fewer += len(found) < len(whole)
        assert len(found) >= rows
        np.testing.assert_array_equal(found[: rows or None], whole[: rows or None])
    assert fewer > 0


@pytest.mark.parametrize(
    "options",
    [(cv2.IMWRITE_JPEG_PROGRESSIVE, 1), (cv2.IMWRITE_JPEG_RST_INTERVAL, 2),
     (cv2.IMWRITE_JPEG_OPTIMIZE, 1)],
)  # fmt: skip
def test_other_codings_too(options):
    data = encoded(noisy(70, 50), ".jpg", *options)
    whole = decode_whole(memoryview(data), 3)
    for rows in (0, 1, 40, 70):
        found = decode_rows(memoryview(data), jpeg_head(data), 3, rows=rows)
        np.testing.assert_array_equal(found[: rows or None], whole[: rows or None])


def test_bytes_that_must_not_change_do_not():
    data = encoded(noisy(64, 64), ".jpg")
    assert len(decode_rows(memoryview(data), jpeg_head(data), 3, rows=8)) == 16
    assert data == encoded(noisy(64, 64), ".jpg")


def test_memory_that_is_there_is_used_if_it_suffices():
    data = encoded(noisy(64, 48), ".jpg")
    head, memory = jpeg_head(data), np.empty(64 * 48 * 3, np.uint8)
    assert np.shares_memory(decode_rows(memoryview(data), head, 3, into=memory), memory)
    other = decode_rows(memoryview(data), head, 3, into=memory[:-1])
    assert not np.shares_memory(other, memory)
    np.testing.assert_array_equal(other, memory.reshape(64, 48, 3))


def test_what_is_left_to_opencv():
    small = encoded(noisy(12, 40), ".jpg")
    assert decode_rows(memoryview(small), jpeg_head(small), 3) is None
    broken = encoded(noisy(40, 40), ".jpg")
    broken = broken[: broken.index(b"\xff\xda")]  # no pixels at all
    assert decode_rows(memoryview(broken), jpeg_head(broken), 3) is None


@pytest.mark.parametrize("channels", [3, 1])
@pytest.mark.parametrize(
    "steps",
    [None, [augment.RandomResizedCrop(), augment.RandomMirror()],
     [augment.RandomZoom(0.5, 2.0), augment.RandomRotation(20)]],
)  # fmt: skip
def test_batches_are_those_of_opencv_alone(tmp_path, monkeypatch, steps, channels):
    def image(row):
        return jpeg(noisy(40 + 9 * row, 190 - 8 * row), SUBSAMPLINGS[row % 6])

    prefix = write(tmp_path / "a", random_labels(16), image)
    batches = []
    for _ in range(2):
        with mxmtl.RecordIter(prefix, 16, (channels, 24, 32), augment=steps, seed=5) as data:
            # `iter` begins the next epoch where one is over.
            batches.append([batch.data[0].asnumpy() for _ in range(3) for batch in data])
            assert len(batches[-1]) == 3
        monkeypatch.setattr(_decode, "decode_rows", lambda *_, **__: None)
    np.testing.assert_array_equal(*batches)


def test_an_image_that_a_user_keeps_stays_as_it_is(tmp_path):
    prefix = write(
        tmp_path / "a", random_labels(8), lambda row: encoded(picture(row, 32, 32), ".jpg")
    )
    pairs = []

    def keep(image, label, _):
        pairs.append((image, image.copy()))  # in one step: threads take turns
        return image, label

    steps = [augment.Apply(keep)]
    with mxmtl.RecordIter(prefix, 4, (3, 32, 32), augment=steps) as data:
        assert len(list(data)) == 2
    kept, copies = zip(*pairs)
    np.testing.assert_array_equal(kept, copies)
    assert len({image.tobytes() for image in copies}) == 8
