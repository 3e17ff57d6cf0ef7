"""What the structure of an image file proves, against OpenCV's decoder."""

from __future__ import annotations

import itertools
import struct
import zlib

from mxmtl.data import ImageError
from mxmtl.data.images import read_info

import cv2
import numpy as np
import pytest

from ._images import encoded, pixels, with_orientation

JPEGS = [
    encoded(
        pixels(40, 56),
        ".jpg",
        *(cv2.IMWRITE_JPEG_PROGRESSIVE, progressive),
        *(cv2.IMWRITE_JPEG_RST_INTERVAL, restart),
        *(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling),
    )
    for progressive, restart, sampling in itertools.product((0, 1), (0, 3), (0x411111, 0x221111))
]
GRAY = encoded(pixels(40, 56, 1), ".jpg")
PNGS = [encoded(pixels(40, 56, channels), ".png") for channels in (1, 3, 4)]
WEBP = encoded(pixels(40, 56), ".webp")


@pytest.mark.parametrize("data", [*JPEGS, GRAY, *PNGS])
def test_whole_files_are_sure(data):
    info = read_info(data)
    assert info.sure
    assert (info.width, info.height, info.depth, info.orientation) == (56, 40, 8, 1)


def test_channels_and_alpha():
    assert [read_info(data).channels for data in (GRAY, JPEGS[0], *PNGS)] == [1, 3, 1, 3, 4]
    assert [read_info(data).alpha for data in PNGS] == [False, False, True]


def test_an_animated_webp_has_a_size():
    still = encoded(pixels(40, 56), ".webp")[12:]
    frame = b"".join(struct.pack("<I", n)[:3] for n in (0, 0, 55, 39, 100)) + b"\0" + still
    body = b"VP8X" + struct.pack("<IB3x", 10, 2) + b"\x37\0\0\x27\0\0"
    body += b"ANIM" + struct.pack("<I6x", 6) + b"ANMF" + struct.pack("<I", len(frame)) + frame
    info = read_info(b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body)
    assert (info.format, info.width, info.height) == ("webp", 56, 40)


@pytest.mark.parametrize("lossless", [80, 101])
@pytest.mark.parametrize("channels", [3, 4])
def test_webp_head(lossless, channels):
    info = read_info(encoded(pixels(40, 56, channels), ".webp", cv2.IMWRITE_WEBP_QUALITY, lossless))
    assert (info.format, info.width, info.height) == ("webp", 56, 40)
    assert info.alpha == (channels == 4)
    assert not info.sure


def test_deep_png():
    assert read_info(encoded(pixels(8, 9).astype(np.uint16) * 257, ".png")).depth == 16


@pytest.mark.parametrize("data", [JPEGS[0], JPEGS[-1], PNGS[1], WEBP])
def test_a_file_cut_short_anywhere_is_refused(data):
    for size in [*range(16, 40), *range(40, len(data), 37), len(data) - 1]:
        with pytest.raises(ImageError, match="cut short"):
            read_info(data[:size])


def test_a_thumbnail_s_end_is_not_the_image_s_end():
    thumbnail = JPEGS[0]
    segment = b"\xff\xe1" + struct.pack(">H", len(thumbnail) + 2) + thumbnail
    whole = JPEGS[1][:2] + segment + JPEGS[1][2:]
    assert read_info(whole).sure
    with pytest.raises(ImageError, match="cut short"):
        read_info(whole[:-40])


def test_bytes_after_the_end_do_no_harm():
    assert read_info(JPEGS[0] + b"camera maker's notes").sure


def mutated(data: bytes, rng: np.random.RandomState) -> bytes:
    """A file with one to three bytes flipped, replaced, left out or put in, mostly in its head."""
    file = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        end = min(700, len(file)) if rng.rand() < 0.8 else len(file)
        at, value = rng.randint(2, end), rng.randint(256)
        change = rng.randint(4)
        if change == 0:
            file[at] ^= 1 << value % 8
        elif change == 1:
            file[at] = value
        elif change == 2:
            del file[at : at + 1 + value % 7]
        else:
            file[at:at] = bytes([value])
    return bytes(file)


def decodes(data: bytes) -> bool:
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) is not None
    except cv2.error:
        return False


def test_what_is_sure_decodes_and_what_is_refused_is_broken(capfd):
    rng, counts = np.random.RandomState(7), {"sure": 0, "unsure": 0, "refused": 0}
    files = [*JPEGS, GRAY]
    for _ in range(4000):
        data = mutated(files[rng.randint(len(files))], rng)
        try:
            info = read_info(data)
        except ImageError:
            counts["refused"] += 1
            continue
        counts["sure" if info.sure else "unsure"] += 1
        assert not info.sure or decodes(data)
    capfd.readouterr()  # libjpeg's own warnings
    assert min(counts["sure"], counts["unsure"]) > 500
    assert counts["refused"] > 0


def test_any_changed_byte_of_a_png_is_noticed():
    data = PNGS[1]
    for at in range(8, len(data) - 12, 11):
        changed = bytearray(data)
        changed[at] ^= 0x10
        with pytest.raises(ImageError):
            read_info(bytes(changed))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_of_a_jpeg(orientation):
    assert read_info(with_orientation(JPEGS[0], orientation)).orientation == orientation


def test_orientation_of_a_png():
    tiff = b"MM\0*" + struct.pack(">IHHHIHH", 8, 1, 0x0112, 3, 1, 6, 0)
    chunk = b"eXIf" + tiff
    chunk = struct.pack(">I", len(tiff)) + chunk + struct.pack(">I", zlib.crc32(chunk))
    data = PNGS[1]
    assert read_info(data[:33] + chunk + data[33:]).orientation == 6


@pytest.mark.parametrize("orientation", [0, 9, 255])
def test_an_orientation_that_does_not_exist_is_upright(orientation):
    assert read_info(with_orientation(JPEGS[0], orientation)).orientation == 1


def test_a_broken_exif_segment_is_upright():
    data = bytearray(with_orientation(JPEGS[0], 6))
    data[16:20] = b"\xff\xff\xff\xff"  # where the entries should be
    assert read_info(bytes(data)).orientation == 1


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty"),
        (PNGS[0][:8] + b"\0\0\0\0IEND\xaeB`\x82", "its first chunk is no header"),
        (
            JPEGS[0][:2] + b"\xff\xc0\0\x0b\x08\xff\xff\xff\xff\x01\1\x11\0" + JPEGS[0][2:],
            "cannot hold",
        ),
    ],
)
def test_messages(data, message):
    with pytest.raises(ImageError, match=message):
        read_info(data)


def test_other_files_are_for_opencv_to_tell():
    assert read_info(encoded(pixels(8, 9), ".bmp")).format == "other"
    assert read_info(b"hello").format == "other"


def test_an_animation_without_a_first_image_is_damage():
    from mxmtl.data.images import _image_info

    frame = b"ANMF" + (24).to_bytes(4, "little") + bytes(16) + b"NONE" + bytes(4)
    data = b"RIFF" + (4 + len(frame)).to_bytes(4, "little") + b"WEBP" + frame
    with pytest.raises(ImageError, match="its first frame has no image"):
        _image_info.still_webp(data)
