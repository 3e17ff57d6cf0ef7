"""Predictions of records, from whatever can predict."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, Iterator, List, Tuple

import numpy as np

from ..data.records import Prefixes, RecordReader, record_files, record_tasks
from ..evaluation import Predictions, predict_records
from ..model import Model, Network, Predictor, load_model
from ._measured import Measured


def measured_by(
    model: Any, records: Prefixes, options: Dict[str, Any]
) -> Tuple[List[Measured], np.ndarray]:
    """Return what was predicted of each task, and the record ids of all rows.

    ``model`` is `Predictions`, a `Predictor`, or what `load_model` takes; ``options`` are those
    of `predict_records`.
    """
    if isinstance(model, Predictor):
        return by_predictor(model, records)
    predictions = model if isinstance(model, Predictions) else by_network(model, records, options)
    levels = predictions.thresholds
    tasks = predictions.tasks
    return [Measured.of(predictions, t, levels.get(t.name)) for t in tasks], predictions.index


def by_network(model: Any, records: Prefixes, options: Dict[str, Any]) -> Predictions:
    """Predict records with a run, its best checkpoint, or another model."""
    loaded = model if isinstance(model, Model) else load_model(model)
    predictions = predict_records(
        Network.of_model(loaded), records, loaded.file.preprocessing,
        temperature=loaded.file.temperature, **options,
    )  # fmt: skip
    return replace(predictions, thresholds=loaded.file.thresholds)


def by_predictor(predictor: Predictor, records: Prefixes) -> Tuple[List[Measured], np.ndarray]:
    """Predict the images of records as files are; an `ImageError` is raised."""
    tasks = record_tasks(records, predictor.tasks)
    reader = RecordReader(record_files(records))
    try:
        reader.check_width(tasks)
        labels = tasks.split(reader.labels(tasks.label_width))
        index = reader.ids(np.arange(len(reader)))
        parts = list(activated(predictor, reader))
    finally:
        reader.close()
    levels = predictor.backend.file.thresholds
    columns = [np.concatenate(part) for part in zip(*parts)]
    rows = len(index)
    return [
        Measured(task, label.reshape(rows, -1), prediction, levels.get(task.name))
        for task, label, prediction in zip(tasks, labels, columns)
    ], index


def activated(predictor: Predictor, reader: RecordReader) -> Iterator[List[np.ndarray]]:
    """Yield predictions, batch by batch."""
    images = (bytes(reader.read(row).payload) for row in range(len(reader)))
    for batch in predictor.batches(images):
        for error in batch.errors:
            if error is not None:
                raise error
        yield batch.predictions
