"""What a run notes about its records, so that it does not go on with others."""

from __future__ import annotations

import os
from typing import Any, Dict, Mapping, Optional

from ..data import RecordError
from ..data.records import Prefixes, listed_shards, record_files


def note_records(prefixes: Prefixes, num_records: int) -> Dict[str, Any]:
    """Return what is known of records without reading them all, as JSON-able data.

    Their number, the size of each file, and its SHA-256 where a manifest has it.
    """
    files = [
        {"file": os.path.basename(path), "bytes": os.path.getsize(path), "sha256": _listed(path)}
        for path in record_files(prefixes)
    ]
    return {"records": num_records, "files": files}


OTHERS = (
    "{}: not the records that the run began with: {}, now {}. Put those back, or begin a new run."
)


def check_records(prefixes: Prefixes, num_records: int, noted: Optional[Mapping[str, Any]]) -> None:
    """Raise `ValueError` unless records are those of which `note_records` told, moved or not.

    Runs of before this was noted have None; theirs are not checked.
    """
    if noted is None:
        return
    found = note_records(prefixes, num_records)
    paths = record_files(prefixes)
    counts = {"files": len(noted["files"]), "records": noted["records"]}
    for what, count in {"files": len(paths), "records": num_records}.items():
        if counts[what] != count:
            raise ValueError(OTHERS.format(paths[0], f"{counts[what]} {what}", f"{count} {what}"))
    for path, before, now in zip(paths, noted["files"], found["files"]):
        if before["bytes"] != now["bytes"]:
            sizes = f"{before['bytes']} bytes", f"{now['bytes']} bytes"
            raise ValueError(OTHERS.format(path, *sizes))
        if before["sha256"] and now["sha256"] and before["sha256"] != now["sha256"]:
            raise ValueError(OTHERS.format(path, f"SHA-256 {before['sha256']}", now["sha256"]))


def _listed(path: str) -> Optional[str]:
    """Return the SHA-256 that a manifest has for a file; None where none has it."""
    try:
        return (listed_shards(path) or {}).get(os.path.basename(path))
    except RecordError:  # damaged: `verify_records` names it, and the records can be read
        return None
