"""Pictures with eight labels each for the benchmark of masking; every label is known."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

import mxmtl

import numpy as np

sys.path.append(str(Path(__file__).parents[2] / "examples" / "multi_mnist"))
import digits

ARTICLES = ["T-shirt", "trouser", "pullover", "dress", "coat"]
ARTICLES += ["sandal", "shirt", "sneaker", "bag", "ankle boot"]
WORN = {  # which articles have it
    "long_sleeves": (2, 4, 6),
    "upper_body": (0, 2, 3, 4, 6),
    "legs": (1, 3),
    "buttons": (4, 6),
}
MARKS = {
    "loop": (0, 6, 8, 9),
    "straight": (1, 4, 7),
    "two_strokes": (4, 5),
    "above_four": (5, 6, 7, 8, 9),
}


class Part(NamedTuple):
    """Pictures float32 (N, 3, H, W), and labels float32 (N, 8) in the order of the tasks."""

    images: np.ndarray
    labels: np.ndarray


class Data(NamedTuple):
    """What is learned, and from what."""

    tasks: mxmtl.TaskSet
    train: Part
    test: Part


def fashion(root: Path, train: int = 4000, test: int = 4000) -> Data:
    """Fashion-MNIST: the article, and seven yes or no read off the article and the pixels."""
    folder = digits.fetch("fashion", root)
    tasks = mxmtl.TaskSet(
        [
            mxmtl.Multiclass("article", ARTICLES),
            mxmtl.Binary("footwear"),
            mxmtl.Multilabel("looks", [*WORN, "bright", "wide"]),
        ]
    )
    parts = {}
    for name, size in (("train", train), ("t10k", test)):
        images, classes = (array[:size] for array in digits.load(folder, name))
        ink = images / np.float32(255)
        wide = (ink.max(axis=1) > 0.2).mean(axis=1) > 0.7
        yes = [np.isin(classes, (5, 7, 9)), *(np.isin(classes, has) for has in WORN.values())]
        parts[name] = _part(ink, classes, [*yes, ink.mean(axis=(1, 2)) > 0.3, wide])
    return Data(tasks, parts["train"], parts["t10k"])


def handwriting(train: int = 1000) -> Data:
    """scikit-learn's digits of 8x8 pixels: the digit, and seven yes or no."""
    from sklearn.datasets import load_digits

    tasks = mxmtl.TaskSet(
        [
            mxmtl.Multiclass("digit", [str(digit) for digit in range(10)]),
            mxmtl.Binary("even"),
            mxmtl.Multilabel("looks", [*MARKS, "bright", "wide"]),
        ]
    )
    images, classes = load_digits().images.astype(np.float32) / 16, load_digits().target
    order = np.random.RandomState(0).permutation(len(images))  # its rows are sorted by writer
    images, classes = images[order], classes[order]
    wide = (images.max(axis=1) > 0.5).mean(axis=1) > 0.7
    yes = [classes % 2 == 0, *(np.isin(classes, has) for has in MARKS.values())]
    whole = _part(images, classes, [*yes, images.mean(axis=(1, 2)) > 0.3, wide])
    return Data(
        tasks, *(Part(*(a[part] for a in whole)) for part in (slice(train), slice(train, None)))
    )


def _part(images: np.ndarray, classes: np.ndarray, yes: list) -> Part:
    labels = np.stack([classes, *yes], axis=1).astype(np.float32)
    return Part(np.repeat(images[:, np.newaxis], 3, axis=1) * 2 - 1, labels)
