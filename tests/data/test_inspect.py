"""What inspect counts, against NumPy on the labels."""

from __future__ import annotations

import itertools

import mxmtl
from mxmtl.data import inspect_records

import numpy as np
import pytest

from ._images import TASKS, random_rows, write_csv, write_images

ROWS = 200


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    rows = random_rows(ROWS, write_images(folder / "jpg", 20))
    write_csv(folder / "t.csv", rows)
    options = {"prefix": folder / "d", "tasks": TASKS, "shard_rows": 90}
    mxmtl.write_records(folder / "t.csv", folder / "jpg", **options)
    return folder, np.stack([TASKS.encode(row) for row in rows])


def held_and_known(labels):
    """{name: (holds, known)} of each class and label, by plain comparisons."""
    cells = {f"breed={name}": (labels[:, 0] == i, labels[:, 0] >= 0)
             for i, name in enumerate(TASKS["breed"].names)}  # fmt: skip
    for index, name in enumerate(["outdoors", "toys.ball", "toys.rope", "toys.bone"], start=1):
        cells[name] = (labels[:, index] == 1, labels[:, index] >= 0)
    return cells


def test_counts(made):
    folder, labels = made
    inspection = inspect_records(folder / "d")
    cells = held_and_known(labels)
    assert inspection.num_records == ROWS
    assert inspection.num_bytes == sum(path.stat().st_size for path in folder.glob("d-*.rec"))
    assert inspection.columns == tuple(cells)
    for (i, one), (j, other) in itertools.product(enumerate(cells.values()), repeat=2):
        both = one[1] & other[1]
        assert inspection.cooccurrence[i, j] == (one[0] & other[0]).sum()
        expected = (one[0] & both).sum() * (other[0] & both).sum() / max(1, both.sum())
        assert inspection.expected[i, j] == pytest.approx(expected)
    known = [labels[:, 0] >= 0, labels[:, 1] >= 0, (labels[:, 2:5] >= 0).any(axis=1)]
    known.append(~np.isnan(labels[:, 5]))
    for i, j in itertools.product(range(4), repeat=2):
        assert inspection.together[i, j] == (known[i] & known[j]).sum()
    assert inspection.images["width"] == {"min": 32, "median": 35, "max": 38}
    assert inspection.num_measured == ROWS


def test_fewer_images_are_measured_if_asked(made):
    assert inspect_records(made[0] / "d", measure=7).num_measured == 7


def test_tables_name_everything(made):
    text = str(inspect_records(made[0] / "d"))
    for word in ("breed", "犬", "toys", "rope", "age", "missing", "records labelled for both"):
        assert word in text
    assert f"d: {ROWS} records" in text


def test_what_goes_together_is_shown_first(tmp_path):
    tasks = mxmtl.TaskSet([mxmtl.Multilabel("t", labels=["a", "b", "c"])])
    rng = np.random.RandomState(0)
    names = write_images(tmp_path / "jpg", 2)
    rows = []
    for index in range(100):
        a, c = rng.randint(2, size=2)
        rows.append({"path": names[index % 2], "t.a": a, "t.b": a, "t.c": c})
    write_csv(tmp_path / "t.csv", rows, ["path", *tasks.columns])
    mxmtl.write_records(tmp_path / "t.csv", tmp_path / "jpg", prefix=tmp_path / "d", tasks=tasks)
    titles = {title: rows for title, _, rows in inspect_records(tmp_path / "d").tables()}
    (pairs,) = [rows for title, rows in titles.items() if "together" in title]
    assert pairs[0][:2] == ["t.a", "t.b"]


def test_damaged_records_are_passed_over(made, tmp_path):
    for path in made[0].glob("d*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    data = bytearray((tmp_path / "d-00000.rec").read_bytes())
    data[5000] ^= 1
    (tmp_path / "d-00000.rec").write_bytes(data)
    inspection = inspect_records(tmp_path / "d")
    assert inspection.num_measured == ROWS - 1


def test_messages(made, tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file"):
        inspect_records(tmp_path / "none")
    with pytest.raises(ValueError, match="measure=-1: expected 0 or more"):
        inspect_records(made[0] / "d", measure=-1)
    assert not list(tmp_path.iterdir())
