"""Write ``data/``: small files of every sort that mxmtl leaves on a disk, and its answers to them.

Run it with the old version only, in a clean clone at the commit below: what a later version writes
proves nothing about what was written before it.

    git worktree add ../old 957aba3
    cp -r tests/compatibility ../old/tests/
    cd ../old && OMP_NUM_THREADS=1 python tests/compatibility/make.py

The data that are kept here were made at commit 957aba3 (mxmtl 0.1.0), with Python 3.11 and one
thread. `test_written_before.py` opens them. This file uses public names and the command line alone.
"""

from __future__ import annotations

import csv
import json
import os
import platform
import shutil
import sys
import tempfile
from pathlib import Path

import mxmtl
from mxmtl import augment, training
from mxmtl.cli import main

import cv2
import mxnet as mx
import numpy as np

COMMIT = "957aba3"
DATA = Path(__file__).parent / "data"
SHAPE = (3, 8, 8)
TRAIN, VAL = "records/one", "records/parts"
READING = {"batch_size": 4, "data_shape": SHAPE, "dtype": "uint8"}
ORDER = {"shuffle": True, "seed": 11, "batch_size": 5, "data_shape": SHAPE, "dtype": "uint8"}
MODELS = (("run", "best"), ("run", "last"), ("model.onnx", "best"))
COMMON = {"data_shape": SHAPE, "batch_size": 4, "threads": 1}


def tasks() -> mxmtl.TaskSet:
    """Every type of task, with all that can be declared of it."""
    return mxmtl.TaskSet(
        [
            mxmtl.Multiclass(
                "breed",
                ["beagle", "boxer", "犬"],
                class_weight=[0.5, 2.0, 1.5],
                label_smoothing=0.1,
            ),
            mxmtl.Multiclass("shape", ["round", "square"], weight=0.5),
            mxmtl.Binary("outdoors", pos_weight=3.0, label_smoothing=0.2),
            mxmtl.Multilabel("toys", ["ball", "rope", "bone, old"], pos_weight=[1.0, 2.0, 0.5]),
            mxmtl.Regression("age", weight=0.1),
        ]
    )


def write_table(name: str, rows: int, rng: np.random.RandomState) -> None:
    """Write images in JPEG and PNG, and a table of them in which a third of the cells is empty.

    The labels can be seen in the pictures, more or less; the first row has none.
    """
    columns = ["path", *tasks().columns]
    with open(f"{name}.csv", "w", newline="", encoding="utf-8") as stream:
        table = csv.DictWriter(stream, columns, lineterminator="\n")
        table.writeheader()
        for row in range(rows):
            path = f"{name}/{row:02d}." + ("jpg" if row % 2 else "png")
            breed, outdoors = row % 3, int(rng.rand() < 0.5)
            height, width = [(8, 8), (8, 12), (11, 8)][row % 3]
            noise = rng.randint(0, 60, (height, width, 3))
            picture = noise + 60 * np.eye(3, dtype=int)[breed] + 100 * outdoors
            cv2.imwrite(f"images/{path}", np.clip(picture, 0, 255).astype(np.uint8))
            cells = {
                "breed": ["beagle", "boxer", "犬"][breed],
                "shape": "square" if height == width else "round",
                "outdoors": outdoors,
                "age": repr(round(float(breed + outdoors + rng.rand() - 1.5), 3)),
                **{column: rng.randint(2) for column in columns if column.startswith("toys")},
            }
            shown = {key: cell for key, cell in cells.items() if row and rng.rand() < 2 / 3}
            table.writerow({"path": path, **shown})


def write_data() -> None:
    """Write tables and images, then one file of records and several shards."""
    rng = np.random.RandomState(5)
    for folder in ("images/train", "images/val", "records"):
        os.makedirs(folder)
    write_table("train", 26, rng)
    write_table("val", 17, rng)
    tasks().save("tasks.json")
    how = ["--images", "images", "--tasks", "tasks.json", "--prefix"]
    command("convert", "train.csv", *how, TRAIN)
    command("convert", "val.csv", *how, VAL, "--shard-rows", "6")


