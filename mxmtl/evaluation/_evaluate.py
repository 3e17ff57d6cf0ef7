"""From a model and records, or from predictions, to an `Evaluation`: all metrics of all tasks."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .._files import PathLike, json_text
from ..data.records import Prefixes, listed
from ..metrics import (
    AbstractDecision,
    Bootstrap,
    ExactMatch,
    MeanOverTasks,
    Metric,
    Suite,
    TopKAccuracy,
    WorstTask,
    metric_named,
    relative_losses,
    values_of,
)
from ..model import SETTINGS, Model, Network, RunFolder, load_model
from ..tasks import Task, TaskSet
from ..training import load_noted, note_records, same_files
from ._evaluation import Evaluation
from ._options import EvaluateOptions
from ._predictions import Predictions, check_options, predict_records

log = logging.getLogger("mxmtl")
CHUNK = 8192  # rows at once: predictions of more are activated part by part
Thresholds = Mapping[str, Sequence[float]]
# Each of these says what another says, is a table, or needs to be told more.
RELATIVE_LOSS = "relative_loss"  # beside constant answers, which `evaluation_suite` is told
LEFT_OUT = {
    *("f_beta", "hamming_loss", "mse", "confusion_matrix", "jaccard", "hinge"),
    *("average_calibration_error", "max_calibration_error"),
    *("precision_at_recall", "recall_at_precision"),
    *("sensitivity_at_specificity", "specificity_at_sensitivity"),
    *("ranking_average_precision", "ranking_loss", "coverage_error"),
    # Of classes that have an order, and of values with an interval, it is theirs by default.
    *("accuracy_within_one", "class_mae", "quadratic_kappa", "ranked_probability_score"),
    *("interval_coverage", "interval_width"),
}
ACROSS = ("accuracy", "f1", "task_loss")  # of these there is a value over all tasks
WIDE = 5  # classes: with no more, the right one is always among the first five


def evaluate(
    model: PathLike | RunFolder | Model,
    records: Prefixes,
    *,
    which: str = "best",
    bootstrap: int = EvaluateOptions.bootstrap,
    level: float = EvaluateOptions.level,
    seed: int = EvaluateOptions.seed,
    **options: Any,
) -> Evaluation:
    """Measure a trained network on records: every metric that says something of its own.

    Of each task, of each of its classes or labels, and over all tasks, with the number of labels
    behind each. The model's temperatures divide the logits first, and its thresholds (0.5 until
    `tune` has chosen others) decide which labels hold; see `mxmtl.training.ModelFile`.

    Parameters
    ----------
    model : str, Path, Run or Model
        A run folder, or the prefix of MXNet's files: what `mxmtl.model.load_model` takes.
    records : str or sequence of str
        Prefixes of labelled records.
    which : {"best", "last"}
        Which checkpoint of a run.
    bootstrap : int
        Draw so many times from the rows for confidence intervals (1000 is usual); 0 for none.
    level : float
        Share of the draws within an interval.
    seed : int
        Of the draws.
    **options
        Those of `mxmtl.evaluation.predict_records` (``batch_size``, ``threads``, ``on_error``),
        and ``ctx``, the device.

    Raises
    ------
    FileNotFoundError, ValueError
        If model or records are not there, are damaged, or do not belong together.

    Examples
    --------
    ::

        evaluation = mxmtl.evaluation.evaluate("runs/first", "data/val", bootstrap=1000)
        print(evaluation)
        evaluation.values["breed/f1/pug"], evaluation.intervals["breed/accuracy"]
        evaluation.save("evaluation.json")
    """
    check_options(evaluate, options)
    loaded = model if isinstance(model, Model) else load_model(model, which)
    network = Network.of_model(loaded, ctx=options.pop("ctx", None))
    predictions = predict_records(
        network, records, loaded.file.preprocessing, temperature=loaded.file.temperature, **options
    )
    return measure(
        predictions,
        thresholds=loaded.file.thresholds,
        constants=loaded.file.constants,
        bootstrap=bootstrap,
        level=level,
        seed=seed,
        notes=notes_of(loaded, records),
        about={"model": loaded.name, "records": ", ".join(listed(records))},
    )


def measure(
    predictions: Predictions,
    *,
    thresholds: Any | None = None,
    constants: Mapping[str, Sequence[float]] = {},
    bootstrap: int = EvaluateOptions.bootstrap,
    level: float = EvaluateOptions.level,
    seed: int = EvaluateOptions.seed,
    notes: Sequence[str] = (),
    about: Mapping[str, str] = {},
    by: str = "weight",
) -> Evaluation:
    """Measure predictions; the parameters are those of `evaluate`.

    ``thresholds`` are those of the predictions, unless given; ``about`` names model and records,
    and ``notes`` are said with the values. ``constants``, as `mxmtl.model.ModelFile` has them, are
    the constant answers that losses are told beside (``relative_loss``); where there are none, the
    best ones for these labels are. ``by`` is what a task counts in a mean over tasks: its weight,
    or by ``"task"`` 1, as the values of runs with other weights are compared.
    """
    tasks = predictions.tasks
    thresholds = predictions.thresholds if thresholds is None else thresholds
    own = {t.name: t.constant(predictions.labels[t.name]).tolist() for t in tasks}
    suite = evaluation_suite(tasks, thresholds, {**own, **constants}, by)
    meter = Bootstrap(suite, repeats=bootstrap, level=level, seed=seed) if bootstrap else suite
    for start in range(0, len(predictions), CHUNK):
        rows = slice(start, start + CHUNK)
        activated = tasks.predict(
            [predictions.logits[name][rows] for name in tasks.names], predictions.temperature
        )
        meter.update([predictions.labels[name][rows] for name in tasks.names], activated)
    return Evaluation(
        tasks,
        values_of(meter),
        level,
        len(predictions),
        predictions.skipped,
        thresholds,
        predictions.temperature,
        worst_of(suite),
        **about,
        notes=notes,
        drawn=getattr(meter, "drawn", None),
    )


def notes_of(model: Model, records: Prefixes) -> list[str]:
    """Say what makes values on these records better than on others; each is logged once.

    Thresholds that were chosen on them, and that they are what was trained on.
    """
    notes, theirs = [], note_records(records, 0)["files"]
    tuned: dict[str, list[str]] = {}
    for name, how in model.file.tuned.items():
        tuned.setdefault(json_text(how.get("files", [])), []).append(name)
    for files, names in tuned.items():
        same = same_files((), json.loads(files), records, theirs)
        if same:
            notes.append(
                f"Thresholds and temperatures of {', '.join(sorted(names))} were tuned on "
                f"{', '.join(same)}: on other records they are worse. Evaluate on records that "
                "nothing was chosen on."
            )
    noted = trained_on(Path(model.name).parent / SETTINGS)
    same = same_files((), noted, records, theirs)
    if same:
        notes.append(f"{', '.join(same)}: the network was trained on these pictures.")
    for note in notes:
        log.warning("%s", note)
    return notes


def trained_on(settings: Path) -> list[Any]:
    """Return what a run noted of the files that it was trained on; nothing where there is none."""
    if not settings.exists():
        return []
    noted, _ = load_noted(settings)
    return list(noted.get("train", {}).get("files", []))


def worst_of(suite: Suite) -> dict[str, str]:
    """Return whose value the worst over tasks is."""
    worst = {m.name: m.worst for m in suite.metrics if isinstance(m, WorstTask)}
    return {name: task.name for name, task in worst.items() if task is not None}


# -- which metrics an evaluation has: all that tell something of their own -------------------------
def evaluation_suite(
    tasks: TaskSet,
    thresholds: Mapping[str, Sequence[float]] = {},
    constants: Mapping[str, Sequence[float]] = {},
    by: str = "weight",
) -> Suite:
    """Make the suite of all metrics, of each task, of each class, and over all tasks.

    Thresholds, by task, go into every metric of decisions of that task; what there is a constant
    answer of has its relative loss. Means over tasks are ``by`` their weights, or by task.
    """
    relative = {metric.name: metric for metric in relative_losses(tasks, constants, by)}
    metrics: list[Metric] = []
    for task in tasks:
        own = relative.pop(f"{task.name}/relative_loss", None)
        metrics += [*task_metrics(task, thresholds), *([own] if own else [])]
    over_all = relative.values() if len(tasks) > 1 else ()
    return Suite(tasks, [*metrics, *across(tasks, thresholds, by), *over_all])


def task_metrics(task: Task, thresholds: Thresholds) -> list[Metric]:
    """Return a task's metrics: its default ones first, then the others, then those of classes."""
    names = [
        name
        for name in task.kind.metrics
        if name not in (*LEFT_OUT, RELATIVE_LOSS)
        and not (name == "top_k_accuracy" and task.num_outputs <= WIDE)
    ]
    counts = [name for name in names if Metric.types[name].unit == "count"]
    ordered = list(dict.fromkeys([*counts, *task.default_metrics, *names]))
    whole = [make(name, task, thresholds) for name in ordered]
    if not task.names:
        return whole
    single = [name for name in ordered if "none" in Metric.types[name].averages[task.kind]]
    return [*whole, *(make(name, task, thresholds, average="none") for name in single)]


