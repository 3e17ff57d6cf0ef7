"""From an image, however it comes, to the pixels that the network sees."""

from __future__ import annotations

import os
from typing import Any, Optional, Union

import cv2
import mxnet as mx
import numpy as np

from ..augment import Pipeline
from ..data import ImageError
from ..data.images import (
    JPEG,
    OTHER,
    ImageInfo,
    check_whole,
    decode_image,
    decode_view,
    read_info,
)
from ..data.records import Record
from ._model_file import Preprocessing

Image = Union[str, "os.PathLike[str]", bytes, bytearray, memoryview, np.ndarray, mx.nd.NDArray]
MAX_BYTES = 1 << 29  # as large as a record may be
MAX_PIXELS = 1 << 28  # 16,384 x 16,384: OpenCV holds 0.8 GB then
WHITE = (255, 255, 255)


class ImageReader:
    """Reads images as `mxmtl.RecordIter` does those of records: the same pixels, bit for bit.

    EXIF orientation is applied. Transparent pixels show white and 16 bits a sample become 8, as
    in records that ``mxmtl convert`` writes (for a grey network these two kinds of image, and
    arrays, may differ by two levels: decoders have a grey of their own).

    Parameters
    ----------
    preprocessing : Preprocessing
        Of the model.
    max_pixels : int
        Images with more are refused before they are decoded.
    """

    def __init__(self, preprocessing: Preprocessing, *, max_pixels: int = MAX_PIXELS) -> None:
        self.channels, *size = preprocessing.data_shape
        self.max_pixels = max_pixels
        augment = preprocessing.options()["augment"]
        self._pipeline = Pipeline(augment, (size[0], size[1]))

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
            return decode_view(image.payload, self._pipeline, (), self.channels)
        if isinstance(image, np.ndarray):
            return self._sample(self._recolored(checked_pixels(image)))
        if isinstance(image, (str, os.PathLike)):
            image = read_file(image)
        if not isinstance(image, (bytes, bytearray, memoryview)):
            raise TypeError(
                f"{type(image).__name__} is no image; expected a path, bytes, or an array uint8 "
                "(height, width, 3) RGB."
            )
        return self._decoded(bytes(image))

    def _decoded(self, data: bytes) -> np.ndarray:
        info = read_info(data)
        if info.width * info.height > self.max_pixels:
            raise ImageError(
                f"{info.width} x {info.height} pixels; at most {self.max_pixels} are taken."
            )
        if as_stored(info):
            return decode_view(memoryview(data), self._pipeline, (), self.channels)
        found = decode_image(data, info, "color" if self.channels == 3 else "gray", WHITE)
        return self._sample(cv2.cvtColor(found, cv2.COLOR_BGR2RGB) if found.ndim == 3 else found)

    def _sample(self, pixels: np.ndarray) -> np.ndarray:
        return self._pipeline.view(pixels.shape[0], pixels.shape[1]).sample(pixels)

    def _recolored(self, pixels: np.ndarray) -> np.ndarray:
        if (pixels.ndim == 2) == (self.channels == 1):
            return pixels
        to_color = self.channels == 3
        return cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB if to_color else cv2.COLOR_RGB2GRAY)


def as_stored(info: ImageInfo) -> bool:
    """Tell whether the converter keeps such a file as it is, and `RecordIter` decodes it."""
    turned = info.orientation != 1 and info.format != JPEG
    return not (info.alpha or info.depth > 8 or info.format == OTHER or turned)


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


def read_file(path: Union[str, "os.PathLike[str]"]) -> bytes:
    """Read an image file, of a size that one may have."""
    with open(path, "rb") as stream:
        size = os.fstat(stream.fileno()).st_size
        if size > MAX_BYTES:
            raise ImageError(f"{size} bytes; an image file has at most {MAX_BYTES}.")
        return stream.read(MAX_BYTES)


def source_of(image: Any) -> Optional[str]:
    """Return the path of an image that is a file; None for bytes and arrays."""
    return os.fspath(image) if isinstance(image, (str, os.PathLike)) else None
