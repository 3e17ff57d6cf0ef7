"""Images with their labels, and with what a network said about them, to look at."""

from __future__ import annotations

from typing import Any, List, Optional, Sequence, Tuple, Union

import numpy as np

from .._files import PathLike, atomic_write
from ..tasks import TaskSet
from ._grid import Line, grid
from ._words import MISSING, label_words, said

Levels = Union[float, Sequence[float]]
COLUMNS = 4  # images beside each other
EDGE = 256  # pixels of an image of `show_results`


def show_batch(
    batch: Any,
    tasks: Optional[TaskSet] = None,
    *,
    count: int = 16,
    columns: int = COLUMNS,
    mean: Optional[Levels] = None,
    std: Optional[Levels] = None,
    path: Optional[PathLike] = None,
) -> Any:
    """Draw images of a batch with their labels; what is missing is a grey dash.

    Parameters
    ----------
    batch : RecordIter, DataIter, DataBatch or (images, labels)
        A `mxmtl.RecordIter` is left where it stands; any other iterator gives one batch. Images
        are (N, channels, height, width) or (N, height, width, channels); labels one array a
        task, or one array (N, label_width).
    tasks : TaskSet, optional
        What the labels mean; a `mxmtl.RecordIter` knows.
    count, columns : int
        Images at most, and beside each other. Padded rows are left out.
    mean, std : float or sequence of float, optional
        What the images were normalized with; a `mxmtl.RecordIter` knows. Where nothing is known,
        images that are no pixels of 0 to 255 are stretched, each to its own range.
    path : str or Path, optional
        Write the figure as well (``.png``, ``.svg``, ``.pdf``, ...).

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ImportError
        Without matplotlib: ``pip install "mxmtl[plot]"``.

    Examples
    --------
    >>> import mxmtl
    >>> tasks = mxmtl.TaskSet([mxmtl.Binary("outdoors"), mxmtl.Regression("age")])
    >>> images = np.zeros((2, 8, 8, 3), np.uint8)
    >>> figure = mxmtl.show_batch((images, np.array([[1, 3.5], [-1, np.nan]])), tasks)
    >>> [text.get_text() for text in figure.texts]
    ['outdoors: yes', 'age: 3.5', '· outdoors: —', '· age: —']
    """
    tasks = tasks or getattr(batch, "tasks", None)
    if tasks is None:
        raise TypeError("show_batch needs tasks=..., to say what the labels mean.")
    pixels, labels = pixels_and_labels(batch, tasks, mean, std)
    rows = range(min(count, len(pixels)))
    lines = [
        [label_line(task.name, label_words(task, label[row])) for task, label in zip(tasks, labels)]
        for row in rows
    ]
    return saved(grid([pixels[row] for row in rows], lines, columns), path)


def show_results(
    model: Any,
    records: Any,
    *,
    tasks: Optional[Sequence[str]] = None,
    count: int = 16,
    worst: str = "",
    seed: int = 0,
    path: Optional[PathLike] = None,
    **options: Any,
) -> Any:
    """Draw images of records with their labels and what a network says about them.

    What is right is green with a check mark, what is wrong red with a cross, what has no label
    grey with a dot.

    Parameters
    ----------
    model : Predictions, Predictor, or a run folder, Run or Model
        What `mxmtl.evaluation.predict_records` returned, or what is to predict all records: a
        `mxmtl.Predictor`, or anything that `mxmtl.model.load_model` takes.
    records : str or sequence of str
        Prefixes of the records that were, or are to be, predicted.
    tasks : sequence of str, optional
        Names of the tasks to show; all by default.
    count : int
        Images at most, four beside each other.
    worst : str, optional
        Name of a task: its labelled records of highest loss, instead of records drawn at random.
    seed : int
        Which ones are drawn.
    path : str or Path, optional
        Write the figure as well (``.png``, ``.svg``, ``.pdf``, ...).
    **options
        More for `mxmtl.evaluation.predict_records`, such as ``batch_size``.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ImportError
        Without matplotlib: ``pip install "mxmtl[plot]"``.
    ValueError
        There is no such task, or the records were written for other ones.
    """
    from ._mistakes import Thumbnails
    from ._predicted import measured_by

    every, index = measured_by(model, records, options)
    by_name = {measured.task.name: measured for measured in every}
    names = list(by_name) if tasks is None else list(tasks)
    unknown = [name for name in (*names, worst or names[0]) if name not in by_name]
    if unknown:
        raise ValueError(f"no task {unknown[0]!r} among {list(by_name)}.")
    rows = chosen_rows(by_name.get(worst), len(index), count, seed)
    lines = [[line for name in names for line in result_lines(by_name[name], row)] for row in rows]
    with Thumbnails(records, index) as thumbnails:
        found = [thumbnails.pixels(row, EDGE) for row in rows]
    images = [None if image is None else image[..., ::-1] for image in found]
    return saved(grid(images, lines, COLUMNS), path)


