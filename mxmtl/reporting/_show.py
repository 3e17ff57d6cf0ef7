"""Images with their labels, and with what a network predicted for them, to look at."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .._files import PathLike, atomic_write
from .._options import one_of
from .._table import UNKNOWN, Table
from ..data import Inspection
from ..evaluation import check_options
from ..tasks import TaskSet
from ._figures import PLOT, needed
from ._grid import Line, Picture, figure_of
from ._options import SheetOptions
from ._pictures import Levels, RecordPictures, pixels_and_labels
from ._task_predictions import (
    TaskPredictions,
    describe_record,
    label_words,
    predictions_by_task,
)

COLUMNS = 4  # images beside each other
SHEET_COLUMNS = 6
EDGE = 256  # pixels of an image
SHEETS = (".html", ".png", ".svg", ".pdf")
PAGE = "an HTML page needs jinja2", "report"


def show_batch(
    batch: Any,
    tasks: TaskSet | None = None,
    *,
    count: int = 16,
    columns: int = COLUMNS,
    mean: Levels | None = None,
    std: Levels | None = None,
    path: PathLike | None = None,
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
        Write it as well: ``.png``, ``.svg``, ``.pdf``..., or ``.html``, a page with the same
        pictures.

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
    ['outdoors: yes', 'age: 3.5', '· outdoors: -', '· age: -']
    """
    tasks = tasks or getattr(batch, "tasks", None)
    if tasks is None:
        raise TypeError("show_batch needs tasks=..., to say what the labels mean.")
    pixels, labels = pixels_and_labels(batch, tasks, mean, std)
    pictures = [
        Picture(f"image {row + 1}", pixels[row], label_lines(tasks, [part[row] for part in labels]))
        for row in range(min(count, len(pixels)))
    ]
    return shown(pictures, columns, path)


