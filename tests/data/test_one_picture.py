"""One picture is the same pixels by every way in; and no picture hurts."""

from __future__ import annotations

import io
import struct
import zlib

import mxmtl
from mxmtl.augment import CenterCrop, Pipeline, View, averaged
from mxmtl.data import ImageError, ImageOptions, inspect_records
from mxmtl.data.images import (
    Room,
    convert_image,
    decode_image,
    decode_shown,
    decode_view,
    read_info,
)
from mxmtl.model import ImageReader, Preprocessing

import cv2
import numpy as np
import pytest

from ._images import encoded

Image = pytest.importorskip("PIL.Image")
SIDE = 48


def photo(height=700, width=900):
    rng = np.random.RandomState(1)
    smooth = cv2.resize(rng.randint(0, 256, (9, 12, 3), np.uint8), (width, height))
    return cv2.add(smooth, rng.randint(0, 40, smooth.shape).astype(np.uint8))


def lossless(image, **more):
    """A picture in every lossless coding: 8 and 16 bits, palette or not, transparent or not."""
    full = np.full((*image.shape[:2], 1), 255, np.uint8)
    wide = image.astype(np.uint16) * 257
    yield "png", encoded(image, ".png")
    yield "bmp", encoded(image, ".bmp")
    yield "ppm", encoded(image, ".ppm")
    yield "tiff", encoded(image, ".tiff")
    yield "webp", encoded(image, ".webp", cv2.IMWRITE_WEBP_QUALITY, 101)
    yield "opaque", encoded(np.concatenate([image, full], axis=2), ".png")
    yield "16 bits", encoded(wide, ".png")
    for turn in range(2, 9):
        stored = Image.fromarray(np.ascontiguousarray(unturned(image, turn)[:, :, ::-1]))
        exif = Image.Exif()
        exif[0x0112] = turn
        for form in ("PNG", "TIFF"):
            file = io.BytesIO()
            stored.save(file, form, exif=exif)
            yield f"{form} turned {turn}", file.getvalue()


def unturned(image, turn):
    """What a camera stores of a picture that is to be turned."""
    back = {2: lambda a: a[:, ::-1], 3: lambda a: a[::-1, ::-1], 4: lambda a: a[::-1],
            5: lambda a: a.transpose(1, 0, 2), 6: lambda a: np.rot90(a, 1),
            7: lambda a: np.rot90(a, 2).transpose(1, 0, 2),
            8: lambda a: np.rot90(a, 3)}  # fmt: skip
    return np.ascontiguousarray(back[turn](image))


@pytest.mark.parametrize("channels", [3, 1])
def test_every_lossless_file_is_the_same_by_every_way(channels):
    image = photo()
    preprocessing = Preprocessing((channels, SIDE, SIDE), crop=0.9)
    read = ImageReader(preprocessing)
    expected = read(np.ascontiguousarray(image[:, :, ::-1]))
    for name, data in lossless(image):
        ways = [data, convert_image(data, ImageOptions(encoding="png")).data]
        if name[:3] in ("png", "web", "opa", "16 ", "PNG"):  # others become JPEG
            ways.append(convert_image(data, ImageOptions()).data)
        for way in ways:
            np.testing.assert_allclose(read(way).astype(int), expected, atol=1, err_msg=name)


def test_a_jpeg_is_near_what_it_was_made_of():
    image = photo()
    for side in (224, 128, 64, 32):
        read = ImageReader(Preprocessing((3, side, side)))
        png, jpg = (
            read(data).astype(int)
            for data in (
                encoded(image, ".png"),
                encoded(image, ".jpg", cv2.IMWRITE_JPEG_QUALITY, 99),
            )
        )
        assert np.abs(png - jpg).mean() < 2.5


