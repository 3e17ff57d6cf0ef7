"""Pictures in rows with lines of text under each, as a figure of matplotlib.

What `mxmtl.show_batch`, `mxmtl.show_results` and ``mxmtl inspect --sheet`` show is drawn here,
or written as a page (`_page.sheet`).
"""

from __future__ import annotations

import functools
import importlib.util
import io
import logging
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .._table import one_line
from ._figures import PLOT, needed

CELL, MARGIN, LINE = 2.1, 0.12, 0.155  # inches: an image, the space around it, a line of text
LETTERS = 37  # on a line
FOLDS = 3  # lines at most for one text: what differs in twenty labels is seldom in the first
SIZE, DPI = 7.5, 110  # points; pixels an inch
LIMIT = 1 << 16  # pixels of a side, of matplotlib
COLORS = {True: "#14713d", False: "#b8262b", None: "#777777", "plain": "#1d2126"}
MARKS = {True: "\N{CHECK MARK}", False: "\N{BALLOT X}", None: "\N{MIDDLE DOT}", "plain": ""}
FIRST = "DejaVu Sans"  # comes with matplotlib
PACKAGES = ("noto_cjk_sans_otc", "manimgx_fonts")  # with fonts, of mxmtl[fonts]
LIKELY = ("noto sans", "cjk", "wenquanyi", "hei", "gothic", "unicode", "fallback", "unifont")

logger = logging.getLogger("mxmtl")


@dataclass(frozen=True)
class Line:
    """A line under a picture.

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
    def marked(self) -> str:
        """The mark, and the text on one line."""
        text = one_line(self.text)
        return f"{MARKS[self.mood]} {text}" if MARKS[self.mood] else text


@dataclass(frozen=True)
class Picture:
    """Pixels uint8 (height, width, 3) RGB, or (height, width, 1); what they are; lines about them.

    Without pixels there is a gap.
    """

    name: str
    pixels: np.ndarray | None
    lines: Sequence[Line]


def figure_of(pictures: Sequence[Picture], columns: int) -> Any:
    """Return pictures as a `matplotlib.figure.Figure`, so many beside each other."""
    needed(PLOT, "matplotlib.figure")
    columns = max(1, min(columns, len(pictures)))
    rows = max(1, -(-len(pictures) // columns))
    family, lacking = chosen(letters_of(line.marked for each in pictures for line in each.lines))
    drawn = [
        [
            (part, line.mood)
            for line in each.lines
            for part in folded(spelled(line.marked, lacking), LETTERS, FOLDS)
        ]
        for each in pictures
    ]
    depth = CELL + 2 * MARGIN + LINE * max((len(each) for each in drawn), default=0)
    width, height = columns * (CELL + MARGIN) + MARGIN, rows * depth + MARGIN
    if max(width, height) * DPI >= LIMIT:
        raise ValueError(
            f"{len(pictures)} pictures are too many for one figure: show fewer. A sheet "
            "that ends in .html may have more."
        )
    figure = new_figure(width, height)
    for index, (picture, each) in enumerate(zip(pictures, drawn)):
        left = MARGIN + index % columns * (CELL + MARGIN)
        top = height - MARGIN - index // columns * depth
        axes = figure.add_axes(
            (left / width, (top - CELL) / height, CELL / width, CELL / height), anchor="N"
        )
        axes.set_axis_off()
        if picture.pixels is not None:
            grey = picture.pixels.shape[2] == 1
            pixels = picture.pixels[:, :, 0] if grey else picture.pixels
            axes.imshow(pixels, cmap="gray", vmin=0, vmax=255)
        for number, (text, mood) in enumerate(each, start=1):
            figure.text(
                left / width, (top - CELL - number * LINE) / height, escape_math(text),
                color=COLORS[mood], va="baseline", family=list(family), fontsize=SIZE,
            )  # fmt: skip
    return figure


def new_figure(width: float, height: float) -> Any:
    """Return an empty figure of so many inches, which a notebook shows."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure: Any = Figure(figsize=(width, height), facecolor="white", dpi=DPI)
    FigureCanvasAgg(figure)  # without pyplot, which would keep every figure
    figure._repr_png_ = functools.partial(as_png, figure)  # for a notebook: pyplot would tell it
    return figure


