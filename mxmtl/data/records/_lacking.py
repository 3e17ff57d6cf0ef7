"""What is given as records and is none: a slip is said where it was made, with the way on.

Records are named by a prefix. A table, its file, and a name that is a letter off are what people
give instead.
"""

from __future__ import annotations

import glob
import os
import re
from typing import Any

from ..._options import meant

MAKING = "mxmtl convert (in Python mxmtl.write_records) makes records of a table."


def no_prefix(records: Any, what: str) -> str:
    """Say that something is no prefix of records, such as a DataFrame."""
    if hasattr(records, "columns"):
        return (
            f"{what}: a {type(records).__name__} is no records. Write them first, with "
            "mxmtl.write_records(table, images='photos', prefix='data/photos'), and give the "
            "prefix."
        )
    return f"{what}={records!r}: expected a prefix of records, as 'data/train', or several."


def lacking(prefix: str, file: str, what: str) -> str:
    """Say that a file is not there, and what is: a table, a folder, or records of such a name."""
    folder = prefix if os.path.isdir(prefix) else os.path.dirname(prefix)
    files = glob.glob(os.path.join(glob.escape(folder), "*.rec"))
    there = sorted({re.sub(r"(-\d{5})?\.rec$", "", path) for path in files})
    if os.path.isdir(prefix) and there:
        return f"{prefix}, given as {what}, is a folder; the records in it are {', '.join(there)}."
    if os.path.exists(prefix):
        made = os.path.splitext(prefix)[0]
        return (
            f"{prefix}, given as {what}, is no record file. Convert it first, with mxmtl convert "
            f"{prefix} --prefix {made}, and give what that writes: {made}, or {made}_train."
        )
    return f"{file}: no such file, given as {what}{meant(prefix, there)}. {MAKING}"
