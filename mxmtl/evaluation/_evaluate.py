"""From a model and records, or from predictions, to an `Evaluation`."""

from __future__ import annotations

import os
from typing import Any, Dict, Mapping, Optional, Union

from .._files import PathLike
from ..data.records import Prefixes
from ..metrics import Bootstrap, Suite, WorstTask
from ..model import Model, Network, RunFolder, load_model
from ._evaluation import Evaluation
from ._predictions import Predictions, predict_records
from ._suite import evaluation_suite

CHUNK = 8192  # rows at once: predictions of more are activated part by part


def evaluate(
    model: Union[PathLike, RunFolder, Model],
    records: Prefixes,
    *,
    which: str = "best",
    bootstrap: int = 0,
    level: float = 0.95,
    seed: int = 0,
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
    loaded = model if isinstance(model, Model) else load_model(model, which)
    network = Network.of_model(loaded, ctx=options.pop("ctx", None))
    predictions = predict_records(
        network, records, loaded.file.preprocessing, temperature=loaded.file.temperature, **options
    )
    prefixes = [records] if isinstance(records, (str, os.PathLike)) else list(records)
    return measure(
        predictions,
        thresholds=loaded.file.thresholds,
        bootstrap=bootstrap,
        level=level,
        seed=seed,
        about={"model": loaded.name, "records": ", ".join(map(str, prefixes))},
    )


def measure(
    predictions: Predictions,
    *,
    thresholds: Optional[Any] = None,
    bootstrap: int = 0,
    level: float = 0.95,
    seed: int = 0,
    about: Mapping[str, str] = {},
) -> Evaluation:
    """Measure predictions; the parameters are those of `evaluate`.

    ``thresholds`` are those of the predictions, unless given; ``about`` names model and records.
    """
    tasks = predictions.tasks
    thresholds = predictions.thresholds if thresholds is None else thresholds
    suite = evaluation_suite(tasks, thresholds)
    meter = Bootstrap(suite, repeats=bootstrap, level=level, seed=seed) if bootstrap else suite
    for start in range(0, len(predictions), CHUNK):
        rows = slice(start, start + CHUNK)
        activated = tasks.predict(
            [predictions.logits[name][rows] for name in tasks.names], predictions.temperature
        )
        meter.update([predictions.labels[name][rows] for name in tasks.names], activated)
    names, values = meter.get()
    step = 3 if bootstrap else 1
    bounds = zip(names[::step], zip(values[1::step], values[2::step])) if bootstrap else ()
    return Evaluation(
        tasks,
        dict(zip(names[::step], values[::step])),
        dict(bounds),
        level,
        len(predictions),
        predictions.skipped,
        thresholds,
        predictions.temperature,
        worst_of(suite),
        **about,
    )


def worst_of(suite: Suite) -> Dict[str, str]:
    """Return whose value the worst over tasks is."""
    worst = {m.name: m.worst for m in suite.metrics if isinstance(m, WorstTask)}
    return {name: task.name for name, task in worst.items() if task is not None}
