"""Train on records with MXNet's own Module.fit, and report on each task.

    python examples/train_module.py --train data/emoji_train --val data/emoji_test --run runs/emoji

The run folder gets a checkpoint at the end (MXNet's files), the report on the validation records
(report.md, report.json) and the predictions for them (predictions.csv).
"""

from __future__ import annotations

import argparse
import csv
import logging
import math
import sys
from pathlib import Path

import mxmtl
from mxmtl.augment import RandomCrop, RandomMirror, RandomRotation, RandomZoom

import mxnet as mx


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--train", required=True, help="prefix of the records to train on")
    parser.add_argument("--val", required=True, help="prefix of the records to report on")
    parser.add_argument("--run", type=Path, required=True, help="folder for what comes out")
    parser.add_argument("--trunk", default="small", help="small, or a network of the Gluon zoo")
    parser.add_argument("--size", type=int, default=64, help="height and width of the images")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--lr", type=float, default=2e-3, help="highest rate; it falls as a cosine")
    parser.add_argument("--wd", type=float, default=1e-4, help="weight decay")
    parser.add_argument("--gpus", help="such as 0,1; default: all that work, else the CPU")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def devices(gpus: str) -> list[mx.Context]:
    return [mx.gpu(int(index)) for index in gpus.split(",")] if gpus else mxmtl.context()


def main() -> None:
    arguments = parse()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    mx.random.seed(arguments.seed)
    arguments.run.mkdir(parents=True, exist_ok=True)
    checkpoint = str(arguments.run / "model")
    context = devices(arguments.gpus)
    logging.info("training on %s", ", ".join(map(str, context)))

    shape = (3, arguments.size, arguments.size)
    options = {"batch_size": arguments.batch_size, "data_shape": shape, "mean": 127, "std": 64}
    train = mxmtl.RecordIter(
        arguments.train,
        shuffle=True,
        seed=arguments.seed,
        augment=[RandomRotation(10), RandomZoom(0.85, 1.2), RandomMirror(), RandomCrop()],
        **options,
    )
    val = mxmtl.RecordIter(arguments.val, **options)
    tasks = train.tasks

    trunk = mxmtl.small_trunk() if arguments.trunk == "small" else mxmtl.zoo_trunk(arguments.trunk)
    net = mxmtl.MultiTaskNet(trunk, tasks)
    symbol = mxmtl.training_symbol(net, tasks)
    module = mx.mod.Module(symbol, label_names=tasks.label_names, context=context)
    steps = arguments.epochs * math.ceil(train.num_records / arguments.batch_size)
    # learning_rate=None: otherwise the optimizer's default takes the place of the schedule's.
    schedule = mx.lr_scheduler.CosineScheduler(steps, base_lr=arguments.lr)
    module.fit(
        train,
        eval_data=val,
        eval_metric=tasks.metrics(),
        num_epoch=arguments.epochs,
        optimizer="adam",
        optimizer_params={"learning_rate": None, "lr_scheduler": schedule, "wd": arguments.wd},
        initializer=mx.init.Xavier(),
        batch_end_callback=mx.callback.Speedometer(arguments.batch_size, frequent=20),
        epoch_end_callback=mx.callback.do_checkpoint(checkpoint, period=arguments.epochs),
    )

    report = mxmtl.report(module.score(val, tasks.metrics()), tasks)
    report.save(arguments.run / "report.md")
    report.save(arguments.run / "report.json")
    val.reset()
    answers = tasks.describe(module.predict(val, always_output_list=True))
    with (arguments.run / "predictions.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["record", *answers])  # its place in the records
        writer.writerows(zip(range(val.num_records), *answers.values()))
    print(f"\n{report}\n\n{arguments.run} holds:", *sorted(p.name for p in arguments.run.iterdir()))


if __name__ == "__main__":
    main()