def test_shrinking_averages():
    grain = np.random.RandomState(0).randint(0, 256, (640, 800, 3)).astype(np.uint8)
    for down, across in ((1, 2), (4, 4), (16, 8), (7, 64)):
        blocks = grain[: 640 // down * down, : 800 // across * across].astype(float)
        shape = (640 // down, down, 800 // across, across, 3)
        expected = blocks.reshape(shape).mean(axis=(1, 3))
        found = averaged(grain, down, across)[: shape[0], : shape[2]]
        assert np.abs(found - expected).max() <= 0.51
    view = View(640, 800).resize(40, 50)
    assert np.abs(view.sample(grain).astype(float) - grain.mean()).max() < 40


def test_transparency_and_a_transparent_grey_show_the_background(tmp_path):
    gray = np.full((30, 30), 90, np.uint8)
    gray[:15] = 20
    file = io.BytesIO()
    Image.fromarray(gray).save(file, "PNG", transparency=20)
    layers = np.dstack([gray, gray, gray, np.where(gray == 20, 0, 255)]).astype(np.uint8)
    for data in (
        file.getvalue(),
        encoded(layers, ".png"),
        encoded(layers, ".webp", cv2.IMWRITE_WEBP_QUALITY, 101),
    ):
        for background in ((255, 255, 255), (0, 50, 100)):
            read = ImageReader(Preprocessing((3, 30, 30), background=background))
            made = convert_image(data, ImageOptions(background=background, encoding="png"))
            np.testing.assert_array_equal(read(data)[0, 0], background)
            np.testing.assert_array_equal(read(data), read(made.data))


def test_twelve_bits_have_an_option_and_are_noticed(tmp_path):
    scan = (np.arange(900).reshape(30, 30) * 4095 // 899).astype(np.uint16)
    (tmp_path / "a.png").write_bytes(encoded(scan, ".png"))
    (tmp_path / "b.tiff").write_bytes(encoded(scan, ".tiff"))
    (tmp_path / "c.jpg").write_bytes(encoded(np.full((30, 30), 255, np.uint8), ".jpg"))
    (tmp_path / "t.csv").write_text("path,age\na.png,3\nb.tiff,3\nc.jpg,3\n")
    tasks = mxmtl.TaskSet([mxmtl.Regression("age")])
    said = {}
    for bits in (16, 12):
        prefix = tmp_path / f"d{bits}"
        summary = mxmtl.write_records(tmp_path / "t.csv", prefix=prefix, tasks=tasks, bits=bits)
        said[bits] = "(--bits 12)" in str(inspect_records(prefix))
        assert said[bits] == any("no sample of 2 of 2 images" in one for one in summary.notes)
        with mxmtl.RecordIter(prefix, 1, (1, 30, 30)) as batches:
            record = batches.next().data[0].asnumpy()[0, 0]
            assert batches.rendering.bits == bits
        crop = ImageReader(Preprocessing((1, 30, 30), bits=bits))(encoded(scan, ".png"))[..., 0]
        np.testing.assert_array_equal(crop, record)
        assert (crop.max() == 255) == (bits == 12)
    assert said == {16: True, 12: False}


# -- what must not hurt ----------------------------------------------------------------------------
def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def animated(first):
    size = struct.pack(">IIIIIHHBB", 0, 8, 8, 0, 0, 1, 10, 0, 0)
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0))
    parts = [head, chunk(b"acTL", struct.pack(">II", 2, 0)), chunk(b"fcTL", size)]
    parts += [chunk(b"IDAT", zlib.compress((first + bytes(24)) * 8)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def test_an_animated_png_is_its_still_image():
    good, bad = animated(b"\0"), animated(b"\x09")
    assert b"acTL" not in convert_image(good, ImageOptions()).data
    read = ImageReader(Preprocessing((3, 8, 8)))
    assert read(good).shape == (8, 8, 3)
    with pytest.raises(ImageError):
        read(bad)
    with pytest.raises(ImageError):
        convert_image(bad, ImageOptions(check="decode"))


def test_texts_of_a_png_are_not_expanded(monkeypatch):
    def imdecode(data, flags):
        assert b"zTXt" not in data.tobytes()
        assert b"iTXt" not in data.tobytes()
        return decode(data, flags)

    decode, good = cv2.imdecode, encoded(photo(8, 8), ".png")
    monkeypatch.setattr(cv2, "imdecode", imdecode)
    texts = chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(1 << 20)))
    texts += chunk(b"iTXt", b"a\0\1\0\0\0" + zlib.compress(bytes(1 << 20)))
    data, read = good[:33] + texts * 9 + good[33:], ImageReader(Preprocessing((3, 8, 8)))
    np.testing.assert_array_equal(read(data), read(good))
    assert convert_image(data, ImageOptions()).data == data  # what is stored is as it was


def tiff(*entries, start=8):
    parts = (struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    return b"II*\0" + struct.pack("<IH", start, len(entries)) + b"".join(parts) + bytes(4)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (
            tiff((256, 4, 30000), (257, 4, 30000), (256, 4, 4), (257, 4, 4)),
            "its size is told twice",
        ),
        (tiff((256, 9, 30000), (257, 9, 30000), (256, 4, 4), (257, 4, 4)), "or as no whole number"),
        (b"II+\0\x08\0\0\0" + b"\xff" * 40, "its head is cut short"),
        (tiff(start=(1 << 32) - 1), "its head is cut short"),
    ],
)
def test_the_size_of_a_tiff_is_told_once(data, said):
    with pytest.raises(ImageError, match=said):
        read_info(data)


