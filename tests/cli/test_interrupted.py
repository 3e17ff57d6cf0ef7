"""Ctrl-C while the command is being loaded is one line; other programs keep their traceback."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """\
import sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "mxnet":
            raise {error}
sys.meta_path.insert(0, Finder())
from mxmtl.cli import main
sys.exit(main())
"""


def _errors(tmp_path, name, error):
    script = tmp_path / name
    script.write_text(SCRIPT.format(error=error), "utf-8")
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    return done.stderr


def test_of_the_command_it_is_one_line(tmp_path):
    assert _errors(tmp_path, "mxmtl", "KeyboardInterrupt") == "mxmtl: stopped.\n"


@pytest.mark.parametrize(
    ("name", "error"), [("mxmtl", "RuntimeError"), ("other.py", "KeyboardInterrupt")]
)
def test_everything_else_is_left_as_it_is(tmp_path, name, error):
    assert _errors(tmp_path, name, error).startswith("Traceback")