def read(prefix: str, found: dict) -> None:
    """Note what records hold: ids, labels and pixels."""
    with mxmtl.RecordIter(prefix, **READING) as data:
        batches = [(b.index, [a.asnumpy() for a in b.label], b.data[0].asnumpy()) for b in data]
    found[f"{prefix}/index"] = np.concatenate([index for index, _, _ in batches])
    found[f"{prefix}/pixels"] = np.concatenate([pixels for _, _, pixels in batches])
    for place, task in enumerate(tasks()):
        found[f"{prefix}/{task.name}"] = np.concatenate([labels[place] for _, labels, _ in batches])


def stop_an_iterator(found: dict) -> None:
    """Save the state of an iterator in the middle of its second epoch, and what comes after it."""
    with mxmtl.RecordIter([TRAIN, VAL], **ORDER) as data:
        list(data)
        data.reset()
        for _ in range(3):
            next(data)
        Path("iterator.json").write_text(json.dumps(data.state_dict(), indent=1) + "\n", "utf-8")
        rest = [batch.index for batch in data]
        data.reset()
        found["iterator/index"] = np.concatenate(rest + [batch.index for batch in data])


class StopAt(training.Callback):
    """Stops a run at a batch; its state is saved as after Ctrl-C."""

    def __init__(self, epoch: int, batch: int) -> None:
        self.place = (epoch, batch)

    def on_batch_end(self, session: training.Session) -> None:
        if (session.epoch, session.batch) == self.place:
            session.stop("it was asked to")


def trunk() -> mx.sym.Symbol:
    """Return a trunk with what makes going on hard: batch normalization and dropout."""
    with mx.name.NameManager():
        x = mx.sym.var("data")
        x = mx.sym.Convolution(x, num_filter=4, kernel=(3, 3), no_bias=True, name="conv")
        x = mx.sym.BatchNorm(x, name="bn", fix_gamma=False)
        x = mx.sym.Dropout(mx.sym.Activation(x, act_type="relu", name="relu"), p=0.3, name="drop")
        x = mx.sym.Pooling(x, kernel=(3, 3), stride=(3, 3), pool_type="avg", name="pool")
        return mx.sym.flatten(x, name="features")


def train() -> training.Run:
    """Train to the end, so that the best checkpoint is not the last, and tune."""
    run = mxmtl.fit(
        TRAIN,
        VAL,
        run="run",
        network=mxmtl.small_trunk((3, 5)),
        augment=[augment.RandomCrop(), augment.RandomMirror()],
        mean=(120, 110, 100),
        std=(60,),
        crop=0.875,
        epochs=4,
        optimizer="adam",
        lr=0.1,
        wd=1e-3,
        schedule="step",
        steps=(2, 3),
        label_smoothing=0.05,
        monitor="all_tasks/task_loss",
        keep=1,
        logs=("jsonl",),
        seed=5,
        **COMMON,
    )
    if run.best.stem == run.last.stem:
        raise AssertionError("the best checkpoint is the last; choose other settings")
    command("tune", "run", VAL, "--objective", "f1", "--min-labels", "4")
    return run


def stop_training(found: dict) -> None:
    """Stop a run in the middle of its second epoch, and note the weights that it would reach."""

    def fit(folder: str, *callbacks: training.Callback) -> training.Run:
        return mxmtl.fit(
            TRAIN,
            VAL,
            run=folder,
            network=trunk(),
            callbacks=callbacks,
            augment=[augment.RandomResizedCrop(area=(0.5, 1.0)), augment.ColorJitter(0.2, 0.2)],
            frozen_epochs=1,
            cache=False,
            epochs=3,
            lr=0.02,
            warmup=0.5,
            mixup=0.2,
            ema=0.8,
            keep=1,
            logs=("csv",),
            seed=9,
            **COMMON,
        )

    fit("stopped", StopAt(2, 4))
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree("stopped", f"{folder}/resumed")
        resumed = weights(*training.resume(f"{folder}/resumed").load("last")[1:])
        whole = weights(*fit(f"{folder}/whole").load("last")[1:])
    if any(not np.array_equal(resumed[name], whole[name]) for name in whole):
        raise AssertionError("resuming does not give the weights of a run that was not stopped")
    found.update({f"stopped/{name}": array for name, array in resumed.items()})


