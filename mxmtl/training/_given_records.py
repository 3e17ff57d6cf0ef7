"""What is given as records, looked at before it is opened: a slip is said where it was made.

Records are named by a prefix. A table, its file, and a name that is a letter off are what people
give instead; what opens them sees only that some `.rec` is not there.
"""

from __future__ import annotations

import glob
import os
import re
from typing import Any

from .._options import meant
from ..data.records import record_files

MAKING = "mxmtl convert (in Python mxmtl.write_records) makes records of a table."


def given_records(records: Any, what: str = "records") -> Any:
    """Return prefixes of records as texts: one, or a list.

    Parameters
    ----------
    records : str, Path or sequence of these
        Prefixes, as for `mxmtl.RecordIter`.
    what : str
        What the caller calls them, for the messages.

    Raises
    ------
    TypeError
        For what is no prefix, such as a DataFrame.
    FileNotFoundError
        Where there are no such records, with the name that was perhaps meant.
    """
    if hasattr(records, "columns"):
        raise TypeError(
            f"{what}: a {type(records).__name__} is no records. Write them first, with "
            "mxmtl.write_records(table, images='photos', prefix='data/photos'), and give the "
            "prefix."
        )
    one = isinstance(records, str | os.PathLike)
    try:
        prefixes = [os.fspath(each) for each in ([records] if one else records)]
    except TypeError:
        raise TypeError(
            f"{what}={records!r}: expected a prefix of records, as 'data/train', or several."
        ) from None
    for prefix in prefixes:
        try:
            record_files(prefix)
        except FileNotFoundError as error:
            raise FileNotFoundError(_lacking(prefix, what, str(error))) from None
    return prefixes[0] if one else prefixes


def _lacking(prefix: str, what: str, reason: str) -> str:
    """Say what is not there, and what is instead: a table, a folder, or records of such a name."""
    if "no such file" not in reason:  # a shard is missing
        return reason
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
    lacking = reason.partition(",")[0].rstrip(".")
    return f"{lacking}, given as {what}{meant(prefix, there)}. {MAKING}"
