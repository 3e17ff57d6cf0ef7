"""Reading records: mxmtl against MXNet's readers, a PyTorch DataLoader, and decoding alone.

    python tools/benchmarks/records.py --rounds 3                        # about 3 minutes
    python tools/benchmarks/records.py --torch other/bin/python --output docs/benchmarks/records.md

Pictures are drawn from scikit-learn's two photographs: cut, scaled and encoded at the quality that
is named. All readers read the same file and hand out batches of 64. To evaluate, they scale the
shorter edge to 256 (of 1024 px images too) and cut 224 x 224 from the middle; to train, they cut
224 x 224 at a random place and scale nothing, as MXNet's `rand_crop=True` does. A round reads every
image once with every reader, one reader after the other. The ratios are of the best rounds: other
work on the machine only ever slows a reader, and slows those with one thread less than those with
all. Decoding alone, the floor, is `cv2.imdecode` in as many threads as there are processors. It
decodes whole images; `mxmtl.RecordIter` leaves out the rows below its crop (23 of 375, none of 256;
76 of 375 on average where the place is random), and takes 1024 px images at half their size, as all
of 256 px still fits. Files are in the page cache. The PyTorch DataLoader runs in an interpreter of
its own, with a worker process a processor, and decodes, scales and cuts with OpenCV as well.

The floor's own number of times ImageRecordIter is what no reader that decodes with this library
and at full size exceeds by much. The table of steps, under the first size, shows what comes on top
of decoding: where whole images are decoded it is this work, and not waiting, that lies between
RecordIter and the floor.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import mxmtl
from mxmtl.data.records import RecordReader, pack_frames, pack_record, write_index

import cv2
import mxnet as mx
import numpy as np
from _records_data import SIZES, pictures, write
from _records_steps import steps
from tabulate import tabulate

SHAPE, BATCH = (3, 224, 224), 64
TASKS = mxmtl.TaskSet([mxmtl.Regression("x")])
PROCESSORS = len(os.sched_getaffinity(0))
TORCH = """
import struct, sys, time, cv2, numpy as np, torch
cv2.setNumThreads(0)
path, workers = sys.argv[1], int(sys.argv[2])
offsets = [int(line.split()[1]) for line in open(path + ".idx")]
class Records(torch.utils.data.Dataset):
    file = None
    def __len__(self):
        return len(offsets)
    def __getitem__(self, row):
        self.file = self.file or open(path + ".rec", "rb")
        self.file.seek(offsets[row])
        length = struct.unpack("<II", self.file.read(8))[1]
        image = cv2.imdecode(np.frombuffer(self.file.read(length), np.uint8)[24:], 1)
        scale = 256 / min(image.shape[:2])
        height, width = (round(edge * scale) for edge in image.shape[:2])
        image = cv2.resize(image, (width, height))
        top, left = (height - 224) // 2, (width - 224) // 2
        image = image[top:top + 224, left:left + 224, ::-1].transpose(2, 0, 1)
        return torch.from_numpy(np.ascontiguousarray(image, dtype=np.float32)), 0.0
loader = torch.utils.data.DataLoader(Records(), 64, num_workers=workers, persistent_workers=True)
for line in sys.stdin:
    start = time.perf_counter()
    for images, label in loader:
        pass
    print(time.perf_counter() - start, flush=True)
"""


Reader = Callable[[], None]  # reads every image once


class Crop(NamedTuple):
    """The same work in our words and in MXNet's."""

    augment: list[mxmtl.augment.Augmentation]
    stock: dict[str, object]


MIDDLE = Crop(mxmtl.augment.evaluation(), {"resize": 256})
RANDOM = Crop([mxmtl.augment.RandomCrop()], {"rand_crop": True})


def record_iter(prefix: str, crop: Crop, **options: object) -> mxmtl.RecordIter:
    options["augment"] = crop.augment
    return mxmtl.RecordIter(prefix, BATCH, SHAPE, tasks=TASKS, **options)


def ours(prefix: str, crop: Crop, **options: object) -> Reader:
    data = record_iter(prefix, crop, **options)

    def read() -> None:
        for batch in data:
            batch.data[0].wait_to_read()

    return read


def stock(prefix: str, crop: Crop, make: Callable[..., mx.io.DataIter]) -> Reader:
    files = {"path_imgrec": prefix + ".rec", "path_imgidx": prefix + ".idx"}
    data = make(**files, data_shape=SHAPE, batch_size=BATCH, **crop.stock)

    def read() -> None:
        data.reset()
        for batch in data:
            batch.data[0].wait_to_read()

    return read


def floor(images: list[bytes]) -> Reader:
    pool = concurrent.futures.ThreadPoolExecutor(PROCESSORS)
    arrays = [np.frombuffer(image, np.uint8) for image in images]

    def decode(part: list[np.ndarray]) -> None:
        for array in part:
            image = cv2.imdecode(array, cv2.IMREAD_COLOR)  # kept until the next: its memory too
        del image

    def read() -> None:
        list(pool.map(decode, (arrays[at : at + 16] for at in range(0, len(arrays), 16))))

    return read


def torch_loader(prefix: str, python: str) -> Reader:
    command = [python, "-W", "ignore", "-c", TORCH, prefix, str(PROCESSORS)]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def read() -> None:
        child.stdin.write("\n")
        child.stdin.flush()
        if not child.stdout.readline():
            raise RuntimeError(f"{python}: the PyTorch reader ended.")

    return read


