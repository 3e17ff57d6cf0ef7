"""Run the notebooks of `examples/notebooks`, and keep their outputs.

    python tools/notebooks.py                      all of them, in their full setting, in place
    python tools/notebooks.py --quick --out /tmp/n    the shortened setting, written elsewhere

A notebook's parameters are the assignments of its cell tagged "parameters"; its metadata holds
other values of them for the shortened setting.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

FOLDER = Path(__file__).parents[1] / "examples" / "notebooks"
SECONDS = 3600  # of one cell: far more than any takes, on a busy machine too


def run(path: Path, *, quick: bool = False, folder: Path = FOLDER) -> Any:
    """Run a notebook from top to bottom in ``folder``; return it with its outputs."""
    notebook = nbformat.read(path, as_version=4)
    extra = nbformat.v4.new_code_cell(assignments(notebook.metadata["mxmtl"]["quick"]))
    if quick:
        notebook.cells.insert(parameters_cell(notebook) + 1, extra)
    options = {"timeout": SECONDS, "kernel_name": "python3", "record_timing": False}
    NotebookClient(notebook, resources={"metadata": {"path": str(folder)}}, **options).execute()
    if quick:
        notebook.cells.remove(extra)
    for cell in notebook.cells:  # MXNet says at every bind which backend it uses
        cell.get("outputs", [])[:] = [o for o in cell.get("outputs", []) if not from_mxnet(o)]
    # The version of the Python that ran it is nobody's business, and changes with every run.
    notebook.metadata.get("language_info", {}).pop("version", None)
    return notebook


def from_mxnet(output: Any) -> bool:
    """Tell whether an output is a line of MXNet's log."""
    return output.get("name") == "stderr" and "src/executor/graph_executor" in output.text


def parameters_cell(notebook: Any) -> int:
    """Return where the notebook's parameters are assigned."""
    tagged = [
        place
        for place, cell in enumerate(notebook.cells)
        if "parameters" in cell.metadata.get("tags", [])
    ]
    if len(tagged) != 1:
        raise ValueError(f'{len(tagged)} cells are tagged "parameters"; expected one.')
    return tagged[0]


def assignments(values: dict[str, Any]) -> str:
    """Return code that gives the names these values."""
    return "\n".join(f"{name} = {json.loads(json.dumps(v))!r}" for name, v in values.items())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: all")
    parser.add_argument("--quick", action="store_true", help="the shortened setting")
    parser.add_argument("--out", type=Path, help="folder to write to; default: in place")
    arguments = parser.parse_args()
    if arguments.quick and arguments.out is None:
        parser.error("--quick needs --out: what is kept comes from the full setting.")
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    failed: list[str] = []
    for path in arguments.notebooks or sorted(FOLDER.glob("*.ipynb")):
        begin = time.monotonic()
        try:
            notebook = run(path, quick=arguments.quick)
        except CellExecutionError as error:
            print(f"{path.name}: {error}", file=sys.stderr)
            failed.append(path.name)
            continue
        goal = path if arguments.out is None else arguments.out / path.name
        goal.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, goal)
        print(f"{path.name}: {time.monotonic() - begin:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
