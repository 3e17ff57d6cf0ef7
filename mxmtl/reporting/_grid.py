"""A figure of images in rows, with lines of text under each."""

from __future__ import annotations

import functools
import io
import unicodedata
from dataclasses import dataclass
from typing import Any, List, Optional, Sequence

import numpy as np

from ._figures import PLOT
from ._fonts import families

CELL, MARGIN, LINE = 2.1, 0.12, 0.155  # inches: an image, the space around it, a line of text
LETTERS = 37  # on a line
FOLDS = 3  # lines at most for one text: what differs in twenty labels is seldom in the first
SIZE = 7.5  # points
COLORS = {True: "#14713d", False: "#b8262b", None: "#777777", "plain": "#1d2126"}
MARKS = {True: "\N{CHECK MARK}", False: "\N{BALLOT X}", None: "\N{MIDDLE DOT}", "plain": ""}


@dataclass(frozen=True)
class Line:
    """A line under an image.

    Attributes
    ----------
    text : str
        What it says.
    mood : True, False, None or "plain"
        Right, wrong, not known (grey), or nothing of the kind. Each has a mark beside its colour.
    """

    text: str
    mood: Any = "plain"

    @property
    def drawn(self) -> List[str]:
        """The mark and the text, folded to the width of an image."""
        text = f"{MARKS[self.mood]} {self.text}" if MARKS[self.mood] else self.text
        return folded(text, LETTERS, FOLDS)


def grid(
    images: Sequence[Optional[np.ndarray]], lines: Sequence[Sequence[Line]], columns: int
) -> Any:
    """Return a `matplotlib.figure.Figure`.

    Parameters
    ----------
    images : sequence of ndarray
        uint8 (height, width, 3), RGB, or (height, width, 1); None where there is none.
    lines : sequence of sequence of Line
        Under each image.
    columns : int
        Images beside each other.
    """
    columns = max(1, min(columns, len(images)))
    rows = max(1, -(-len(images) // columns))
    drawn = [[(part, line.mood) for line in each for part in line.drawn] for each in lines]
    depth = CELL + 2 * MARGIN + LINE * max((len(each) for each in drawn), default=0)
    width, height = columns * (CELL + MARGIN) + MARGIN, rows * depth + MARGIN
    figure = new_figure(width, height)
    texts = [text for each in drawn for text, _ in each]
    font = {"family": families(texts), "fontsize": SIZE}
    for index, (image, each) in enumerate(zip(images, drawn)):
        left = MARGIN + index % columns * (CELL + MARGIN)
        top = height - MARGIN - index // columns * depth
        axes = figure.add_axes(
            (left / width, (top - CELL) / height, CELL / width, CELL / height), anchor="N"
        )
        axes.set_axis_off()
        if image is not None:
            axes.imshow(image.squeeze(), cmap="gray", vmin=0, vmax=255)
        for number, (text, mood) in enumerate(each, start=1):
            figure.text(
                left / width, (top - CELL - number * LINE) / height, plain(text),
                color=COLORS[mood], va="baseline", **font,
            )  # fmt: skip
    return figure


def new_figure(width: float, height: float) -> Any:
    """Return an empty figure of so many inches, which a notebook shows."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(PLOT) from error
    figure: Any = Figure(figsize=(width, height), facecolor="white", dpi=110)
    FigureCanvasAgg(figure)  # without pyplot, which would keep every figure
    figure._repr_png_ = functools.partial(as_png, figure)  # for a notebook: pyplot would tell it
    return figure


def as_png(figure: Any) -> bytes:
    """Return a figure as the bytes of a PNG file."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    return stream.getvalue()


def plain(text: str) -> str:
    """Escape what matplotlib takes for mathematics."""
    return text.replace("$", r"\$")


def folded(text: str, letters: int, most: int) -> List[str]:
    """Break a text between words into lines of a width; the last of ``most`` lines is cut.

    >>> folded("beard blond glasses hat hoodie", 12, 2)
    ['beard blond', '  glasses h…']
    """
    words = text.lstrip(" ").split(" ")
    lines = [text[: len(text) - len(text.lstrip(" "))] + words[0]]
    for word in words[1:]:
        if len(lines) == most or wide(f"{lines[-1]} {word}") <= letters:
            lines[-1] += f" {word}"
        else:
            lines.append(f"  {word}")
    return [cut(line, letters) for line in lines]


def wide(text: str) -> int:
    """Return how many letters wide a text is; those of East Asia count twice."""
    return sum(1 + (unicodedata.east_asian_width(letter) in "WF") for letter in text)


def cut(text: str, letters: int) -> str:
    """Cut a text to a width."""
    if wide(text) <= letters:
        return text
    kept = ""
    for letter in text:
        if wide(kept + letter) >= letters:
            break
        kept += letter
    return kept + "\N{HORIZONTAL ELLIPSIS}"
