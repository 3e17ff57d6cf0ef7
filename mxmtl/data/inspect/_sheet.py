"""A picture of examples with their labels: a PNG, or an HTML page that needs no other file."""

from __future__ import annotations

import base64
import html
import os
from typing import Iterator, List, NamedTuple

import cv2
import numpy as np
from tabulate import tabulate

from ..._files import PathLike, atomic_write
from ...tasks import TaskSet
from .._errors import ImageError
from ..images import decode_image, encode_image, read_info
from ..records import RecordError, RecordReader, record_files
from ._inspect import Inspection
from ._pen import find_pen

TILE, MARGIN, LINE, COLUMNS = 176, 8, 15, 6  # pixels; tiles beside each other
PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>
body {{ font: 14px/1.4 system-ui, sans-serif; margin: 2em; color: #222; }}
table {{ border-collapse: collapse; margin-bottom: 1.5em; }}
th, td {{ padding: .15em .8em; border-bottom: 1px solid #ddd; }}
.sheet {{ display: flex; flex-wrap: wrap; gap: 12px; }}
figure {{ margin: 0; width: {tile}px; overflow-wrap: anywhere; }}
figcaption {{ font-size: 12px; }} .id {{ color: #888; }}
</style></head><body><h1>{title}</h1>
{tables}<h2>examples</h2><div class="sheet">{figures}</div></body></html>
"""


class Example(NamedTuple):
    """One record to show: pixels (height, width, 3), blue first, and lines about its labels."""

    record_id: int
    image: np.ndarray
    lines: List[str]


def write_sheet(inspection: Inspection, path: PathLike, *, count: int = 24, seed: int = 0) -> None:
    """Write examples, drawn at random, with their labels.

    Parameters
    ----------
    inspection : Inspection
        Of the records to show.
    path : path
        Ends in ``.html`` (with all tables, and labels in any script) or in ``.png``
        (what its font lacks is escaped: East Asian characters, those from right to left, and
        without matplotlib all but ASCII).
    count : int
        Number of examples.
    seed : int
        Which ones.

    Raises
    ------
    ValueError
        The path ends in something else, or the number is negative.
    """
    ending = os.path.splitext(os.fspath(path))[1].lower()
    if ending not in (".html", ".png"):
        raise ValueError(f"{os.fspath(path)}: a sheet ends in .html or .png.")
    if count < 0:
        raise ValueError(f"count={count} is negative; expected a number of examples.")
    chosen = list(examples(inspection, count, seed))
    with atomic_write(path) as stream:
        if ending == ".png":
            stream.write(encode_image(picture(chosen), "png", 6))
        else:
            stream.write(page(inspection, chosen).encode("utf-8"))


def examples(inspection: Inspection, count: int, seed: int) -> Iterator[Example]:
    """Yield examples drawn without repetition; damaged records are passed over."""
    reader = RecordReader(record_files(inspection.prefix))
    found = 0
    for row in np.random.RandomState(seed).permutation(len(reader)).tolist():
        if found == count:
            break
        try:
            record = reader.read(row)
            data = bytes(record.payload)
            image = decode_image(data, read_info(data), "color", (255, 255, 255), TILE)
        except (RecordError, ImageError):
            continue
        found += 1
        yield Example(record.id, fitted(image), lines_of(inspection.tasks, record.label))
    reader.close()


def fitted(image: np.ndarray) -> np.ndarray:
    """Shrink or enlarge an image to fit into a tile."""
    scale = TILE / max(image.shape[:2])
    size = tuple(max(1, round(edge * scale)) for edge in image.shape[1::-1])
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST
    return cv2.resize(image, size, interpolation=method)


def lines_of(tasks: TaskSet, label: np.ndarray) -> List[str]:
    """Say what a label tells, a line for each task; '?' where nothing is known."""
    lines = []
    for task, part in zip(tasks, tasks.slices):
        cells = task.decode(label[part])
        if task.columns == (task.name,):
            text = cells[task.name] or "?"
        elif not any(cells.values()):
            text = "?"
        else:
            held = [name for name, column in zip(task.names, cells) if cells[column] == "1"]
            unknown = [name + "?" for name, column in zip(task.names, cells) if not cells[column]]
            text = ", ".join(held + unknown) or "none"
        lines.append(f"{task.name}: {text}")
    return lines


def page(inspection: Inspection, chosen: List[Example]) -> str:
    """Make the HTML page."""
    tables = [
        f"<h2>{html.escape(title)}</h2>"
        + tabulate(rows, headers=header, tablefmt="html", floatfmt=".4g")
        for title, header, rows in inspection.tables()
    ]
    figures = []
    for example in chosen:
        data = base64.b64encode(encode_image(example.image, "jpg", 85)).decode()
        lines = "<br>".join(html.escape(line) for line in example.lines)
        figures.append(
            f'<figure><img src="data:image/jpeg;base64,{data}" alt="record {example.record_id}">'
            f'<figcaption><span class="id">{example.record_id}</span><br>{lines}</figcaption>'
            "</figure>"
        )
    title = html.escape(f"{inspection.prefix}: {inspection.num_records} records")
    return PAGE.format(title=title, tile=TILE, tables="\n".join(tables), figures="".join(figures))


def picture(chosen: List[Example]) -> np.ndarray:
    """Draw the examples in rows: (height, width, 3) uint8."""
    pen = find_pen()
    wrapped = [
        [part for line in (str(example.record_id), *example.lines) for part in pen.wrap(line, TILE)]
        for example in chosen
    ]
    depth = TILE + LINE * max((len(lines) for lines in wrapped), default=1) + 2 * MARGIN
    across, down = min(COLUMNS, max(1, len(chosen))), -(-len(chosen) // COLUMNS)
    sheet = np.full((max(1, down) * depth, across * (TILE + MARGIN) + MARGIN, 3), 255, np.uint8)
    for index, (example, lines) in enumerate(zip(chosen, wrapped)):
        top = MARGIN + index // COLUMNS * depth
        left = MARGIN + index % COLUMNS * (TILE + MARGIN)
        height, width = example.image.shape[:2]
        sheet[top + TILE - height : top + TILE, left : left + width] = example.image
        for number, line in enumerate(lines, start=1):
            pen.write(sheet, line, left, top + TILE + number * LINE)
    return sheet