def show_results(
    model: Any,
    records: Any,
    *,
    tasks: Sequence[str] | None = None,
    count: int = 16,
    worst: str = "",
    seed: int = 0,
    path: PathLike | None = None,
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
        Write it as well: ``.png``, ``.svg``, ``.pdf``..., or ``.html``, a page with the same
        pictures.
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
    check_options(show_results, options)
    every, index = predictions_by_task(model, records, options)
    by_name = {predicted.task.name: predicted for predicted in every}
    names = list(by_name) if tasks is None else list(tasks)
    unknown = [name for name in (*names, worst or names[0]) if name not in by_name]
    if unknown:
        raise ValueError(f"task {unknown[0]!r} is not {one_of(unknown[0], list(by_name))}.")
    rows = chosen_rows(by_name.get(worst), len(index), count, seed)
    pictures = []
    with RecordPictures(records, index) as opened:
        for row in rows:
            found = opened.picture(row, EDGE)
            lines = [line for name in names for line in result_lines(by_name[name], row)]
            pixels = None if found is None else found.pixels
            pictures.append(Picture(opened.name(row), pixels, lines))
    return shown(pictures, COLUMNS, path)


def write_sheet(
    inspection: Inspection,
    path: PathLike,
    *,
    count: int = SheetOptions.count,
    seed: int = SheetOptions.seed,
) -> None:
    """Write examples of records, drawn at random, with their labels.

    Parameters
    ----------
    inspection : Inspection
        Of the records to show, from `mxmtl.data.inspect_records`.
    path : path
        Ends in ``.html`` (with all tables, and names in any script) or in ``.png``, ``.svg`` or
        ``.pdf``.
    count : int
        Number of examples; damaged records are passed over.
    seed : int
        Which ones.

    Raises
    ------
    ImportError
        Without jinja2 (``.html``: ``pip install "mxmtl[report]"``) or matplotlib (the others:
        ``pip install "mxmtl[plot]"``).
    ValueError
        The path ends in something else, or the number is negative.
    """
    SheetOptions(count, seed)  # checks them
    check_sheet(path)
    pictures = list(examples(inspection, count, seed))
    title = f"{inspection.prefix}: {inspection.num_records} records"
    tables = [Table(*grid) for grid in inspection.tables()]
    write_pictures(pictures, SHEET_COLUMNS, path, title=title, tables=tables)


def check_sheet(path: PathLike) -> None:
    """Raise what `write_sheet` would, before any record is read."""
    ending = os.path.splitext(os.fspath(path))[1].lower()
    if ending not in SHEETS:
        raise ValueError(f"{os.fspath(path)}: a sheet ends in .html, .png, .svg or .pdf.")
    if ending == ".html":
        needed(PAGE, "jinja2")
    else:
        needed(PLOT, "matplotlib.figure")


def examples(inspection: Inspection, count: int, seed: int) -> Iterator[Picture]:
    """Yield records drawn without repetition, with their labels in words."""
    tasks, found = inspection.tasks, 0
    with RecordPictures(inspection.prefix) as opened:
        for row in np.random.RandomState(seed).permutation(len(opened)).tolist():
            if found == count:
                break
            picture = opened.picture(row, EDGE)
            if picture is not None:
                found += 1
                name = opened.name(row)
                lines = label_lines(tasks, [picture.label[part] for part in tasks.slices])
                yield Picture(name, picture.pixels, [Line(name), *lines])


def chosen_rows(worst: TaskPredictions | None, total: int, count: int, seed: int) -> list[int]:
    """Return the rows of highest loss of a task, or rows drawn at random where there is none."""
    if worst is not None:
        return worst.worst(count).tolist()  # type: ignore[no-any-return]
    drawn = np.random.RandomState(seed).permutation(total)[:count]
    return np.sort(drawn).tolist()  # type: ignore[no-any-return]


def result_lines(predicted: TaskPredictions, row: int) -> list[Line]:
    """Say what was predicted of one task, and below it the label where that is another thing."""
    task, label = predicted.task, predicted.label[row]
    words = describe_record(task, label, predicted.prediction[row], predicted.tuned)
    if not words.known:
        return [Line(f"{task.name}: {words.answer} (label {UNKNOWN})", None)]
    if words.right is None:
        return [Line(f"{task.name}: {words.answer} (label {words.label})")]
    first = Line(f"{task.name}: {words.answer}", words.right)
    return [first] if words.right else [first, Line(f"     label {words.label}")]


def label_lines(tasks: TaskSet, labels: Sequence[np.ndarray]) -> list[Line]:
    """Say what is known of each task of one record."""
    return [
        Line(
            f"{task.name}: {label_words(task, label)}",
            "plain" if task.labelled(label).any() else None,
        )
        for task, label in zip(tasks, labels)
    ]


# -- as a figure, and as a file --------------------------------------------------------------------
def shown(pictures: Sequence[Picture], columns: int, path: PathLike | None) -> Any:
    """Return the figure of pictures; write it if a path is given."""
    figure = figure_of(pictures, columns)
    if path is not None:
        write_pictures(pictures, columns, path, figure)
    return figure


def write_pictures(
    pictures: Sequence[Picture],
    columns: int,
    path: PathLike,
    figure: Any = None,
    title: str = "",
    tables: Sequence[Table] = (),
) -> None:
    """Write pictures as a page (``.html``, which has a title and tables as well) or a figure."""
    ending = os.path.splitext(os.fspath(path))[1].lower()
    if ending == ".html":
        from ._page import sheet

        needed(PAGE, "jinja2")
        text = sheet(title or f"{len(pictures)} pictures", tables, pictures)
        with atomic_write(path) as stream:
            stream.write(text.encode("utf-8"))
        return
    figure = figure or figure_of(pictures, columns)
    known = sorted(figure.canvas.get_supported_filetypes())
    if ending[1:] not in known:
        raise ValueError(f"{path}: a figure ends in one of {['html', *known]}.")
    with atomic_write(path) as stream:
        figure.savefig(stream, format=ending[1:])