def save_a_module(found: dict) -> None:
    """Save a module in a loop of one's own with `save_module`, and note where it arrives."""
    declared = mxmtl.TaskSet(list(tasks()), normalization="valid")
    symbol = mxmtl.training_symbol(trunk(), declared)
    module = mx.mod.Module(symbol, label_names=declared.label_names)
    with mxmtl.RecordIter(TRAIN, batch_size=4, data_shape=SHAPE, mean=120, std=60) as data:
        module.bind(data.provide_data, data.provide_label)
        mx.random.seed(1)
        module.init_params(mx.init.Xavier())
        module.init_optimizer(optimizer="adam", optimizer_params={"learning_rate": 0.01})
        one_epoch(module, data)
        save_as_mxnet_does(module, declared)
        training.save_module("module", module, epoch=1, state={"data": data.state_dict()})
        data.reset()
        mx.random.seed(2)
        one_epoch(module, data)
    found.update({f"module/{n}": a for n, a in weights(*module.get_params()).items()})


def one_epoch(module: mx.mod.Module, data: mxmtl.RecordIter) -> None:
    for batch in data:
        module.forward_backward(batch)
        module.update()


def save_as_mxnet_does(module: mx.mod.Module, declared: mxmtl.TaskSet) -> None:
    """Save what MXNet's own ``save_checkpoint`` writes, with the tasks beside it."""
    os.makedirs("mxnet")
    module.save_checkpoint("mxnet/net", 3)
    declared.save("mxnet/net.tasks.json")


def answer(found: dict) -> None:
    """Export, and note what all the models say about the images and the records."""
    command("export", "run", "-o", "model.onnx", "--records", VAL, "--license", "CC0-1.0")
    os.makedirs("exported")
    command("export", "run", "-o", "exported/net", "--format", "mxnet")
    command("export", "run", "-o", "exported/gluon", "--format", "gluon")
    command("predict", "run", "images/val", "--top", "2", "-o", "predictions.csv")
    command("predict", "run", "images/val", "-o", "predictions.jsonl")
    command("evaluate", "run", VAL, "--bootstrap", "0", "-o", "evaluation.json")
    command(
        *["predict", "mxnet/net", "images/val", "-o", "mxnet/predictions.jsonl"],
        *["--data-shape", "3,8,8", "--mean", "120", "--std", "60"],
    )
    pictures = sorted(map(str, Path("images/val").iterdir()))
    for model, which in MODELS:
        (batch,) = mxmtl.Predictor(model, which, batch_size=99).batches(pictures)
        for task, array in zip(tasks(), batch.predictions):
            found[f"{model}/{which}/{task.name}"] = array
    network = mx.mod.Module.load("exported/gluon", 0, label_names=None)
    with mxmtl.RecordIter(VAL, batch_size=17, data_shape=SHAPE, mean=120, std=60) as data:
        network.bind(data.provide_data, for_training=False)
        for task, array in zip(tasks(), network.predict(data, always_output_list=True)):
            found[f"exported/gluon/{task.name}"] = array.asnumpy()


def weights(*params: dict) -> dict:
    """Return parameters and auxiliary states as one mapping of NumPy arrays."""
    return {name: array.asnumpy() for part in params for name, array in part.items()}


def command(*arguments: str) -> None:
    """Run ``mxmtl``; an exit code other than 0 is an error."""
    code = main(list(arguments))
    if code:
        raise AssertionError(f"mxmtl {' '.join(arguments)}: exit code {code}")


def exactness() -> str:
    """Say on what the last bit of a float depends: threads, and the processor's vector units."""
    words = Path("/proc/cpuinfo").read_text("utf-8").split()
    units = {word for word in words if word.startswith(("avx", "sse4", "fma"))}
    threads = os.environ.get("OMP_NUM_THREADS")
    return f"OMP_NUM_THREADS={threads} {platform.machine()} {' '.join(sorted(units))}"


def make() -> None:
    shutil.rmtree(DATA, ignore_errors=True)
    DATA.mkdir()
    os.chdir(DATA)  # paths in the files are relative
    found: dict = {}
    write_data()
    for prefix in (TRAIN, VAL):
        read(prefix, found)
    stop_an_iterator(found)
    run = train()
    stop_training(found)
    save_a_module(found)
    answer(found)
    about = {
        "commit": COMMIT,
        "mxmtl": mxmtl.__version__,
        "numpy": np.__version__,
        "opencv": cv2.__version__,
        "exact": exactness(),
        "best": run.best.stem,
        "last": run.last.stem,
    }
    text = json.dumps(about, indent=1, ensure_ascii=False)
    Path("expected.json").write_text(text + "\n", "utf-8")
    np.savez_compressed("expected.npz", **found)


if __name__ == "__main__":
    sys.exit(make())
