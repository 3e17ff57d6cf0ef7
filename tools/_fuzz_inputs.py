"""Inputs for fuzz.py: files of every kind that is read, and what is done to them."""

from __future__ import annotations

import functools
import json
import random
import struct
import zlib
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

EXTREME = (0, 1, 2, 7, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 1 << 30, (1 << 31) - 1,
           1 << 31, (1 << 32) - 1)  # fmt: skip
WORDS = (None, True, -1, 0, 1, 2**31, 2**63, 1e300, float("nan"), "", "../x", "/dev/zero",
         "x" * 999, [], {}, [[]], "\x1b[2J", "_Native", "Custom")  # fmt: skip


# -- bytes -----------------------------------------------------------------------------------------
def mutated(data: bytes, rng: random.Random, head: int = 400) -> bytes:
    """Change some bytes, mostly near the begin, where heads are."""
    file = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
        end = min(head, len(file)) if rng.random() < 0.7 else len(file)
        at = rng.randrange(end) if end else 0
        rng.choice(CHANGES)(file, at, rng)
    return bytes(file)


def _flip(file: bytearray, at: int, rng: random.Random) -> None:
    file[at : at + 1] = bytes([file[at] ^ 1 << rng.randrange(8)]) if file else b""


def _replace(file: bytearray, at: int, rng: random.Random) -> None:
    file[at : at + 1] = bytes([rng.randrange(256)])


def _number(file: bytearray, at: int, rng: random.Random) -> None:
    form = rng.choice(("<H", ">H", "<I", ">I"))
    size = struct.calcsize(form)
    file[at : at + size] = struct.pack(form, rng.choice(EXTREME) % (1 << 8 * size))


def _cut(file: bytearray, at: int, rng: random.Random) -> None:
    del file[at : len(file) if rng.random() < 0.3 else at + rng.randrange(1, 40)]


def _insert(file: bytearray, at: int, rng: random.Random) -> None:
    file[at:at] = rng.randbytes(rng.randrange(1, 20))


def _repeat(file: bytearray, at: int, rng: random.Random) -> None:
    part = file[at : at + rng.randrange(1, 200)]
    file[at:at] = part * rng.choice((1, 1, 2, 50))


def _swap(file: bytearray, at: int, rng: random.Random) -> None:
    other, size = rng.randrange(len(file) or 1), rng.randrange(1, 64)
    file[at : at + size], file[other : other + size] = (
        file[other : other + size],
        file[at : at + size],
    )


CHANGES: tuple[Callable[[bytearray, int, random.Random], None], ...] = (
    _flip, _flip, _replace, _number, _number, _cut, _insert, _repeat, _swap,
)  # fmt: skip


