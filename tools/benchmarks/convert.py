"""Converting images to records: mxmtl against MXNet's im2rec, and against copying the files.

    python tools/benchmarks/convert.py                # about 3 minutes on 2 cores
    python tools/benchmarks/convert.py --images 500 --rounds 2

Every run is a process of its own; its imports are over before the clock starts. All runs of a
round follow each other, so that a slow spell of the machine meets all of them; the table shows
medians over rounds. Speed is relative to im2rec with 2 processes on the same work, taken round by
round. Files are in the page cache, but for "from disk", where they are put out of it before each
run and what is written is on disk at its end. CPU seconds count all threads and processes. "OpenCV
alone" decodes, scales and encodes with one thread a processor, checks nothing and writes nothing:
what cannot be gone below with these codecs and full decoding.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
from tabulate import tabulate

Times = dict[str, list[tuple[float, float]]]  # of each run: seconds, processor seconds
SIZES = {"500x375": (500, 375, 95), "1024x768": (1024, 768, 92)}
FROM_DISK = "as it is, from disk"
REPORT = """
import resource
def cpu():
    own, children = (resource.getrusage(who) for who in (0, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
def report(start):
    print("seconds", time.perf_counter() - start[0], cpu() - start[1])
"""
STOCK = """
import runpy, sys, time, cv2, mxnet, mxnet.tools
script = mxnet.tools.__path__[0] + "/im2rec.py"
sys.argv = [script] + sys.argv[1:]
start = time.perf_counter(), cpu()
runpy.run_path(script, run_name="__main__")
report(start)
"""
OURS = """
import json, sys, time, mxmtl
table, images, prefix, options = sys.argv[1:]
start = time.perf_counter(), cpu()
mxmtl.write_records(table, images, prefix=prefix, tasks=None, force=True, **json.loads(options))
report(start)
"""
FLOOR = """
import concurrent.futures, os, sys, time, cv2, numpy as np
folder = sys.argv[1]
cv2.setNumThreads(1)
def work(name):
    with open(os.path.join(folder, name), "rb") as stream:
        image = cv2.imdecode(np.frombuffer(stream.read(), np.uint8), cv2.IMREAD_COLOR)
    height, width = image.shape[:2]
    image = cv2.resize(image, (256 * width // height, 256))
    cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 95])
names = os.listdir(folder)
pool = concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0)))
start = time.perf_counter(), cpu()
list(pool.map(work, names))
report(start)
"""
COPY = """
import os, shutil, sys, time
source, target, sync = sys.argv[1:]
names = sorted(os.listdir(source), key=lambda name: int(name.split(".")[0]))  # as in the list
os.makedirs(target)
start = time.perf_counter(), cpu()
for name in names:
    shutil.copyfile(os.path.join(source, name), os.path.join(target, name))
if sync == "sync":
    os.sync()
