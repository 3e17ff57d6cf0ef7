"""A report about runs: one page, Markdown or JSON, all of the same figures."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Callable, Dict, Mapping, Optional, Tuple

from .._files import PathLike, atomic_write, finite

FORMAT, VERSION = "mxmtl.report", 1
FORMS = {"html": ".html", "md": ".md", "json": ".json"}
PAGE = 'an HTML report needs jinja2 and matplotlib: pip install "mxmtl[report]"'


@dataclass(frozen=True)
class RunReport:
    """What `report_runs` found.

    Attributes
    ----------
    facts : dict
        All figures, JSON-able; see ``docs/reports.md``.
    pictures : dict
        Data URIs of small pictures by number of the run and row; None where an image is damaged.
    """

    facts: Dict[str, Any]
    pictures: Mapping[Tuple[int, int], Optional[str]] = field(default_factory=dict, repr=False)

    def html(self) -> str:
        """Return one page that needs no other file and no network.

        Raises `ImportError` without jinja2 or matplotlib, naming the command that installs them.
        """
        need("html")
        from ._page import page

        return page(self.facts, self.pictures)

    def markdown(self) -> str:
        """Return the tables in Markdown."""
        from ._markdown import markdown

        return markdown(self.facts)

    def json(self) -> str:
        """Return all figures as JSON; nan, which JSON has not, is null."""
        return json.dumps(finite(self.facts), indent=1, ensure_ascii=False, allow_nan=False)

    def save(self, path: PathLike, *, form: str = "", force: bool = False) -> None:
        """Write the report, whole or not at all.

        Parameters
        ----------
        path : path
            Its ending says what is written, unless ``form`` does: ``.html``, ``.md``, ``.json``.
        form : {"html", "md", "json"}
            What is written.
        force : bool
            Replace a file that is there.

        Raises
        ------
        ValueError
            The path ends in something else.
        FileExistsError, PermissionError
            The file is there, or nothing can be written there.
        """
        form = check_output(path, form, force=force)
        forms: Dict[str, Callable[[], str]] = {
            "html": self.html, "md": self.markdown, "json": self.json,
        }  # fmt: skip
        text = forms[form]().rstrip("\n") + "\n"
        with atomic_write(path) as stream:
            stream.write(text.encode("utf-8"))


def check_output(path: PathLike, form: str = "", *, force: bool = False) -> str:
    """Return the form to write, or raise what `RunReport.save` would, before any work is done."""
    name = os.fspath(path)
    by_ending = {ending: each for each, ending in FORMS.items()}
    form = form or by_ending.get(os.path.splitext(name)[1].lower(), "")
    if form not in FORMS:
        raise ValueError(
            f"{name}: a report ends in one of {sorted(by_ending)}, or say what it is (--format)."
        )
    if os.path.exists(name) and not force:
        raise FileExistsError(f"{name} is there already; --force (force=True) replaces it.")
    folder = Path(name).absolute().parent
    while not folder.exists():
        folder = folder.parent  # it will be made
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise PermissionError(f"{name}: nothing can be written into {folder}.")
    need(form)
    return form


def need(form: str) -> None:
    """Raise `ImportError`, with the command that installs it, for what is not installed."""
    if form == "html":
        try:
            for name in ("jinja2", "matplotlib"):
                import_module(name)
        except ImportError as error:
            raise ImportError(f"{PAGE} ({error})") from error
