"""Text files of others: packed or not, in UTF-8 or UTF-16, with lists written into their cells."""

from __future__ import annotations

import contextlib
import csv
import gzip
import itertools
import json
import math
import numbers
import re
import zlib
from collections.abc import Iterator, Sequence
from typing import IO, Any

from .._errors import TableError, not_utf8
from ._chunk import Cell

GZIP, UTF16 = b"\x1f\x8b", (b"\xff\xfe", b"\xfe\xff")
LABEL_STUDIO = frozenset(("choices", "taxonomy"))  # of its {"choices": [...]}: no column's name
ITEM = re.compile(
    r"""\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|([^,\[\]'"{}]+?))\s*(,|\s(?=\s*['"])|$)""",
    re.DOTALL,
)


@contextlib.contextmanager
def open_text(path: str, charset: str = "utf-8") -> Iterator[IO[str]]:
    """Open a text file, unpacked where it is a gzip; `TableError` for what is no text."""
    with open(path, "rb") as stream:
        mark = stream.read(2)
    opener = gzip.open if mark == GZIP else open
    encoding = "utf-16" if mark in UTF16 else charset.replace("utf-8", "utf-8-sig")
    try:
        with opener(path, "rt", encoding=encoding, newline="") as text:
            yield text  # type: ignore[misc]
    except UnicodeError as error:
        if mark == GZIP or encoding != "utf-8-sig":
            raise TableError(
                f"{path}: its text is not {encoding.removesuffix('-sig').upper()} ({error})."
            ) from error
        raise not_utf8(path) from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise TableError(
            f"{path}: the packed file is damaged ({error}). Fetch it again."
        ) from error


def is_packed(head: bytes) -> bool:
    """Tell whether the first bytes of a file are those of a gzip, or of UTF-16."""
    return head.startswith((GZIP, *UTF16))


def first_bytes(path: str, count: int) -> bytes:
    """Return the first bytes of a file, unpacked where it is a gzip."""
    with open(path, "rb") as stream:
        head = stream.read(count)
    if head.startswith(GZIP):
        with contextlib.suppress(EOFError, OSError, zlib.error), gzip.open(path) as stream:
            return stream.read(count)
    return head


def text_of(head: bytes) -> str:
    """Return bytes as text, as far as they are that."""
    encoding = "utf-16" if head[:2] in UTF16 else "utf-8-sig"
    return head.decode(encoding, "ignore").replace("\r\n", "\n")


def lines_of(
    path: str, delimiter: str | None, skip: int = 0, charset: str = "utf-8", most: int = -1
) -> Iterator[tuple[int, list[str]]]:
    """Yield the number and the cells of each row; None for a delimiter means runs of spaces.

    Of those, ``most`` at the most part cells; the last cell is all the rest.
    """
    number = skip
    with open_text(path, charset) as stream:
        for _ in range(skip):
            stream.readline()
        if delimiter is None:
            for number, text in enumerate(stream, start=skip + 1):
                yield number, text.rstrip().split(None, most)
            return
        try:
            for line in csv.reader(stream, delimiter=delimiter, strict=True):
                number += 1
                yield number, line
        except csv.Error as error:
            raise TableError(f"{path} row {number + 1}: {error}.") from error


def batches_of(
    path: str, delimiter: str | None, skip: int, size: int, charset: str = "utf-8", most: int = -1
) -> Iterator[tuple[Sequence[int], list[list[str]]]]:
    """Yield numbers and cells of rows that are not empty, as `lines_of`, many at a time.

    Rows of empty cells alone are empty, too: spreadsheets leave them behind.
    """
    number = skip
    with open_text(path, charset) as stream:
        for _ in range(skip):
            stream.readline()
        spaced = delimiter is None
        rows: Iterator[list[str]] = (
            (line.rstrip().split(None, most) for line in stream)
            if spaced
            else csv.reader(stream, delimiter=delimiter or ",", strict=True)
        )
        try:
            while batch := list(itertools.islice(rows, size)):
                numbers: Sequence[int] = range(number + 1, number + 1 + len(batch))
                number += len(batch)
                if not all(map(any, batch)):
                    numbers = [at for at, line in zip(numbers, batch) if any(line)]
                    batch = [line for line in batch if any(line)]
                yield numbers, batch
        except csv.Error:
            for _ in lines_of(path, delimiter, skip, charset):
                continue  # until it says in which row
            raise


def listed(cell: Cell) -> Cell:
    """Return the names of a cell that is a list, in the spelling of JSON or of Python.

    >>> listed("['a b', 'c']"), listed('{"choices": ["hat", "bag"]}'), listed("pug"), listed("[]")
    (('a b', 'c'), ('hat', 'bag'), 'pug', ())
    """
    if not isinstance(cell, str) or len(cell) < 2 or cell[0] not in "[{" or cell[-1] not in "]}":
        return cell
    try:
        found = json.loads(cell)
    except (ValueError, RecursionError):
        return python_list(cell)
    if isinstance(found, dict) and len(found) == 1 and not LABEL_STUDIO.isdisjoint(found):
        found = next(iter(found.values()))
    if not isinstance(found, list) or any(isinstance(item, dict | list) for item in found):
        return cell
    return tuple(item.strip() if isinstance(item, str) else json.dumps(item) for item in found)


def python_list(cell: str) -> Cell:
    """Return the names of a list that Python, or NumPy, has printed.

    >>> python_list("['a', None, 2]"), python_list("['a' 'b']"), python_list("[x")
    (('a', 'None', '2'), ('a', 'b'), '[x')
    """
    if cell[0] != "[" or cell[-1] != "]":
        return cell
    inside, place, names = cell[1:-1].strip(), 0, []
    while place < len(inside):
        found = ITEM.match(inside, place)
        if found is None or (
            found.group(3) is not None and " " in found.group(3) and "," not in inside
        ):
            return cell
        name = next(group for group in found.groups()[:3] if group is not None)
        names.append(re.sub(r"\\(.)", r"\1", name).strip())
        place = found.end()
    return tuple(names)


def text(value: Any) -> str:
    """Return a cell as text; '' for what is missing.

    >>> text(None), text(float("nan")), text(True), text(2.0), text("a ")
    ('', '', '1', '2.0', 'a')
    """
    if value is None or type(value).__name__ in ("NAType", "NaTType") or value != value:
        return ""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "backslashreplace")
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, numbers.Real) and not isinstance(value, int):
        return "" if math.isnan(value) else str(float(value))
    return str(value).strip()