report(start)
"""


def write_images(folder: Path, count: int, width: int, height: int, quality: int) -> None:
    """Write pictures with edges and grain, so that JPEGs have the size of photographs."""
    folder.mkdir()
    rng = np.random.RandomState(0)
    for index in range(count):
        coarse = rng.randint(0, 256, (9, 12, 3), dtype=np.uint8)
        image = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.int16)
        image += rng.normal(0, 9, image.shape).astype(np.int16)
        pixels = np.clip(image, 0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / f"{index}.jpg"), pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])


def seconds(code: str, *arguments: str) -> tuple[float, float]:
    """Run a child process and return the time that it measured, and that of all processors."""
    command = [sys.executable, "-c", REPORT + code, *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, encoding="utf-8")
    wall, cpu = done.stdout.split("seconds")[-1].split()
    return float(wall), float(cpu)


def runs_of(work: Path, size: str) -> dict[str, list[str]]:
    """Return the command of each run on images of a size."""
    images, table = str(work / size), str(work / f"list-{size}.lst")

    def stock(*options: str) -> list[str]:
        return [STOCK, *options, str(work / f"list-{size}"), images]

    def ours(options: str) -> list[str]:
        return [OURS, table, images, str(work / f"ours-{size}"), options]

    return {
        "resize 256 | im2rec, 1 thread": stock("--resize", "256"),
        "resize 256 | im2rec, 2 processes": stock("--resize", "256", "--num-thread", "2"),
        "resize 256 | OpenCV alone, writing nothing": [FLOOR, images],
        "resize 256 | mxmtl": ours('{"resize": 256}'),
        "as it is | im2rec, 1 thread": stock("--pass-through"),
        "as it is | im2rec, 2 processes": stock("--pass-through", "--num-thread", "2"),
        "as it is | mxmtl, structure checked": ours("{}"),
        "as it is | mxmtl, every pixel decoded": ours('{"check": "decode"}'),
        "as it is | the files copied (shutil)": [COPY, images, str(work / "copy"), ""],
        f"{FROM_DISK} | im2rec, 1 thread": stock("--pass-through"),
        f"{FROM_DISK} | im2rec, 2 processes": stock("--pass-through", "--num-thread", "2"),
        f"{FROM_DISK} | mxmtl, structure checked": ours("{}"),
        f"{FROM_DISK} | the files copied and synced": [COPY, images, str(work / "copy"), "sync"],
    }


def measure(work: Path, size: str, rounds: int) -> Times:
    """Time all runs in turn, round after round."""
    times: Times = {}
    for _ in range(rounds):
        for name, command in runs_of(work, size).items():
            if name.startswith(FROM_DISK):
                forget(work / size)
            times.setdefault(name, []).append(seconds(*command))
            shutil.rmtree(work / "copy", ignore_errors=True)
    return times


def forget(folder: Path) -> None:
    """Put a folder's files out of the page cache, and wait for all that is being written."""
    os.sync()
    for path in folder.iterdir():
        handle = os.open(path, os.O_RDONLY)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(handle)


def rows_of(times: Times, count: int, megabytes: float) -> list[list[object]]:
    """Make the rows of the table; the ratio is to the same work by im2rec with 2 processes."""
    rows: list[list[object]] = []
    for name, values in times.items():
        work, who = name.split(" | ")
        base = times[f"{work} | im2rec, 2 processes"]
        ratio = statistics.median(theirs[0] / own[0] for theirs, own in zip(base, values))
        wall, cpu = (statistics.median(column) for column in zip(*values))
        numbers = [wall, cpu, count / wall, megabytes / wall, ratio]
        texts = [
            text.format(x)
            for text, x in zip(("{:.2f}", "{:.2f}", "{:,.0f}", "{:,.0f}", "{:.2f}"), numbers)
        ]
        rows.append([work, who, *texts])
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    print(f"{processor()}, {os.cpu_count()} cores; Python {platform.python_version()}, ", end="")
    print(f"OpenCV {cv2.__version__}; {arguments.images} JPEGs, {arguments.rounds} rounds\n")
    header = ["work", "by", "seconds", "CPU seconds", "images/s", "MB/s", "speed"]
    for size, (width, height, quality) in SIZES.items():
        with tempfile.TemporaryDirectory() as folder:
            work = Path(folder)
            write_images(work / size, arguments.images, width, height, quality)
            lines = [
                f"{index}\t{index % 10}.000000\t{index}.jpg" for index in range(arguments.images)
            ]
            (work / f"list-{size}.lst").write_text("\n".join(lines) + "\n")
            megabytes = sum(path.stat().st_size for path in (work / size).iterdir()) / 1e6
            times = measure(work, size, arguments.rounds)
        print(f"{size}, {megabytes / arguments.images * 1000:.0f} kB each\n")
        rows = rows_of(times, arguments.images, megabytes)
        print(tabulate(rows, headers=header, tablefmt="github", disable_numparse=True), end="\n\n")


def processor() -> str:
    """Return the processor's model name."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


if __name__ == "__main__":
    main()
