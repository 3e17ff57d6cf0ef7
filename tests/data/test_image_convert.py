"""Images are kept byte for byte where nothing has to change, and changed exactly as asked."""

from __future__ import annotations

import struct
import zlib

from mxmtl.data import ImageError, ImageOptions
from mxmtl.data.images import convert_image

import cv2
import numpy as np
import pytest

from ._images import encoded, pixels, with_orientation

JPEG = encoded(pixels(60, 80), ".jpg")
PNG = encoded(pixels(60, 80), ".png")
ALPHA = encoded(pixels(60, 80, 4), ".png")


def convert(data, **options):
    return convert_image(data, ImageOptions(**options))


def decoded(data, flags=cv2.IMREAD_UNCHANGED):
    return cv2.imdecode(np.frombuffer(data, np.uint8), flags)


@pytest.mark.parametrize(
    ("data", "options"),
    [
        (JPEG, {}),
        (JPEG, {"resize": 60, "encoding": "jpg"}),
        (JPEG, {"check": "decode"}),
        (encoded(pixels(60, 60), ".jpg"), {"resize": 60, "center_crop": True}),
        (encoded(pixels(60, 80, 1), ".jpg"), {"color": "gray"}),
        (encoded(pixels(60, 80, 1), ".jpg"), {"color": "color"}),
        (PNG, {}),
        (ALPHA, {"color": "unchanged"}),
        (encoded(pixels(60, 80), ".webp"), {}),
        (ALPHA, {"passthrough": "always", "resize": 20}),
        (with_orientation(JPEG, 6), {"passthrough": "always"}),
    ],
)
def test_bytes_are_kept_where_nothing_has_to_change(data, options):
    image = convert(data, **options)
    assert image.kept
    assert image.data == data


@pytest.mark.parametrize(
    ("data", "options"),
    [
        (JPEG, {"resize": 59}),
        (JPEG, {"encoding": "png"}),
        (JPEG, {"quality": 90}),
        (JPEG, {"color": "gray"}),
        (JPEG, {"center_crop": True}),
        (JPEG, {"passthrough": "never"}),
        (with_orientation(JPEG, 2), {}),
        (ALPHA, {}),
        (encoded(pixels(6, 8).astype(np.uint16) * 257, ".png"), {}),
        (encoded(pixels(6, 8), ".bmp"), {}),
    ],
)
def test_images_are_encoded_anew_where_something_changes(data, options):
    image = convert(data, **options)
    assert not image.kept
    assert decoded(image.data).shape[:2] == (image.height, image.width)
    assert convert(image.data).kept  # nothing is left to change


@pytest.mark.parametrize(
    ("height", "width", "options", "expected"),
    [
        (60, 80, {"resize": 30}, (30, 40)),
        (80, 60, {"resize": 30}, (40, 30)),
        (60, 80, {"resize": 90}, (90, 120)),
        (500, 375, {"resize": 256}, (341, 256)),
        (333, 500, {"resize": 256}, (256, 384)),
        (60, 80, {"center_crop": True}, (60, 60)),
        (80, 61, {"center_crop": True, "resize": 32}, (32, 32)),
        (3, 400, {"resize": 1}, (1, 133)),
    ],
)
def test_the_short_edge_gets_its_length(height, width, options, expected):
    image = convert(encoded(pixels(height, width), ".jpg"), **options)
    assert (image.height, image.width) == expected == decoded(image.data).shape[:2]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_images_are_set_upright_as_opencv_does(orientation):
    data = with_orientation(JPEG, orientation)
    ours = decoded(convert(data, encoding="png").data)
    np.testing.assert_array_equal(ours, decoded(data, cv2.IMREAD_COLOR))


@pytest.mark.parametrize("background", [(255, 255, 255), (10, 200, 30)])
def test_transparent_pixels_show_the_background(background):
    image = pixels(60, 80, 4, seed=3)
    image[:10, :, 3], image[10:20, :, 3] = 0, 255
    ours = decoded(convert(encoded(image, ".png"), background=background).data)
    alpha = image[:, :, 3:].astype(np.float64) / 255
    expected = image[:, :, :3] * alpha + np.array(background[::-1]) * (1 - alpha)
    assert np.abs(ours - expected).max() <= 0.5 + 1e-9
    np.testing.assert_array_equal(ours[10:20], image[10:20, :, :3])


def gray_png(samples, depth, transparent):
    """A grey PNG file of samples (height, width), one of whose values is transparent."""
    height, width = samples.shape
    bits = np.unpackbits(samples.astype(">u2").view(np.uint8).reshape(height, width, 2), axis=-1)
    rows = np.packbits(bits[:, :, -depth:].reshape(height, -1), axis=1)
    lines = np.pad(rows, ((0, 0), (1, 0))).tobytes()
    chunks = {
        b"IHDR": struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0),
        b"tRNS": struct.pack(">H", transparent),
        b"IDAT": zlib.compress(lines),
        b"IEND": b"",
    }
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks.items()
    )


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("transparent", [0, 1])
def test_a_transparent_gray_shows_the_background(depth, transparent):
    samples = np.full((16, 16), 1 - transparent)
    samples[:, :8] = transparent
    data = gray_png(samples, depth, transparent)
    kept = round((1 - transparent) * 255 / (2**depth - 1))
    ours = decoded(convert(data, background=(10, 200, 30)).data)
    assert (ours[:, :8] == (30, 200, 10)).all()
    assert (ours[:, 8:] == kept).all()
    gray = decoded(convert(data, color="gray").data)
    np.testing.assert_array_equal(gray[0], [255] * 8 + [kept] * 8)
    same = decoded(convert(data, color="unchanged", passthrough="never").data)
    np.testing.assert_array_equal(same[0, :, 3], [0] * 8 + [255] * 8)
    assert (same[:, 8:, :3] == kept).all()


