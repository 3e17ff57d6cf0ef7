"""What an export is told; loads no MXNet, so that a command line is read at once."""

# ruff: noqa: RUF009 (option() makes a dataclass field)

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .._options import Options, option

FORMATS = ("onnx", "mxnet", "gluon")
PLACES = ("inside", "outside")
Prefixes = str | Path | Sequence[str | Path]  # that can be read as type hints


@dataclass(frozen=True)
class ExportOptions(Options):
    """What an export is told; `export_model` has more about the formats.

    Raises `ValueError` for what cannot be, and for what the format has not.

    With ``int8`` the records are those on which metrics are compared, labelled and all of them; by
    default those of ``int8`` itself. ``metadata`` are more facts for an ONNX file, as ``license``.
    """

    format: str = option("onnx", "of what is written, with --int8 mxnet", choices=FORMATS)
    records: Prefixes | None = option(
        None, "to compare on; by default drawn images, or the records of --int8"
    )
    int8: Prefixes | None = option(
        None, "write it in 8 bits; records to see its values on", metavar="RECORDS"
    )
    images: int = option(64, "how many to compare on, without --int8", low=1)
    force: bool = option(False, "replace files that are there")
    preprocessing: str = option(
        "inside",
        "inside the file it takes pixels, uint8 NHWC, outside float32 NCHW, scaled already",
        group="ONNX",
        choices=PLACES,
    )
    reader: bool = option(
        False, "put onnx_predictor.py beside it, which reads it without mxmtl", group="ONNX"
    )
    metadata: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.format != "onnx" and (self.reader or self.metadata):
            raise ValueError(f"format={self.format!r} has no reader and no metadata; onnx has.")
        if self.int8 is not None and self.format != "mxnet":
            raise ValueError(f"format={self.format!r} has no 8 bits (int8); mxnet has.")
