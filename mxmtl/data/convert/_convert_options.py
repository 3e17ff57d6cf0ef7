"""How a conversion runs and what it writes."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass, field
from typing import Any, Dict, Mapping, Optional, Tuple

from ..._options import unknown_option
from ..._threads import usable_cores
from ..images import ImageOptions
from ..tables import TableOptions

SPLIT_NAME = re.compile(r"[A-Za-z0-9_]+")


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
            check_shares(self.split)

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


def check_shares(split: Mapping[str, float]) -> None:
    """Raise `ValueError` unless split names are plain and the shares add up to 1."""
    for name, share in split.items():
        if not SPLIT_NAME.fullmatch(name):
            raise ValueError(f"split name {name!r}: expected letters, digits and '_'.")
        if not 0 < share <= 1:
            raise ValueError(f"split {name!r}: share {share} is not in (0, 1].")
    if abs(sum(split.values()) - 1) > 1e-9:
        raise ValueError(f"split shares {dict(split)} add up to {sum(split.values()):g}, not to 1.")


Options = Tuple[TableOptions, ImageOptions, OutputOptions]


def sort_options(options: Mapping[str, Any]) -> Options:
    """Give every option to the class that declares it; `TypeError` for one that none knows."""
    kinds = (TableOptions, ImageOptions, OutputOptions)
    owner = {field_.name: kind for kind in kinds for field_ in dataclasses.fields(kind)}
    chosen: Dict[type, Dict[str, Any]] = {kind: {} for kind in kinds}
    for name, value in options.items():
        if name not in owner:
            raise unknown_option(name, list(owner))
        chosen[owner[name]][name] = value
    return (
        TableOptions(**chosen[TableOptions]),
        ImageOptions(**chosen[ImageOptions]),
        OutputOptions(**chosen[OutputOptions]),
    )
