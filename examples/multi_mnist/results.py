"""The log of finished runs: one JSON object a line, kept in the repository."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def read_log(path: Path) -> list[dict[str, Any]]:
    """Read all results; a line that is no JSON ends the script with its number."""
    rows = []
    text = path.read_text("utf-8") if path.exists() else ""
    for number, line in enumerate(text.splitlines(), 1):
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError as error:
            raise SystemExit(f"{path} line {number} is no JSON ({error}). Delete it.") from error
    return rows


def append(path: Path, result: dict[str, Any]) -> None:
    """Add a result, on disk when this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(result) + "\n")
        stream.flush()
        os.fsync(stream.fileno())