def riff(*chunks):
    body = b"WEBP" + b"".join(kind + struct.pack("<I", len(data)) + data for kind, data in chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def test_the_first_image_of_a_webp_counts():
    large, small = (b"\x2f" + struct.pack("<I", n) + b"\0\0\0" for n in ((1 << 28) - 1, 0))
    with pytest.raises(ImageError, match="two images"):
        read_info(riff((b"VP8L", large), (b"VP8L", small)))
    assert (read_info(riff((b"VP8L", large))).width) == 16384
    canvas = b"\0\0\0\0" + bytes(6)
    with pytest.raises(ImageError, match="16384 x 16384 pixels, and its head says 1 x 1"):
        read_info(riff((b"VP8X", canvas), (b"VP8L", large)))


def test_scans_of_a_jpeg_are_bounded():
    data = encoded(photo(), ".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    at = data.rindex(b"\xff\xda")
    many = data[:-2] + data[at:-2] * 200 + data[-2:]
    large = many + bytes(1 << 17)  # so that it may take long
    with pytest.raises(ImageError, match=r"2\d\d scans; a JPEG file is decoded up to 100"):
        ImageReader(Preprocessing((3, 8, 8)))(large)
    with pytest.raises(ImageError, match=r"2\d\d scans; a JPEG file is decoded up to 100"):
        decode_view(memoryview(large), Pipeline(None, (8, 8)), (), 3)


def test_a_head_says_the_same_whether_all_is_checked_or_not():
    pictures = dict(lossless(photo(40, 50)))
    gray = Image.fromarray(photo(40, 50)[:, :, 0])
    stream = io.BytesIO()
    gray.save(stream, "PNG", transparency=int(np.array(gray)[0, 0]))
    pictures["a transparent gray"] = stream.getvalue()
    for name, data in pictures.items():
        quick, whole = read_info(data, whole=False), read_info(data)
        assert quick._replace(sure=True) == whole._replace(sure=True), name
    assert read_info(stream.getvalue(), whole=False).transparent == np.array(gray)[0, 0]


def test_a_jpeg_without_sampling_factors_is_broken():
    good = encoded(np.full((64, 48, 3), 90, np.uint8), ".jpg")
    frame = good.index(b"\xff\xc0")
    broken = bytearray(good)
    for component in range(broken[frame + 9]):
        broken[frame + 11 + 3 * component] = 0
    with pytest.raises(ImageError, match="OpenCV|decode"):
        decode_view(memoryview(broken), Pipeline([CenterCrop()], (8, 8)), (), 3)


@pytest.mark.parametrize("begin", [b"\0\0\0\x0cjP  \r\n\x87\n", b"\x59\xa6\x6a\x95", b"P7\n"])
def test_formats_whose_decoders_are_weak_are_not_read(begin):
    data = begin + bytes(100)
    with pytest.raises(ImageError, match="which is not read here"):
        convert_image(data, ImageOptions())


def test_large_images_wait_for_one_another_and_leave_room():
    room = Room(3_000_000)
    with pytest.raises(ImageError, match="at most 3000000 are taken"):
        room.check(2000, 2000)
    data = encoded(np.zeros((1200, 1200, 4), np.uint8), ".png")
    for _ in range(3):
        decode_shown(data, read_info(data), lambda h, w: View(h, w).resize(8, 8), 3, room=room)
        with pytest.raises(ImageError):
            decode_shown(data[:200], read_info(data), lambda h, w: View(h, w), 3, room=room)
    assert room._free == room.most
    # What is larger than all of the room would wait for ever.
    with pytest.raises(ImageError, match="at most 1000000 are taken"):
        decode_image(data, read_info(data), "color", room=Room(1_000_000))
    with pytest.raises(ImageError, match="at most 1000000 are taken"):
        decode_shown(data, read_info(data), lambda h, w: View(h, w), 3, room=Room(1_000_000))


def test_lack_of_memory_is_no_broken_image(monkeypatch):
    def none(*_):
        error = cv2.error("no memory")
        error.code, error.err = cv2.Error.StsNoMem, "Failed to allocate 9 bytes"
        raise error

    monkeypatch.setattr(cv2, "imdecode", none)
    with pytest.raises(MemoryError, match="not enough memory to decode"):
        convert_image(encoded(photo(20, 20), ".png"), ImageOptions(check="decode"))
