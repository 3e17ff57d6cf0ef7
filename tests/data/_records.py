"""Record files for tests, written frame by frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import mxmtl
from mxmtl.data.records import pack_frames, pack_record

import cv2
import numpy as np

TASKS = mxmtl.TaskSet(
    [
        mxmtl.Multiclass("breed", classes=["beagle", "boxer", "pug"]),
        mxmtl.Regression("age"),
        mxmtl.Multilabel("toys", labels=["ball", "rope"]),
    ]
)


def picture(seed: int, height: int = 12, width: int = 16) -> np.ndarray:
    """A smooth random image, uint8 (height, width, 3), RGB."""
    rng = np.random.RandomState(seed)
    small = rng.randint(0, 256, (max(height // 4, 2), max(width // 4, 2), 3)).astype(np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


def encoded(image: np.ndarray, ending: str = ".png", *options: int) -> bytes:
    return cv2.imencode(ending, image[..., ::-1], list(options))[1].tobytes()


def random_labels(rows: int, seed: int = 0) -> np.ndarray:
    """Legal labels for TASKS with many missing: float32 (rows, 4)."""
    rng = np.random.RandomState(seed)
    labels = np.stack(
        [
            rng.randint(-1, 3, rows),
            np.where(rng.uniform(size=rows) < 0.3, np.nan, rng.normal(size=rows)),
            rng.randint(-1, 2, rows),
            rng.randint(-1, 2, rows),
        ],
        axis=1,
    )
    return labels.astype(np.float32)


def write(
    prefix: Path,
    labels: np.ndarray,
    image: Callable[[int], bytes] | None = None,
    *,
    tasks: mxmtl.TaskSet | None = TASKS,
    ids: Sequence[int] | None = None,
    pack: Callable[[np.ndarray, int, bytes], bytes] = pack_record,
) -> str:
    """Write <prefix>.rec, .idx and .tasks.json; by default one tiny image for all rows."""
    one = encoded(picture(0, 4, 4))
    offsets: list[int] = []
    ids = list(range(len(labels))) if ids is None else ids
    with open(f"{prefix}.rec", "wb") as stream:
        for row, (record_id, label) in enumerate(zip(ids, labels)):
            offsets.append(stream.tell())
            payload = one if image is None else image(row)
            stream.write(pack_frames(pack(label, record_id, payload)))
    lines = [f"{record_id}\t{offset}\n" for record_id, offset in zip(ids, offsets)]
    Path(f"{prefix}.idx").write_text("".join(lines))
    if tasks is not None:
        tasks.save(f"{prefix}.tasks.json")
    return str(prefix)


def same(first: np.ndarray, second: np.ndarray) -> bool:
    """Bit-equal float32, NaN included."""
    return bool(np.array_equal(first.view(np.uint32), second.view(np.uint32)))


def whole_label(batch) -> np.ndarray:
    """The labels of a batch as one array (batch_size, label_width), padded rows cut off."""
    parts = [part.asnumpy() for part in batch.label]
    rows = len(parts[0]) - batch.pad
    return np.concatenate([part.reshape(len(part), -1) for part in parts], axis=1)[:rows]
