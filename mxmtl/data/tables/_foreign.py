"""Files that are no table that can be read: recognised by their first bytes, with the way on."""

from __future__ import annotations

from .._errors import TableError
from ._text import UTF16, text_of

MAGIC = (
    (b"PK\x03\x04", "a zip archive. Unpack it, and give the table in it"),
    (b"\xd0\xcf\x11\xe0", "an Excel file of before 2007. Save it as .xlsx or .csv"),
    (
        b"MATLAB 5.0",
        "a MATLAB file. scipy.io.loadmat reads it; save its rows as CSV, or give them as dicts",
    ),
    (b"\x89HDF", "an HDF5 file (perhaps of MATLAB). Read it with h5py; save its rows as CSV"),
    (b"\x93NUMPY", "a NumPy array. Load it, and save its rows as CSV"),
    (b"\x80", "a Python pickle, which may run code. Load it yourself, and give its rows"),
    (b"SQLite format 3", "an SQLite database. Read it with pandas.read_sql; give the DataFrame"),
    (b"\x0a\x23\xd7\xce", "a file of MXNet records already: train with it, or see mxmtl inspect"),
    (b"\xff\xd8\xff", "a picture. Give the table that names it, or its folder"),
    (b"\x89PNG", "a picture. Give the table that names it, or its folder"),
    (b"%PDF", "a PDF file"),
    (b"BZh", "a bzip2 file. Unpack it"),
    (b"\xfd7zXZ", "an xz file. Unpack it"),
    (b"7z\xbc\xaf", "a 7z archive. Unpack it"),
    (b"\x28\xb5\x2f\xfd", "a zstd file. Unpack it"),
    (b"ARROW1", "an Arrow file. Save it as Parquet, or give the DataFrame"),
)
TAR_AT, TAR = 257, b"ustar"
LONGEST = 3000  # characters of a header without a line's end that are strange


def check_readable(path: str, head: bytes) -> None:
    """Raise `TableError` for a file that is certainly no text with rows."""
    if head.startswith(b"PK") and b"mimetypeapplication/vnd.oasis.opendocument" in head[:100]:
        raise TableError(f"{path}: this is an OpenDocument file. Save its sheet as .xlsx or .csv.")
    for magic, what in MAGIC:
        if head.startswith(magic):
            raise TableError(f"{path}: this is {what}.")
    if head[TAR_AT : TAR_AT + len(TAR)] == TAR:
        raise TableError(f"{path}: this is a tar archive. Unpack it, and give the table in it.")
    text = text_of(head).lstrip()
    if text.startswith(("{", "[")):
        raise TableError(
            f"{path}: this is JSON of a shape that is not known: expected records "
            "([{...}, ...]), COCO's images and annotations, or one object a line (.jsonl). "
            "Load it, and save its rows as CSV; in Python, dicts of {column: cell} will do."
        )
    if text.startswith("<") and "<table" in text.lower():
        raise TableError(
            f"{path}: this is a table in HTML, as some programs write under the name of Excel. "
            "Open it in a spreadsheet, and save it as .xlsx or .csv."
        )
    if text.startswith("<"):
        kind = "HTML, perhaps the page of a failed download" if "<html" in text.lower() else "XML"
        raise TableError(
            f"{path}: this is {kind}; of XML, CVAT's annotations and folders of PASCAL's files are "
            "read."
        )
    if b"\x00" in head and head[:2] not in UTF16:
        raise TableError(f"{path}: this is no text. Save the table as CSV, in UTF-8.")
