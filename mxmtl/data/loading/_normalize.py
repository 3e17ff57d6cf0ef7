"""Pixels as they go into a batch: planes, scaled and shifted."""

from __future__ import annotations

from typing import Optional, Sequence, Tuple, Union

import cv2
import mxnet as mx
import numpy as np

Levels = Union[float, Sequence[float], None]
DTYPES = ("float32", "uint8")


class Normalize:
    """Writes an image (height, width, channels), uint8, as planes ``(x - mean) / std``.

    Parameters
    ----------
    data_shape : (int, int, int)
        Channels (3: red, green, blue; 1: grey), height and width.
    mean, std : float or sequence of float, optional
        On the scale of 0 to 255; one for all channels, or one each.
    dtype : {"float32", "uint8"}
        ``"uint8"`` leaves the pixels as they are, in a quarter of the bytes.
    ctx : mx.Context, optional
        Send pixels there as they are, and scale them there.

    Attributes
    ----------
    stored : str
        The type of the pixels in main memory.
    """

    def __init__(
        self,
        data_shape: Sequence[int],
        mean: Levels = None,
        std: Levels = None,
        dtype: str = "float32",
        ctx: Optional[mx.Context] = None,
    ) -> None:
        shape = tuple(int(length) for length in data_shape)
        if len(shape) != 3 or shape[0] not in (1, 3) or min(shape) < 1:
            raise ValueError(
                f"data_shape={tuple(data_shape)}: expected channels (1 or 3), height and width."
            )
        if dtype not in DTYPES:
            raise ValueError(f"dtype={dtype!r} is not one of {DTYPES}.")
        self.data_shape: Tuple[int, int, int] = shape  # type: ignore[assignment]
        self.dtype, self.stored, self._ctx = dtype, dtype if ctx is None else "uint8", ctx
        means, stds = _levels("mean", mean, 0.0, shape[0]), _levels("std", std, 1.0, shape[0])
        if not np.all(stds > 0):
            raise ValueError(f"std={std!r} must be greater than 0.")
        self._plain = not means.any() and bool(np.all(stds == 1))
        if dtype == "uint8" and not self._plain:
            raise ValueError("mean and std make real numbers: dtype='uint8' cannot hold them.")
        self._scale = (1 / stds).astype(np.float32).reshape(-1, 1, 1)
        self._shift = (means / stds).astype(np.float32).reshape(-1, 1, 1)
        # All values that a channel can take: looked up, a batch is written once, not twice.
        levels = np.arange(256, dtype=np.float32)
        self._table = list(levels * self._scale[:, 0] - self._shift[:, 0])

    def planes(self) -> np.ndarray:
        """Make room for the planes of one image; a thread uses it for one after the other."""
        return np.empty(self.data_shape, np.uint8)

    def __call__(self, image: np.ndarray, planes: np.ndarray, out: np.ndarray) -> None:
        """Write an image into ``out``, (channels, height, width) of the stored type."""
        to = out if self.stored == "uint8" else planes
        if self.data_shape[0] == 1:
            to[0] = image
        else:
            cv2.split(image, list(to))
        if self.stored == "uint8":
            return
        if self._plain:
            out[...] = planes
            return
        for plane, levels, to in zip(planes, self._table, out):
            cv2.LUT(plane, levels, dst=to)

    def send(self, batch: mx.nd.NDArray) -> mx.nd.NDArray:
        """Bring a batch of stored pixels to the context, and scale them there; no waiting."""
        if self._ctx is None:
            return batch
        batch = batch.as_in_context(self._ctx)
        if self.dtype == "uint8":
            return batch
        batch = batch.astype("float32")
        if self._plain:
            return batch
        scale = mx.nd.array(self._scale[None], ctx=self._ctx)
        shift = mx.nd.array(self._shift[None], ctx=self._ctx)
        return mx.nd.broadcast_sub(mx.nd.broadcast_mul(batch, scale), shift)

    def undo(self, batch: np.ndarray) -> np.ndarray:
        """Return the pixels of a batch of planes: uint8 (N, height, width, channels)."""
        pixels = batch if self.dtype == "uint8" else (batch + self._shift) / self._scale
        return np.clip(np.rint(pixels), 0, 255).astype(np.uint8).transpose(0, 2, 3, 1)


def _levels(option: str, levels: Levels, default: float, channels: int) -> np.ndarray:
    values = np.array(default if levels is None else levels, dtype=np.float64).reshape(-1)
    if values.size not in (1, channels) or not np.all(np.isfinite(values)):
        raise ValueError(f"{option}={levels!r}: expected one number, or one for each channel.")
    return np.broadcast_to(values, (channels,))
