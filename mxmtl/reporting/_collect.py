"""From runs and records to a report."""

from __future__ import annotations

import os
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

from .._files import PathLike
from ..data.records import Prefixes
from ..evaluation import predict_records
from ..model import Network
from ..training import Run
from ._mistakes import Thumbnails
from ._run_facts import listed, run_facts
from ._run_report import FORMAT, VERSION, RunReport

OneRun = Union[PathLike, Run]


def report_runs(
    runs: Union[OneRun, Sequence[OneRun]],
    records: Optional[Prefixes] = None,
    *,
    which: str = "best",
    mistakes: int = 12,
    bootstrap: int = 200,
    ctx: Any = None,
    **options: Any,
) -> RunReport:
    """Evaluate one or more runs on records, and gather what a report shows.

    Parameters
    ----------
    runs : run folder, or several
        From `mxmtl.fit` or ``mxmtl train``.
    records : str or sequence of str, optional
        Prefixes, by default those that the first run was validated on.
    which : {"best", "last"}
        Checkpoint of each run.
    mistakes : int
        Records of highest loss to show, for each task.
    bootstrap : int
        Draws for confidence intervals, as in `mxmtl.evaluation.evaluate`; 0 for none.
    ctx : mx.Context, optional
        Where to compute; the CPU by default.
    **options
        More for `mxmtl.RecordIter`, such as ``batch_size``, ``threads`` and ``on_error``.

    Returns
    -------
    RunReport
        Has `html`, `markdown`, `json` and `save`.

    Raises
    ------
    FileNotFoundError
        If a folder is no run, or there are no such records.
    ValueError
        If no records are given and the run had none to validate on, or they were written for
        other tasks.
    """
    one = isinstance(runs, (str, os.PathLike, Run))
    several: List[Any] = [runs] if one else list(runs)  # type: ignore[list-item, arg-type]
    opened = [run if isinstance(run, Run) else Run(run) for run in several]
    if not opened or mistakes < 0:
        raise ValueError(f"{len(opened)} runs, mistakes={mistakes}: expected a run; 0 or more.")
    records = records or validation_records(opened[0])
    facts: List[Dict[str, Any]] = []
    pictures: Dict[Tuple[int, int], Optional[str]] = {}
    for number, run in enumerate(opened):
        model = run.model_of(which)
        predictions = predict_records(
            Network.of(run, which=which, ctx=ctx), records, model.preprocessing,
            temperature=model.temperature, **options,
        )  # fmt: skip
        facts.append(run_facts(run, model, predictions, which, mistakes, bootstrap))
        with Thumbnails(records, predictions.index) as thumbnails:
            for task in facts[-1]["tasks"].values():
                for mistake in task["mistakes"]:
                    pictures[number, mistake["row"]] = thumbnails.uri(mistake["row"])
    named_apart(facts)
    head = {"format": FORMAT, "version": VERSION, "records": listed(records)}
    return RunReport({**head, "runs": facts}, pictures)


def validation_records(run: Run) -> Prefixes:
    """Return what a run was validated on, or raise `ValueError`."""
    _, val = run.records
    if not val:
        raise ValueError(
            f"{run.folder}: the run had no records to validate on; say which ones to report on "
            "(--records PREFIX)."
        )
    return val  # type: ignore[no-any-return]


def named_apart(facts: List[Dict[str, Any]]) -> None:
    """Call runs whose folders have the same name by their paths."""
    names = [run["name"] for run in facts]
    if len(set(names)) < len(names):
        for number, run in enumerate(facts, start=1):
            run["name"] = f"{number}: {run['folder']}"