def test_a_gray_beside_the_transparent_one_in_16_bits_is_kept():
    samples = np.full((4, 4), 25700)
    samples[0] += 1  # the same in 8 bits
    ours = decoded(convert(gray_png(samples, 16, 25701)).data)
    assert (ours[0] == 255).all()
    assert (ours[1:] == 100).all()


def test_alpha_never_gets_lost_in_a_jpeg():
    image = pixels(16, 16, 4)
    image[:, :, 3] = 0
    ours = decoded(convert(encoded(image, ".png"), color="unchanged", encoding="jpg").data)
    assert ours.shape == (16, 16, 3)
    assert ours.min() > 250


@pytest.mark.parametrize("ending", [".jpg", ".png", ".webp", ".bmp"])
def test_gray_is_one_channel(ending):
    image = convert(encoded(pixels(20, 30), ending), color="gray", encoding="png")
    assert decoded(image.data).shape == (20, 30)


def test_gray_with_alpha():
    image = np.dstack([pixels(20, 30, 1)] * 3 + [np.full((20, 30), 255, np.uint8)])
    ours = decoded(convert(encoded(image, ".png"), color="gray", encoding="png").data)
    np.testing.assert_array_equal(ours, image[:, :, 0])


def test_sixteen_bits_are_rounded_to_eight():
    deep = (np.arange(0, 65536, 64, dtype=np.uint16)).reshape(32, 32)
    for color in ("gray", "unchanged"):
        ours = decoded(convert(encoded(deep, ".png"), color=color, encoding="png").data)
        assert np.abs(ours.astype(float) - deep / 257).max() <= 1


def test_shrinking_a_lot_leaves_no_false_patterns():
    stripes = np.zeros((1024, 1024, 3), np.uint8)
    stripes[:, ::2] = 255
    for ending in (".png", ".jpg"):
        small = decoded(convert(encoded(stripes, ending), resize=100, encoding="png").data)
        assert np.abs(small.astype(int) - 127).max() <= 8


def test_a_jpeg_decoded_at_a_fraction_looks_the_same():
    image = pixels(1024, 1024)
    data = encoded(image, ".jpg", cv2.IMWRITE_JPEG_QUALITY, 100)
    small = decoded(convert(data, resize=200, encoding="png").data)
    expected = cv2.resize(image, (200, 200), interpolation=cv2.INTER_AREA)
    assert np.abs(small.astype(int) - expected).mean() < 1


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty"),
        (b"<html>404</html>", "it does not decode"),
        (JPEG[:-20], "the JPEG file is cut short"),
        (PNG[:-20], "the PNG file is cut short"),
        (encoded(pixels(9, 9), ".webp")[:-9], "the WebP file is cut short"),
        (PNG.replace(PNG[60:64], b"\0\1\2\3"), "wrong checksum of the chunk at byte"),
    ],
)
@pytest.mark.parametrize("options", [{}, {"passthrough": "always"}, {"resize": 20}])
def test_a_bad_image_is_refused_whatever_is_asked(data, message, options):
    with pytest.raises(ImageError, match=message):
        convert(data, **options)


@pytest.mark.parametrize(
    ("height", "width", "options", "message"),
    [
        (1, 60000, {"resize": 1024}, "61440000 x 1024 pixels; a jpg file has at most 65500 on an"),
        (60, 80, {"resize": 100000}, "133333 x 100000 pixels; a jpg file has at most 65500 on an"),
        (80, 60, {"resize": 16000, "encoding": "webp"}, "a webp file has at most 16383 on an edge"),
        (60, 80, {"resize": 1 << 40}, "at most 65500 on an edge"),
        (60, 80, {"resize": 40000, "encoding": "png"}, "at most 1073741824 are read by OpenCV"),
        (60, 80, {"resize": 2000000, "encoding": "png"}, "a png file has at most 1000000 on an"),
    ],
)
def test_what_would_become_too_large_is_refused(height, width, options, message):
    data = encoded(pixels(height, width), ".jpg")
    with pytest.raises(ImageError, match=rf"resize={options['resize']} makes it .*{message}"):
        convert(data, **options)


@pytest.mark.parametrize(("height", "width", "encoding"), [(1, 65501, "jpg"), (1, 16384, "webp")])
def test_what_is_too_large_for_its_encoding_is_refused(height, width, encoding):
    data = encoded(pixels(height, width), ".png")
    with pytest.raises(ImageError, match=rf"{width} x {height} pixels; a {encoding} file has at"):
        convert(data, encoding=encoding)


@pytest.mark.parametrize(("function", "does"), [("resize", "resize"), ("imencode", "encode")])
def test_what_opencv_cannot_do_is_said_of_the_image(monkeypatch, function, does):
    def fail(*arguments, **options):
        raise cv2.error("OpenCV(4) alloc.cpp: error: (-4) Failed to allocate 8 bytes")

    monkeypatch.setattr(cv2, function, fail)
    with pytest.raises(ImageError, match=f"OpenCV cannot {does} it .*Failed to allocate 8 bytes"):
        convert(JPEG, resize=20)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"encoding": "gif"}, "encoding='gif': expected one of"),
        ({"color": "rgb"}, "color='rgb': expected one of"),
        ({"quality": 101}, "quality=101 is not in 0 to 100, for jpg"),
        ({"quality": 95, "encoding": "png"}, "quality=95 is not in 0 to 9, for png"),
        ({"resize": -1}, "resize=-1"),
        ({"background": (0, 0)}, "expected red, green, blue"),
        ({"check": "hope"}, "check='hope'"),
    ],
)
def test_options_are_checked(options, message):
    with pytest.raises(ValueError, match=message):
        ImageOptions(**options)
