"""Temperatures and thresholds from validation records, kept with the model."""

from __future__ import annotations

import logging
from collections.abc import Container
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from .._files import PathLike
from .._options import one_of
from .._progress import progress
from .._table import Table
from ..data.records import Prefixes, class_counts, listed
from ..metrics import CalibrationError, CrossEntropy, Suite
from ..model import MODEL, SETTINGS, Network, load_model
from ..tasks import Task, TaskSet
from ..training import Run, note_records, same_files
from ._choose import HALF, PLAIN, Objective, best_threshold, clearly_better, search_temperature
from ._evaluate import trained_on
from ._options import TuneOptions
from ._predictions import Predictions, check_options, predict_records

log = logging.getLogger("mxmtl")
SHOWN = 8  # names in a line


@dataclass(frozen=True)
class TunedLabel:
    """One label's threshold.

    Attributes
    ----------
    name : str
        Of the label; of a binary task its own.
    num_labels, num_positive : int
        Known ones, and how many of them are a yes.
    threshold : float
        What was chosen; 0.5 where nothing was.
    before, after : float
        The objective with 0.5, and with the threshold; nan where the bound is not kept.
    note : str
        Why nothing was chosen.
    shaky : bool
        Whether the threshold is not clearly better than 0.5, or comes of few yes or few no.
    """

    name: str
    num_labels: int
    num_positive: int
    threshold: float
    before: float
    after: float
    note: str = ""
    shaky: bool = False


@dataclass(frozen=True)
class TunedTask:
    """One task: its temperature, and the thresholds of its labels.

    Attributes
    ----------
    name : str
        Of the task.
    num_labels : int
        Known ones.
    temperature : float, optional
        None where none was fitted.
    cross_entropy, calibration_error : (float, float)
        Before, and with the temperature.
    labels : list of TunedLabel
        Empty where there are no thresholds.
    note : str
        Why there is no temperature.
    """

    name: str
    num_labels: int
    temperature: float | None
    cross_entropy: tuple[float, float]
    calibration_error: tuple[float, float]
    labels: list[TunedLabel]
    note: str = ""


@dataclass(frozen=True)
class Tuning:
    """What `tune` found and saved. Prints as tables.

    Attributes
    ----------
    tasks : list of TunedTask
        Those that were tuned.
    refused : dict of str to str
        Why the others were not.
    objective : str
        What thresholds were chosen for.
    model, records : str
        Whose they are, and what they were chosen on.
    """

    tasks: list[TunedTask]
    refused: dict[str, str]
    objective: str
    model: str
    records: str

    @property
    def temperature(self) -> dict[str, float]:
        """By task."""
        return {t.name: t.temperature for t in self.tasks if t.temperature is not None}

    @property
    def thresholds(self) -> dict[str, list[float]]:
        """By task, one a label."""
        return {t.name: [each.threshold for each in t.labels] for t in self.tasks if t.labels}

    def __str__(self) -> str:
        blocks = [f"{self.model} on {self.records}", self._temperatures()]
        blocks += [self._thresholds(task) for task in self.tasks if task.labels]
        blocks += [self._shaky()]
        blocks += ["\n".join(f"{name}: {why}" for name, why in self.refused.items())]
        return "\n\n".join(block for block in blocks if block)

    def _temperatures(self) -> str:
        header = ["task", "labels", "temperature", "cross-entropy", "after", "calibration error"]
        rows: list[list[Any]] = [
            [
                task.name, task.num_labels, task.temperature,
                *task.cross_entropy, *task.calibration_error, task.note,
            ]
            for task in self.tasks
        ]  # fmt: skip
        return noted([*header, "after"], rows) if rows else ""

    def _thresholds(self, task: TunedTask) -> str:
        header = [task.name, "labels", "yes", "threshold", f"{self.objective} at 0.5", "after"]
        rows = [
            [
                each.name, each.num_labels, each.num_positive, each.threshold,
                each.before, each.after, each.note,
            ]
            for each in task.labels
        ]  # fmt: skip
        return noted(header, rows)

    def _shaky(self) -> str:
        """Say which thresholds other records may not bear out."""
        names = [
            task.name if task.name == each.name else f"{task.name}/{each.name}"
            for task in self.tasks for each in task.labels if each.shaky
        ]  # fmt: skip
        listed = ", ".join([*names[:SHOWN], *(["..."] if len(names) > SHOWN else [])])
        line = (
            f"Shaky are the thresholds of {listed}: not clearly better than 0.5 on these labels, "
            "or of few yes or few no. Tune on more records, or keep 0.5 (--no-thresholds)."
        )
        return line if names else ""


