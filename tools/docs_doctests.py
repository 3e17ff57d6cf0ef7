"""Doctests of docstrings as code on our site: Markdown would read ``>>>`` as a quotation."""

from __future__ import annotations

import re
from typing import Any

import griffe


class Doctests(griffe.Extension):
    """Puts the first doctest of a docstring that has no section for it under "Examples"."""

    def on_instance(self, *, obj: Any, **_: Any) -> None:
        """Change the docstring of what was read."""
        text = obj.docstring.value if obj.docstring else ""
        if ">>> " in text and not re.search(r"^Examples\n-+$", text, re.M):
            first = re.compile(r"^(?=>>> )", re.M)
            obj.docstring.value = first.sub("Examples\n--------\n", text, count=1)
