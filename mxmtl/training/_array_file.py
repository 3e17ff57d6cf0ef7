"""Files of arrays, in MXNet's own format: written whole, and known by their SHA-256."""

from __future__ import annotations

import contextlib
import hashlib
import os
from typing import Dict

import mxnet as mx

from .._files import PathLike, temporary_beside

CHUNK = 1 << 20


def save_arrays(path: PathLike, arrays: Dict[str, mx.nd.NDArray]) -> str:
    """Write arrays as ``mx.nd.save`` does, whole or not at all; return the file's SHA-256.

    Raises `OSError` with the file's name where MXNet says only that something failed, or says
    nothing: it does not look whether a file could be closed, which is when a full disk may show.
    """
    # MXNet wants a name, not an open file. The dot hides it from whoever lists models.
    handle, temporary = temporary_beside(os.path.abspath(os.fspath(path)))
    os.close(handle)
    try:
        try:
            mx.nd.save(temporary, arrays)
            if len(mx.nd.load(temporary)) != len(arrays):
                raise mx.MXNetError("arrays are missing in it")
        except mx.MXNetError as error:
            reason = str(error).strip().splitlines()[-1]
            raise OSError(f"{path} could not be written ({reason}). Is the disk full?") from error
        _sync(temporary, path)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        digest = sha256(temporary)
        os.replace(temporary, path)
        return digest
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def _sync(temporary: str, path: PathLike) -> None:
    with open(temporary, "rb") as stream:
        try:
            os.fsync(stream.fileno())
        except OSError as error:
            error.filename = os.fspath(path)
            raise


def sha256(path: PathLike) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        for block in iter(lambda: stream.read(CHUNK), b""):
            digest.update(block)
    return digest.hexdigest()
