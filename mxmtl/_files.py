"""Files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from typing import IO, Iterator, Tuple, Union

PathLike = Union[str, "os.PathLike[str]"]


def temporary_beside(path: str) -> Tuple[int, str]:
    """Open a hidden file in the folder of ``path``: (handle, name); an error names ``path``."""
    folder, name = os.path.split(path)
    try:
        return tempfile.mkstemp(prefix=f".{name}.", suffix=".part", dir=folder)
    except OSError as error:
        error.filename = path
        raise


@contextlib.contextmanager
def atomic_write(path: PathLike) -> Iterator[IO[bytes]]:
    """Open a binary file that gets its name only when the block ends without an exception.

    The temporary file stands in the same folder, is synced to disk before the move, and is
    removed if the block fails; an older file of that name is left as it was until then.
    """
    path = os.path.abspath(os.fspath(path))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    handle, temporary = temporary_beside(path)
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        # mkstemp makes private files; the result gets the permissions that open() would give.
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, path)
    except BaseException as error:
        os.unlink(temporary)
        if isinstance(error, OSError) and error.filename is None:
            error.filename = path  # a full disk does not say which file it was
        raise