def noted(header: list[str], rows: list[list[Any]]) -> str:
    """Return a table whose last column, of notes, is there only where there is one."""
    if any(row[-1] for row in rows):
        return Table("", [*header, ""], rows).text()
    return Table("", header, [row[:-1] for row in rows]).text()


def tune(
    run: PathLike | Run,
    records: Prefixes,
    *,
    which: str = "best",
    options: TuneOptions = TuneOptions(),  # noqa: B008 (frozen)
    **reading: Any,
) -> Tuning:
    """Choose temperatures and thresholds on validation records, and save them in ``model.json``.

    First comes a temperature a task, which changes no ranking. If it is asked for, the calibrated
    logits are then adjusted to balanced classes (Menon et al. 2021), by the counts of the training
    records: logits / temperature - adjust * log(share of the class). From the probabilities that
    come of it a threshold a label is chosen. `evaluate`, `Predictor` and their verbs apply them.
    Use records that were neither trained on nor are kept for the last evaluation: on those that
    they were chosen on, they look better than they are.

    Parameters
    ----------
    run : str, Path or Run
        A run folder.
    records : str or sequence of str
        Prefixes of labelled records.
    which : {"best", "last"}
        The checkpoint that they are chosen for.
    options : TuneOptions
        What is tuned, and for what.
    **reading
        As in `evaluate`.

    Raises
    ------
    ValueError
        If no task can be tuned; ``model.json`` is left as it was then.
    """
    check_options(tune, reading, *vars(options))
    run = run if isinstance(run, Run) else Run(run)
    model = load_model(run, which)
    network = Network.of_model(model, ctx=reading.pop("ctx", None))
    predictions = predict_records(network, records, model.file.preprocessing, **reading)
    predictions = replace(predictions, tasks=adjusted(run, predictions.tasks, options))
    about = {"model": model.name, "records": ", ".join(listed(records))}
    tuning = tune_predictions(predictions, options, about)
    if not tuning.tasks:
        reasons = " ".join(f"{name}: {why}." for name, why in tuning.refused.items())
        raise ValueError(f"{about['records']}: nothing can be tuned. {reasons}")
    done = {task.name for task in tuning.tasks}
    noted = note_records(records, 0)["files"]
    same = same_files((), trained_on(run.folder / SETTINGS), records, noted)
    if same:
        log.warning(
            "%s: the network was trained on these pictures, which it knows too well: temperatures "
            "and thresholds of them are too bold for others. Tune on validation records.",
            ", ".join(same),
        )
    tuned = {name: {
        "checkpoint": Path(model.name).name, "records": about["records"],
        "objective": tuning.objective, "files": noted,
    } for name in done}  # fmt: skip
    file = run.model  # with what other checkpoints have
    made = [predictions.tasks[task.name] if task.name in done else task for task in file.tasks]
    replace(
        file,
        tasks=TaskSet(made, normalization=file.tasks.normalization),
        temperature={**without(file.temperature, done), **tuning.temperature},
        thresholds={**without(file.thresholds, done), **tuning.thresholds},
        tuned={**without(file.tuned, done), **tuned},
    ).save(run.folder / MODEL)
    return tuning


def adjusted(run: Run, tasks: TaskSet, options: TuneOptions) -> TaskSet:
    """Return the tasks with the logit adjustment that is asked for, by the training records."""
    counts = class_counts(run.records[0]) if options.adjust else {}
    made = []
    for task in tasks:
        wanted = not options.tasks or task.name in options.tasks
        tau = options.adjust if wanted and counts.get(task.name) else 0.0
        if tau and task.loss is not None and task.loss.adjusts:
            raise ValueError(
                f"task {task.name!r} was trained with {type(task.loss).__name__}: its predictions "
                "are those of balanced data already. Name the others by --task, or leave out "
                "--adjust."
            )
        made.append(task.adjusted(counts.get(task.name, {}), tau))
    return TaskSet(made, normalization=tasks.normalization)


