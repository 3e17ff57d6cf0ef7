"""What a network predicted of one task of some records, as arrays and in words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import mxnet as mx
import numpy as np

from .._table import UNKNOWN
from ..data.records import Prefixes
from ..evaluation import Predictions, predict_records, run_over_records
from ..metrics import Batch, make_batch, shaped
from ..model import Model, Network, Predictor, load_model
from ..tasks import Task

HALF = 0.5  # the threshold where none was tuned
LENGTH = 72  # letters of a label or an answer in a caption
NAMED = 2  # probabilities given for one record


@dataclass(frozen=True)
class TaskPredictions:
    """Labels and predictions of one task on all records.

    Attributes
    ----------
    task : Task
        Which one.
    label : ndarray of float32 (N, label_width)
        Marked where missing.
    prediction : ndarray of float32 (N, num_outputs)
        Probabilities or values.
    tuned : sequence of float, optional
        Thresholds, one a column, that were chosen on other records; None where there are none.
    """

    task: Task
    label: np.ndarray
    prediction: np.ndarray
    tuned: Any | None = None

    @staticmethod
    def of(predictions: Predictions, task: Task, tuned: Any | None = None) -> TaskPredictions:
        """Take one task out of predictions of all."""
        label, prediction = shaped(
            task, predictions.labels[task.name], predictions.prediction(task)
        )
        return TaskPredictions(task, label, prediction, tuned)

    @property
    def threshold(self) -> Any:
        """What a probability must exceed to count as a yes: one number, or one a column."""
        return HALF if self.tuned is None else tuple(self.tuned)

    @cached_property
    def batch(self) -> Batch:
        """The labelled part, as metrics see it."""
        return make_batch(self.task, self.label, self.prediction)

    @cached_property
    def labelled(self) -> np.ndarray:
        """Rows with a known label: bool (N,)."""
        known: np.ndarray = self.task.labelled(self.label).any(axis=1)
        return known

    @property
    def units(self) -> tuple[str, ...]:
        """Names of classes or labels; a task without names stands for itself."""
        return self.task.names or (self.task.name,)

    @cached_property
    def losses(self) -> np.ndarray:
        """Loss of each row as it is trained, without the task's weight: float64 (N,)."""
        losses: np.ndarray = self.task.prediction_loss(self.label, self.prediction).mean(axis=1)
        return losses

    def worst(self, count: int) -> np.ndarray:
        """Return the labelled rows with the highest loss, highest first."""
        rows = np.flatnonzero(self.labelled)
        worst: np.ndarray = rows[np.argsort(-self.losses[rows], kind="stable")][:count]
        return worst


def predictions_by_task(
    model: Any, records: Prefixes, options: dict[str, Any]
) -> tuple[list[TaskPredictions], np.ndarray]:
    """Return what is predicted of each task of records, and the record ids of all rows.

    ``model`` is `Predictions`, a `Predictor`, or what `load_model` takes; ``options`` are those
    of `predict_records`.
    """
    if isinstance(model, Predictor):
        return by_predictor(model, records, options)
    predictions = model if isinstance(model, Predictions) else by_network(model, records, options)
    levels = predictions.thresholds
    tasks = predictions.tasks
    return [
        TaskPredictions.of(predictions, t, levels.get(t.name)) for t in tasks
    ], predictions.index


def by_network(model: Any, records: Prefixes, options: dict[str, Any]) -> Predictions:
    """Predict records with a run, its best checkpoint, or another model."""
    loaded = model if isinstance(model, Model) else load_model(model)
    predictions = predict_records(
        Network.of_model(loaded), records, loaded.file.preprocessing,
        temperature=loaded.file.temperature, **options,
    )  # fmt: skip
    return replace(predictions, thresholds=loaded.file.thresholds)


def by_predictor(
    predictor: Predictor, records: Prefixes, options: dict[str, Any]
) -> tuple[list[TaskPredictions], np.ndarray]:
    """Predict records with whatever computes a predictor's answers; it takes pixels."""
    file = predictor.backend.file

    def compute(images: mx.nd.NDArray) -> list[np.ndarray]:
        pixels = images.asnumpy().transpose(0, 2, 3, 1).astype(np.uint8)
        return predictor.backend.predict(np.ascontiguousarray(pixels))

    as_stored = replace(file.preprocessing, mean=(0.0,), std=(1.0,))
    usual = {"batch_size": predictor.batch_size, "threads": predictor.threads}
    index, labels, computed, *_ = run_over_records(
        compute, predictor.tasks, records, as_stored, **{**usual, **options}
    )
    return [
        TaskPredictions(
            task,
            labels[task.name].reshape(len(index), -1),
            computed[task.name],
            file.thresholds.get(task.name),
        )
        for task in predictor.tasks
    ], index


# -- one record in words ---------------------------------------------------------------------------
class RecordWords(NamedTuple):
    """What is known of one task of one record, what was answered, and whether that is right.

    ``known`` tells whether there is any label; ``right`` is None where there is none, or where no
    answer is right or wrong.
    ``probabilities`` are those farthest from the label, by class or label.
    """

    label: str
    known: bool
    answer: str
    right: bool | None
    probabilities: dict[str, float]


def describe_record(
    task: Task, label: np.ndarray, prediction: np.ndarray, threshold: Any = None
) -> RecordWords:
    """Put one record's label (label_width,) and prediction (num_outputs,) into words.

    Examples
    --------
    >>> import mxmtl
    >>> breed = mxmtl.Multiclass("breed", classes=["beagle", "boxer", "pug"])
    >>> describe_record(breed, np.array([2.0]), np.array([0.75, 0.125, 0.125]))
    RecordWords(label='pug', known=True, answer='beagle', right=False,
                probabilities={'pug': 0.125, 'beagle': 0.75})
    """
    wanted = task.as_prediction(label.reshape(task.label_shape(1)))[0]
    missing = np.isnan(wanted)
    known = not missing.all()
    answer = task.answer(prediction, threshold)
    right = None
    if answer.probabilities and known:
        # An unknown cell is as it was answered; so the answers differ only where a label says so.
        filled = np.where(missing, prediction, wanted)
        right = task.answer(filled, threshold).answer == answer.answer
    far = np.where(missing, -1.0, np.abs(prediction - np.where(missing, 0.0, wanted)))
    names = list(answer.probabilities)
    order = [i for i in np.argsort(-far, kind="stable")[:NAMED] if names and not missing[i]]
    probabilities = {names[i]: float(prediction[i]) for i in order}
    return RecordWords(label_words(task, label), known, short(answer.text), right, probabilities)


def label_words(task: Task, label: np.ndarray) -> str:
    """Say what one label (label_width,) tells; `UNKNOWN` where nothing is known.

    >>> import mxmtl
    >>> label_words(mxmtl.Multilabel("toys", labels=["ball", "rope"]), np.array([1.0, -1.0]))
    'ball (rope?)'
    """
    known = task.labelled(label)
    if not known.any():
        return UNKNOWN
    text = task.answer(task.as_prediction(label.reshape(task.label_shape(1)))[0]).text
    unknown = [f"{name}?" for name, is_known in zip(task.names, known) if not is_known]
    return short(f"{text} ({', '.join(unknown)})" if unknown else text)


def short(text: str) -> str:
    """Cut a text that is too long for a caption."""
    return text if len(text) <= LENGTH else text[: LENGTH - 1] + "\N{HORIZONTAL ELLIPSIS}"
