"""Command lines, and what holds for all that are wrong."""

from __future__ import annotations

import hashlib
import shlex
from pathlib import Path

from mxmtl.cli import main


def run(line):
    """Run a line as the shell would, without ``mxmtl``; return its exit code."""
    return main(shlex.split(line))


def assert_refused(capsys, line, code, message):
    """A wrong line ends with its code and one line that says why; no file is made or changed."""
    before = _files()
    assert run(line) == code
    error = capsys.readouterr().err
    assert message in error.splitlines()[-1]
    assert code == 2 or error.count("\n") == 1
    assert _files() == before


def _files():
    files = (path for path in Path().rglob("*") if path.is_file())
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
