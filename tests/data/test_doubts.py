"""What is said of records before a training on them costs time; nothing where nothing is wrong."""

from __future__ import annotations

import csv
import json
import logging
import shutil

import mxmtl
from mxmtl.data.convert._equal_pictures import PictureFiles, joined
from mxmtl.data.records import Part, doubts

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ._images import write_images

KIND = mxmtl.Multiclass("kind", classes=["cat", "dog", "yak"])
TOYS = mxmtl.Multilabel("toys", labels=["ball", "rope"])
AGE, OUT = mxmtl.Regression("age"), mxmtl.Binary("out")
TASKS = mxmtl.TaskSet([KIND, TOYS, AGE, OUT])
HEADER = ["path", "kind", "toys.ball", "toys.rope", "age", "out", "part"]
CLEAN = [
    ["cat", "1", "0", "1", "1"],
    ["dog", "0", "1", "2.5", "0"],
    ["yak", "1", "", "", "1"],
    ["", "0", "0", "4", ""],
]


def write(folder, train, val, copies=()):
    """Write records of rows (cells by column), each with a picture of its own, or a copy."""
    names = write_images(folder / "jpg", len(train) + len(val))
    for new, old in copies:
        shutil.copy(folder / "jpg" / names[old], folder / "jpg" / names[new])
    parts = ["train"] * len(train) + ["val"] * len(val)
    with open(folder / "t.csv", "w", newline="") as stream:
        rows = [[n, *row, p] for n, row, p in zip(names, [*train, *val], parts)]
        csv.writer(stream).writerows([HEADER, *rows])
    options = {"tasks": TASKS, "split_column": "part"}
    return mxmtl.write_records(folder / "t.csv", folder / "jpg", prefix=folder / "d", **options)


def without(rows, column, *values):
    """Return rows in which these cells of a column are empty."""
    at = HEADER.index(column) - 1
    return [[*r[:at], "" if r[at] in values else r[at], *r[at + 1 :]] for r in rows]


def test_nothing_is_said_where_nothing_is_wrong(tmp_path):
    assert write(tmp_path, CLEAN, CLEAN).notes == ()


@pytest.mark.parametrize(
    ("column", "values", "said"),
    [
        ("kind", ("yak",), "task 'kind': no row in train of 'yak' (1 in val)."),
        ("kind", ("yak", "dog"), "task 'kind' has one answer only in train: 'cat' in all 1 rows."),
        ("kind", ("cat", "dog", "yak"), "task 'kind' has no label in train."),
        ("out", ("0",), "task 'out' has one answer only in train: 'yes' in all 2 rows."),
        (
            "toys.rope",
            ("1",),
            "task 'toys' has one answer only in train: 'rope' ('no' in all 2).",
        ),
        ("toys.rope", ("0", "1"), "task 'toys': no known cell in train of 'rope'."),
        ("age", ("2.5", "4"), "task 'age' has one answer only in train: '1' in all 1 rows."),
    ],
)
@pytest.mark.parametrize("manifest", [True, False])
def test_what_cannot_be_learnt_is_said_once(tmp_path, column, values, said, manifest):
    summary = write(tmp_path, without(CLEAN, column, *values), CLEAN)
    assert summary.notes == (said,)
    assert f"note: {said}" in str(summary)
    if not manifest:  # records of before are counted by their labels
        (tmp_path / "d_train.manifest.json").unlink()
    parts = [Part(name, str(tmp_path / f"d_{name}"), TASKS) for name in ("train", "val")]
    assert doubts(parts) == [said]


def prices(folder, learnt, held, task):
    """Write records with these values to learn from and to be measured on."""
    names = write_images(folder / "jpg", len(learnt) + len(held))
    parts = ["train"] * len(learnt) + ["val"] * len(held)
    rows = zip(names, [*learnt, *held], parts)
    lines = ["path,v,part", *(",".join(map(str, row)) for row in rows)]
    (folder / "t.csv").write_text("\n".join(lines) + "\n", "utf-8")
    options = {"tasks": mxmtl.TaskSet([task]), "split_column": "part"}
    return mxmtl.write_records(folder / "t.csv", folder / "jpg", prefix=folder / "d", **options)


SOME = [3, 5, 8, 12, 12, 17, 20, 24, 33, 41, 52, 60, *range(14, 30, 2)]


