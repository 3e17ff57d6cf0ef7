"""How a trained network is run, read and asked; loads no MXNet, so that help is shown at once."""

# ruff: noqa: RUF009 (option() makes a dataclass field)

from __future__ import annotations

import functools
import os
from dataclasses import dataclass

from .._options import Options, option
from ._model_file import Preprocessing

FORMATS = ("csv", "jsonl", "fashionai")
ENDINGS = {".csv": "csv", ".jsonl": "jsonl", ".json": "jsonl"}
of_model = functools.partial(option, group="model")
bare = functools.partial(option, group="for MXNet's own files without a model.json")


@dataclass(frozen=True)
class RunOptions(Options):
    """Which checkpoint is run, and where."""

    which: str = of_model("best", "checkpoint", choices=("best", "last"))
    gpus: str = of_model("", "GPU; the first that works by default, else the CPU", metavar="N")
    batch_size: int = of_model(32, "images at once", low=1)
    threads: int = of_model(0, "that decode; 0 is one for each core", low=0)


@dataclass(frozen=True)
class BareOptions(Options):
    """What MXNet's own files do not tell of a network."""

    tasks: str | None = bare(None, "a .tasks.json file; PREFIX.tasks.json by default")
    data_shape: tuple[int, ...] | None = bare(
        None, "what images the network takes", low=1, metavar="C,H,W"
    )
    mean: tuple[float, ...] = bare((0.0,), "one number, or one a channel")
    std: tuple[float, ...] = bare((1.0,), "one number, or one a channel")
    crop: float = bare(1.0, "share of the shorter edge that is kept")

    @property
    def preprocessing(self) -> Preprocessing | None:
        """How images become input; None where that is not told."""
        if self.data_shape is None:
            return None
        return Preprocessing(self.data_shape, self.mean, self.std, self.crop)  # type: ignore[arg-type]


@dataclass(frozen=True)
class PredictOptions(Options):
    """How predictions are written."""

    output: str | None = option(None, "file to write", flag="-o/--output", metavar="FILE")
    format: str | None = option(
        None,
        "jsonl is one JSON object a line, fashionai reads and writes file,TASK_labels,...; by the "
        "ending of FILE, else csv",
        choices=FORMATS,
    )
    top: int = option(0, "so many of the likeliest classes", low=0, metavar="K")
    safe_cells: bool = option(
        False, "an apostrophe before texts that a spreadsheet would take for a formula"
    )
    progress: bool = option(False, "draw a bar, if the standard error is a terminal", flag="")

    def __post_init__(self) -> None:
        super().__post_init__()
        ending = os.path.splitext(self.output or "")[1].lower()
        if self.format is None and ending and ending not in ENDINGS:
            raise ValueError(
                f"output={self.output!r}: expected a name that ends in {', '.join(ENDINGS)}; for "
                "another, say what is written: format='csv' (--format csv)."
            )

    @property
    def form(self) -> str:
        """The format, as told or by the ending."""
        ending = os.path.splitext(self.output or "")[1].lower()
        return self.format or ENDINGS.get(ending, "csv")

    @property
    def skipped(self) -> str | None:
        """The list of images that could not be read, as the converter has one."""
        return None if self.output is None else f"{self.output}.skipped.csv"