def make(name: str, task: Task, thresholds: Thresholds, **options: Any) -> Metric:
    """Make a metric, with the task's thresholds if it takes decisions."""
    if task.name in thresholds and issubclass(Metric.types[name], AbstractDecision):
        options["threshold"] = thresholds[task.name]
    if name == "top_k_accuracy":  # its name says k
        return TopKAccuracy(task, k=WIDE, name=f"{task.name}/top_{WIDE}_accuracy")
    return metric_named(name, task, **options)


def across(tasks: TaskSet, thresholds: Thresholds, by: str = "weight") -> list[Metric]:
    """Return the values over all tasks; none where there is one task."""
    if len(tasks) == 1:
        return []
    metrics: list[Metric] = []
    for name in ACROSS:
        parts = [make(name, task, thresholds) for task in tasks if name in task.kind.metrics]
        if len(parts) > 1:
            start = f"all_tasks/{name}"
            metrics += [
                MeanOverTasks(parts, by=by, name=start),
                MeanOverTasks(parts, by="num_labels", name=f"{start}_by_num_labels"),
                WorstTask(parts, name=f"all_tasks/worst_{name}"),
            ]
    matched = [task for task in tasks if task.kind in ExactMatch.kinds]
    if matched:
        metrics.append(ExactMatch(tasks, threshold=matching(matched, thresholds)))
    return metrics


def matching(tasks: Sequence[Task], thresholds: Thresholds) -> dict[str, Sequence[float]]:
    """Return the thresholds of these tasks alone."""
    return {task.name: thresholds[task.name] for task in tasks if task.name in thresholds}
