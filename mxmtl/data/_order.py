"""Which rows an epoch reads, in which order, and how they fall into batches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..augment._uniform import keys

SHUFFLE = 0x73687566  # keeps the order's random numbers apart from the augmentations'


@dataclass(frozen=True)
class Order:
    """The rows of one part of the data, epoch by epoch; a function of the seed and the epoch.

    Parameters
    ----------
    num_rows : int
        Rows of the whole data.
    batch_size : int
        Rows in a batch.
    shuffle : bool
        Whether every epoch has an order of its own.
    seed : int
        Of that order.
    num_parts, part_index : int
        Every row goes to one part. All parts have the same number of batches.
    last_batch : {"pad", "discard"}
        Whether rows that fill no batch make a padded one or are left out.
    """

    num_rows: int
    batch_size: int
    shuffle: bool = False
    seed: int = 0
    num_parts: int = 1
    part_index: int = 0
    last_batch: str = "pad"

    def __post_init__(self) -> None:
        for option, value in (("batch_size", self.batch_size), ("num_parts", self.num_parts)):
            if not isinstance(value, (int, np.integer)) or value < 1:
                raise ValueError(f"{option}={value!r}: expected 1 or more.")
        if not 0 <= self.part_index < self.num_parts:
            raise ValueError(f"part_index={self.part_index} is not in 0 to {self.num_parts - 1}.")
        if self.last_batch not in ("pad", "discard"):
            raise ValueError(f"last_batch={self.last_batch!r} is not 'pad' or 'discard'.")
        if self.num_batches == 0:
            raise ValueError(
                f"{self.num_rows} rows in {self.num_parts} part(s) fill no batch of "
                f"{self.batch_size}; take a smaller one or last_batch='pad'."
            )

    @property
    def num_batches(self) -> int:
        """Batches in an epoch, the same for every part."""
        if self.last_batch == "discard":
            return self.num_rows // self.num_parts // self.batch_size
        most = -(-self.num_rows // self.num_parts)
        return -(-most // self.batch_size)

    def rows(self, epoch: int) -> np.ndarray:
        """Return the rows that this part reads in an epoch, int64, in order."""
        order = np.arange(self.num_rows)
        if self.shuffle:
            order = np.argsort(keys(self.seed, SHUFFLE, epoch, order), kind="stable")
        return order[self.part_index :: self.num_parts]

    def take(self, batch: int, rows_left: int) -> int:
        """Return how many rows a batch takes: full, but one is left for each later batch.

        Only a part that has fewer rows than another notices; so none of its batches is empty.
        """
        later = self.num_batches - 1 - batch
        return max(min(self.batch_size, rows_left - later), min(rows_left, 1))
