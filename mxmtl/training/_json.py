"""JSON files of a run folder: written whole, read with an error that names the file."""

from __future__ import annotations

import json
import math
import os
from typing import Any, Dict

from .._files import PathLike, atomic_write


def write_json(path: PathLike, data: Any) -> None:
    """Write JSON in UTF-8; nan and infinity, which JSON has not, become null."""
    text = json.dumps(finite(data), indent=1, ensure_ascii=False, allow_nan=False)
    with atomic_write(path) as stream:
        stream.write((text + "\n").encode("utf-8"))


def read_json(path: PathLike, expected: str, version: int) -> Dict[str, Any]:
    """Read an object with this ``format`` and ``version``; `ValueError` naming the file if not."""
    name = os.fspath(path)
    with open(path, "rb") as stream:
        try:
            data = json.loads(stream.read().decode("utf-8"))
        except ValueError as error:
            raise ValueError(f"{name}: no JSON ({error}).") from error
    if not isinstance(data, dict) or data.get("format") != expected:
        raise ValueError(f'{name}: expected "format": "{expected}".')
    if data.get("version") != version:
        raise ValueError(
            f"{name}: version {data.get('version')!r}; this mxmtl reads version {version}. "
            "Install the mxmtl that wrote it, or a newer one."
        )
    return data


def finite(data: Any) -> Any:
    """Replace every float that is not finite by None, in lists and dictionaries of any depth."""
    if isinstance(data, dict):
        return {key: finite(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [finite(value) for value in data]
    if isinstance(data, float) and not math.isfinite(data):
        return None
    return data
