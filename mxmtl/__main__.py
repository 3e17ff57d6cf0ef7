"""``python -m mxmtl`` is the `mxmtl` command."""

import sys

from .cli import main

sys.exit(main())
