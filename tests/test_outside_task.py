"""Task types from outside the package: they work everywhere, or are refused with the reason."""

from __future__ import annotations

import abc
import csv
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import mxmtl
from mxmtl import data, evaluation, export, metrics, model, reporting
from mxmtl.data import split_rows

import cv2
import mxnet as mx
import numpy as np
import pytest

from ._outside import CumulativeOrdinal, SoftOrdinal

SIZES, STAGES, ROWS, SIZE = ["S", "M", "L"], ["0", "I", "II", "III"], 60, 12
TASKS = mxmtl.TaskSet(
    [
        SoftOrdinal("size", classes=SIZES),
        CumulativeOrdinal("stage", classes=STAGES),
        mxmtl.Binary("outdoors"),
    ]
)


@pytest.fixture(autouse=True)
def _no_types_are_left():
    before = dict(mxmtl.Task.types)
    yield
    mxmtl.Task.types.clear()
    mxmtl.Task.types.update(before)


# -- the whole way ---------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A table of pictures, the brighter the larger; a fifth of the cells is empty."""
    made, rng = tmp_path_factory.mktemp("outside"), np.random.RandomState(5)
    with (made / "t.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, ["path", *TASKS.columns])
        writer.writeheader()
        for index in range(ROWS):
            level = rng.randint(3)
            picture = rng.randint(80 * level, 80 * level + 60, (SIZE, SIZE, 3)).astype(np.uint8)
            cv2.imwrite(str(made / f"{index}.png"), picture)
            cells = {"size": SIZES[level], "stage": STAGES[level + 1], "outdoors": int(level > 1)}
            known = {name: "" if rng.rand() < 0.2 else cell for name, cell in cells.items()}
            writer.writerow({"path": f"{index}.png", **known})
    mxmtl.write_records(made / "t.csv", prefix=made / "t", tasks=TASKS)
    return made


@pytest.fixture(scope="module")
def run(folder):
    trunk = mx.gluon.nn.HybridSequential(prefix="")
    trunk.add(mx.gluon.nn.Flatten(), mx.gluon.nn.Dense(16, activation="relu", prefix="features_"))
    trunk.initialize(mx.init.Xavier())
    options = {"optimizer": "adam", "lr": 0.003, "epochs": 12, "threads": 1, "seed": 1}
    prefix = str(folder / "t")
    return mxmtl.fit(
        prefix, prefix, run=folder / "run", network=trunk, data_shape=(3, SIZE, SIZE),
        batch_size=12, **options,
    )  # fmt: skip


def test_records_tell_and_count_them(folder):
    inspected = data.inspect_records(str(folder / "t"))
    assert inspected.tasks == TASKS  # read from the .tasks.json, where the type is by name
    for task, names in (("size", SIZES), ("stage", STAGES)):
        assert list(inspected.labels[task]["counts"]) == names
        assert sum(inspected.labels[task]["counts"].values()) == inspected.labels[task]["labelled"]
        assert f"{task}={names[0]}" in inspected.columns
    assert inspected.labels["stage"]["counts"]["0"] == 0
    assert "class" in str(inspected)
    assert "sound" in str(data.verify_records(str(folder / "t")))


def test_splits_and_samplers_know_their_classes():
    rng = np.random.RandomState(0)
    label = np.stack([rng.choice(3, 300, p=[0.9, 0.07, 0.03]), rng.randint(-1, 4, 300)], axis=1)
    tasks = mxmtl.TaskSet(list(TASKS)[:2])
    part = split_rows(300, {"a": 0.5, "b": 0.5}, tasks=tasks, labels=label.astype(np.float32))
    for column in (0, 1):
        first, second = (np.bincount(label[part == k, column] + 1, minlength=5) for k in (0, 1))
        assert np.abs(first - second).max() <= 1
    weights = data.ClassAwareSampler(power=1.0, names=("size",)).weights(tasks, label)
    totals = [weights[label[:, 0] == k].sum() for k in range(3)]
    np.testing.assert_allclose(totals, np.mean(totals))


def test_module_fit_learns_them(folder):
    records = mxmtl.RecordIter(str(folder / "t"), data_shape=(3, SIZE, SIZE), batch_size=12)
    trunk = mx.sym.FullyConnected(mx.sym.Flatten(mx.sym.var("data")), num_hidden=8, name="fc")
    symbol = mxmtl.training_symbol(trunk / 255, TASKS)
    module = mx.mod.Module(symbol, label_names=TASKS.label_names)
    suite = TASKS.metrics()
    seen = []
    module.fit(
        records, eval_metric=suite, num_epoch=4, optimizer="adam", initializer=mx.init.Xavier(),
        epoch_end_callback=lambda *_: seen.append(dict(suite.get_global_name_value())),
    )  # fmt: skip
    records.close()
    assert symbol.infer_shape(data=(12, 3, SIZE, SIZE), size_label=(12,), stage_label=(12,),
                              outdoors_label=(12,))[1] == [(12, 3), (12, 4), (12, 1)]  # fmt: skip
    for name in ("size", "stage"):
        assert seen[-1][f"{name}/task_loss"] < seen[0][f"{name}/task_loss"]


def test_evaluated_tuned_predicted_reported_and_exported(folder, run, tmp_path):
    prefix = str(folder / "t")
    plain = evaluation.evaluate(run, prefix, threads=1)
    assert plain.values["size/accuracy"] > 0.7
    assert plain.values["stage/accuracy"] > 0.7
    tuning = evaluation.tune(run, prefix, threads=1)
    assert not tuning.refused
    assert "stage" in tuning.temperature
    warm = evaluation.evaluate(run, prefix, threads=1)
    for name in ("size", "stage"):
        assert warm.values[f"{name}/cross_entropy"] <= plain.values[f"{name}/cross_entropy"]
    predictor = mxmtl.Predictor(run)
    paths = [folder / f"{index}.png" for index in range(8)]
    predictions = predictor(paths)
    assert all(p.answers["stage"].answer in STAGES for p in predictions)
    for form in export.FORMATS:  # each is run beside MXNet before it is written
        options = export.ExportOptions(format=form)
        made = export.export_model(model.load_model(run), tmp_path / f"{form}.onnx", options)
        assert all(os.path.getsize(path) for path in made.files)
    page = reporting.report_runs(run, prefix, bootstrap=0, threads=1)
    page.save(tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text("utf-8")
    assert "CumulativeOrdinal" in text
    assert str(mxmtl.report(warm.values, TASKS))


# -- a perfect predictor ---------------------------------------------------------------------------
@pytest.mark.parametrize("task", list(TASKS)[:2], ids=["soft", "cumulative"])
def test_a_perfect_predictor_is_perfect(task):
    label = np.array([0, 1, 2, -1, 2, 1, 0])
    prediction = np.nan_to_num(task.as_prediction(label))
    prediction[3] = 1 / task.num_outputs
    for name in ("Accuracy", "F1", "Recall", "BalancedAccuracy", "CohenKappa", "AUROC"):
        metric = getattr(metrics, name)(task)
        metric.update(label, prediction)
        assert metric.get()[1] == 1.0, name
    suite = evaluation.evaluation_suite(mxmtl.TaskSet([task]))
    suite.update([label], [prediction])
    values = dict(suite.get_name_value())
    assert values[f"{task.name}/cross_entropy"] == 0.0


# -- refused, with the reason ----------------------------------------------------------------------
def test_a_head_that_is_taken_for_the_prediction_is_refused():
    @dataclass(frozen=True)
    class Naive(mxmtl.tasks.ClassTask):
        @property
        def num_outputs(self):
            return self.num_classes - 1

        def activate(self, F, logits):
            return F.sigmoid(logits)

        cell_loss = CumulativeOrdinal.cell_loss
        cell_loss_of_prediction = CumulativeOrdinal.cell_loss_of_prediction

    with pytest.raises(TypeError, match=r"num_outputs is 2, but it has 3 classes.*num_logits is 2"):
        Naive("size", classes=SIZES)


def test_a_constructor_of_its_own_is_no_way_around_the_check():
    @dataclass(frozen=True)
    class Own(SoftOrdinal):
        def __post_init__(self):
            pass

        @property
        def num_outputs(self):
            return 2

    with pytest.raises(TypeError, match="num_outputs is 2, but it has 3 classes"):
        Own("size", classes=SIZES)
    with pytest.raises(ValueError, match="task name 'a b'"):
        Own("a b", classes=SIZES)


@pytest.mark.parametrize(
    ("activate", "message"),
    [
        (lambda self, F, logits: F.sigmoid(logits), r"rows that add up to .*add up to 1"),
        (lambda self, F, logits: F.identity(logits), r"values from -.*are probabilities"),
        (lambda self, F, logits: F.softmax(logits)[:, :2], r"into \(3, 2\), but predictions are"),
    ],
)
def test_predictions_of_classes_are_distributions(activate, message):
    Wrong = dataclass(frozen=True)(type("Wrong", (SoftOrdinal,), {"activate": activate}))
    with pytest.raises(TypeError, match=message):
        Wrong("size", classes=SIZES)


def test_what_a_class_lacks_is_said_as_it_is_made():
    with pytest.raises(TypeError, match="Half: a type of task needs cell_loss_of_prediction as"):
        type("Half", (mxmtl.tasks.ClassTask,), {"cell_loss": SoftOrdinal.cell_loss})
    type("AbstractHalf", (mxmtl.tasks.ClassTask, abc.ABC), {"cell_loss": SoftOrdinal.cell_loss})
    assert "AbstractHalf" not in mxmtl.Task.types
    with pytest.raises(TypeError, match=r"kind 'order' is not one of \[cells, class, value\]"):
        type("Kindless", (SoftOrdinal,), {"kind": "order"})
    with pytest.raises(
        TypeError, match=r"default_metrics has \['rmse'\], which are no metrics for"
    ):
        type("Unmeasured", (SoftOrdinal,), {"default_metrics": ("rmse",)})


def test_a_gradient_of_another_loss_is_refused():
    members = {"cell_loss": SoftOrdinal.cell_loss}
    with pytest.raises(
        TypeError, match="cell_loss is its own, but output_op is that of Multiclass"
    ):
        type("Soft", (mxmtl.Multiclass,), members)
    type("Soft", (mxmtl.Multiclass,), {**members, "output_op": mxmtl.Task.output_op})


def test_the_name_of_a_kind_is_enough():
    @dataclass(frozen=True)
    class Percent(mxmtl.Task):
        weight: float = 1.0
        kind: ClassVar[str] = "value"
        default_metrics: ClassVar[Sequence[str]] = ("mae",)
        missing: ClassVar[float] = float("nan")
        num_outputs = 1
        encode_cell = mxmtl.Regression.encode_cell
        decode_cell = mxmtl.Regression.decode_cell
        cell_loss = mxmtl.Regression.cell_loss
        cell_loss_of_prediction = mxmtl.Regression.cell_loss_of_prediction
        answer, describe = mxmtl.Regression.answer, mxmtl.Regression.describe

        def activate(self, F, logits):
            return 100 * F.sigmoid(logits)

    tasks = mxmtl.TaskSet([Percent("share")])
    assert tasks["share"].kind == "value"
    assert tasks["share"].kind is mxmtl.Regression.kind
    assert mxmtl.TaskSet.from_dict(tasks.to_dict()) == tasks
    assert tasks.metrics().get()[0] == ["share/mae"]
