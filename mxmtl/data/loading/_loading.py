"""How batches are made ready, apart from what is in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

import mxnet as mx


@dataclass(frozen=True)
class Loading:
    """How batches are made ready; every field is an option of `RecordIter`.

    Parameters
    ----------
    threads : int
        Decoding threads; 0 for as many as there are processors for this process.
    prefetch : int
        Batches that are decoded ahead.
    dtype : {"float32", "uint8"}
        Of the images. ``"uint8"`` leaves them as they are, in a quarter of the bytes.
    data_name : str
        What the network calls the images.
    ctx : mx.Context, optional
        Send batches there ahead of their use: images as bytes, which are scaled there.
    """

    threads: int = 0
    prefetch: int = 2
    dtype: str = "float32"
    data_name: str = "data"
    ctx: Optional[mx.Context] = None

    def __post_init__(self) -> None:
        if self.threads < 0 or self.prefetch < 0:
            raise ValueError(
                f"threads={self.threads}, prefetch={self.prefetch}: expected 0 or more."
            )
