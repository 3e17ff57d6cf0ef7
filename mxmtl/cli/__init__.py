"""The `mxmtl` command. Each verb is one module here, and one line in `VERBS`.

A verb's module has ``EXAMPLE`` (a command line that runs), ``add_arguments(parser)`` and
``run(arguments) -> exit code``, and no logic of its own. It is imported when it is asked for, and
MXNet when the verb runs. What Python can be told as well is declared once, in an `Options` class,
and `add_options` makes arguments of it.

Exit codes: 0 done; 1 it failed, and one line says why; 2 the command line is wrong; 3 done, but
some rows or records were left out, and they are named.
"""

from ._arguments import add_options as add_options
from ._arguments import given as given
from ._main import ELSEWHERE as ELSEWHERE
from ._main import VERBS as VERBS
from ._main import describe as describe
from ._main import example_of as example_of
from ._main import main as main

__all__ = ["ELSEWHERE", "VERBS", "add_options", "describe", "example_of", "given", "main"]