@pytest.mark.parametrize(
    ("task", "unit"),
    [
        (mxmtl.Regression("v"), 1),
        (mxmtl.Regression("v"), 1000),  # units do not matter
        (mxmtl.Interval("v"), 1),
        (mxmtl.Count("v"), 1),
    ],
)
@pytest.mark.parametrize("other", [1200, 240])
def test_a_value_far_outside_of_what_is_learnt_is_said_once(tmp_path, caplog, task, unit, other):
    learnt, held = [n * unit for n in SOME], [n * unit for n in [*SOME[:7], other]]
    said = (
        f"task 'v': in val a value is {other * unit}, where the others are {3 * unit} to "
        f"{60 * unit} in train. It alone makes up much of the rmse there: correct it if it is an "
        "error, or go by the mae."
    )
    assert prices(tmp_path, learnt, held, task).notes == (said,)
    train, val = str(tmp_path / "d_train"), str(tmp_path / "d_val")
    with caplog.at_level(logging.WARNING, "mxmtl"):
        mxmtl.fit(train, val, run=tmp_path / "r", data_shape=(3, 16, 16), epochs=1)
    assert sum(said in record.getMessage() for record in caplog.records) == 1


@pytest.mark.parametrize(
    ("task", "learnt", "held"),
    [
        (mxmtl.Regression("v"), SOME, [1, 2, 70, 90]),
        (mxmtl.Regression("v"), SOME[:6], [3, 1200]),  # of so few nobody knows how far they reach
        (mxmtl.Angle("v"), SOME, [1200, 1100, 359]),  # which begins again
    ],
)
def test_ordinary_values_are_no_doubt(tmp_path, task, learnt, held):
    notes = prices(tmp_path, learnt, held, task).notes
    assert notes == ()


def test_no_label_is_read_to_find_far_values(tmp_path, monkeypatch):
    prices(tmp_path, SOME, [3, 1200], mxmtl.Regression("v"))
    (tmp_path / "d_val.manifest.json").unlink()
    tasks = mxmtl.TaskSet([mxmtl.Regression("v")])
    parts = [Part(name, str(tmp_path / f"d_{name}"), tasks) for name in ("train", "val")]
    monkeypatch.setattr("mxmtl.data.records.RecordReader.labels", None)
    assert doubts(parts) == []


@pytest.mark.parametrize("mean", ["high", None, 10**400, 1e300, [1]])
def test_a_damaged_manifest_is_no_reason_to_fail(tmp_path, mean):
    prices(tmp_path, SOME, [3, 1200], mxmtl.Regression("v"))
    path = tmp_path / "d_train.manifest.json"
    manifest = json.loads(path.read_text("utf-8"))
    manifest["tasks"]["v"]["mean"] = mean
    path.write_text(json.dumps(manifest), "utf-8")
    tasks = mxmtl.TaskSet([mxmtl.Regression("v")])
    parts = [Part(name, str(tmp_path / f"d_{name}"), tasks) for name in ("train", "val")]
    found = doubts(parts)
    assert mean == 1e300 or "in val a value is 1200" in found[0]


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("way", ["normal", "uniform", "exponential", "gumbel", "laplace"])
def test_nothing_is_said_of_values_drawn_alike(way, seed):
    draw = getattr(np.random.RandomState(seed), way)
    counters = [AGE.kind.counter(AGE) for _ in range(2)]
    for counter, rows in zip(counters, (100, 25)):
        counter.add(np.float32(draw(size=rows)).reshape(-1, 1))
    ours, theirs = (counter.summary(counter.labelled) for counter in counters)
    assert AGE.kind.far_outside(AGE, [ours], [theirs]) == ""


@pytest.mark.parametrize("at", [-1, 1])
def test_manifests_of_several_prefixes_tell_of_it_as_that_of_all(at):
    values = np.random.RandomState(0).normal(5, 2, size=90)
    parts, whole = np.split(values, [20, 50]), AGE.kind.counter(AGE)
    whole.add(np.float32(values).reshape(-1, 1))
    counted = []
    for part in parts:
        counted.append(AGE.kind.counter(AGE))
        counted[-1].add(np.float32(part).reshape(-1, 1))
    other = AGE.kind.counter(AGE)
    other.add(np.float32([[5], [at * 300]]))
    ours = [one.summary(one.labelled) for one in counted]
    said = AGE.kind.far_outside(AGE, ours, [other.summary(2)])
    assert said.startswith(f"{at * 300}, where the others are ")
    assert said == AGE.kind.far_outside(AGE, [whole.summary(90)], [other.summary(2)])


def test_many_names_are_counted(tmp_path):
    task = mxmtl.Multiclass("kind", classes=[f"k{n}" for n in range(20)])
    names = write_images(tmp_path / "jpg", 2)
    (tmp_path / "t.csv").write_text(f"path,kind,p\n{names[0]},k0,train\n{names[1]},k1,train\n")
    options = {"tasks": mxmtl.TaskSet([task]), "split_column": "p", "prefix": tmp_path / "d"}
    (said,) = mxmtl.write_records(tmp_path / "t.csv", tmp_path / "jpg", **options).notes
    assert said.endswith("'k2', 'k3', 'k4', 'k5', 'k6', 'k7' and 12 more.")


