"""Law 4: the unit of a number changes neither the other tasks, nor the best epoch, nor anything."""

import contextlib
import csv
import logging
import math

import mxmtl
from mxmtl import training
from mxmtl.data.records import RecordReader, record_files

import cv2
import mxnet as mx
import numpy as np
import pytest

ROWS, SIZE = 96, 8
UNITS = {"x 1": (1, 0), "x .001": (0.001, 0), "x 1e6": (1e6, 0), "+ 1e4": (1, 1e4)}
OPTIONS = {"data_shape": (3, SIZE, SIZE), "batch_size": 16, "threads": 1, "epochs": 4}


def tasks(*more):
    return mxmtl.TaskSet([mxmtl.Multiclass("color", ["blue", "green", "red"]), *more])


def network():
    with mx.name.NameManager():
        x = mx.sym.Convolution(mx.sym.var("data"), num_filter=8, kernel=(3, 3), name="conv")
        x = mx.sym.BatchNorm(mx.sym.Activation(x, act_type="relu"), name="bn", fix_gamma=False)
        return mx.sym.Flatten(mx.sym.Pooling(x, global_pool=True, pool_type="avg"))


@pytest.fixture(scope="module")
def write(tmp_path_factory):
    """Write pictures of a color and a brightness, which is the number; return prefixes by unit."""
    folder = tmp_path_factory.mktemp("units")
    rng = np.random.RandomState(4)
    color, value = rng.randint(3, size=2 * ROWS), rng.uniform(1, 4, 2 * ROWS)
    for place, (c, v) in enumerate(zip(color, value)):
        picture = rng.normal(25 * v, 8, (SIZE, SIZE, 3))
        picture[..., c] += 90
        cv2.imwrite(str(folder / f"{place}.png"), picture.clip(0, 255).astype(np.uint8))

    def made(name, number, tasks):
        with (folder / f"{name}.csv").open("w", newline="") as stream:
            table = csv.writer(stream)
            table.writerow(["path", "split", *tasks.columns])
            for place, c in enumerate(color):
                cells = [tasks[0].names[c], number(value[place])][: len(tasks)]
                cells = [cell if rng.rand() < 0.8 else "" for cell in cells]
                table.writerow([f"{place}.png", "train" if place < ROWS else "val", *cells])
        mxmtl.write_records(
            folder / f"{name}.csv", prefix=folder / name, tasks=tasks, split_column="split",
            force=True,
        )  # fmt: skip
        return str(folder / f"{name}_train"), str(folder / f"{name}_val")

    def of_unit(name):
        nonlocal rng
        rng = np.random.RandomState(9)  # the same cells are empty in all
        factor, offset = UNITS[name]
        label = mxmtl.Regression("price")
        return made(f"u{factor}{offset}", lambda v: float(v * factor + offset), tasks(label))

    of_unit.made = made
    return of_unit


def fit(prefixes, run, **options):
    return mxmtl.fit(*prefixes, run=run, network=network(), **{**OPTIONS, **options})


LONG_TAIL = {
    "counted": (mxmtl.losses.LogitAdjusted(), {}),
    "counts declared": (mxmtl.losses.LogitAdjusted(counts=[5, 3, 1]), {}),
    "inside another": (mxmtl.losses.ClassBalanced(loss=mxmtl.losses.BalancedSoftmax()), {}),
    "center declared": (None, {"center": 2.0}),
    "both declared": (None, {"center": 2.0, "scale": 3.0}),
}


