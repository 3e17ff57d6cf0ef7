"""The .idx file beside a .rec: one line a record, ``id<TAB>offset``."""

from __future__ import annotations

import os
import warnings
from typing import Iterable, Tuple

import numpy as np

from ..._files import Bytes, PathLike, atomic_write
from ._framing import HEADER, ReadAt, RecordError, check_id, read_record


def write_index(path: PathLike, ids: Iterable[int], offsets: Iterable[int]) -> None:
    """Write an .idx file; it appears only when it is complete."""
    with atomic_write(path) as stream:
        for record_id, offset in zip(ids, offsets):
            stream.write(b"%d\t%d\n" % (record_id, offset))


def read_index(path: PathLike, size: int) -> Tuple[np.ndarray, np.ndarray]:
    """Read ids and offsets, int64 (n,) each, in the order of the file.

    ``size`` is that of the .rec file. Raises `RecordError`, naming the line where it can, unless
    every line has two numbers, offsets are multiples of four inside the file, and no id and no
    offset stands there twice, and no id is 2**63 or more.
    """
    path = os.fspath(path)
    with open(path, "rb") as stream:
        text = stream.read()
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # NumPy warns, and goes on, where a number is broken
        try:
            numbers = np.fromstring(text, dtype=np.int64, sep="\t") if text.strip() else _EMPTY
        except (DeprecationWarning, ValueError, OverflowError):
            raise RecordError(f"{_bad_line(text)} is not 'id<TAB>offset'.", path) from None
    lines = text.count(b"\n") + (not text.endswith(b"\n") and bool(text))
    if len(numbers) != 2 * lines or text.count(b"\t") != lines:
        raise RecordError(f"{_bad_line(text)} is not 'id<TAB>offset'.", path)
    ids, offsets = numbers[::2].copy(), numbers[1::2].copy()
    _check_ids(ids, text, path)
    _check(ids, offsets, size, path)
    return ids, offsets


_EMPTY = np.empty(0, dtype=np.int64)


def _bad_line(text: bytes) -> str:
    for number, line in enumerate(text.splitlines(), start=1):
        cells = line.split(b"\t")
        if len(cells) != 2 or not all(cell.isdigit() and int(cell) < 1 << 63 for cell in cells):
            return f"line {number}, {line[:40].decode('utf-8', 'replace')!r},"
    return "a line"


def _check_ids(ids: np.ndarray, text: bytes, path: str) -> None:
    # NumPy reads the largest number that it has for all that are larger.
    for line in np.flatnonzero(ids == np.iinfo(np.int64).max).tolist():
        try:
            check_id(int(text.splitlines()[line].split(b"\t")[0]))
        except RecordError as error:
            raise RecordError(f"line {line + 1}: {error.reason}", path) from None


def _check(ids: np.ndarray, offsets: np.ndarray, size: int, path: str) -> None:
    outside = np.flatnonzero((offsets < 0) | (offsets % 4 != 0) | (offsets >= size) | (ids < 0))
    if outside.size:
        line = int(outside[0])
        raise RecordError(
            f"line {line + 1}: no record can begin at byte {offsets[line]} of a .rec file of "
            f"{size} bytes. Are .idx and .rec of the same run?",
            path,
            int(ids[line]),
        )
    for what, values in (("id", ids), ("offset", offsets)):
        if np.all(np.diff(values) > 0):  # the usual case, without a sort
            continue
        sorted_ = np.sort(values)
        twice = sorted_[1:][np.diff(sorted_) == 0]
        if twice.size:
            raise RecordError(f"{what} {twice[0]} stands there more than once.", path)


def scan_index(read: ReadAt, size: int, path: str = "") -> Tuple[np.ndarray, np.ndarray]:
    """Make the index of a .rec file without .idx by walking its frames; slower than reading one."""
    ids, offsets, offset = [], [], 0
    while offset < size:
        try:
            record_id, following = _peek(read, offset)
        except RecordError as error:
            raise error.at(path, None, offset) from None
        ids.append(record_id)
        offsets.append(offset)
        offset = following
    return np.array(ids, dtype=np.int64), np.array(offsets, dtype=np.int64)


def _peek(read: ReadAt, offset: int) -> Tuple[int, int]:
    record: Bytes
    record, following = read_record(read, offset)
    if len(record) < HEADER.size:
        raise RecordError(f"{len(record)} bytes are no image record; its header takes 24.")
    record_id = int(HEADER.unpack_from(record)[2])
    check_id(record_id)
    return record_id, following
