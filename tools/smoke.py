"""Train, score and predict on a handful of made-up pictures: does this environment work?

Prints ``ok`` and the loss before and after, or ends with a traceback.
"""

import csv
import os
import tempfile

import mxmtl

import cv2
import mxnet as mx
import numpy as np

TASKS = mxmtl.TaskSet(
    [
        mxmtl.Multiclass("shade", ["dark", "light"]),
        mxmtl.Multilabel("sides", ["left", "right"]),
        mxmtl.Regression("level"),
    ]
)


def name_of(index: int) -> str:
    return f"{index}.{'jpg' if index % 2 else 'png'}"  # two ways to decode


def make_table(folder: str) -> str:
    rng = np.random.RandomState(0)
    path = os.path.join(folder, "table.csv")
    with open(path, "w", newline="") as stream:
        writer = csv.DictWriter(stream, ["path", *TASKS.columns])
        writer.writeheader()
        for index in range(30):
            left, right = rng.randint(0, 256, 2)
            picture = np.full((16, 16, 3), left, np.uint8)
            picture[:, 8:] = right
            cv2.imwrite(os.path.join(folder, name_of(index)), picture)
            cells = ["light" if left + right > 255 else "dark", int(left > 127), int(right > 127)]
            cells = [cell if rng.rand() < 0.7 else "" for cell in [*cells, left / 255]]
            writer.writerow(dict(zip(["path", *TASKS.columns], [name_of(index), *cells])))
    return path


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        prefix = os.path.join(folder, "records")
        mxmtl.write_records(make_table(folder), images=folder, prefix=prefix, tasks=TASKS)
        mx.random.seed(0)
        net = mxmtl.MultiTaskNet(mxmtl.small_trunk((8, 8)), TASKS)
        module = mx.mod.Module(mxmtl.training_symbol(net, TASKS), label_names=TASKS.label_names)
        with mxmtl.RecordIter(prefix, batch_size=8, data_shape=(3, 16, 16)) as train:
            loss = mx.metric.CompositeEvalMetric([mxmtl.metrics.TaskLoss(task) for task in TASKS])
            module.fit(
                train,
                num_epoch=8,
                eval_metric=TASKS.metrics(),
                initializer=mx.init.Xavier(),
                optimizer="adam",
                optimizer_params=[("learning_rate", 0.01)],
            )
            after = sum(value for _, value in module.score(train, loss))
            module.init_params(mx.init.Xavier(), force_init=True)
            before = sum(value for _, value in module.score(train, loss))
            rows = module.predict(train)[0].shape[0]
    if not (np.isfinite(after) and after < before and rows == 30):
        raise SystemExit(f"loss {before} -> {after}, {rows} rows predicted")
    print(f"ok, loss {before:.2f} -> {after:.2f}")


if __name__ == "__main__":
    main()
