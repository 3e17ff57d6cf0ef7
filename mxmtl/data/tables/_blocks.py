"""Tables by blocks of bytes: a thousand cells a row, or millions of rows, are too many one by one.

Where a block has no quotes and every line the right number of cells, it is cut at once. Most cells
of wide tables are 0, 1 or nothing: their places are found by NumPy, and those of up to eight bytes
are compared as numbers. Any other block is left to Python's csv module, which says what is wrong
with it.
"""

from __future__ import annotations

import numpy as np

from ._chunk import Coded

WIDE = 32  # columns, from which on it is worth it
BYTES = 1 << 21
WORD, MOST = 8, 64  # bytes of a short cell; different ones
SAMPLE = 256
LINE, QUOTE, RETURN, NOTHING = 10, b'"', b"\r", b"\0"


def plain_ends(content: bytes, width: int, delimiter: str) -> tuple[bytes, np.ndarray] | None:
    """Return whole lines as they are cut, and where each cell ends: int (rows, width).

    None if they are not of the plain kind.
    """
    if QUOTE in content or NOTHING in content:
        return None
    content = content.replace(b"\r\n", b"\n")
    content = content if content.endswith(b"\n") else content + b"\n"
    hollow = delimiter.encode() * (width - 1) + b"\n"  # a row that is no more than an empty line
    if RETURN in content or content.startswith(hollow) or b"\n" + hollow in content:
        return None
    marks = np.frombuffer(content, np.uint8)
    places = np.flatnonzero((marks == ord(delimiter)) | (marks == LINE))
    if len(places) % width:
        return None
    ends = places.reshape(-1, width)
    lines = content.count(b"\n")
    if lines != len(ends) or not (marks[ends[:, -1]] == LINE).all():
        return None
    return content, ends


def split_block(content: bytes, width: int, delimiter: str) -> list[list[str]] | None:
    r"""Return the columns of whole lines, cell by cell; None if they are not of the plain kind.

    >>> split_block(b"a,1\nb,0\n", 2, ","), split_block(b"a,1\nb\n", 2, ",")
    ([['a', 'b'], ['1', '0']], None)
    """
    plain = plain_ends(content, width, delimiter)
    if plain is None:
        return None
    cells = plain[0].decode().replace("\n", delimiter).split(delimiter)
    return [cells[at:-1:width] for at in range(width)]


def read_block(content: bytes, width: int, delimiter: str) -> list[Coded] | None:
    r"""Return the columns of whole lines; None if they are not of the plain kind.

    Those of short cells share their texts.

    >>> block = read_block(b"a,1\nb,0\n", 2, ",")
    >>> block[0].texts, [column.codes.tolist() for column in block]
    (['a', '1', 'b', '0'], [[0, 2], [1, 3]])
    >>> read_block(b"a,1\nb\n", 2, ",") is None
    True
    """
    plain = plain_ends(content, width, delimiter)
    if plain is None:
        return None
    content, ends = plain
    content.decode()  # UTF-8, or an error that says where it is not
    lengths = np.empty_like(ends)
    lengths.flat[0], lengths.flat[1:] = ends.flat[0], np.diff(ends.ravel()) - 1
    starts = ends - lengths
    widest = lengths.max(axis=0)
    long = np.flatnonzero(widest > WORD).tolist()
    columns = {place: cut(content, starts[:, place], ends[:, place]) for place in long}
    lengths[:, long] = 0
    size = next(size for size in (1, 2, 4, 8) if size >= np.delete(widest, long).max(initial=0))
    padded = np.frombuffer(content + bytes(WORD), np.uint8)
    words = np.ndarray(len(content), f"<u{size}", padded, strides=(1,))
    masks = np.array([(1 << (8 * count)) - 1 for count in range(size + 1)], f"<u{size}")
    numbered = number_keys(words.take(starts) & masks.take(lengths))
    if numbered is None:
        return None
    found, codes = numbered[0], np.ascontiguousarray(numbered[1].T)
    texts = [int(key).to_bytes(WORD, "little").rstrip(b"\0").decode() for key in found]
    return [columns[at] if at in columns else Coded(texts, codes[at]) for at in range(width)]


def cut(content: bytes, starts: np.ndarray, ends: np.ndarray) -> Coded:
    """Return a column of cells, by where each starts and ends."""
    pairs = zip(starts.tolist(), ends.tolist())
    return Coded.of([content[start:end].decode() for start, end in pairs])


def number_keys(keys: np.ndarray) -> tuple[list[int], np.ndarray] | None:
    """Return the different keys and the number of each, uint8; None if there are many."""
    found: list[int] = []
    if keys.itemsize == 1:
        content, place_of = keys.tobytes(), bytearray(256)
        left = content
        while left and len(found) <= MOST:
            place_of[left[0]] = len(found)
            found.append(left[0])
            left = left.translate(None, left[:1])
        numbers = np.frombuffer(content.translate(place_of), np.uint8)
        return None if left else (found, numbers.reshape(keys.shape))
    codes = np.full(keys.shape, MOST, np.uint8)
    found = []
    rest = keys
    while rest.size:
        new = dict.fromkeys(rest.ravel()[:SAMPLE].tolist())
        if len(found) + len(new) > MOST:
            return None
        for key in new:
            codes[keys == key] = len(found)
            found.append(key)
        rest = keys[codes == MOST]
    return found, codes
