"""From a table and a folder of images to records."""

from __future__ import annotations

import dataclasses
import os
from typing import Any, Dict, Mapping, Optional, Tuple, Union

from ..._files import PathLike
from ..._options import unknown_option
from ...tasks import TaskSet
from .._errors import check_names
from .._options import ImageOptions, OutputOptions
from ..tables import TableOptions, open_table
from ._conversion import Conversion, ImageWorker
from ._output import RecordSummary

Options = Tuple[TableOptions, ImageOptions, OutputOptions]


def write_records(
    table: PathLike,
    images: Optional[PathLike] = None,
    *,
    prefix: PathLike,
    tasks: Union[TaskSet, PathLike, None],
    **options: Any,
) -> RecordSummary:
    r"""Write the images and labels of a table as records that MXNet reads as well.

    Makes ``<prefix>.rec`` and ``<prefix>.idx``, ``<prefix>.tasks.json``, from which `RecordIter`
    knows the label layout, and ``<prefix>.manifest.json``, which says what is in the records.
    None of them bears its name before all are complete; until then they are in
    ``<prefix>.part/``, where a run that was stopped leaves what it had done for ``resume=True``.

    Parameters
    ----------
    table : path
        CSV or TSV file with a header (its column ``path`` names the images), ``.lst`` file, or
        folder of class folders; see `TableOptions`.
    images : path, optional
        Folder that the paths in the table begin from. By default the folder of the table.
    prefix : path
        Where to write; an ending ``.rec`` is taken off.
    tasks : TaskSet or path
        What the labels are, or the ``.tasks.json`` file that says so; `infer_tasks` proposes
        some. None stores the labels of a ``.lst`` file as they are.
    **options
        Every field of `TableOptions` (missing_values, separator, ...), of `ImageOptions`
        (resize, quality, encoding, color, ...) and of `OutputOptions` (on_error, split, shard_rows,
        resume, force, workers, ...).

    Returns
    -------
    RecordSummary
        Numbers of records, of skipped rows and of labels, and the files.

    Raises
    ------
    TableError
        The table misses a column, has no rows, ...
    RowError
        A row has a bad cell or a bad image, unless ``on_error="skip"``. The message names table
        and row: the number that a spreadsheet shows, the header being row 1.
    FileExistsError
        Files of that prefix are there, and ``force`` is not given.

    Examples
    --------
    >>> import cv2, mxmtl, numpy as np, os, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> _ = cv2.imwrite(os.path.join(folder.name, "1.jpg"), np.zeros((40, 30, 3), np.uint8))
    >>> table = os.path.join(folder.name, "train.csv")
    >>> with open(table, "w") as stream:
    ...     _ = stream.write("path,outdoors,age\n1.jpg,yes,\n1.jpg,,3.5\n")
    >>> tasks = mxmtl.TaskSet([mxmtl.Binary("outdoors"), mxmtl.Regression("age")])
    >>> summary = write_records(table, prefix=os.path.join(folder.name, "train"), tasks=tasks)
    >>> summary.num_records, summary.labelled
    (2, {'outdoors': 1, 'age': 1})
    >>> folder.cleanup()
    """
    table_options, image_options, output_options = sort_options(options)
    opened = open_table(table, table_options)
    if output_options.split is None and output_options.split_column is None:
        output_options = dataclasses.replace(output_options, split_column=opened.split_column)
    if tasks is not None and not isinstance(tasks, TaskSet):
        tasks = TaskSet.load(tasks)
    if images is None:
        images = opened.source if os.path.isdir(opened.source) else os.path.dirname(opened.source)
    check_names(table=table, images=images, prefix=prefix)
    about: Dict[str, Any] = {
        "source": {"table": opened.source, "images": os.fspath(images)},
        "options": {
            **dataclasses.asdict(opened.options),
            **dataclasses.asdict(image_options),
            **output_options.of_content(),
        },
    }
    work = ImageWorker(os.fspath(images), image_options)
    return Conversion(opened, tasks, work, without_ending(prefix), output_options, about).run()


def without_ending(prefix: PathLike) -> str:
    """Return a prefix without ``.rec``; `ValueError` for one that is the name of no file.

    >>> without_ending("data/train.rec"), without_ending("data/train")
    ('data/train', 'data/train')
    """
    text = os.fspath(prefix)
    folder, name = os.path.split(text)
    if name in ("", ".", ".."):
        raise ValueError(
            f"prefix={text!r} names a folder; expected the first part of file names as well, such "
            f"as {os.path.join(text, 'train')!r}."
        )
    if name == ".rec":
        raise ValueError(
            f"prefix={text!r} has no name before its ending; expected one, such as "
            f"{os.path.join(folder, 'train')!r}."
        )
    return text[: -len(".rec")] if text.endswith(".rec") else text


def sort_options(options: Mapping[str, Any]) -> Options:
    """Give every option to the class that declares it; `TypeError` for one that none knows."""
    kinds = (TableOptions, ImageOptions, OutputOptions)
    owner = {field_.name: kind for kind in kinds for field_ in dataclasses.fields(kind)}
    chosen: Dict[type, Dict[str, Any]] = {kind: {} for kind in kinds}
    for name, value in options.items():
        if name not in owner:
            raise unknown_option(name, list(owner))
        chosen[owner[name]][name] = value
    return (
        TableOptions(**chosen[TableOptions]),
        ImageOptions(**chosen[ImageOptions]),
        OutputOptions(**chosen[OutputOptions]),
    )
