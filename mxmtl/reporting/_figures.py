"""Figures of matplotlib as SVG that takes its colours and fonts from the page around it."""

from __future__ import annotations

import io
import re
from typing import Any, Callable, Dict, Tuple

PLOT = 'figures need matplotlib: pip install "mxmtl[plot]"'
INK, FAINT = "#010203", "#040506"  # colours that become variables of the page's style
SERIES = tuple(f"#0a0b{number:02x}" for number in range(8))
DASHES: Tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1)), (0, (7, 2, 1, 2)))
STYLE: Dict[str, Any] = {
    "svg.fonttype": "none",  # text stays text: the reader's fonts draw it
    "svg.hashsalt": "mxmtl",  # the same figure is the same bytes
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": FAINT,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": FAINT,
    "grid.linewidth": 0.4,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 8.5,
    "lines.linewidth": 1.6,
}
VARIABLES = {
    INK: "var(--ink)",
    FAINT: "var(--faint)",
    **{color: f"var(--series-{number})" for number, color in enumerate(SERIES)},
}
SIZE = (3.6, 2.6)  # inches
PLACE = (0.15, 0.155, 0.83, 0.82)  # of the axes: left, bottom, width, height


def svg(draw: Callable[[Any], None], title: str) -> str:
    """Return a figure as an SVG element.

    Parameters
    ----------
    draw : function
        Takes matplotlib axes, and draws on them with `INK`, `FAINT` and `SERIES`.
    title : str
        What the figure shows, for those who do not see it.
    """
    try:
        import matplotlib
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(PLOT) from error
    with matplotlib.rc_context({**STYLE}):
        figure = Figure(figsize=SIZE)
        FigureCanvasSVG(figure)
        draw(figure.add_axes(PLACE))  # fixed: fitting it to its texts takes longer than drawing it
        stream = io.StringIO()
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None})
    return inline(stream.getvalue(), title)


class OwnIds:
    """Gives the ids of each figure of a page a number: figures that look alike share theirs."""

    def __init__(self) -> None:
        self._count = 0

    def __call__(self, text: str) -> str:
        """Return the figure with ids of its own."""
        self._count += 1
        new = rf"\g<1>figure-{self._count}-\g<2>"
        return re.sub(r'((?:\bid|href)="#?|url\(#)([\w-]+)', new, text)


def inline(text: str, title: str) -> str:
    """Make what matplotlib wrote part of a page: no prologue, no ids that nothing refers to."""
    from markupsafe import escape

    body = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    body = re.sub(r"<!--.*?-->|<defs>\s*<style.*?</style>\s*</defs>", "", body, flags=re.DOTALL)
    used = set(re.findall(r'(?:url\(|href=")#([\w-]+)', body))
    body = re.sub(r' id="([^"]*)"', lambda m: m.group(0) if m.group(1) in used else "", body)
    for color, variable in VARIABLES.items():
        body = body.replace(color, variable)
    body = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", body)
    view = re.search(r'viewBox="([^"]*)"', body)
    start = body.index(">", body.index("<svg")) + 1
    box = view.group(1) if view else ""
    head = f'<svg viewBox="{box}" role="img" aria-label="{escape(title)}" class="figure">'
    return head + re.sub(r"\s*\n\s*", "\n", body[start:]).strip()
