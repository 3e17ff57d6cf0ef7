"""The README's example runs as it stands, on made-up pictures."""

import csv
import re
from pathlib import Path

import mxmtl  # noqa: F401

import cv2
import numpy as np

README = Path(__file__).parent.parent / "README.md"


def _block(language, containing):
    blocks = re.findall(rf"```{language}\n(.*?)```", README.read_text("utf-8"), re.S)
    return next(block for block in blocks if containing in block)


def _make_data(folder):
    header, *known = csv.reader(_block("csv", "path,breed").splitlines())
    (folder / "jpg").mkdir()
    rng = np.random.RandomState(0)
    for part, rows in (("train", 70), ("val", 5)):
        with (folder / f"{part}.csv").open("w", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(header)
            for index in range(rows):
                name = f"{part}{index}.jpg"
                picture = rng.randint(0, 256, (80, 60, 3)).astype(np.uint8)
                cv2.imwrite(str(folder / "jpg" / name), picture)
                writer.writerow([name, *known[index % len(known)][1:]])


def test_the_example_runs_and_prints_a_row_for_each_task(tmp_path, monkeypatch, capsys):
    _make_data(tmp_path)
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(_block("python", "module.fit"), names)
    names["train"].close()
    names["val"].close()
    printed = capsys.readouterr().out.splitlines()
    first = [line.split()[:2] for line in printed if line]
    # Of five rows three are of the first kind (all labelled but the rope), two of the second.
    for row in (["breed", "5"], ["outdoors", "3"], ["toys", "10"], ["age", "3"]):
        assert row in first
