"""Text under the examples of a PNG sheet."""

from mxmtl.data.inspect._pen import FontPen, PlainPen, find_pen

import matplotlib
import numpy as np
import pytest


def drawn(pen, text):
    image = np.full((24, 200, 3), 255, np.uint8)
    pen.write(image, text, 4, 16)
    return image


@pytest.mark.parametrize("pen", [PlainPen(), FontPen(matplotlib)])
def test_lines_are_as_wide_as_said_and_lose_nothing(pen):
    text = "toys: ball, rope, WWWWWWWWWWWWWWWWWWWWWWWWWWW, " + "i" * 90
    lines = pen.wrap(text, 176)
    assert "".join(lines) == text
    assert len(lines) > 3
    for line in lines:
        assert pen.width(line) <= 176
        inked = np.flatnonzero((drawn(pen, line) != 255).any(axis=(0, 2)))
        assert inked.min() >= 3
        assert inked.max() <= 4 + pen.width(line) + 1
    assert pen.wrap("", 176) == [""]


def test_a_font_writes_other_scripts_and_escapes_what_it_lacks():
    pen = find_pen()
    assert isinstance(pen, FontPen)
    assert pen.wrap("Größe: ψ, собака", 176) == ["Größe: ψ, собака"]
    assert pen.wrap("犬\nא", 176) == ["\\u72ac\\n\\u05d0"]
    assert (drawn(pen, "é") != drawn(pen, "e")).any()
    missing = drawn(pen, "犬")  # the box for what a font lacks
    assert all((drawn(pen, sign) != missing).any() for sign in "ößψсобак")


def test_without_matplotlib_it_is_ascii(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    pen = find_pen()
    assert isinstance(pen, PlainPen)
    assert pen.wrap("Größe", 176) == ["Gr\\xf6\\xdfe"]
    assert (drawn(pen, "a") != 255).any()