def tune_predictions(
    predictions: Predictions,
    options: TuneOptions = TuneOptions(),  # noqa: B008 (frozen)
    about: dict[str, str] = {},  # noqa: B006 (read only)
) -> Tuning:
    """Choose temperatures and thresholds from predictions; their own temperatures do not count."""
    objective = Objective.parse(options.objective)
    unknown = sorted(set(options.tasks) - set(predictions.tasks.names))
    if unknown:
        found = one_of(unknown[0], predictions.tasks.names)
        raise ValueError(f"task {unknown[0]!r} is not {found}.")
    tuned: list[TunedTask] = []
    refused: dict[str, str] = {}
    for task in progress(list(predictions.tasks), "tasks", what="tuning"):
        if options.tasks and task.name not in options.tasks:
            continue
        why = refusal(task, predictions, options)
        if why:
            refused[task.name] = why
        else:
            tuned.append(tune_task(task, predictions, objective, options))
    names = {"model": "predictions", "records": f"{len(predictions)} records", **about}
    return Tuning(tuned, refused, str(objective), **names)


def refusal(task: Task, predictions: Predictions, options: TuneOptions) -> str:
    """Return why a task is not tuned; nothing if it can be."""
    if not task.kind.probabilities:
        return f"{type(task).__name__} has neither probabilities nor thresholds"
    count = int(np.count_nonzero(predictions.labelled(task)))
    if count < options.min_labels:
        return f"{count} labels are too few, {options.min_labels} are needed (--min-labels)"
    return ""


def tune_task(
    task: Task, predictions: Predictions, objective: Objective, options: TuneOptions
) -> TunedTask:
    """Choose the temperature of a task, then the thresholds of its labels."""
    label, logits = predictions.labels[task.name], predictions.logits[task.name]
    temperature, note = None, ""
    if options.temperature:
        temperature, why = search_temperature(task, label, logits)
        note = f"no temperature: {why}" if why else ""
    warm = {} if temperature is None else {task.name: temperature}
    alone = TaskSet([task])
    (decided,) = alone.predict([logits], warm)
    labels = []
    if options.thresholds and task.kind.thresholds:
        labels = [
            tune_label(*cells, objective, options.min_labels)
            for cells in zip(task.names or (task.name,), decided.T, task.as_prediction(label).T)
        ]
    plain = TaskSet([task.adjusted({}, 0.0)])  # honest about labels as frequent as they are
    entropy, error = zip(
        *(quality(task, label, plain.predict([logits], each)[0]) for each in ({}, warm))
    )
    known = int(np.count_nonzero(predictions.labelled(task)))
    return TunedTask(task.name, known, temperature, entropy, error, labels, note)


def tune_label(
    name: str, probability: np.ndarray, wanted: np.ndarray, objective: Objective, at_least: int
) -> TunedLabel:
    """Choose the threshold of a label; 0.5, with the reason, where there is nothing to choose."""
    known = ~np.isnan(wanted)
    positive = wanted[known] > 0
    counts = (len(positive), int(np.count_nonzero(positive)))
    if counts[0] < at_least:
        return TunedLabel(name, *counts, HALF, np.nan, np.nan, "too few labels: 0.5 stays")
    if counts[1] in (0, counts[0]):
        only = "yes" if counts[1] else "no"
        return TunedLabel(name, *counts, HALF, np.nan, np.nan, f"all are {only}: 0.5 stays")
    choice = best_threshold(probability[known], positive, objective)
    if choice is None:
        return TunedLabel(name, *counts, HALF, np.nan, np.nan, f"{objective} is out of reach")
    few = min(counts[1], counts[0] - counts[1]) < at_least
    # What keeps a bound is chosen for that, and draws about the bound would say nothing.
    same = objective.name in PLAIN and not clearly_better(
        probability[known], positive, choice.threshold, objective
    )
    return TunedLabel(
        name, *counts, choice.threshold, choice.score_at_half, choice.score,
        shaky=choice.threshold != HALF and (few or same),
    )  # fmt: skip


def quality(task: Task, label: np.ndarray, probability: np.ndarray) -> tuple[float, float]:
    """Return cross-entropy and calibration error."""
    suite = Suite(TaskSet([task]), [CrossEntropy(task), CalibrationError(task)])
    suite.update([label], [probability])
    entropy, error = suite.get()[1]
    return float(entropy), float(error)


def without(parts: dict[str, Any], names: Container[str]) -> dict[str, Any]:
    """Return what is not of these tasks."""
    return {name: part for name, part in parts.items() if name not in names}