@pytest.mark.parametrize("name", LONG_TAIL)
@pytest.mark.parametrize("pair", ["two tables", "one split", "of one, shards"])
def test_what_is_counted_is_counted_in_all_sets(write, tmp_path, name, pair):
    loss, given = LONG_TAIL[name]
    declared = mxmtl.TaskSet([
        mxmtl.Multiclass("color", ["blue", "green", "red"], loss=loss),
        mxmtl.Regression("price", **given),
    ])  # fmt: skip
    train, val = write.made("one", float, declared)
    if pair == "two tables":
        val, _ = write.made("two", lambda value: 10 * float(value), declared)
    elif pair == "of one, shards":
        mxmtl.write_records(
            train[: -len("_train")] + ".csv", prefix=tmp_path / "s", tasks=declared, shard_rows=99
        )
        train, val = f"{tmp_path}/s-00000.rec", f"{tmp_path}/s-00001.rec"
    found = fit(([train, val], None), tmp_path / "run", epochs=1).tasks

    counts = mxmtl.class_counts([train, val])["color"]
    each = found["color"].loss
    if loss is not None:
        wanted = declared["color"].loss.counts or tuple(map(float, counts.values()))
        assert each.counts == wanted
        assert name != "inside another" or each.loss.counts == wanted
    with contextlib.closing(RecordReader(record_files([train, val]))) as reader:
        labels = reader.labels(2).astype(np.float64)
    price = labels[~np.isnan(labels[:, 1]), 1]
    expected = (given.get("center", price.mean()), given.get("scale", price.std()))
    assert found["price"].units == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_the_unit_of_a_number_does_not_matter(write, tmp_path, optimizer):
    runs = {}
    for name in UNITS:
        run = fit(write(name), tmp_path / name, optimizer=optimizer)
        runs[name] = run, run.history[-1]["val"], mxmtl.evaluation.evaluate(run, write(name)[1])
    first, values, _ = runs["x 1"]
    for name, (run, val, evaluation) in runs.items():
        factor = UNITS[name][0]
        assert run.best.epoch == first.best.epoch, name
        assert val["color/accuracy"] == pytest.approx(values["color/accuracy"], abs=0.02)
        assert val["price/r2_score"] == pytest.approx(values["price/r2_score"], abs=0.02)
        assert val["price/rmse"] == pytest.approx(factor * values["price/rmse"], rel=0.05)
        assert val["price/task_loss"] == pytest.approx(values["price/task_loss"], rel=0.1)
        best = run.history[run.best.epoch - 1]["val"]["all_tasks/relative_loss"]
        assert evaluation.values["all_tasks/relative_loss"] == pytest.approx(best)


def test_stock_module_fit_with_the_tasks_of_records(write, tmp_path):
    """What stands beside the records is enough: predictions of both are in the label's unit."""
    train, _ = write("+ 1e4")
    records = mxmtl.RecordIter(train, 16, (3, SIZE, SIZE), mean=127, std=64, threads=1)
    center, scale = records.tasks["price"].units
    assert center == pytest.approx(1e4 + 2.5, abs=0.3)
    assert scale == pytest.approx(3 / math.sqrt(12), abs=0.2)
    symbol = mxmtl.training_symbol(network(), records.tasks)
    module = mx.mod.Module(symbol, label_names=records.tasks.label_names)
    module.fit(
        records, num_epoch=3, optimizer="adam", optimizer_params={"learning_rate": 0.01},
        eval_metric=records.tasks.metrics(), initializer=mx.init.Xavier(),
    )  # fmt: skip
    records.reset()
    values = dict(module.score(records, records.tasks.metrics()))
    records.close()
    assert values["price/rmse"] < 3 * scale
    assert values["color/accuracy"] > 0.5


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (lambda v: 1e9, 1e9),
        (lambda v: 7.0, 7.0),
        (lambda v: 1e9 + 128 * round(v), None),
        (lambda v: v * 1e-20, None),
        (lambda v: math.exp(3 * v), None),
    ],
)
def test_labels_that_are_constant_huge_tiny_or_skewed(write, tmp_path, number, expected):
    prefixes = write.made("odd", number, tasks(mxmtl.Regression("price")))
    run = fit(prefixes, tmp_path / "run", epochs=3, lr=0.02)
    last = run.history[-1]
    assert last["val"]["color/accuracy"] > 0.7
    assert math.isfinite(last["val"]["price/rmse"])
    if expected is None:
        assert last["train"]["price/relative_loss"] < 1.5
    else:
        assert last["val"]["price/rmse"] < expected


@pytest.mark.parametrize("balance", ["equal", "imtl_g"])
def test_divergence_ends_the_run_and_is_not_the_best(write, tmp_path, caplog, balance):
    options = {"optimizer": "sgd", "lr": 30.0, "clip": 0, "momentum": 0.9, "balance": balance}
    with pytest.raises(training.DivergedError, match="'price' diverged in epoch .* --lr ") as told:
        fit(write("x 1"), tmp_path / "run", **options)
    assert told.value.task == "price"
    history = training.Run(tmp_path / "run").history
    assert all(entry["train"]["price/relative_loss"] <= 100 for entry in history)


def test_a_task_that_makes_up_most_of_the_loss_is_named_once(write, tmp_path, caplog):
    heavy = tasks(mxmtl.Regression("price", weight=500))
    prefixes = write.made("heavy", float, heavy)
    with caplog.at_level(logging.INFO, "mxmtl"):
        fit(prefixes, tmp_path / "run", epochs=2)
    assert caplog.text.count("task 'price' makes up") == 1
    line = next(text for text in caplog.messages if text.startswith("epoch 2/2"))
    assert "all_tasks/relative_loss" in line
    for name in ("color/accuracy", "price/rmse"):
        told = line.split(f"{name} ")[1].split(")")[0]
        assert "(train " in told, line
        assert ", constant " in told, line
