"""What converting, inspecting and verifying can be told; how a table is read says `TableOptions`.

Apart from all that obeys it, so that a command line can be checked, and explained, at once.
"""

# ruff: noqa: RUF009 (option() makes a dataclass field)

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._options import Options, option, read_shares, read_size
from .._threads import usable_cores
from ..tasks import Dropping

HIGHEST = {"jpg": 100, "png": 9, "webp": 100}
SPLIT_NAME = re.compile(r"\w+")  # letters of any script
image = functools.partial(option, group="images (kept byte for byte where nothing has to change)")
running = functools.partial(option, group="how it runs")
splitting = functools.partial(option, group="splits, written to PREFIX_NAME")
TASKS = "a .tasks.json file, where none stands beside the records"
BAR = "show a progress bar where there is a terminal"
sharding = functools.partial(option, group="shards, PREFIX-00001.rec and so on")


def read_cells(text: str) -> dict[str, str]:
    """Read ``train=1,test=0``.

    >>> read_cells("train=1,test=0")
    {'train': '1', 'test': '0'}
    """
    parts = [part.partition("=") for part in text.split(",")]
    if not all(equals for _, equals, _ in parts):
        raise ValueError("expected NAME=CELL,..., such as train=1,test=0")
    return {name.strip(): cell.strip() for name, _, cell in parts}


@dataclass(frozen=True)
class ImageOptions(Options):
    """What the images in the records shall be; every field is an option of `write_records`.

    An image keeps its own encoding, and its bytes, where nothing has to change; what is none of
    jpg, png and webp becomes jpg. Bytes that are kept are checked as well.
    """

    resize: int = image(0, "length of the shorter edge in pixels; 0 leaves the size", low=0)
    center_crop: bool = image(False, "cut the middle square out, before resizing")
    encoding: str | None = image(None, "the image's own by default", choices=("jpg", "png", "webp"))
    quality: int | None = image(
        None, "of jpg and webp 0 to 100 (95), of png 0 to 9 (3); encodes every image anew", low=0
    )
    color: str = image(
        "color", "three channels, one, or as it is", choices=("color", "gray", "unchanged")
    )
    background: tuple[int, ...] = image(
        (255, 255, 255), "behind transparent pixels", low=0, high=255, metavar="R,G,B"
    )
    bits: int = image(
        16, "that images of 16 bits a sample use: 12 in many medical ones", low=8, high=16
    )
    passthrough: str = image(
        "auto",
        "keep a file's bytes where nothing has to change, always, or encode every image anew",
        choices=("auto", "always", "never"),
    )
    check: str = image(
        "structure",
        "how bytes that are kept are checked: to their end and by PNG's checksums, or every pixel",
        choices=("structure", "decode"),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        highest = HIGHEST[self.encoding or "jpg"]
        if self.quality is not None and self.quality > highest:
            raise ValueError(
                f"quality={self.quality} is not in 0 to {highest}, for {self.encoding or 'jpg'}."
            )
        if len(self.background) != 3:
            raise ValueError(f"background={self.background}: expected red, green, blue, 0 to 255.")


@dataclass(frozen=True)
class OutputOptions(Options):
    """What is written and how; every field is an option of `write_records`."""

    on_error: str = running(
        "raise",
        "a bad row stops the run; is left out, and listed in PREFIX.skipped.csv; or its bad cells "
        "are missing, and listed in PREFIX.blanked.csv (exit code 3)",
        choices=("raise", "skip", "blank"),
    )
    shard_rows: int = sharding(0, "records a file; 0 is no limit", low=0)
    shard_bytes: int = sharding(
        0, "size of a file, such as 512M; 0 is no limit", low=0, read=read_size
    )
    split: Mapping[str, float] | None = splitting(
        None, "such as train=0.8,val=0.2", metavar="NAME=SHARE,...", read=read_shares
    )
    split_column: str | None = splitting(
        None, "column that names the split of each row; 1 and true mean val, 0 and false train"
    )
    split_values: Mapping[str, Any] | None = splitting(
        None, "what the cells of that column mean, as train=1,test=0", metavar="NAME=CELL,...",
        read=read_cells,
    )  # fmt: skip
    group: str | None = splitting(None, "column whose equal cells stay together")
    stratify: bool = splitting(False, "even shares of every class, label and missing cell")
    seed: int = splitting(0, "of the split", low=0)
    drop_labels: str | None = option(
        None, "leave known labels out, of the split train if there is one, to learn what that "
        "costs: random(share=0.8), balanced(number=100) or single",
        group="experiments", metavar="WAY(OPTION=VALUE)",
    )  # fmt: skip
    workers: int = running(
        0, "threads; 0 is one for each core; the bytes written do not depend on it", low=0
    )
    resume: bool = running(False, "go on where a stopped run left off")
    force: bool = running(False, "replace files that are there")
    progress: bool = running(True, BAR, flag="")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.split_values is not None:
            cells = {name: str(cell) for name, cell in self.split_values.items()}
            object.__setattr__(self, "split_values", cells)
            for name in cells:
                if not SPLIT_NAME.fullmatch(name):
                    raise ValueError(f"split name {name!r}: expected letters, digits and '_'.")
        if self.split is not None and self.split_column is not None:
            raise ValueError("split and split_column: give one of them.")
        if (self.group or self.stratify) and self.split is None:
            raise ValueError("group and stratify say how to split: give split={name: share} too.")
        if self.split is not None:
            _check_shares(self.split)
        if self.drop_labels is not None:
            Dropping.read(self.drop_labels)

    @property
    def sharded(self) -> bool:
        """Whether file names carry a shard number."""
        return self.shard_rows > 0 or self.shard_bytes > 0

    def of_content(self) -> dict[str, Any]:
        """Return the options that the content of the files depends on."""
        names = (
            "shard_rows", "shard_bytes", "split", "split_column", "split_values", "group",
            "stratify", "seed",
        )  # fmt: skip
        dropped = {} if self.drop_labels is None else {"drop_labels": self.drop_labels}
        return {**{name: getattr(self, name) for name in names}, **dropped}

    @property
    def num_workers(self) -> int:
        """Number of threads: as many as asked for, or one for each core this process may use."""
        return self.workers or usable_cores()


@dataclass(frozen=True)
class InspectOptions(Options):
    """How records are inspected."""

    tasks: str | None = option(None, TASKS)
    measure: int = option(10_000, "images to look at", low=0)
    progress: bool = option(True, BAR, flag="")


@dataclass(frozen=True)
class VerifyOptions(Options):
    """How records are checked."""

    tasks: str | None = option(None, TASKS)
    workers: int = option(0, "threads; 0 is one for each core", low=0)
    progress: bool = option(True, BAR, flag="")


@dataclass(frozen=True)
class RepairOptions(VerifyOptions):
    """How records are checked, and the sound ones written."""

    force: bool = option(False, "replace files that are there")


def _check_shares(split: Mapping[str, float]) -> None:
    """Raise `ValueError` unless split names are plain and the shares add up to 1."""
    for name, share in split.items():
        if not SPLIT_NAME.fullmatch(name):
            raise ValueError(f"split name {name!r}: expected letters, digits and '_'.")
        if not 0 < share <= 1:
            raise ValueError(f"split {name!r}: share {share} is not in (0, 1].")
    if abs(sum(split.values()) - 1) > 1e-9:
        raise ValueError(f"split shares {dict(split)} add up to {sum(split.values()):g}, not to 1.")
