"""Large tables: read, tasks proposed, every label encoded; beside pandas reading the same file.

    python tools/benchmarks/tables.py                  # all sizes, about 10 minutes, 4 GB of disk
    python tools/benchmarks/tables.py --share 0.05     # a twentieth of the rows

The files are made here, in the layout and of the size of the published ones: COCO's instances of
train2017 (118,287 images, 860,001 annotations with outlines, 450 MB), Open Images' labels verified
by people (16 million rows of 1.74 million images, 9,605 labels), and tables of a hundred and of a
thousand columns of 0, 1 and nothing. No pictures are read. Each run is a process of its own; its
imports are over before the clock starts, and its memory is the most that it had, all included.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from tabulate import tabulate

REPORT = """
import json, resource, sys, time
def report(start, rows):
    use = resource.getrusage(resource.RUSAGE_SELF)
    now = time.perf_counter(), use.ru_utime + use.ru_stime
    line = [now[0] - start[0], now[1] - start[1], use.ru_maxrss / 1e6, rows]
    print("figures", json.dumps(line))
def begin():
    use = resource.getrusage(resource.RUSAGE_SELF)
    return time.perf_counter(), use.ru_utime + use.ru_stime
"""
OURS = """
from mxmtl.data import tables
path, options = sys.argv[1:]
options = tables.TableOptions(**json.loads(options))
start = begin()
table = tables.open_table(path, options)
tasks = tables.infer_tasks(table).tasks
rows, known = 0, 0.0
for row in tables.labelled_rows(table, tables.LabelEncoder(table, tasks)):
    rows += 1
    known += row.label[0] >= 0
report(start, rows)
"""
PANDAS = """
import pandas
start = begin()
report(start, len(pandas.read_csv(sys.argv[1])))
"""
PANDAS_JSON = """
import pandas
start = begin()
with open(sys.argv[1]) as stream:
    data = json.load(stream)
frame = pandas.DataFrame(data["annotations"], columns=["image_id", "category_id"])
report(start, len(data["images"]))
"""


def write_coco(path: Path, share: float) -> None:
    """Write annotations with outlines, as COCO's are: 450 MB at a share of 1."""
    rng = np.random.RandomState(0)
    images = int(118_287 * share)
    ids = rng.permutation(600_000)[:images].tolist()
    with open(path, "w", encoding="utf-8") as stream:
        listed = ", ".join(
            json.dumps({
                "license": 3, "file_name": f"{one:012}.jpg", "height": 427, "width": 640,
                "coco_url": f"http://images.example.org/train2017/{one:012}.jpg",
                "date_captured": "2013-11-14 11:18:45", "id": one,
            }) for one in ids
        )  # fmt: skip
        stream.write(f'{{"info": {{"year": 2017}}, "images": [{listed}], "annotations": [')
        for at in range(int(860_001 * share)):
            outline = np.round(rng.rand(2 * rng.randint(4, 45)) * 600, 2).tolist()
            one = {
                "segmentation": [outline], "area": 702.105, "iscrowd": 0,
                "image_id": ids[rng.randint(images)], "bbox": outline[:4],
                "category_id": 1 + rng.randint(80), "id": at,
            }  # fmt: skip
            stream.write(", " * (at > 0) + json.dumps(one))
        names = [
            {"supercategory": "thing", "id": 1 + at, "name": f"thing {at}"} for at in range(80)
        ]
        stream.write(f'], "categories": {json.dumps(names)}}}')


def write_open_images(path: Path, share: float) -> None:
    """Write one row a label: 16 million at a share of 1."""
    rng = np.random.RandomState(0)
    images = int(1_740_000 * share)
    names = [f"/m/0{at:05x}" for at in range(9605)]
    with open(path, "w", encoding="utf-8") as stream:
        stream.write("ImageID,Source,LabelName,Confidence\n")
        for start in range(0, images, 10_000):
            count = min(10_000, images - start)
            numbers = np.minimum(rng.geometric(1 / 9.2, count), 300)
            labels = np.minimum(rng.pareto(0.6, int(numbers.sum())) * 20, 9604).astype(int).tolist()
            states = (rng.rand(len(labels)) < 0.6).astype(int).tolist()
            place, lines = 0, []
            for at, number in enumerate(numbers.tolist(), start=start):
                for label in dict.fromkeys(labels[place : place + number]):
                    lines.append(f"{at:016x},verification,{names[label]},{states[place]}\n")
                place += number
            stream.write("".join(lines))


def write_wide(path: Path, rows: int, columns: int) -> None:
    """Write a table of yes, no and nothing."""
    rng = np.random.RandomState(0)
    with open(path, "w", encoding="utf-8") as stream:
        stream.write("path," + ",".join(f"attr.label {at}" for at in range(columns)) + "\n")
        cells = np.array(["0", "1", ""])
        for row in range(rows):
            own = cells[rng.choice(3, columns, p=(0.6, 0.2, 0.2))].tolist()
            stream.write(f"{row:08}.jpg,{','.join(own)}\n")


def figures(code: str, *arguments: str) -> list[float]:
    """Run a child process: its seconds, processor seconds, GB of memory, and rows."""
    command = [sys.executable, "-c", REPORT + code, *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, encoding="utf-8")
    return list(json.loads(done.stdout.split("figures")[-1]))


def runs(folder: Path, share: float, chosen: list[str]) -> list[list[str]]:
    """Make each file, measure, and remove it."""
    long = {"path_column": "ImageID", "long": {"label": "LabelName", "value": "Confidence"}}
    kinds = {
        "coco": (lambda path: write_coco(path, share), ".json", [{}]),
        "open_images": (
            lambda path: write_open_images(path, share),
            ".csv",
            [{**long, "labels": ["10000"] if share == 1 else ["500"]}, long],
        ),
        "wide_100": (lambda path: write_wide(path, int(400_000 * share), 100), ".csv", [{}]),
        "wide_1000": (lambda path: write_wide(path, int(100_000 * share), 1000), ".csv", [{}]),
    }
    lines = []
    for name in chosen or list(kinds):
        make, ending, options = kinds[name]
        path = folder / (name + ending)
        make(path)
        size = path.stat().st_size
        found = [
            (f"mxmtl {json.dumps(one) if one else ''}", figures(OURS, str(path), json.dumps(one)))
            for one in options
        ]
        alone = PANDAS_JSON if ending == ".json" else PANDAS
        found.append(("pandas alone", figures(alone, str(path))))
        for by, (wall, cpu, memory, rows) in found:
            line = [name, f"{size / 1e6:,.0f}", by, f"{wall:.1f}", f"{cpu:.1f}", f"{memory:.2f}"]
            lines.append([*line, f"{rows:,.0f}", f"{rows / wall:,.0f}", f"{size / wall / 1e6:.0f}"])
            print(lines[-1], flush=True)
        path.unlink()
    return lines


def processor() -> str:
    """Return what the machine calls its processor."""
    with open("/proc/cpuinfo", encoding="utf-8") as stream:
        names = [line.partition(":")[2].strip() for line in stream if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()}, {os.cpu_count()} cores"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--share", type=float, default=1.0, help="of the rows")
    parser.add_argument(
        "--only", nargs="*", default=[], help="coco, open_images, wide_100, wide_1000"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        lines = runs(Path(folder), arguments.share, arguments.only)
    print(f"{processor()}; Python {platform.python_version()}\n")
    headers = ["file", "MB", "by", "seconds", "CPU s", "GB", "records", "records/s", "MB/s"]
    print(tabulate(lines, headers, tablefmt="github", stralign="right"))


if __name__ == "__main__":
    main()
