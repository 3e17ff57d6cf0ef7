"""The files beside records that all shards of a prefix share."""

from __future__ import annotations

import json
import os
import re
from typing import Any, Dict, List, Optional

from ._record_error import RecordError

MANIFEST = ".manifest.json"


def shared_file(prefix: str, ending: str) -> str:
    """Return the file that a prefix shares with its records; a single shard's is that of all.

    It need not exist.

    >>> shared_file("train.rec", ".tasks.json"), shared_file("train-00001.rec", ".tasks.json")
    ('train.tasks.json', 'train.tasks.json')
    """
    stem = re.sub(r"\.rec$", "", prefix)
    if not os.path.exists(stem + ending):
        stem = re.sub(r"-\d{5}$", "", stem)
    return stem + ending


def read_manifest(prefix: str) -> Dict[str, Any]:
    """Read ``<prefix>.manifest.json``; `ValueError` naming it if it is something else."""
    path = prefix + MANIFEST
    with open(path, encoding="utf-8") as stream:
        try:
            manifest = json.load(stream)
        except ValueError as error:
            raise ValueError(f"{path}: no JSON ({error}).") from error
    if not isinstance(manifest, dict) or manifest.get("format") != "mxmtl.manifest":
        raise ValueError(f"{path}: no manifest of mxmtl.")
    return manifest


def listed_shards(prefix: str) -> Optional[Dict[str, str]]:
    """Return what the manifest of a prefix says: {file: its SHA-256}.

    None where there is no manifest. Raises `RecordError` naming it if it is damaged.
    """
    path = shared_file(prefix, MANIFEST)
    try:
        manifest = read_manifest(path[: -len(MANIFEST)])
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RecordError(str(error.strerror or error), path) from error
    except ValueError as error:
        raise RecordError(str(error).replace(f"{path}: ", "", 1), path) from error
    try:
        return {shard["file"]: shard["sha256"] for shard in list(manifest["shards"])}
    except (KeyError, TypeError):
        raise RecordError("its list of shards is damaged.", path) from None


def check_count(prefix: str, found: List[str]) -> None:
    """Raise `FileNotFoundError` if the manifest of a prefix lists more files than were found.

    Their number alone counts: files get other names. A damaged manifest keeps nobody from
    reading records; `verify_records` names it.
    """
    if not os.path.exists(prefix + MANIFEST):  # that of a single shard lists the others too
        return
    try:
        listed = listed_shards(prefix)
    except RecordError:
        return
    if listed is not None and len(listed) > len(found):
        there = f"{len(found)} shards are" if len(found) > 1 else f"{len(found)} shard is"
        raise FileNotFoundError(
            f"{prefix}: {there} there, and {prefix + MANIFEST} lists {len(listed)}. "
            "Fetch the others, or name the files to read, with .rec."
        )
