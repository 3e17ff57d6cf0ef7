"""The `mxmtl` command. Each verb is one module here, and one line in `VERBS`.

A verb's module has ``EXAMPLE`` (a command line that runs), ``add_arguments(parser)`` and
``run(arguments) -> exit code``, and no logic of its own. It is imported when it is asked for.

Exit codes: 0 done; 1 it failed, and one line says why; 2 the command line is wrong; 3 done, but
some rows or records were left out, and they are named.
"""

from . import _options as options
from ._main import describe as describe
from ._main import main as main

__all__ = ["describe", "main", "options"]