def readers(prefix: str, images: list[bytes], crop: Crop, torch: str) -> dict[str, Reader]:
    def iterator(**options: object) -> mx.io.DataIter:
        return mx.io.ImageRecordIter(**options, preprocess_threads=PROCESSORS, verbose=False)

    def bytes_iterator(**options: object) -> mx.io.DataIter:
        return mx.io.ImageRecordUInt8Iter(**options, preprocess_threads=PROCESSORS, verbose=False)

    normal = {"mean": (124, 117, 104), "std": (58, 57, 57)}
    found = {
        "decoding alone (floor)": floor(images),
        "mxmtl.RecordIter": ours(prefix, crop),
        "mxmtl.RecordIter, mean and std": ours(prefix, crop, **normal),
        "mxmtl.RecordIter, uint8": ours(prefix, crop, dtype="uint8"),
        "mx.io.ImageRecordIter": stock(prefix, crop, iterator),
        "mx.io.ImageRecordUInt8Iter": stock(prefix, crop, bytes_iterator),
        "mx.image.ImageIter": stock(prefix, crop, mx.image.ImageIter),
    }
    if torch and crop == MIDDLE:
        found["torch DataLoader"] = torch_loader(prefix, torch)
    return found


def measure(prefix: str, images: list[bytes], crop: Crop, rounds: int, torch: str) -> str:
    found = readers(prefix, images, crop, torch)
    speeds: dict[str, list[float]] = {name: [] for name in found}
    for turn in range(rounds + 1):
        for name, read in found.items():
            start = time.perf_counter()
            read()
            if turn:  # the first warms up
                speeds[name].append(len(images) / (time.perf_counter() - start))
    best = {name: max(values) for name, values in speeds.items()}
    rows = [
        [
            name,
            round(statistics.median(values)),
            round(best[name]),
            f"{best[name] / best['decoding alone (floor)']:.2f}",
            f"{best[name] / best['mx.io.ImageRecordIter']:.2f}",
        ]
        for name, values in speeds.items()
    ]
    header = ["images a second", "median", "best", "of the floor", "times ImageRecordIter"]
    return tabulate(rows, header, tablefmt="github")


def resident() -> float:
    with open("/proc/self/statm", encoding="ascii") as stream:
        return int(stream.read().split()[1]) * resource.getpagesize() / 1e6


def memory(prefix: str) -> str:
    rows = []
    with mxmtl.RecordIter(prefix, BATCH, SHAPE, tasks=TASKS, shuffle=True) as data:
        for epoch in range(4):
            for _ in data:
                pass
            rows.append([epoch, f"{resident():.0f}"])
    return tabulate(rows, ["after epoch", "resident memory, MB"], tablefmt="github")


def opening(folder: str, count: int = 1_000_000) -> str:
    prefix = os.path.join(folder, "million")
    one = pack_frames(pack_record(np.float32([0]), 0, b"x" * 8))
    with open(prefix + ".rec", "wb") as stream:
        stream.write(one * count)
    write_index(prefix + ".idx", range(count), range(0, count * len(one), len(one)))
    seconds, scans = [], []
    for index in (True, False):
        for _ in range(5 if index else 1):
            start = time.perf_counter()
            reader = RecordReader([prefix + ".rec"])
            (seconds if index else scans).append(time.perf_counter() - start)
        os.path.exists(prefix + ".idx") and os.unlink(prefix + ".idx")
    held = reader._ids.nbytes + reader._offsets.nbytes + len(reader._verified)
    row = [f"{statistics.median(seconds):.2f}", f"{scans[0]:.1f}", f"{held / count:.2f}"]
    header = ["seconds to open", "seconds without .idx", "bytes of index a record"]
    return tabulate([row], header, tablefmt="github")


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def version_of(python: str) -> str:
    if not python:
        return ""
    command = [python, "-c", "import torch; print(torch.__version__)"]
    return f"; PyTorch {subprocess.check_output(command, text=True).strip()}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--torch", default="", help="an interpreter that has torch and OpenCV")
    parser.add_argument("--output", help="write the tables to this Markdown file as well")
    args = parser.parse_args()
    command = " ".join(["python tools/benchmarks/records.py", f"--rounds {args.rounds}"])
    text = [
        "# Reading records",
        __doc__.split("\n\n", 2)[2].strip(),
        f"{processor()}, {PROCESSORS} cores; Python {platform.python_version()}, MXNet "
        f"{mx.__version__}, OpenCV {cv2.__version__}, NumPy {np.__version__}"
        f"{version_of(args.torch)}. `{command}`",
    ]
    with tempfile.TemporaryDirectory() as folder:
        for place, (name, size) in enumerate(SIZES.items()):
            images, prefix = pictures(*size), os.path.join(folder, str(place))
            write(prefix, images)
            kilobytes = statistics.mean(map(len, images)) / 1e3
            text += [f"## {name}, {kilobytes:.0f} kB on average",
                     measure(prefix, images, MIDDLE, args.rounds, args.torch)]  # fmt: skip
            if not place:
                with record_iter(prefix, MIDDLE) as data:
                    text.append(steps(data, images))
                text += ["The same images, cut at a random place and not scaled:",
                         measure(prefix, images, RANDOM, args.rounds, args.torch)]  # fmt: skip
            print(*text[-5:], sep="\n\n", flush=True)
        text += ["## Memory", memory(os.path.join(folder, "0"))]
        text += ["## A file of 1,000,000 records", opening(folder)]
    page = "\n\n".join(text) + "\n"
    print(page)
    if args.output:
        Path(args.output).write_text(page, "utf-8")


if __name__ == "__main__":
    sys.exit(main())
