"""What a conversion can be told beside how its table is read: of images, and of what is written.

Apart from all that obeys it, so that a command line can be checked, and explained, at once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Dict, Mapping, Optional, Tuple

from .._threads import usable_cores

ENCODINGS, COLORS = ("jpg", "png", "webp"), ("color", "gray", "unchanged")
PASSTHROUGH, CHECKS = ("auto", "always", "never"), ("structure", "decode")
HIGHEST = {"jpg": 100, "png": 9, "webp": 100}
SPLIT_NAME = re.compile(r"[A-Za-z0-9_]+")


@dataclass(frozen=True)
class ImageOptions:
    """What the images in the records shall be; every field is an option of `write_records`.

    Parameters
    ----------
    resize : int
        Length of the shorter edge in pixels; 0 leaves the size.
    center_crop : bool
        Cut the middle square out, before resizing.
    encoding : str, optional
        ``"jpg"``, ``"png"`` or ``"webp"``. By default an image keeps its own, and those that
        are none of the three become jpg.
    quality : int, optional
        0 to 100 for jpg and webp (95 by default), 0 to 9 (compression) for png (3). Where it
        is given, every image is encoded anew.
    color : {"color", "gray", "unchanged"}
        Three channels; one; or as it is, with its alpha channel.
    background : tuple of int
        Red, green and blue, 0 to 255, behind transparent pixels.
    passthrough : {"auto", "always", "never"}
        Keep an image file's bytes where nothing has to change; always; or encode every image
        anew. Bytes that are kept are checked as well.
    check : {"structure", "decode"}
        How bytes that are kept are checked: the structure to its end (and the checksums of
        PNG), or by decoding every pixel too.
    """

    resize: int = 0
    center_crop: bool = False
    encoding: Optional[str] = None
    quality: Optional[int] = None
    color: str = "color"
    background: Tuple[int, int, int] = (255, 255, 255)
    passthrough: str = "auto"
    check: str = "structure"

    def __post_init__(self) -> None:
        choices = {
            "encoding": (None, *ENCODINGS),
            "color": COLORS,
            "passthrough": PASSTHROUGH,
            "check": CHECKS,
        }
        for option, allowed in choices.items():
            if getattr(self, option) not in allowed:
                raise ValueError(f"{option}={getattr(self, option)!r} is not one of {allowed}.")
        highest = HIGHEST[self.encoding or "jpg"]
        if self.quality is not None and not 0 <= self.quality <= highest:
            raise ValueError(
                f"quality={self.quality} is not in 0 to {highest}, for {self.encoding or 'jpg'}."
            )
        if self.resize < 0:
            raise ValueError(f"resize={self.resize}: expected pixels, or 0 to leave the size.")
        object.__setattr__(self, "background", tuple(self.background))
        if len(self.background) != 3 or not all(0 <= level <= 255 for level in self.background):
            raise ValueError(f"background={self.background}: expected red, green, blue, 0 to 255.")


@dataclass(frozen=True)
class OutputOptions:
    """What is written and how; every field is an option of `write_records`.

    Parameters
    ----------
    on_error : {"raise", "skip"}
        What a bad row does: stop the conversion, or be listed in ``<prefix>.skipped.csv``.
    shard_rows, shard_bytes : int
        Begin a new file, ``<prefix>-00001.rec``, after so many records or so many bytes;
        0 puts all into one file, ``<prefix>.rec``.
    split : mapping, optional
        {name: share}, such as ``{"train": 0.8, "val": 0.2}``: rows go to
        ``<prefix>_train.rec`` and ``<prefix>_val.rec``.
    split_column : str, optional
        Split by this column instead: its cells are the names (1 and true mean ``val``, 0 and
        false ``train``, and so does an empty cell where others say train or val).
    group : str, optional
        Rows with the same cell in this column go to the same split.
    stratify : bool
        Give every split the same share of every class, label and missing cell.
    seed : int
        Governs the split.
    workers : int
        Threads; 0 is one for each core. The bytes written do not depend on it.
    resume : bool
        Go on where a run that was stopped has left off.
    force : bool
        Replace files that are there.
    progress : bool
        Show a progress bar where there is a terminal.
    """

    on_error: str = "raise"
    shard_rows: int = 0
    shard_bytes: int = 0
    split: Optional[Mapping[str, float]] = None
    split_column: Optional[str] = None
    group: Optional[str] = None
    stratify: bool = False
    seed: int = 0
    workers: int = 0
    resume: bool = False
    force: bool = False
    progress: bool = field(default=True)

    def __post_init__(self) -> None:
        if self.on_error not in ("raise", "skip"):
            raise ValueError(f"on_error={self.on_error!r} is not 'raise' or 'skip'.")
        for option in ("shard_rows", "shard_bytes", "workers", "seed"):
            if getattr(self, option) < 0:
                raise ValueError(f"{option}={getattr(self, option)} is negative.")
        if self.split is not None and self.split_column is not None:
            raise ValueError("split and split_column: give one of them.")
        if (self.group or self.stratify) and self.split is None:
            raise ValueError("group and stratify say how to split: give split={name: share} too.")
        if self.split is not None:
            _check_shares(self.split)

    @property
    def sharded(self) -> bool:
        """Whether file names carry a shard number."""
        return self.shard_rows > 0 or self.shard_bytes > 0

    def of_content(self) -> Dict[str, Any]:
        """Return the options that the content of the files depends on."""
        names = ("shard_rows", "shard_bytes", "split", "split_column", "group", "stratify", "seed")
        return {name: getattr(self, name) for name in names}

    @property
    def num_workers(self) -> int:
        """Number of threads: as many as asked for, or one for each core this process may use."""
        return self.workers or usable_cores()


def _check_shares(split: Mapping[str, float]) -> None:
    """Raise `ValueError` unless split names are plain and the shares add up to 1."""
    for name, share in split.items():
        if not SPLIT_NAME.fullmatch(name):
            raise ValueError(f"split name {name!r}: expected letters, digits and '_'.")
        if not 0 < share <= 1:
            raise ValueError(f"split {name!r}: share {share} is not in (0, 1].")
    if abs(sum(split.values()) - 1) > 1e-9:
        raise ValueError(f"split shares {dict(split)} add up to {sum(split.values()):g}, not to 1.")