# -- images ----------------------------------------------------------------------------------------
def png_chunk(kind: bytes, body: bytes) -> bytes:
    """Return a chunk with its checksum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def with_checksums(data: bytes) -> bytes:
    """Make the checksums of a PNG right again, as far as its chunks can be followed."""
    out, at = [data[:8]], 8
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        if at + 12 + length > len(data):
            break
        out.append(png_chunk(data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    return b"".join([*out, data[at:]])


def animated_png(rng: random.Random) -> bytes:
    """Make an animation of two frames, of 8 x 8 pixels."""
    frame = zlib.compress((bytes([rng.choice((0, 0, 1, 9))]) + bytes(24)) * 8)

    def control(number: int) -> bytes:
        size = rng.choice((8, 8, 8, 9, 4000))
        return png_chunk(b"fcTL", struct.pack(">IIIIIHHBB", number, size, 8, 0, 0, 1, 10, 0, 0))

    head = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0))
    more = png_chunk(b"acTL", struct.pack(">II", 2, 0)) + control(0) + png_chunk(b"IDAT", frame)
    last = control(1) + png_chunk(b"fdAT", struct.pack(">I", 2) + frame) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + head + more + last


def plain_png(depth: int, colour: int, transparency: bytes = b"") -> bytes:
    """Make a PNG of a colour type and depth that OpenCV does not write."""
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    rows = b"".join(b"\0" + bytes((channels * depth * 16 + 7) // 8) for _ in range(16))
    parts = [png_chunk(b"IHDR", struct.pack(">IIBBBBB", 16, 16, depth, colour, 0, 0, 0))]
    parts += [png_chunk(b"PLTE", bytes(range(6)))] if colour == 3 else []
    parts += [png_chunk(b"tRNS", transparency)] if transparency else []
    parts += [png_chunk(b"IDAT", zlib.compress(rows)), png_chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def animated_webp() -> bytes:
    """Make an animation of one frame."""
    still = cv2.imencode(".webp", np.full((20, 30, 3), 90, np.uint8))[1].tobytes()[12:]
    place = b"".join(number.to_bytes(3, "little") for number in (0, 0, 29, 19, 100))
    frame = place + b"\0" + still
    canvas = b"".join(number.to_bytes(3, "little") for number in (29, 19))
    parts = [b"VP8X", struct.pack("<IB3x", 10, 2), canvas, b"ANIM", struct.pack("<I6x", 6)]
    body = b"".join([*parts, b"ANMF", struct.pack("<I", len(frame)), frame])
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


@functools.cache
def images(seed: int) -> list[bytes]:
    """Return files of all formats and ways of coding that are known, and of some that are not."""
    noise = np.random.RandomState(seed)
    photo = cv2.GaussianBlur(noise.randint(0, 256, (48, 60, 4), np.uint8), (5, 5), 0)
    color, gray, wide = photo[:, :, :3], photo[:, :, 0], photo.astype(np.uint16) * 257
    made: list[tuple[str, Any, list[int]]] = [
        (".jpg", color, []), (".jpg", gray, []), (".jpg", color, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]),
        (".jpg", color, [cv2.IMWRITE_JPEG_RST_INTERVAL, 2]),
        (".jpg", color, [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, 0x111111]),
        (".png", color, []), (".png", gray, []), (".png", photo, []), (".png", wide, []),
        (".png", wide[:, :, 0], []), (".webp", color, [cv2.IMWRITE_WEBP_QUALITY, 80]),
        (".webp", photo, [cv2.IMWRITE_WEBP_QUALITY, 101]), (".webp", photo, []),
        (".bmp", color, []), (".bmp", gray, []), (".tiff", color, []), (".tiff", wide, []),
        (".ppm", color, []), (".pgm", wide[:, :, 0], []), (".pbm", gray, []), (".jp2", color, []),
    ]  # fmt: skip
    files = [cv2.imencode(ending, image, more)[1].tobytes() for ending, image, more in made]
    files += [plain_png(1, 0), plain_png(4, 3), plain_png(2, 3, b"\0\x80"), plain_png(8, 4)]
    files += [plain_png(8, 0, b"\0\0"), plain_png(16, 0, b"\0\0"), plain_png(16, 6)]
    gif = b"GIF89a\3\0\2\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\3\0\2\0\0\2\3D\2\5\0;"
    return [*files, animated_webp(), gif]


def image(rng: random.Random) -> bytes:
    """Return one image file with something wrong, or nothing."""
    data = animated_png(rng) if rng.random() < 0.05 else rng.choice(images(rng.randrange(8)))
    if rng.random() < 0.97:
        data = mutated(data, rng)
    if data[:8] == b"\x89PNG\r\n\x1a\n" and rng.random() < 0.7:
        data = with_checksums(data)
    return data


# -- JSON ------------------------------------------------------------------------------------------
def changed_json(data: Any, rng: random.Random) -> Any:
    """Change one or more places in JSON data."""
    data = json.loads(json.dumps(data))
    for _ in range(rng.choice((1, 1, 2, 4))):
        place, key = data, None
        while isinstance(place, dict | list) and place and (key is None or rng.random() < 0.85):
            parent = place
            key = rng.choice(list(place)) if isinstance(place, dict) else rng.randrange(len(place))
            place = parent[key]
        if key is None:
            return rng.choice(WORDS)
        change = rng.randrange(5)
        if change == 0:
            del parent[key]
        elif change == 1 and isinstance(parent, list):
            parent.insert(key, rng.choice(parent))
        elif change == 2 and isinstance(place, int | float) and not isinstance(place, bool):
            parent[key] = rng.choice((place + 1, -place, place * 1000, *EXTREME))
        elif change == 3 and isinstance(place, str):
            parent[key] = mutated(place.encode(), rng).decode("latin-1")
        else:
            parent[key] = rng.choice(WORDS)
    return data


def json_bytes(data: Any, rng: random.Random) -> bytes:
    """Return JSON with something changed in it, or its bytes."""
    if rng.random() < 0.02:
        return b"[" * 100_000
    text = json.dumps(changed_json(data, rng) if rng.random() < 0.8 else data).encode()
    return text if rng.random() < 0.8 else mutated(text, rng, len(text))