def as_png(figure: Any) -> bytes:
    """Return a figure as the bytes of a PNG file."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    return stream.getvalue()


def escape_math(text: str) -> str:
    """Escape what matplotlib takes for mathematics."""
    return text.replace("$", r"\$")


def folded(text: str, letters: int, most: int) -> list[str]:
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


# -- fonts for names in any script, out of those that are installed --------------------------------
def letters_of(texts: Any) -> frozenset[str]:
    """Return the letters of some texts."""
    return frozenset(letter for text in texts for letter in text if letter.isprintable())


@functools.lru_cache(maxsize=64)
def chosen(letters: frozenset[str]) -> tuple[tuple[str, ...], frozenset[str]]:
    """Choose font families until each letter is in one of them, or no more fonts are left.

    Returns the families, and the letters that none of them has (a warning says once that these
    are spelled out). matplotlib 3.6 and newer take each letter from the first family that has it.
    """
    from matplotlib import font_manager

    found = [FIRST]
    missing = {ord(letter) for letter in letters}
    missing -= charmap(font_manager.findfont(FIRST))
    for path in candidates(font_manager) if missing else ():
        if charmap(path) & missing:
            found.append(family(font_manager, path))
            missing -= charmap(font_manager.findfont(found[-1]))  # the file that will be drawn from
        if not missing:
            break
    lacking = frozenset(map(chr, missing))
    if lacking:
        say_what_lacks()
    return tuple(found), lacking


@functools.lru_cache(maxsize=1)
def say_what_lacks() -> None:
    """Say once a process what to install for letters that no font has."""
    logger.warning(
        "No installed font has some letters of the names in this picture; they are spelled in "
        'Latin ones. For a font run: pip install "mxmtl[fonts]"; or write an .html file.'
    )


def spelled(text: str, lacking: frozenset[str]) -> str:
    r"""Spell letters that no font has in Latin ones, or as their numbers if nothing can.

    >>> spelled("breed: 比格犬", frozenset("比格犬"))
    'breed: BiGeQuan'
    """
    spell: Callable[[str], str]
    try:
        from anyascii import anyascii as spell
    except ImportError:  # matplotlib was installed by itself
        spell = number_of
    return "".join(spell(letter) if letter in lacking else letter for letter in text)


def number_of(letter: str) -> str:
    r"""Return a letter as it is written in Python.

    >>> print(number_of("犬"))
    \u72ac
    """
    return letter.encode("unicode_escape").decode()


def candidates(font_manager: Any) -> Iterator[str]:
    """Yield the installed fonts, upright ones with many letters first."""
    paths = {*font_manager.findSystemFonts(), *packaged_fonts()}

    def rank(path: str) -> Any:
        name = path.lower()
        likely = [i for i, part in enumerate(LIKELY) if part in name.replace("-", " ")]
        return (not likely, any(word in name for word in ("bold", "italic", "serif")), path)

    yield from sorted(paths, key=rank)


def packaged_fonts() -> list[str]:
    """Return the fonts that Python packages bring."""
    specs = [spec for spec in map(importlib.util.find_spec, PACKAGES) if spec is not None]
    folders = [Path(folder) for spec in specs for folder in spec.submodule_search_locations or ()]
    return [str(path) for folder in folders for path in folder.glob("*.tt[cf]")]


@functools.lru_cache(maxsize=512)
def charmap(path: str) -> frozenset[int]:
    """Return the letters that a font file has; none of one that cannot be read."""
    from matplotlib.ft2font import FT2Font

    try:
        return frozenset(FT2Font(path).get_charmap())
    except (OSError, RuntimeError):  # a bitmap font, or a damaged one: as if it were not there
        return frozenset()


def family(font_manager: Any, path: str) -> str:
    """Return the name under which matplotlib finds a font file; make it known if it is not."""
    manager = font_manager.fontManager
    for known in manager.ttflist:
        if known.fname == path:
            return str(known.name)
    manager.addfont(path)  # installed since matplotlib made its list
    return str(manager.ttflist[-1].name)
