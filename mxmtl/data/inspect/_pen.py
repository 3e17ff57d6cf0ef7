"""Text in pictures: by matplotlib's font where it is installed, else by OpenCV's, ASCII alone."""

from __future__ import annotations

import abc
import os
import unicodedata
from typing import Any, List

import cv2
import numpy as np

INK, SIZE = 30, 11  # grey level; pixels


class Pen(abc.ABC):
    """Abstract: writes lines of text."""

    @abc.abstractmethod
    def has(self, character: str) -> bool:
        """Tell whether the font has a character."""

    @abc.abstractmethod
    def width(self, text: str) -> float:
        """Return how many pixels a text takes."""

    @abc.abstractmethod
    def write(self, image: np.ndarray, text: str, left: int, baseline: int) -> None:
        """Write into an image, uint8 (height, width, 3)."""

    def wrap(self, text: str, width: int) -> List[str]:
        """Break a text into lines of at most so many pixels; what the font lacks is escaped."""
        lines = [""]
        for character in text:
            escaped = character.encode("unicode_escape").decode()
            for sign in character if self.has(character) else escaped:
                if lines[-1] and self.width(lines[-1] + sign) > width:
                    lines.append("")
                lines[-1] += sign
        return lines


class PlainPen(Pen):
    """OpenCV's own strokes: ASCII, and always there."""

    FONT, SCALE = cv2.FONT_HERSHEY_SIMPLEX, 0.38

    def has(self, character: str) -> bool:
        return character.isascii() and character.isprintable()

    def width(self, text: str) -> float:
        (width, _), _ = cv2.getTextSize(text, self.FONT, self.SCALE, 1)
        return float(width)

    def write(self, image: np.ndarray, text: str, left: int, baseline: int) -> None:
        at, ink = (left, baseline), (INK, INK, INK)
        cv2.putText(image, text, at, self.FONT, self.SCALE, ink, 1, cv2.LINE_AA)


class FontPen(Pen):
    """DejaVu Sans, which matplotlib brings: scripts from left to right, but East Asian ones."""

    def __init__(self, matplotlib: Any) -> None:
        # Pillow comes with matplotlib; both only where they are installed.
        from matplotlib.font_manager import get_font
        from PIL import ImageFont

        path = os.path.join(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")
        # The other engine needs libraries of the system, and fails in ways of its own.
        self._font = ImageFont.truetype(path, SIZE, layout_engine=ImageFont.Layout.BASIC)
        self._characters = frozenset(get_font(path).get_charmap())

    def has(self, character: str) -> bool:
        leftward = unicodedata.bidirectional(character) in ("R", "AL")
        return ord(character) in self._characters and character.isprintable() and not leftward

    def width(self, text: str) -> float:
        return float(self._font.getlength(text))

    def write(self, image: np.ndarray, text: str, left: int, baseline: int) -> None:
        from PIL import Image, ImageDraw

        canvas = Image.fromarray(image)
        ImageDraw.Draw(canvas).text((left, baseline), text, (INK,) * 3, self._font, anchor="ls")
        image[...] = canvas


def find_pen() -> Pen:
    """Return the best pen there is."""
    try:
        import matplotlib
    except ImportError:
        return PlainPen()
    return FontPen(matplotlib)
