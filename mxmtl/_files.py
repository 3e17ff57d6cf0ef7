"""Files that appear whole or not at all, JSON with a format and a version, and checksums."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import math
import os
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from typing import IO, Any

PathLike = str | os.PathLike[str]
Bytes = bytes | bytearray | memoryview
MOST_JSON = 1 << 26  # bytes of a file: the names of a million classes take half of it
ENCRYPTED = 0x61  # bits of a member of a zip archive, one of them for patches


def temporary_beside(path: str) -> tuple[int, str]:
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


def regular_handle(path: PathLike) -> int:
    """Open a file to read; `OSError` for a folder, a pipe or a device, which may never end."""
    # Not to wait for someone who writes into a pipe.
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "a folder, a pipe or a device, and no file", path)
        return handle
    except BaseException:
        os.close(handle)
        raise


def open_regular(path: PathLike) -> IO[bytes]:
    """Open a file as Python does, by `regular_handle`."""
    return os.fdopen(regular_handle(path), "rb")


def check_archive(archive: zipfile.ZipFile, size: int) -> None:
    """Raise `ValueError` for members that are compressed, encrypted or lie in one another.

    None of the programs whose archives are read here writes such; ``size`` is the file's.
    """
    for item in archive.infolist():
        if item.compress_type != zipfile.ZIP_STORED or item.flag_bits & ENCRYPTED:
            raise ValueError(f"{item.filename[:80]!r} in it is compressed or encrypted")
    if sum(item.file_size for item in archive.infolist()) > size:
        raise ValueError("what is in it is longer than the file")


def sha256_of(path: PathLike) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits."""
    digest = hashlib.sha256()
    with open_regular(path) as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def printable(text: str) -> str:
    r"""Return a text for a terminal: what would move its cursor, or turn letters round, escaped.

    >>> print(printable("ball \x1b[2J.png"))
    ball \x1b[2J.png
    """
    return "".join(
        one if one.isprintable() or one == "\n" else one.encode("unicode_escape").decode("ascii")
        for one in text
    )


def write_json(path: PathLike, data: Any) -> None:
    """Write `json_text` in UTF-8."""
    with atomic_write(path) as stream:
        stream.write((json_text(data) + "\n").encode("utf-8"))


def json_text(data: Any, indent: int = 1) -> str:
    """Return JSON in any script; nan and infinity, which JSON has not, become null."""
    return json.dumps(finite(data), indent=indent, ensure_ascii=False, allow_nan=False)


class NestedError(ValueError):
    """JSON that no program of ours wrote, whatever has happened to it since: meant to harm."""


def json_value(path: PathLike) -> Any:
    """Read a file of JSON; `ValueError` naming it if it is none, or too large or deep for one."""
    name = os.fspath(path)
    with open_regular(path) as stream:
        text = stream.read(MOST_JSON + 1)
    try:
        if len(text) > MOST_JSON:
            raise ValueError(f"more than {MOST_JSON} bytes")
        return json.loads(text.decode("utf-8"))
    except ValueError as error:
        raise ValueError(f"{name}: no JSON ({error}).") from error
    except RecursionError:
        raise NestedError(f"{name}: no JSON of ours (it is nested too deep).") from None


def read_json(path: PathLike, expected: str, version: int, form: Any = object) -> dict[str, Any]:
    """Read an object with this ``format`` and ``version``; `ValueError` naming the file if not.

    ``form`` tells what its entries must be, as `check_form` takes it.
    """
    name, data = os.fspath(path), json_value(path)
    if not isinstance(data, dict) or data.get("format") != expected:
        raise ValueError(f'{name}: expected "format": "{expected}".')
    if data.get("version") != version:
        raise ValueError(
            f"{name}: version {data.get('version')!r}; this mxmtl reads version {version}. "
            "Install the mxmtl that wrote it, or a newer one."
        )
    check_form(data, form, name)
    return data


def check_form(data: Any, form: Any, source: str) -> None:
    """Raise `ValueError` naming ``source`` unless JSON data has a form.

    A form is ``str``, ``bool``, ``int``, ``float`` (any number that is finite), None or ``object``
    (anything); ``[form]``, a list of such; ``{str: form}``, any names; ``{"name": form, "other?":
    form}``, these names, of which some may be absent, and others beside them; or a tuple of forms.

    >>> check_form({"epoch": 1, "more": []}, {"epoch": int, "lr?": (float, None)}, "a.json")
    >>> check_form([{"epoch": "one"}], [{"epoch": int}], "a.json")
    Traceback (most recent call last):
    ...
    ValueError: a.json: [0].epoch is 'one'; expected int.
    """
    wrong = _misfit(data, form, "")
    if wrong:
        raise ValueError(f"{source}: {wrong}.")


def _misfit(data: Any, form: Any, place: str) -> str:
    match form:
        case tuple():
            found = [_misfit(data, each, place) for each in form]
            return max(found, key=len) if all(found) else ""
        case [each] if isinstance(data, list):
            parts = [(part, each, f"{place}[{number}]") for number, part in enumerate(data)]
        case dict() if isinstance(data, dict):
            if str in form:
                parts = [(data[key], form[str], _below(place, key)) for key in data]
            else:
                lacking = [key for key in form if not key.endswith("?") and key not in data]
                if lacking:
                    return f"{_below(place, lacking[0])} is not there"
                named = {key.removesuffix("?"): each for key, each in form.items()}
                parts = [(data[k], e, _below(place, k)) for k, e in named.items() if k in data]
        case type() | None if _is(data, form):
            return ""
        case _:
            kind = "null" if form is None else getattr(form, "__name__", type(form).__name__)
            return f"{place or 'it'} is {repr(data)[:40]}; expected {kind}"
    return next(filter(None, (_misfit(*part) for part in parts)), "")


def _below(place: str, key: str) -> str:
    return printable(f"{place}.{key[:80]}" if place else key[:80])


def _is(data: Any, kind: type | None) -> bool:
    if kind in (int, float):
        whole = type(data) is int and -(1 << 63) <= data < 1 << 63
        return whole or (kind is float and type(data) is float and math.isfinite(data))
    return data is None if kind is None else isinstance(data, kind)


def finite(data: Any) -> Any:
    """Replace every float that is not finite by None, in lists and dictionaries of any depth."""
    if isinstance(data, dict):
        return {key: finite(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [finite(value) for value in data]
    if isinstance(data, float) and not math.isfinite(data):
        return None
    return data
