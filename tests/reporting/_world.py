"""Small runs whose names try to break a page: 46 pictures of 8 x 8, most labels missing."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import mxmtl
from mxmtl.training import Run
from tests import _cases
from tests.training import _small

import cv2
import numpy as np

ROWS = 46
SCRIPT = "<script>window.hacked = 1</script>"
IMAGE = '"><img src=x onerror="window.hacked = 1">'
CLASSES = [SCRIPT, "$a_b$ | {{ 7 * 7 }}", "_hidden", "比格犬"]
LABELS = [IMAGE, "rope/ball", "骨头"]


def tasks() -> mxmtl.TaskSet:
    return mxmtl.TaskSet(
        [
            mxmtl.Multiclass("breed", classes=CLASSES),
            mxmtl.Binary("outdoors"),
            mxmtl.Multilabel("toys", labels=LABELS),
            mxmtl.Regression("age", weight=0.1),
            mxmtl.Binary("never"),
        ]
    )


def wide_tasks() -> mxmtl.TaskSet:
    return mxmtl.TaskSet(
        [
            mxmtl.Multiclass("kind", classes=[f"class {i}" for i in range(1000)]),
            mxmtl.Multilabel("tags", labels=[f"tag {i}" for i in range(200)]),
        ]
    )


def write(folder: Path, of: mxmtl.TaskSet, missing: float = 0.3) -> str:
    """Write records of random pictures and labels; a task named "never" has none.

    In those beside them to learn from, ``l`` for ``t``, it has some: a run has to have any.
    """
    rng = np.random.RandomState(5)
    label = np.concatenate(
        [_cases.random_label(t, ROWS, 1.0 if t.name == "never" else missing, rng) for t in of],
        axis=1,
    )
    with (folder / "t.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, ["path", *of.columns])
        writer.writeheader()
        for index in range(ROWS):
            picture = rng.randint(0, 256, (8, 8, 3)).astype(np.uint8)
            cv2.imwrite(str(folder / f"{index}.png"), picture)
            writer.writerow({"path": f"{index}.png", **of.decode(label[index])})
    mxmtl.write_records(folder / "t.csv", images=folder, prefix=folder / "t", tasks=of)
    text = (folder / "t.csv").read_text("utf-8")
    if "never" in of.names:
        head, *rows = text.strip().split("\n")
        text = "\n".join([head, *(row.rstrip("\r") + str(at % 2) for at, row in enumerate(rows))])
    (folder / "l.csv").write_text(text, "utf-8")
    mxmtl.write_records(folder / "l.csv", images=folder, prefix=folder / "l", tasks=of)
    return str(folder / "t")


def fit(prefix: str, run: Path, **options) -> Run:
    return _small.fit(prefix[:-1] + "l", run, prefix, **{"epochs": 2, **options})


class OneTable:
    """Collects the texts of a page's tables with the standard library's parser."""

    def __init__(self, page: str, caption: str, after: str | None = None) -> None:
        start = page.index(after) if after else 0
        start = page.rindex("<table", 0, page.index(f">{caption}</caption>", start))
        self.rows = cells(page[start : page.index("</table>", start)])


def cells(text: str) -> Sequence[Sequence[str]]:
    from html.parser import HTMLParser

    rows = []

    class Parser(HTMLParser):
        inside = False

        def handle_starttag(self, tag, attributes):
            if tag == "tr":
                rows.append([])
            if tag in ("td", "th"):
                rows[-1].append("")
                self.inside = True

        def handle_endtag(self, tag):
            if tag in ("td", "th"):
                self.inside = False

        def handle_data(self, data):
            if self.inside:
                rows[-1][-1] += data

    Parser().feed(text)
    return [[cell.replace("★", "").strip() for cell in row] for row in rows]
