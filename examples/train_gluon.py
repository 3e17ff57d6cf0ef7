"""The tasks of train_module.py in a Gluon loop, hybridized.

python examples/train_gluon.py --train data/emoji_train --val data/emoji_test --run runs/gluon
"""

from __future__ import annotations

import argparse
import math
import time
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
    parser.add_argument("--size", type=int, default=64, help="height and width of the images")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--lr", type=float, default=2e-3, help="highest rate; it falls as a cosine")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def evaluate(net: mxmtl.MultiTaskNet, val: mxmtl.RecordIter) -> mxmtl.Report:
    tasks, metrics = val.tasks, val.tasks.metrics()
    val.reset()
    for batch in val:
        predictions = tasks.predict(net(batch.data[0]))
        metrics.update_dict(
            dict(zip(tasks.label_names, batch.label)), dict(zip(tasks.output_names, predictions))
        )
    return mxmtl.report(metrics.get_name_value(), tasks)


def main() -> None:
    arguments = parse()
    mx.random.seed(arguments.seed)
    arguments.run.mkdir(parents=True, exist_ok=True)
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

    net = mxmtl.MultiTaskNet(mxmtl.small_trunk(), train.tasks)
    loss = mxmtl.MultiTaskLoss(train.tasks)
    net.initialize(mx.init.Xavier())
    net.hybridize(static_alloc=True)
    loss.hybridize(static_alloc=True)
    steps = arguments.epochs * math.ceil(train.num_records / arguments.batch_size)
    schedule = mx.lr_scheduler.CosineScheduler(steps, base_lr=arguments.lr)
    settings = {"learning_rate": None, "lr_scheduler": schedule}
    trainer = mx.gluon.Trainer(net.collect_params(), "adam", settings)

    for epoch in range(arguments.epochs):
        begin, total = time.time(), mx.nd.zeros(1)
        for batch in train:
            with mx.autograd.record():
                losses = loss(net(batch.data[0]), batch.label)
            losses.backward()
            trainer.step(arguments.batch_size)
            total += losses.sum()  # stays on the device: no wait in the loop
        mean = total.asscalar() / train.num_records
        print(f"epoch {epoch}: loss {mean:.4f}, {time.time() - begin:.1f} s", flush=True)
        train.reset()

    report = evaluate(net, val)
    net.save_parameters(str(arguments.run / "net.params"))
    report.save(arguments.run / "report.md")
    print(f"\n{report}\n\nparameters   {arguments.run / 'net.params'}")


if __name__ == "__main__":
    main()