def test_a_picture_on_both_sides_is_said_whatever_it_is_called(tmp_path):
    (said,) = write(tmp_path, CLEAN, CLEAN, copies=[(4, 0), (6, 2)]).notes
    assert said.startswith("2 pictures stand in train and in val, such as ")
    assert "jpg, row " in said


def test_labels_that_contradict_each_other_are_named(tmp_path):
    notes = write(tmp_path, [*CLEAN, ["dog", "1", "", "1", ""]], CLEAN, copies=[(4, 0)]).notes
    assert notes == (
        "task 'kind': the labels of 1 picture contradict each other, such as 0.jpg, row 2 and "
        "4.jpg, row 6.",
    )


def test_rows_that_complete_each_other_are_no_contradiction(tmp_path):
    rows = [["cat", "1", "", "", ""], ["", "", "0", "1", "1"], *CLEAN]
    assert write(tmp_path, rows, CLEAN, copies=[(1, 0)]).notes == ()


def test_training_says_it_and_refuses_what_has_no_label(tmp_path, caplog):
    write(tmp_path, without(CLEAN, "kind", "yak"), CLEAN, copies=[(4, 0)])
    short = {"run": tmp_path / "r", "data_shape": (3, 16, 16), "epochs": 1}
    train, val = str(tmp_path / "d_train"), str(tmp_path / "d_val")
    with caplog.at_level(logging.WARNING, "mxmtl"):
        mxmtl.fit(train, val, **short)
    said = [record.getMessage() for record in caplog.records]
    assert sum("no row in train of 'yak' (1 in val)" in line for line in said) == 1
    assert sum("1 picture stands in train and in val" in line for line in said) == 1
    caplog.clear()
    with caplog.at_level(logging.WARNING, "mxmtl"):
        mxmtl.fit(train, train, **{**short, "run": tmp_path / "s"})
    assert sum("val has the records of train" in record.getMessage() for record in caplog.records)
    write_ = without(CLEAN, "age", "1", "2.5", "4")
    folder = tmp_path / "none"
    folder.mkdir()
    write(folder, write_, CLEAN)
    with pytest.raises(ValueError, match="d_train: no label of 'age', so there is nothing to"):
        mxmtl.fit(str(folder / "d_train"), **{**short, "run": tmp_path / "t"})
    assert not (tmp_path / "t").exists()


@pytest.mark.parametrize("group", [None, "g"])
def test_a_split_keeps_equal_pictures_together(tmp_path, group):
    names = write_images(tmp_path / "jpg", 30)
    for number in range(10):
        shutil.copy(tmp_path / "jpg" / names[number], tmp_path / "jpg" / f"copy{number}.jpg")
    rows = [f"{name},{number}" for number, name in enumerate(names * 2)]
    rows += [f"./copy{number}.jpg,{number % 3}" for number in range(10)]
    (tmp_path / "t.csv").write_text("\n".join(["path,g", *rows, "gone.jpg,x"]) + "\n")
    options = {"split": {"a": 0.5, "b": 0.5}, "group": group, "on_error": "skip"}
    tasks = mxmtl.TaskSet([mxmtl.Binary("x")])
    text = (tmp_path / "t.csv").read_text().replace("path,g", "path,g,x").replace("\n", ",1\n")
    (tmp_path / "t.csv").write_text(text.replace("path,g,x,1", "path,g,x"))
    for seed in range(3):
        summary = mxmtl.write_records(
            tmp_path / "t.csv", tmp_path / "jpg", prefix=tmp_path / "d", tasks=tasks, seed=seed,
            force=True, **options,
        )  # fmt: skip
        parts = [Part("", prefix, tasks) for prefix in summary.prefixes]
        sizes = [len(part.pictures) for part in parts]
        assert not np.intersect1d(*(part.pictures for part in parts)).size
        assert min(sizes) > 20
        assert sum(sizes) == 70


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(-1, 6)), min_size=1, max_size=12))
def test_rows_are_joined_as_by_hand(pairs):
    first, second = np.array(pairs).T
    wanted = list(range(len(pairs)))
    for _ in pairs:
        for i, (a, b) in enumerate(pairs):
            for j, (c, d) in enumerate(pairs):
                if a == c or (b == d >= 0):
                    wanted[i] = wanted[j] = min(wanted[i], wanted[j])
    found = joined(first, second)
    assert len(set(zip(found, wanted))) == len(set(found)) == len(set(wanted))


