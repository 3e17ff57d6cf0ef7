"""What each Python of an environment runs when it starts, so that MXNet loads whoever imports it.

The installation writes this text into a file beside the packages, `mxmtl-start.pth`, and Python
runs what is in such files at every start (`site` in its documentation). So it must cost next to
nothing: it loads no module, and waits for the name. A script, a notebook or a spawned process that
imports MXNet before mxmtl, or without it, then gets the same MXNet as after it. Where MXNet or
mxmtl cannot be found, all is as it would be without this.
"""

import sys


class MXNetWatch:
    """Has mxmtl's own finder put in front when MXNet is imported; all other names pass by."""

    @staticmethod
    def find_spec(name, path=None, target=None):  # type: ignore[no-untyped-def]
        """Return how MXNet or GluonCV is loaded where mxmtl is not loaded yet, else None."""
        if name not in ("mxnet", "gluoncv") or "mxmtl" in sys.modules:
            return None
        from importlib import import_module
        from importlib.machinery import PathFinder
        from importlib.util import find_spec

        try:
            if PathFinder.find_spec(name) is None:
                return None
            import_module("mxmtl")  # its finder is the first from here on
            return find_spec(name)
        except ImportError:  # half an environment: MXNet says itself what it misses
            return None


sys.meta_path.insert(0, MXNetWatch)
