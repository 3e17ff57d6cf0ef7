"""Ten thousand random labels come back with the bits that went in."""

from __future__ import annotations

import mxmtl

import mxnet as mx
import numpy as np

from ._images import encoded, pixels, read_by_mxnet, write_csv

ROWS = 10_000
TASKS = mxmtl.TaskSet(
    [
        mxmtl.Multiclass("kind", classes=[f"k{index}" for index in range(300)]),
        mxmtl.Multilabel("tags", labels=["a", "b"]),
        mxmtl.Regression("near"),
        mxmtl.Regression("far"),
    ]
)


def random_labels() -> np.ndarray:
    """Labels (ROWS, 5) with -1, NaN, integers beyond 2^24, denormals and both zeros."""
    rng = np.random.RandomState(0)
    labels = np.empty((ROWS, TASKS.label_width), np.float32)
    labels[:, 0] = rng.randint(-1, 300, ROWS)
    labels[:, 1:3] = rng.randint(-1, 2, (ROWS, 2))
    labels[:, 3] = rng.choice(
        np.float32([-1, np.nan, 0, -0.0, 2**24, 2**24 + 2, -(2**31), 1e-45, 3.4e38, 0.1]), ROWS
    )
    bits = rng.randint(0, 2**32, ROWS, dtype=np.uint64).astype(np.uint32).view(np.float32)
    labels[:, 4] = np.where(np.isfinite(bits), bits, np.float32(np.nan))
    return labels


def test_round_trip(tmp_path):
    labels = random_labels()
    (tmp_path / "1.png").write_bytes(encoded(pixels(4, 4), ".png"))
    rows = ({"path": "1.png", **TASKS.decode(label)} for label in labels)
    table = write_csv(tmp_path / "t.csv", rows, ["path", *TASKS.columns])
    mxmtl.write_records(table, prefix=tmp_path / "t", tasks=TASKS, shard_rows=4000)

    by_id = {}
    for shard in range(3):
        by_id.update(read_by_mxnet(tmp_path / f"t-{shard:05d}"))
    ours = np.stack([by_id[index][0] for index in range(ROWS)])
    assert ours.tobytes() == labels.tobytes()

    batches = mx.io.ImageRecordIter(
        path_imgrec=str(tmp_path / "t-00000.rec"),
        path_imgidx=str(tmp_path / "t-00000.idx"),
        data_shape=(3, 4, 4),
        label_width=TASKS.label_width,
        batch_size=4000,
    )
    assert batches.next().label[0].asnumpy().tobytes() == labels[:4000].tobytes()