def test_only_files_that_may_be_equal_are_read(tmp_path, monkeypatch):
    for name, data in {"a": b"x" * 9000, "b": b"x" * 9000, "c": b"y" * 9000, "d": b"z"}.items():
        (tmp_path / name).write_bytes(data)
    read = []
    kept = PictureFiles._digests

    def digests(self, rows, *rest):
        read.append(rows.tolist())
        return kept(self, rows, *rest)

    monkeypatch.setattr(PictureFiles, "_digests", digests)
    files = PictureFiles(lambda path: str(tmp_path / path))
    paths = ["a", "b", "c", "d", "a"]
    for path in paths:
        files.take(path)
    same = files.same(lambda: paths, mxmtl.data.OutputOptions())
    assert read == [[0, 1, 2, 4], [0, 1, 4]]  # of one size, and then with one end
    assert [same[0] == number for number in same] == [True, True, False, False, True]


def test_former_splits_do_not_stay_behind(tmp_path):
    names = write_images(tmp_path / "jpg", 20)
    rows = [f"{name},{number % 2}" for number, name in enumerate(names)]
    (tmp_path / "t.csv").write_text("\n".join(["path,x", *rows]) + "\n")
    tasks = mxmtl.TaskSet([mxmtl.Binary("x")])

    def convert(prefix="t", **options):
        options = {"prefix": tmp_path / prefix, "tasks": tasks, **options}
        return mxmtl.write_records(tmp_path / "t.csv", tmp_path / "jpg", **options)

    thirds = {"train": 0.4, "val": 0.3, "test": 0.3}
    convert("t_a", split=thirds)
    convert(split=thirds)
    summary = convert(split={"a": 0.5, "b": 0.5})
    assert summary.notes[0].startswith(f"rows of {tmp_path / 't_test'}, ")
    assert "--force" in summary.notes[0]
    summary = convert(split={"train": 0.5, "val": 0.5}, force=True)
    assert f"{tmp_path / 't_test'}" in summary.notes[0]
    left = {path.name.split(".")[0] for path in tmp_path.glob("t_*")}
    assert left == {"t_train", "t_val", "t_a_train", "t_a_val", "t_a_test"}
    assert convert().notes[0].startswith(f"rows of {tmp_path / 't_train'}, {tmp_path / 't_val'}, ")


def test_shares_missing_are_of_cells_everywhere(tmp_path):
    rows = [("1", "0", ""), ("", "1", ""), ("0", "0", "1"), ("", "", "0"), ("", "0", "1"), ("1",)]
    names = write_images(tmp_path, 6)
    lines = [",".join([name, *row, "", ""][:4]) for name, row in zip(names, rows)]
    (tmp_path / "t.csv").write_text("\n".join(["path,t.a,t.b,t.c", *lines]) + "\n")
    tasks = mxmtl.TaskSet([mxmtl.Multilabel("t", labels=["a", "b", "c"])])
    summary = mxmtl.write_records(tmp_path / "t.csv", prefix=tmp_path / "d", tasks=tasks)
    assert "  t: 6 labelled (55.6% of its labels)" in str(summary)
    inspection = mxmtl.data.inspect_records(tmp_path / "d")
    assert inspection.tables()[0][2] == [["t", "Multilabel", 6, "44.4%"]]
    counts = inspection.labels["t"]
    assert (counts["known"], counts["cells"], counts["labelled"]) == (10, 18, 6)


def test_where_only_what_holds_was_noted_the_way_on_is_told(tmp_path):
    noted = without(without(CLEAN, "toys.ball", "0"), "toys.rope", "0")
    lines = [line for line in write(tmp_path, noted, CLEAN).notes if "hardly any" in line]
    assert len(lines) == 1
    assert lines[0].startswith("task 'toys': hardly any known label in train is a no")
    assert "missing_as=mxmtl.losses.Negative()" in lines[0]


def test_folders_without_an_image_are_named_once(tmp_path, caplog):
    (tmp_path / "f").mkdir()
    for name in "ab":
        write_images(tmp_path / "f" / name, 2)
    (tmp_path / "f" / "empty").mkdir()
    (tmp_path / "f" / ".hidden").mkdir()
    inference = mxmtl.data.infer_tasks(tmp_path / "f")
    mxmtl.write_records(tmp_path / "f", prefix=tmp_path / "d", tasks=inference.tasks)
    said = [record.getMessage() for record in caplog.records]
    assert [line.partition(": ")[2] for line in said if "no image in" in line] == [
        "no image in empty, so they make no classes."
    ]


def test_a_label_called_as_the_probability_of_another_has_a_column():
    task = mxmtl.Multilabel("t", labels=["x", "x.probability"])
    table = task.describe(np.float32([[0.75, 0.25]]))
    assert {name: float(values[0]) for name, values in table.items()} == {
        "t.x": 1,
        "t.x.probability_": 0.75,
        "t.x.probability": 0,
        "t.x.probability.probability": 0.25,
    }
