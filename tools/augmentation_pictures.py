"""Draw the pictures of docs/augmentations.md: ``python tools/augmentation_pictures.py``.

A picture that is drawn here goes through `mxmtl.RecordIter` with one augmentation at a time: first
as it is, then as three epochs see it.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import mxmtl
from mxmtl import augment
from mxmtl.augment import Augmentation

import cv2
import numpy as np

FOLDER = Path(__file__).parents[1] / "docs" / "images" / "augment"
SIZE = 112
EPOCHS = 3


def darker_corner(image: np.ndarray, label: np.ndarray, rng: np.random.Generator) -> tuple:
    """Darken a corner, as an example of a function of one's own."""
    image = image.copy()
    edge = int(rng.integers(30, 80))
    image[:edge, :edge] //= 2
    return image, label


STEPS: dict[str, list[Augmentation]] = {
    "ResizeShort": [augment.ResizeShort(160), augment.CenterCrop(0.7)],
    "CenterCrop": [augment.CenterCrop(0.7)],
    "RandomCrop": [augment.RandomCrop(fraction=0.7)],
    "RandomResizedCrop": [augment.RandomResizedCrop(area=(0.2, 1.0))],
    "RandomMirror": [augment.RandomMirror()],
    "RandomRotation": [augment.RandomRotation(degrees=20)],
    "RandomShear": [augment.RandomShear(degrees=20)],
    "RandomZoom": [augment.RandomZoom(least=0.7, most=1.4)],
    "ColorJitter": [augment.ColorJitter(brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1)],
    "PCANoise": [augment.PCANoise(std=0.5)],
    "RandomGray": [augment.RandomGray(probability=0.5)],
    "RandomErasing": [augment.RandomErasing(probability=0.9)],
    "Apply": [augment.Apply(darker_corner)],
}


def scene(height: int = 180, width: int = 240) -> np.ndarray:
    """Draw a house beside a tree, BGR: left and right differ, and no line is level by chance."""
    sky = np.linspace((235, 190, 120), (250, 235, 215), height)
    picture = np.repeat(sky[:, None], width, axis=1).astype(np.uint8)
    cv2.rectangle(picture, (0, 135), (width, height), (90, 165, 105), -1)
    cv2.circle(picture, (200, 36), 20, (70, 210, 250), -1, cv2.LINE_AA)
    cv2.rectangle(picture, (40, 80), (130, 150), (140, 175, 225), -1)
    roof = np.array([[30, 82], [85, 35], [140, 82]])
    cv2.fillPoly(picture, [roof], (60, 70, 175), cv2.LINE_AA)
    cv2.rectangle(picture, (58, 98), (82, 120), (225, 200, 160), -1)
    cv2.rectangle(picture, (98, 105), (118, 150), (60, 85, 120), -1)
    cv2.rectangle(picture, (172, 100), (180, 150), (55, 80, 110), -1)
    cv2.circle(picture, (176, 88), 27, (70, 130, 60), -1, cv2.LINE_AA)
    return picture


def epochs_of(records: Path, steps: list[Augmentation] | None) -> list[np.ndarray]:
    """Return what each epoch shows of the one record, (height, width, 3) RGB."""
    seen = []
    shape = (3, SIZE, SIZE)
    with mxmtl.RecordIter(records, 1, shape, augment=steps, dtype="uint8", seed=4) as batches:
        for _ in range(EPOCHS if steps else 1):
            seen += [batch.data[0].asnumpy()[0].transpose(1, 2, 0) for batch in batches]
            batches.reset()
    return seen


def main() -> None:
    """Write a strip for each augmentation."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    gap = np.full((SIZE, 6, 3), 255, np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        records = Path(folder) / "scene"
        cv2.imwrite(f"{records}.png", scene())
        rows = [{"path": "scene.png", "house": 1}]
        tasks = mxmtl.TaskSet([mxmtl.Binary("house")])
        mxmtl.write_records(rows, images=folder, prefix=records, tasks=tasks)
        before = epochs_of(records, None)
        for name, steps in STEPS.items():
            strip = [part for each in before + epochs_of(records, steps) for part in (each, gap)]
            cv2.imwrite(str(FOLDER / f"{name}.png"), np.hstack(strip[:-1])[..., ::-1])


if __name__ == "__main__":
    main()
