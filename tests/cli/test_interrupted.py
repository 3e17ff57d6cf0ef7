"""Ctrl-C while the command loads MXNet is one line; other programs keep their traceback."""

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
{program}
"""
COMMAND = "from mxmtl.cli import main; sys.exit(main(['devices']))"
OTHER = "import mxmtl; mxmtl.context()"


def _errors(tmp_path, program, error):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(error=error, program=program), "utf-8")
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    return done.stderr


def test_of_the_command_it_is_one_line(tmp_path):
    assert _errors(tmp_path, COMMAND, "KeyboardInterrupt") == "mxmtl devices: stopped.\n"


@pytest.mark.parametrize(
    ("program", "error"), [(COMMAND, "RuntimeError"), (OTHER, "KeyboardInterrupt")]
)
def test_everything_else_is_left_as_it_is(tmp_path, program, error):
    assert _errors(tmp_path, program, error).startswith("Traceback")
