"""Predictions written to files: what is read, what comes out, and that memory stays bounded."""

from __future__ import annotations

import csv
import io
import itertools
import json
import shutil

import mxmtl
from mxmtl.data import TableError
from mxmtl.evaluation import TuneOptions, predict_records, tune
from mxmtl.model import (
    Inputs,
    Item,
    Model,
    PredictOptions,
    Predictor,
    Writer,
    facts_of,
    open_inputs,
    predict_inputs,
)
from mxmtl.model.onnx_predictor import in_words
from mxmtl.training import ModelFile, Preprocessing, Run
from tests.training import _small

import cv2
import numpy as np
import pytest


@pytest.fixture
def run(here):
    tune("runs/first", "data/val", options=TuneOptions(min_labels=5))
    return Run("runs/first")


@pytest.fixture
def expected(run):
    """What the table of all records' predictions is."""
    model = run.model
    made = predict_records(
        mxmtl.model.Network.of(run), "data/val", model.preprocessing,
        temperature=model.temperature,
    )  # fmt: skip
    arrays = [made.prediction(task) for task in made.tasks]
    return arrays, model.tasks.describe(arrays, model.thresholds)


def rows_of(path):
    with open(path, encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def compare(rows, table):
    assert len(rows) == _small.ROWS
    for index, row in enumerate(rows):
        for column, values in table.items():
            if isinstance(values[index], str):
                assert row[column] == values[index]
            else:
                assert float(row[column]) == pytest.approx(float(values[index]), abs=1e-6)


def test_records_files_and_lists_give_the_same_table(here, run, expected):
    _, table = expected
    predictor = Predictor(run, batch_size=9)
    done = predict_inputs(predictor, open_inputs(["data/val"]), PredictOptions("r.csv"))
    assert done == (_small.ROWS, 0)
    records = rows_of("r.csv")
    assert [row["record"] for row in records] == [str(i) for i in range(_small.ROWS)]
    compare(records, table)
    (here / "l.txt").write_text("".join(f"{i}.png\n" for i in range(_small.ROWS)))
    for name, options in (("l.txt", {"images": "data"}), ("data/t.csv", {})):
        predict_inputs(predictor, open_inputs([name], **options), PredictOptions("l.csv"))
        rows = rows_of("l.csv")
        assert [row["path"] for row in rows] == [f"{i}.png" for i in range(_small.ROWS)]
        compare(rows, table)
    lines = (f"{i}\t0\t0\t{i}.png\n" for i in range(_small.ROWS))
    (here / "data" / "t.lst").write_text("".join(lines))
    predict_inputs(predictor, open_inputs(["data/t.lst"]), PredictOptions("l.csv"))
    compare(rows_of("l.csv"), table)


def test_json_lines(run, expected):
    arrays, _ = expected
    predictor, model = Predictor(run), run.model
    predict_inputs(predictor, open_inputs(["data/val"]), PredictOptions("p.jsonl"))
    with open("p.jsonl", encoding="utf-8") as stream:
        found = [json.loads(line) for line in stream]
    for index, data in enumerate(found):
        assert data.pop("record") == str(index)
        for task, part in zip(model.tasks, arrays):
            wanted = task.answer(part[index], model.thresholds.get(task.name)).to_dict()
            assert set(data[task.name]) == set(wanted)
            assert data[task.name].get("probabilities", {}) == pytest.approx(
                wanted.get("probabilities", {}), abs=1e-6
            )
            if task.kind != "value":
                assert data[task.name]["answer"] == wanted["answer"]
    predict_inputs(predictor, open_inputs(["data/val"]), PredictOptions("p.jsonl", top=2))
    with open("p.jsonl", encoding="utf-8") as stream:
        first = json.loads(next(stream))
    best = sorted(found[0]["breed"]["probabilities"].items(), key=lambda pair: -pair[1])[:2]
    assert list(first["breed"]["probabilities"].items()) == best
    assert len(first["toys"]["probabilities"]) == 3


def test_the_likeliest_classes_stand_side_by_side(run, expected):
    arrays, _ = expected
    options = PredictOptions("p.csv", top=3)
    predict_inputs(Predictor(run), open_inputs(["data/val"]), options)
    breed = run.tasks["breed"]
    for row, p in zip(rows_of("p.csv"), arrays[run.tasks.names.index("breed")]):
        order = np.argsort(-p)
        names = [row["breed"], row["breed.2"], row["breed.3"]]
        assert names == [breed.classes[i] for i in order[:3]]
        assert float(row["breed.3.probability"]) == pytest.approx(p[order[2]], abs=1e-6)
        assert "breed.4" not in row


def test_a_median_is_the_answer_in_a_table_and_of_the_reader_of_onnx_files():
    tasks = mxmtl.TaskSet([mxmtl.Ordinal("size", ["S", "M", "L"], method="coral")])
    file = ModelFile(tasks, Preprocessing((3, 8, 8)))
    (output,) = json.loads(facts_of(Model(None, ({}, {}), file, "m"), True)["mxmtl.outputs"])
    p = np.float32([[0.45, 0.15, 0.4], [0.1, 0.3, 0.6]])
    assert [in_words(output, row)["answer"] for row in p] == ["M", "L"]
    stream = io.StringIO()
    Writer.formats["csv"](stream, file, "path", 3).write(
        [Item("1.jpg", 1, 0), Item("2.jpg", 2, 0)], [p]
    )
    rows = list(csv.DictReader(io.StringIO(stream.getvalue())))
    assert [[row[f"size{n}"] for n in ("", ".2", ".3")] for row in rows] == [
        ["M", "S", "L"], ["L", "M", "S"],
    ]  # fmt: skip


def test_fashionai(here, run, expected):
    arrays, _ = expected
    (here / "q.csv").write_text("3.png,breed_labels,?\n5.png,outdoors_labels,ny\n", "utf-8")
    inputs = open_inputs(["q.csv"], images="data", fashionai=True)
    predict_inputs(Predictor(run), inputs, PredictOptions("s.csv", "fashionai"))
    with open("s.csv", encoding="utf-8", newline="") as stream:
        first, second = csv.reader(stream)
    assert first[:2] == ["3.png", "breed_labels"]
    cells = first[2].split(";")
    assert all(len(cell.split(".")[1]) == 8 for cell in cells)
    np.testing.assert_allclose(
        np.float64(cells), arrays[run.tasks.names.index("breed")][3], atol=1e-6
    )
    assert second[:2] == ["5.png", "outdoors_labels"]
    (here / "q.csv").write_text("3.png,breed_labels,?\n5.png,sleeve_labels,?\n", "utf-8")
    inputs = open_inputs(["q.csv"], images="data", fashionai=True)
    before = (here / "s.csv").read_bytes()
    with pytest.raises(ValueError, match=r"row 2, '5.png': asks for task 'sleeve', and the model"):
        predict_inputs(Predictor(run, batch_size=1), inputs, PredictOptions("s.csv", "fashionai"))
    assert (here / "s.csv").read_bytes() == before
    assert not list(here.glob(".*.part"))


def test_broken_images_are_listed_and_the_rest_goes_on(here, run, capsys):
    (here / "photos" / "1.png").write_bytes(b"no image")
    (here / "t.csv").write_text("path,x\n0.jpg,\n1.png,\n\n,1\nnone.jpg,\n2.jpg,\n,\n")
    inputs = open_inputs(["t.csv"], images="photos")
    options = PredictOptions("p.csv")
    assert predict_inputs(Predictor(run, batch_size=2), inputs, options) == (2, 3)
    assert [row["path"] for row in rows_of("p.csv")] == ["0.jpg", "2.jpg"]
    skipped = rows_of("p.csv.skipped.csv")
    assert [(row["row"], row["path"]) for row in skipped] == [
        ("3", "1.png"), ("5", ""), ("6", "none.jpg"),
    ]  # fmt: skip
    assert skipped[0]["reason"] == "it does not decode: it begins with the text 'no image'."
    assert skipped[2]["reason"] == "no such file."
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == f"skipped 1.png: {skipped[0]['reason']}"
    assert predict_inputs(Predictor(run), open_inputs(["photos/0.jpg"]), options) == (1, 0)
    assert not (here / "p.csv.skipped.csv").exists()


def test_damaged_records_are_listed(here, run):
    path = here / "data" / "val.rec"
    data = bytearray(path.read_bytes())
    data[-30] ^= 1
    path.write_bytes(data)
    made = predict_inputs(Predictor(run), open_inputs(["data/val"]), PredictOptions("p.csv"))
    assert made == (_small.ROWS - 1, 1)
    (row,) = rows_of("p.csv.skipped.csv")
    assert row["path"] == str(_small.ROWS - 1)
    assert "the checksum is wrong" in row["reason"]


def test_many_broken_images_do_not_flood(run, capsys):
    items = (Item(f"{i}", i, b"") for i in range(50))
    items = itertools.chain(items, [Item("0", 50, "photos/0.jpg")])
    made = predict_inputs(Predictor(run), Inputs(items, "path"), PredictOptions("p.csv"))
    assert made == (1, 50)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 21
    assert lines[-1] == "skipped more; all are in p.csv.skipped.csv"
    assert len(rows_of("p.csv.skipped.csv")) == 50


def test_pictures_are_found_as_a_conversion_finds_them(here, run):
    """Windows' paths, addresses, no ending: what convert takes is predicted."""
    paths = [r"C:\Shop\0.jpg", "https://cdn.example/1.png", "2", "gone/3.png", "4.jpg"]
    (here / "t.csv").write_text("\n".join(["Foto;Größe", *(f"{one};1" for one in paths)]), "cp1252")
    options = {"path_column": "Foto", "delimiter": ";", "charset": "cp1252"}
    inputs = open_inputs(["t.csv"], images="photos", **options)
    assert predict_inputs(Predictor(run), inputs, PredictOptions("p.csv")) == (5, 0)
    assert [row["path"] for row in rows_of("p.csv")] == paths
    found = [float(row["age"]) for row in rows_of("p.csv")]
    predict_inputs(Predictor(run), open_inputs(["photos"]), PredictOptions("p.csv"))
    assert found == [float(row["age"]) for row in rows_of("p.csv")]


def test_two_pictures_that_may_be_meant_are_named(here, run):
    (here / "photos" / "b").mkdir()
    shutil.copy("photos/0.jpg", "photos/b/0.jpg")
    (here / "t.txt").write_text("gone/0.jpg\n1.png\n1.jpg\n", "utf-8")
    inputs = open_inputs(["t.txt"], images="photos")
    assert predict_inputs(Predictor(run), inputs, PredictOptions("p.csv")) == (1, 2)
    assert [row["reason"] for row in rows_of("p.csv.skipped.csv")] == [
        "no such file, and 2 that may be meant: '0.jpg', 'b/0.jpg'.",
        "no such file. There are '1.png'.",
    ]


def test_where_all_is_skipped_nothing_is_written(here, run):
    (here / "t.csv").write_text("path\nx.jpg\ny.jpg\n", "utf-8")
    message = (
        r"each of the 2 images was skipped; the first: x.jpg: no such file. The paths begin from "
        r"'data': images= \(--images\) names another folder, path_column= \(--path\) the column"
    )
    inputs = open_inputs(["t.csv"], images="data")
    with pytest.raises(ValueError, match=message):
        predict_inputs(Predictor(run), inputs, PredictOptions("p.csv"))
    assert not (here / "p.csv").exists()
    assert len(rows_of("p.csv.skipped.csv")) == 2
    (here / "photos" / "9.jpg").write_bytes(b"no image")
    with pytest.raises(ValueError, match=r"the only image was skipped; the first: photos/9.jpg: "):
        predict_inputs(Predictor(run), open_inputs(["photos/9.jpg"]), PredictOptions("p.csv"))


def test_images_are_read_as_they_are_needed(run, capsys):
    """What was read and is not written yet never grows: an endless list would do."""
    read = []

    def items():
        for index in itertools.count():
            read.append(index)
            if index == 400:
                raise KeyboardInterrupt
            ahead = index - written()
            assert ahead < 80
            yield Item(str(index), index, np.zeros((8, 8, 3), np.uint8))

    def written():
        return made.count("\n")

    made = ""

    class Out:
        def write(self, text):
            nonlocal made
            made += text

    import sys

    old, sys.stdout = sys.stdout, Out()
    try:
        with pytest.raises(KeyboardInterrupt):
            predict_inputs(Predictor(run, batch_size=8), Inputs(items(), "path"))
    finally:
        sys.stdout = old
    assert len(read) == 401


@pytest.mark.parametrize(
    ("inputs", "error", "message"),
    [
        (["nothing"], FileNotFoundError, "nothing: no such image, folder, list or nothing.rec"),
        (["runs"], FileNotFoundError, r"runs: no images \('.jpg'"),
        (["none.csv"], FileNotFoundError, "none.csv: no such list"),
        (["data/val", "photos"], ValueError, "data/val: records cannot be predicted together"),
        (["data/val.idx"], ValueError, "val.idx: expected an image"),
        (["data/val.tasks.json"], ValueError, "val.tasks.json: JSON of a shape that is not known"),
    ],
)
def test_inputs_that_cannot_be(here, inputs, error, message):
    with pytest.raises(error, match=message):
        open_inputs(inputs)


@pytest.mark.parametrize(("name", "fashionai"), [("q.txt", False), ("q.csv", True)])
def test_a_list_in_another_encoding_is_named_with_its_line(here, name, fashionai):
    (here / name).write_bytes(b"photos/0.jpg,x_labels,ny\nphotos/caf\xe9.jpg,x_labels,yn\n")
    with pytest.raises(TableError, match=f"{name} line 2, byte 11: 0xe9 is not UTF-8"):
        list(open_inputs([name], images="data", fashionai=fashionai).items)


def test_a_quote_that_is_not_closed_is_named_with_its_line(here):
    (here / "q.csv").write_text('a.jpg,x_labels,ny\n"b.jpg,x_labels,ny\n')
    with pytest.raises(TableError, match="q.csv row 2: unexpected end of data"):
        list(open_inputs(["q.csv"], fashionai=True).items)


def test_options_that_cannot_be(here, run):
    with pytest.raises(ValueError, match="format='xml': expected one of"):
        PredictOptions(format="xml")
    with pytest.raises(ValueError, match="top=-1"):
        PredictOptions(top=-1)
    (here / "empty.txt").write_text("\n")
    with pytest.raises(ValueError, match="there is nothing to predict"):
        predict_inputs(Predictor(run), open_inputs(["empty.txt"]), PredictOptions("e.csv"))
    assert not (here / "e.csv").exists()


@pytest.mark.parametrize("name", ["p.xlsx", "p.csv.gz", "a.b/p.tsv"])
def test_an_ending_that_is_not_written_is_refused(name):
    with pytest.raises(ValueError, match=r"expected a name that ends in .csv, .jsonl, .json; for"):
        PredictOptions(name)
    assert PredictOptions(name, "csv").form == PredictOptions("p").form == "csv"


def test_answers_stand_in_the_column_that_labels_come_from():
    tasks = mxmtl.TaskSet(
        [
            mxmtl.Binary("On_Sale", column="On Sale?"),
            mxmtl.Multiclass("kind", ["a", "b", "c"], column="Main Kind"),
            mxmtl.Regression("x", column="both"),
            mxmtl.Ordinal("y", ["1", "2"], column="both"),
        ]
    )
    stream = io.StringIO()
    writer = Writer.formats["csv"](stream, ModelFile(tasks, Preprocessing((3, 8, 8))), "path", 2)
    predictions = [np.float32(one) for one in ([[0.9]], [[0.5, 0.3, 0.2]], [[7]], [[0.2, 0.8]])]
    writer.write([Item("1.jpg", 1, None)], predictions)
    (row,) = csv.DictReader(io.StringIO(stream.getvalue()))
    assert (row["On Sale?"], row["Main Kind"], row["Main Kind.2"]) == ("1", "a", "b")
    assert {"On Sale?.probability", "Main Kind.2.probability"} <= set(row)
    assert (row["x"], row["y"]) == ("7.0", "2")  # one column would hide the other
    assert set(tasks.describe(predictions)) < set(row)
    assert tasks.encode({**row, "both": "2"}).tolist() == [1, 0, 2, 1]


@pytest.mark.parametrize("own", [None, "{label}", "has {label}?", "Tags", "finding.{label}"])
def test_answers_of_several_labels_are_read_back_as_labels(tmp_path, own):
    labels = ["No Finding", "Edema", "Edema.left"]
    finding = mxmtl.Multilabel("finding", labels, column=own)
    tasks = mxmtl.TaskSet([finding, mxmtl.Binary("frontal")])
    stream = io.StringIO()
    writer = Writer.formats["csv"](stream, ModelFile(tasks, Preprocessing((3, 8, 8))), "path", 1)
    cv2.imwrite(str(tmp_path / "1.png"), np.zeros((8, 8, 3), np.uint8))
    predictions = [np.float32([[0.9, 0.2, 0.7]]), np.float32([[0.1]])]
    writer.write([Item("1.png", 1, None)], predictions)
    (row,) = csv.DictReader(io.StringIO(stream.getvalue()))
    read = {column: row[column] for column in (*finding.sources, "frontal")}
    assert tasks.encode(read).tolist() == [1, 0, 1, 0]
    assert float(row[f"{finding.sources[2]}.probability"]) == pytest.approx(0.7)
    (tmp_path / "p.csv").write_text(stream.getvalue(), "utf-8")
    mxmtl.write_records(tmp_path / "p.csv", prefix=tmp_path / "p", tasks=tasks)
    with mxmtl.RecordIter(tmp_path / "p", 1, data_shape=(3, 8, 8)) as records:
        assert next(records).label[0].asnumpy().tolist() == [[1, 0, 1]]


def test_labels_that_two_tasks_read_stand_under_the_name_of_each():
    one, two = (mxmtl.Multilabel(name, ["a", "b"], column="{label}") for name in ("x", "y"))
    found = mxmtl.TaskSet([one, two]).describe([np.float32([[0.1, 0.9]])] * 2)
    assert list(found) == [f"{t}.{c}{p}" for t in "xy" for c in "ab" for p in ("", ".probability")]


def test_images_keep_their_names_beside_a_task_called_path():
    tasks = mxmtl.TaskSet([mxmtl.Binary("path"), mxmtl.Binary("record")])
    file = ModelFile(tasks, Preprocessing((3, 8, 8)))
    items, part = [Item("dog.jpg", 1, None)], [np.float32([[0.9]]), np.float32([[0.2]])]
    for form, column in (("csv", "path"), ("jsonl", "record")):
        stream = io.StringIO()
        Writer.formats[form](stream, file, column, 0).write(items, part)
        text = stream.getvalue()
        row = json.loads(text) if form == "jsonl" else next(csv.DictReader(io.StringIO(text)))
        assert row[f"{column}_"] == "dog.jpg"
        answers = [row[name]["answer"] if form == "jsonl" else row[name] for name in tasks.names]
        assert answers in ([True, False], ["1", "0"])