def chosen_rows(measured: Any, total: int, count: int, seed: int) -> List[int]:
    """Return the rows of highest loss of a task, or rows drawn at random where there is none."""
    if measured is not None:
        return measured.worst(count).tolist()  # type: ignore[no-any-return]
    drawn = np.random.RandomState(seed).permutation(total)[:count]
    return np.sort(drawn).tolist()  # type: ignore[no-any-return]


def result_lines(measured: Any, row: int) -> List[Line]:
    """Say what was predicted of one task, and below it the label where that is another thing."""
    task, label = measured.task, measured.label[row]
    words = said(task, label, measured.prediction[row], measured.tuned)
    if words.label == MISSING:
        return [Line(f"{task.name}: {words.answer} (label {MISSING})", None)]
    if words.right is None:
        return [Line(f"{task.name}: {words.answer} (label {words.label})")]
    first = Line(f"{task.name}: {words.answer}", words.right)
    return [first] if words.right else [first, Line(f"     label {words.label}")]


def label_line(name: str, words: str) -> Line:
    """Say what is known of one task."""
    return Line(f"{name}: {words}", None if words == MISSING else "plain")


def pixels_and_labels(
    batch: Any, tasks: TaskSet, mean: Optional[Levels], std: Optional[Levels]
) -> Tuple[np.ndarray, List[np.ndarray]]:
    """Return images as uint8 (N, height, width, channels), and each task's labels, without pad."""
    restore = None
    if hasattr(batch, "state_dict") and hasattr(batch, "pixels"):
        restore, state = batch.pixels, batch.state_dict()
        reader, batch = batch, batch.next()
        reader.load_state_dict(state)
    elif hasattr(batch, "next"):
        batch = batch.next()
    images, labels = (batch.data[0], batch.label) if hasattr(batch, "data") else batch
    rows = len(images) - (getattr(batch, "pad", 0) or 0)
    known = mean is None and std is None
    pixels = restore(images) if restore and known else as_pixels(array_of(images), mean, std)
    if not isinstance(labels, (list, tuple)):
        labels = tasks.split(array_of(labels))
    tasks.check_count("labels", labels)
    parts = [
        array_of(label)[:rows].reshape(rows, task.label_width) for task, label in zip(tasks, labels)
    ]
    return pixels[:rows], parts


def as_pixels(images: np.ndarray, mean: Optional[Levels], std: Optional[Levels]) -> np.ndarray:
    """Undo a normalization, or guess it where none is given: uint8, channels last."""
    planes = images.shape[1] in (1, 3) and images.shape[3] not in (1, 3)
    images = images.transpose(0, 2, 3, 1) if planes else images
    if images.dtype == np.uint8:
        return images
    images = images.astype(np.float64)
    if mean is not None or std is not None:
        images = images * np.asarray(1.0 if std is None else std) + np.asarray(
            0.0 if mean is None else mean
        )
    elif images.size and (images.min() < 0 or images.max() > 255 or images.max() <= 1):
        low = images.min(axis=(1, 2, 3), keepdims=True)
        spread = images.max(axis=(1, 2, 3), keepdims=True) - low
        images = 255 * (images - low) / np.where(spread > 0, spread, 1.0)
    return np.clip(np.rint(images), 0, 255).astype(np.uint8)


def array_of(array: Any) -> np.ndarray:
    """Return an NDArray or ndarray as an ndarray."""
    return array.asnumpy() if hasattr(array, "asnumpy") else np.asarray(array)


def saved(figure: Any, path: Optional[PathLike]) -> Any:
    """Write a figure if a path is given; return it."""
    if path is not None:
        ending = str(path).rsplit(".", 1)[-1].lower()
        if ending not in figure.canvas.get_supported_filetypes():
            known = sorted(figure.canvas.get_supported_filetypes())
            raise ValueError(f"{path}: a figure ends in one of {known}.")
        with atomic_write(path) as stream:
            figure.savefig(stream, format=ending)
    return figure
