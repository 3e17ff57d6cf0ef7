"""Generated tables beside what pandas reads of the same files; shares that are said four times."""

from __future__ import annotations

import json

import mxmtl
from mxmtl.data import TableOptions, infer_tasks, inspect_records, tables, write_records

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ._images import write_csv, write_images

STATE = st.sampled_from(["1", "-1", "0", "", "-1.0", "1.0"])
HELD = st.one_of(st.none(), st.sets(st.sampled_from(["red", "light blue", "x"])))
ROW = st.tuples(STATE, STATE, HELD, st.sampled_from(["k1", "k2", "k3"]))


@settings(max_examples=40, deadline=None)
@given(
    st.lists(ROW, min_size=1, max_size=12),
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
    st.sampled_from([0, 40]),
)
def test_values_separators_and_joins_are_as_pandas_reads_them(
    tmp_path_factory, rows, mark, end, quotes, more
):
    """Values of a table and of one column, names with a word for none, and a second table."""
    pandas = pytest.importorskip("pandas")
    folder = tmp_path_factory.getbasetemp()
    header = ["path", "a", "b", "tags", "key", *(f"more {at}" for at in range(more))]
    cells = [
        [f"{at}.jpg", a, b, "" if held is None else " | ".join(sorted(held)) or "none", key]
        for at, (a, b, held, key) in enumerate(rows)
    ]
    quoted = '"{}"'.format if quotes else "{}".format
    text = end.join(mark.join(map(quoted, [*row, *["0"] * more])) for row in cells) + end
    (folder / "t.csv").write_bytes((mark.join(header) + end + text).encode())
    (folder / "second.csv").write_text("key,kind\nk1,owl\nk2,wren\nk3,\n")
    options = TableOptions(
        values=[{"no": "-1", "missing": "0"}, {"b": {"no": "0", "missing": "-1"}}],
        separator={"tags": "|"}, none_names=["tags: none"], join=[str(folder / "second.csv")],
    )  # fmt: skip
    labels = ["light blue", "red", "x"]
    told = [
        {"type": "Binary", "name": "a"},
        {"type": "Binary", "name": "b"},
        {"type": "Multilabel", "name": "tags", "labels": labels},
        {"type": "Multiclass", "name": "kind", "classes": ["owl", "wren"]},
    ]
    table = tables.open_table(folder / "t.csv", options)
    tasks = infer_tasks(table, given=told).tasks
    read = list(tables.labelled_rows(table, tables.LabelEncoder(table, tasks)))
    frame = pandas.read_csv(folder / "t.csv", sep=mark, dtype=str, keep_default_na=False)
    kinds = {"k1": 0, "k2": 1, "k3": -1}
    general, own = {"1": 1, "-1": 0, "0": -1, "": -1}, {"1": 1, "-1": -1, "0": 0, "": -1}
    assert len(read) == len(frame)
    for row, (_, cell) in zip(read, frame.iterrows()):
        names = {one.strip() for one in cell["tags"].split("|")}
        said = [-1 if not cell["tags"] else int(label in names) for label in labels]
        a, b = general[cell["a"].removesuffix(".0")], own[cell["b"].removesuffix(".0")]
        assert row.problem is None
        np.testing.assert_array_equal(row.label, [a, b, *said, kinds[cell["key"]]])


def test_a_table_is_read_once_for_its_tasks_and_its_records(tmp_path):
    path = write_csv(tmp_path / "t.csv", [{"path": "1.jpg", "x": "1"}], ["path", "x"])
    write_images(tmp_path, 2)
    table = tables.open_table(path, TableOptions())
    tasks = infer_tasks(table).tasks
    assert write_records(table, prefix=tmp_path / "out", tasks=tasks).num_records == 1
    with pytest.raises(ValueError, match="is open already"):
        write_records(table, prefix=tmp_path / "b", tasks=tasks, separator=";")


def test_the_share_missing_is_one_number_wherever_it_is_said(tmp_path):
    """Of 4 rows and 3 labels 5 cells are empty: proposal, summary, manifest and inspect say so."""
    cells = [("1", "", "0"), ("", "", "1"), ("1", "0", ""), ("0", "1", "")]
    rows = [
        {"path": f"{at}.jpg", **{f"x.{name}": cell for name, cell in zip("abc", own)}}
        for at, own in enumerate(cells)
    ]
    path = write_csv(tmp_path / "t.csv", rows, list(rows[0]))
    write_images(tmp_path, 4)
    inference = infer_tasks(path)
    assert inference.labelled == {"x": 7}
    assert "41.7% missing" in str(inference)
    summary = write_records(path, prefix=tmp_path / "out", tasks=inference.tasks)
    assert "58.3% of its labels" in str(summary)
    manifest = json.loads((tmp_path / "out.manifest.json").read_text())
    found = inspect_records(tmp_path / "out")
    assert "41.7" in str(found)
    stored = np.stack([mxmtl.RecordDataset(tmp_path / "out")[at][1] for at in range(4)])
    assert int((stored >= 0).sum()) == 7
    own = manifest["tasks"]["x"]
    assert (own["known"], own["cells"]) == (7, 12)
