"""Reports: of metric values, a row a task; about runs, as one page, Markdown or JSON."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from .._files import PathLike, atomic_write, json_text
from .._options import ByName
from .._table import Table
from ..data.records import Prefixes, listed
from ..evaluation import (
    Evaluation,
    check_options,
    class_table,
    evaluate,
    metric_table,
    notes_of,
    predict_records,
    task_tables,
    values_csv,
    with_gains,
)
from ..metrics import MetricValue, read_values
from ..model import Network, load_model
from ..tasks import TaskSet
from ..training import ALIKE, Run, runs_in, weighed_apart
from ._figures import needed
from ._options import ReportOptions
from ._page import markdown, page
from ._pictures import RecordPictures
from ._run_facts import compared, run_facts

Values = Mapping[str, float] | Iterable[tuple[str, float]]
FORMAT, VERSION = "mxmtl.report", 1
FORMS = {"html": ".html", "md": ".md", "json": ".json"}
PAGE = "an HTML report needs jinja2 and matplotlib", "report"
MODULES = ("jinja2", "matplotlib")
OneRun = PathLike | Run


def report(values: Values, tasks: TaskSet) -> Report:
    """Make a table of metric values, one row a task.

    Parameters
    ----------
    values : list of (name, value), or mapping
        As ``module.score`` and ``metric.get_name_value()`` return them; names read
        ``<task>/<metric>`` or ``<task>/<metric>/<class>``, others are about all tasks together.
    tasks : TaskSet
        Gives the order of the rows.

    Returns
    -------
    Report
        Prints as text; has `markdown`, `json`, `csv` and `save`.

    Examples
    --------
    >>> import mxmtl
    >>> tasks = mxmtl.TaskSet([mxmtl.Binary("outdoors"), mxmtl.Binary("indoors")])
    >>> values = {"outdoors/num_labels": 40, "outdoors/accuracy": 0.925,
    ...           "indoors/num_labels": 0, "indoors/accuracy": float("nan")}
    >>> print(mxmtl.report(values, tasks))
    task        num_labels    accuracy
    --------  ------------  ----------
    outdoors            40      0.9250
    indoors              0           -
    """
    pairs = list(values.items() if isinstance(values, Mapping) else values)
    names = [name for name, _ in pairs]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"values named {twice} come more than once; metric names must differ.")
    found = read_values({name: float(value) for name, value in pairs}, tasks)
    # What is of no single task stands under its whole name.
    return Report(
        [v if v.task in tasks.names else replace(v, task=None, metric=v.name) for v in found],
        tasks,
    )


@dataclass(frozen=True)
class Report:
    """Metric values, and the tasks that they are about. Made by `report`."""

    metrics: list[MetricValue]
    tasks: TaskSet

    @property
    def values(self) -> dict[str, float]:
        """All values by name."""
        return ByName({value.name: value.value for value in self.metrics})

    def __str__(self) -> str:
        return "\n\n".join(table.text() for table in self._tables())

    def markdown(self) -> str:
        """Return the tables in Markdown."""
        return "\n\n".join(table.markdown() for table in self._tables())

    def json(self) -> str:
        """Return the values by name as JSON; nan, which JSON has not, is null."""
        return json_text(self.values, indent=2)

    def csv(self) -> str:
        """Return lines ``task,metric,class,value``; cells that do not apply are empty."""
        return values_csv(self.metrics, intervals=False)

    def save(self, path: PathLike) -> None:
        """Write the report as its ending says: ``.md``, ``.json``, ``.csv`` or ``.txt``."""
        ending = os.path.splitext(os.fspath(path))[1]
        forms = {".md": self.markdown, ".json": self.json, ".csv": self.csv, ".txt": self.__str__}
        if ending not in forms:
            raise ValueError(f"{os.fspath(path)}: a report ends in one of {list(forms)}.")
        with atomic_write(path) as stream:
            stream.write((forms[ending]().rstrip("\n") + "\n").encode("utf-8"))

    def _tables(self) -> list[Table]:
        names = self.tasks.names
        together = [value for value in self.metrics if value.task is None]
        return [
            *task_tables(self.metrics, names),
            *(table for name in names if (table := class_table(self.metrics, name)).rows),
            *([metric_table(together, first="all tasks")] if together else []),
        ]


# -- about runs ------------------------------------------------------------------------------------
@dataclass(frozen=True)
class RunReport:
    """What `report_runs` found.

    Attributes
    ----------
    facts : dict
        All figures, JSON-able; see ``docs/reports.md``.
    metrics : list of list of MetricValue
        Of each run: its values of metrics, which ``facts`` have by name.
    pictures : dict
        Data URIs of small pictures by number of the run and row; None where an image is damaged.
    """

    facts: dict[str, Any]
    metrics: Sequence[Sequence[MetricValue]]
    pictures: Mapping[tuple[int, int], str | None] = field(default_factory=dict)

    def __repr__(self) -> str:
        runs = [run["name"] for run in self.facts["runs"]]
        return f"RunReport(runs={runs}, records={self.facts['records']})"

    def html(self) -> str:
        """Return one page that needs no other file and no network.

        Raises `ImportError` without jinja2 or matplotlib, naming the command that installs them.
        """
        needed(PAGE, *MODULES)
        return page(self.facts["records"], self._runs(), self.pictures)

    def markdown(self) -> str:
        """Return the tables in Markdown."""
        return markdown(self.facts["records"], self._runs())

    def _runs(self) -> list[dict[str, Any]]:
        # Tables are made of values that know what they are of, the JSON has them by name.
        return [{**run, "values": v} for run, v in zip(self.facts["runs"], self.metrics)]

    def json(self) -> str:
        """Return all figures as JSON; nan, which JSON has not, is null."""
        return json_text(self.facts)

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
        forms: dict[str, Callable[[], str]] = {
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
    if form == "html":
        needed(PAGE, *MODULES)
    return form


def report_runs(
    runs: OneRun | Sequence[OneRun],
    records: Prefixes | None = None,
    *,
    which: str = "best",
    mistakes: int = ReportOptions.mistakes,
    bootstrap: int = ReportOptions.bootstrap,
    single_tasks: bool = ReportOptions.single_tasks,
    ctx: Any = None,
    **options: Any,
) -> RunReport:
    """Evaluate one or more runs on records, and gather what a report shows.

    Parameters
    ----------
    runs : run folder, or several
        From `mxmtl.fit` or ``mxmtl train``; a folder of runs stands for those in it.
    records : str or sequence of str, optional
        Prefixes, by default those that the first run was validated on.
    which : {"best", "last"}
        Checkpoint of each run.
    mistakes : int
        Records of highest loss to show, for each task.
    bootstrap : int
        Draws for confidence intervals, as in `mxmtl.evaluation.evaluate`; 0 for none.
    single_tasks : bool
        Evaluate the single tasks beside each run as well, and tell what learning all of them
        together gains: delta m, as `mxmtl.evaluation.with_gains` has it.
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
        If a folder is no run and has none in it, or a run has none of its single tasks, or there
        are no such records.
    ValueError
        If no records are given and the run had none to validate on, or they were written for
        other tasks.
    """
    one = isinstance(runs, str | os.PathLike | Run)
    several: list[Any] = [runs] if one else list(runs)  # type: ignore[list-item, arg-type]
    opened = [r for run in several for r in ([run] if isinstance(run, Run) else runs_in(run))]
    ReportOptions(mistakes=mistakes)  # checks it
    check_options(report_runs, options)
    if not opened:
        raise ValueError("0 runs: expected a run, or several.")
    if records is None:
        records = validation_records(opened[0])
    facts: list[dict[str, Any]] = []
    evaluations: list[Evaluation] = []
    rows: list[np.ndarray] = []
    pictures: dict[tuple[int, int], str | None] = {}
    alike = weighed_apart([run.tasks for run in opened])
    for number, run in enumerate(opened):
        model = run.model_of(which)
        predictions = predict_records(
            Network.of(run, which=which, ctx=ctx), records, model.preprocessing,
            temperature=model.temperature, **options,
        )  # fmt: skip
        notes = [*notes_of(load_model(run, which), records), *([ALIKE] if alike else [])]
        found, evaluation = run_facts(
            run, model, predictions, which, mistakes, bootstrap, notes, alike
        )
        if single_tasks:
            alone = partial(evaluate, records=records, bootstrap=0, ctx=ctx, **options)
            evaluation = with_gains(evaluation, run.folder, alone)
            found["metrics"] = evaluation.values
        facts.append(found)
        evaluations.append(evaluation)
        rows.append(predictions.index)
        with RecordPictures(records, predictions.index) as shown:
            for task in found["tasks"].values():
                for mistake in task["mistakes"]:
                    pictures[number, mistake["row"]] = shown.uri(mistake["row"])
    named_apart(facts)
    if len(facts) > 1 and all(np.array_equal(rows[0], other) for other in rows):
        compared(facts, evaluations)
    head = {"format": FORMAT, "version": VERSION, "records": listed(records)}
    return RunReport({**head, "runs": facts}, [each.metrics for each in evaluations], pictures)


def validation_records(run: Run) -> Prefixes:
    """Return what a run was validated on, or raise `ValueError`."""
    _, val = run.records
    if not val:
        raise ValueError(
            f"{run.folder}: the run had no records to validate on; say which ones to report on "
            "(--records PREFIX)."
        )
    return val  # type: ignore[no-any-return]


def named_apart(facts: list[dict[str, Any]]) -> None:
    """Call runs whose folders have the same name by their paths."""
    names = [run["name"] for run in facts]
    if len(set(names)) < len(names):
        for number, run in enumerate(facts, start=1):
            run["name"] = f"{number}: {run['folder']}"
