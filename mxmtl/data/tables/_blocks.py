"""Wide tables by blocks of bytes: a thousand cells a row are too many for one object each.

Most cells of such tables are 0, 1 or nothing. Where a block has no quotes and every line the right
number of cells, their places are found by NumPy, and cells of up to eight bytes are compared as
numbers. Any other block is left to Python's csv module, which says what is wrong with it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

WIDE = 32  # columns, from which on it is worth it
BYTES = 1 << 21
WORD, MOST = 8, 64  # bytes of a short cell; different ones
SAMPLE = 256
LINE, QUOTE, RETURN = 10, b'"', b"\r"


class Block(NamedTuple):
    """The cells of some lines: short ones by the number of their text, others as bytes."""

    texts: list[str]
    codes: np.ndarray  # uint8 (columns, rows)
    short: np.ndarray  # bool (columns,)
    content: bytes
    starts: np.ndarray  # int (rows, columns)
    ends: np.ndarray

    def long_cells(self, column: int) -> list[str]:
        """Return the cells of a column, one by one."""
        pairs = zip(self.starts[:, column].tolist(), self.ends[:, column].tolist())
        return [self.content[start:end].decode() for start, end in pairs]


def read_block(content: bytes, width: int, delimiter: str) -> Block | None:
    r"""Find the cells of whole lines; None if they are not of the plain kind.

    >>> block = read_block(b"a,1\nb,0\n", 2, ",")
    >>> block.texts, block.codes.tolist()
    (['a', '1', 'b', '0'], [[0, 2], [1, 3]])
    >>> read_block(b"a,1\nb\n", 2, ",") is None
    True
    """
    if QUOTE in content:
        return None
    content = content.replace(b"\r\n", b"\n")
    content = content if content.endswith(b"\n") else content + b"\n"
    if RETURN in content:
        return None
    content.decode()  # UTF-8, or an error that says where it is not
    padded = np.frombuffer(content + bytes(WORD), np.uint8)
    marks = padded[:-WORD]
    places = np.flatnonzero((marks == ord(delimiter)) | (marks == LINE))
    if len(places) % width:
        return None
    ends = places.reshape(-1, width)
    of_lines = marks[ends] == LINE
    if not of_lines[:, -1].all() or of_lines[:, :-1].any():
        return None
    starts = np.empty_like(ends)
    starts.flat[0], starts.flat[1:] = 0, ends.flat[:-1] + 1
    lengths = ends - starts
    short = lengths.max(axis=0) <= WORD
    longest = int(lengths[:, short].max(initial=0))
    size = next(size for size in (1, 2, 4, 8) if size >= longest)  # small numbers compare faster
    words = np.ndarray(len(marks), f"<u{size}", padded, strides=(1,))
    masks = np.array([(1 << (8 * count)) - 1 for count in range(size + 1)], f"<u{size}")
    keys = words[starts[:, short]] & masks[lengths[:, short]]
    numbered = number_keys(keys)
    if numbered is None:
        return None
    found, own = numbered
    codes = np.zeros((width, len(ends)), np.uint8)
    codes[short] = own.T
    texts = [int(key).to_bytes(WORD, "little").rstrip(b"\0").decode() for key in found]
    return Block(texts, codes, short, content, starts, ends)


def number_keys(keys: np.ndarray) -> tuple[list[int], np.ndarray] | None:
    """Return the different keys and the number of each, uint8; None if there are many."""
    codes = np.full(keys.shape, MOST, np.uint8)
    found: list[int] = []
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
