"""What is named to be predicted, folders, lists, records or images; and the pixels of each."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import cv2
import mxnet as mx
import numpy as np

from .._files import PathLike, open_regular
from ..augment import Pipeline
from ..data import ImageError, RecordError, TableOptions, TableReader
from ..data.convert import PictureFinder
from ..data.images import MAX_PIXELS, Room, check_whole, decode_view
from ..data.records import NAMELESS, Record, RecordName, RecordReader, record_files
from ..data.tables import IMAGE_ENDINGS, image_files, open_table, open_text
from ._model_file import Preprocessing

Image: TypeAlias = (
    str | os.PathLike[str] | bytes | bytearray | memoryview | np.ndarray | mx.nd.NDArray
)
MAX_BYTES = 1 << 29  # as large as a record may be


class ImageReader:
    """Reads images as `mxmtl.RecordIter` does those of records: the same pixels, bit for bit.

    EXIF orientation is applied; transparent pixels show the background, and 16 bits a sample
    become 8, as in records that ``mxmtl convert`` writes.

    Parameters
    ----------
    preprocessing : Preprocessing
        Of the model.
    max_pixels : int
        Images with more are refused before they are decoded. Decoding takes at most 12 bytes for
        each of them, of all threads together: an image waits until others leave room for it.
    """

    def __init__(self, preprocessing: Preprocessing, *, max_pixels: int = MAX_PIXELS) -> None:
        self.channels, *size = preprocessing.data_shape
        self.room, self._rendering = Room(max_pixels), preprocessing.rendering
        augment = preprocessing.options()["augment"]
        self._pipeline = Pipeline(augment, (size[0], size[1]))

    def within(self, max_pixels: int) -> ImageReader:
        """Return a reader alike that takes so many pixels, of one image and of all at a time."""
        made = copy.copy(self)
        made.room = Room(max_pixels)
        return made

    def __call__(self, image: Image) -> np.ndarray:
        """Return the crop: uint8 (height, width, channels).

        Parameters
        ----------
        image : str, Path, bytes or ndarray
            A file, the bytes of one, or pixels uint8 (height, width, 3) RGB or (height, width)
            grey, of any size.

        Raises
        ------
        ImageError
            Naming the file and what is wrong with it.
        TypeError
            For what is no image.
        """
        try:
            crop = self._crop(image)
        except (ImageError, OSError) as error:
            name = source_of(image)
            reason = error.strerror if isinstance(error, OSError) else str(error)
            raise ImageError(f"{name}: {reason}" if name else str(reason)) from error
        return crop.reshape(*self._pipeline.size, self.channels)

    def _crop(self, image: Any) -> np.ndarray:
        if isinstance(image, mx.nd.NDArray):
            image = image.asnumpy()
        if isinstance(image, Record):  # as RecordIter reads it, whatever is in it
            if not image.checked:
                check_whole(image.payload)
            return self._decoded(image.payload)
        if isinstance(image, np.ndarray):
            return self._recolored(self._sample(checked_pixels(image)))
        if isinstance(image, str | os.PathLike):
            image = read_file(image)
        if not isinstance(image, bytes | bytearray | memoryview):
            raise TypeError(
                f"{type(image).__name__} is no image; expected a path, bytes, or an array uint8 "
                "(height, width, 3) RGB."
            )
        payload = memoryview(image)
        check_whole(payload)
        return self._decoded(payload)

    def _decoded(self, payload: memoryview) -> np.ndarray:
        return decode_view(
            payload, self._pipeline, (), self.channels, None, self._rendering, self.room
        )

    def _sample(self, pixels: np.ndarray) -> np.ndarray:
        return self._pipeline.view(pixels.shape[0], pixels.shape[1]).sample(pixels)

    def _recolored(self, pixels: np.ndarray) -> np.ndarray:
        if (pixels.ndim == 2) == (self.channels == 1):
            return pixels
        to_color = self.channels == 3
        return cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB if to_color else cv2.COLOR_RGB2GRAY)


def checked_pixels(pixels: np.ndarray) -> np.ndarray:
    """Return pixels (height, width, 3) or (height, width); `ImageError` for another array."""
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    right = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] == 3)
    if pixels.dtype != np.uint8 or not right or not pixels.size:
        raise ImageError(
            f"an array {pixels.shape} of {pixels.dtype}; expected uint8 (height, width, 3), RGB "
            "from 0 to 255, or (height, width), grey."
        )
    return np.ascontiguousarray(pixels)


def read_file(path: str | os.PathLike[str]) -> bytes:
    """Read an image file, of a size that one may have."""
    with open_regular(path) as stream:
        size = os.fstat(stream.fileno()).st_size
        if size > MAX_BYTES:
            raise ImageError(f"{size} bytes; an image file has at most {MAX_BYTES}.")
        return stream.read(MAX_BYTES)


def source_of(image: Any) -> str | None:
    """Return the path of an image that is a file; None for bytes and arrays."""
    return os.fspath(image) if isinstance(image, str | os.PathLike) else None


# -- what is named to be predicted -----------------------------------------------------------------
class Item(NamedTuple):
    """One image to predict.

    Attributes
    ----------
    name : str
        Its path as it was given, or the id of its record.
    number : int
        Its row in its list, as a spreadsheet shows it, or its place among files or records.
    image : object
        What `ImageReader` takes; or the row of a record.
    task : str
        The one that is asked for, where the list's layout has one a row.
    problem : str
        Why its row names no image; empty if it does.
    origin : RecordName, optional
        Of a record: the file and the row of the table that it came from.
    """

    name: str
    number: int
    image: Any
    task: str = ""
    problem: str = ""
    origin: RecordName = NAMELESS


@dataclass(frozen=True)
class Inputs:
    """Images to predict, one after the other; made by `open_inputs`.

    Attributes
    ----------
    items : iterator of Item
        Read as they are needed.
    column : str
        What their names are: ``"path"`` or ``"record"``.
    total : int, optional
        How many there are, where that is known.
    reader : RecordReader, optional
        Where records come from.
    origin : tuple of str
        What is known of each record's origin: ``("path", "row")``, or nothing.
    begin : sequence of str
        Folders that the paths in lists begin from.
    """

    items: Iterator[Item]
    column: str
    total: int | None = None
    reader: RecordReader | None = None
    origin: tuple[str, ...] = ()
    begin: Sequence[str] = ()

    def pixels(self, read: ImageReader) -> Callable[[Item], np.ndarray]:
        """Return the function that turns an item into pixels, or raises `ImageError`."""

        def pixels_of(item: Item) -> np.ndarray:
            if item.problem:
                raise ImageError(item.problem)
            if self.reader is None:
                return read(item.image)
            try:
                return read(self.reader.read(item.image))
            except RecordError as error:
                raise ImageError(str(error)) from error

        return pixels_of


def open_inputs(
    inputs: Sequence[PathLike],
    *,
    images: PathLike | None = None,
    fashionai: bool = False,
    **reading: Any,
) -> Inputs:
    """Open what is to be predicted.

    Parameters
    ----------
    inputs : sequence of str or Path
        Image files; folders, whose images at any depth are taken; lists of paths (``.txt`` with
        one a line, ``.csv`` or ``.tsv`` with a header, ``.lst``); or prefixes of records, which
        do not go together with the others.
    images : str or Path, optional
        Folder that the paths in lists begin from; that of the list by default. What is not there
        as a list names it is looked for as `mxmtl.write_records` does.
    fashionai : bool
        Lists are ``file,<task>_labels,...`` without a header.
    **reading
        Fields of `TableOptions` (path_column, charset, ...), of lists.

    Raises
    ------
    FileNotFoundError
        If one of them is not there, or a folder has no images.
    ValueError
        If one of them is none of these.
    """
    names = [os.fspath(each) for each in inputs]
    if all(is_prefix(name) for name in names):
        return of_records(names)
    options = TableOptions(**{"layout": "fashionai" if fashionai else "auto", **reading})
    parts: list[Iterator[Item]] = []
    begin: list[str] = []
    for name in names:
        if os.path.isdir(name):
            parts.append(of_folder(name))
        elif name.lower().endswith(list_endings()):
            named, root = list_of(name, options)
            begin.append(root if images is None else os.fspath(images))
            parts.append(found(named, begin[-1]))
        elif os.path.exists(name) and name.lower().endswith(IMAGE_ENDINGS):
            parts.append(iter([Item(name, 1, name)]))
        elif is_prefix(name):
            raise ValueError(f"{name}: records cannot be predicted together with other inputs.")
        elif os.path.exists(name):
            raise ValueError(
                f"{name}: expected an image {IMAGE_ENDINGS}, a folder, a list {list_endings()}, or "
                "records."
            )
        else:
            raise FileNotFoundError(f"{name}: no such image, folder, list or {name}.rec.")
    return Inputs((item for part in parts for item in part), "path", begin=begin)


def list_endings() -> tuple[str, ...]:
    """Return what names of lists end in: of paths one a line, or of any layout of tables."""
    of_tables = (ending for reader in TableReader.types.values() for ending in reader.endings)
    return tuple(dict.fromkeys((".txt", ".csv", ".tsv", *of_tables)))


def is_prefix(name: str) -> bool:
    """Tell whether records stand behind a name."""
    try:
        return not os.path.isdir(name) and bool(record_files(name))
    except FileNotFoundError:
        return False


def of_records(prefixes: Sequence[str]) -> Inputs:
    """Take all records of some prefixes; their names are the ids, and the files they came from."""
    reader = RecordReader(record_files(prefixes))
    ids = reader.ids(np.arange(len(reader))).tolist()

    def items() -> Iterator[Item]:
        for row, key in enumerate(ids):
            origin = reader.name(row)
            yield Item(str(key), origin.row or row, row, origin=origin)

    return Inputs(items(), "record", len(reader), reader, ("path", "row") * reader.named)


def of_folder(folder: str) -> Iterator[Item]:
    """Take the images of a folder; `FileNotFoundError` at once if it has none."""
    paths = image_files(folder)
    first = next(paths, None)
    if first is None:
        raise FileNotFoundError(f"{folder}: no images {IMAGE_ENDINGS} in it.")

    def items() -> Iterator[Item]:
        yield Item(os.path.join(folder, first), 1, os.path.join(folder, first))
        for number, path in enumerate(paths, start=2):
            yield Item(os.path.join(folder, path), number, os.path.join(folder, path))

    return items()


def list_of(path: str, options: TableOptions) -> tuple[Iterator[Item], str]:
    """Open a list: the items that it names, in its order, and the folder that they begin from."""
    if not os.path.exists(path):
        raise FileNotFoundError(f"{path}: no such list.")
    if path.lower().endswith(".txt") and options.layout == "auto":
        return of_lines(path, options.charset), os.path.dirname(path)
    table = open_table(path, options)
    return of_table(table), table.images_folder


def of_table(table: TableReader) -> Iterator[Item]:
    """Take the images that a table names: whether a row could be a record does not matter here."""
    for row in table.rows():
        problem = "" if row.path else "no path"
        if table.one_task_a_row and not row.task:
            problem = row.problem or "it asks for no task."
        yield Item(row.path, row.number, row.path, row.task, problem)


def of_lines(path: str, charset: str) -> Iterator[Item]:
    """Take a path from each line; empty lines are passed over."""
    with open_text(path, charset) as stream:
        for number, line in enumerate(stream, start=1):
            name = line.strip()
            if name:
                yield Item(name, number, name)


def found(items: Iterable[Item], root: str) -> Iterator[Item]:
    """Give items their files below a folder, which are found as a conversion finds them."""
    find = PictureFinder(root)
    for item in items:
        try:
            yield item if item.problem else item._replace(image=find.there(item.name))
        except ValueError as error:  # ImageError: none, several, or a path with a NUL
            whole = os.path.join(root, item.name)
            yield item._replace(image=whole, problem=str(error))
