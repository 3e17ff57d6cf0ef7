"""Predictions as one .npz file: plain arrays and a JSON text, no pickle."""

from __future__ import annotations

import json
import os
import zipfile
from typing import Any, Dict, Mapping, Tuple

import numpy as np

from .._files import PathLike, atomic_write

FORMAT = "mxmtl.predictions"
VERSION = 1
ABOUT = "about"
TYPES = ("int64", "float32", "uint8")


def write_predictions(
    path: PathLike, about: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
) -> None:
    """Write arrays, and JSON-able data about them."""
    text = json.dumps({"format": FORMAT, "version": VERSION, **about}, ensure_ascii=False)
    with atomic_write(path) as stream:
        np.savez(stream, **{ABOUT: np.frombuffer(text.encode("utf-8"), np.uint8), **arrays})


def read_predictions(path: PathLike) -> Tuple[Dict[str, Any], Dict[str, np.ndarray]]:
    """Read what `write_predictions` wrote; `ValueError` naming the file if it is damaged."""
    name = os.fspath(path)
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                check_member(archive, member)
        with np.load(path, allow_pickle=False) as stored:
            arrays = {key: stored[key] for key in stored.files}
        about = json.loads(arrays.pop(ABOUT).tobytes().decode("utf-8"))
        if about.get("format") != FORMAT or about.get("version") != VERSION:
            raise ValueError(f"expected format {FORMAT!r}, version {VERSION}")
    except (zipfile.BadZipFile, KeyError, ValueError, AttributeError, EOFError) as error:
        raise ValueError(f"{name}: no predictions of mxmtl ({error}).") from error
    return about, arrays


def check_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Refuse an array that is compressed, or larger than its bytes: neither did we write."""
    with archive.open(member) as stream:
        version = np.lib.format.read_magic(stream)
        if version != (1, 0) or member.compress_type != zipfile.ZIP_STORED:
            raise ValueError(f"{member.filename} was not written by mxmtl")
        shape, _, kind = np.lib.format.read_array_header_1_0(stream)
        size = int(np.prod(shape, dtype=object)) * kind.itemsize
        if kind.name not in TYPES or stream.tell() + size != member.file_size:
            raise ValueError(f"{member.filename} is not what its head says")
