r"""Parity of exported models: every trunk, and a trained run, in ONNX Runtime of any version.

    python tools/onnx_parity.py --python old/bin/python --python new/bin/python \
        --run runs/emoji --records data/emoji_test --images photos/ \
        --out docs/benchmarks/onnx.md --summary docs/export.md

Each --python is an environment with onnxruntime, numpy and opencv-python-headless, and without
MXNet: python -m venv new && new/bin/pip install onnxruntime opencv-python-headless. The trunks
have drawn weights and all four kinds of task; a difference is that of a prediction from MXNet's,
relative where it is beyond 1. About 15 minutes on 2 cores.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import mxmtl
from mxmtl.export import (
    ExportError,
    ExportOptions,
    Samples,
    UnsupportedOperatorError,
    export_model,
    mxnet_predictions,
    sample_images,
)
from mxmtl.model import Model, ModelFile, Preprocessing, load_model

import mxnet as mx
import numpy as np
from tabulate import tabulate

HERE = Path(__file__).parent
OWN = ["small", "efficientnet_lite0"]
ZOO = [
    *(f"resnet{n}_v{v}" for v in (1, 2) for n in (18, 34, 50, 101, 152)),
    *(f"vgg{n}{bn}" for n in (11, 13, 16, 19) for bn in ("", "_bn")),
    "alexnet", "densenet121", "densenet161", "densenet169", "densenet201", "squeezenet1.0",
    "squeezenet1.1", "inceptionv3",
    *(f"mobilenet{w}" for w in ("1.0", "0.75", "0.5", "0.25")),
    *(f"mobilenetv2_{w}" for w in ("1.0", "0.75", "0.5", "0.25")),
]  # fmt: skip
FAMILIES = {
    "small": "`small_trunk`", "efficientnet": "EfficientNet-Lite0", "resnet": "ResNet v1 and v2",
    "vgg": "VGG", "alexnet": "AlexNet", "densenet": "DenseNet", "squeezenet": "SqueezeNet",
    "inception": "Inception v3", "mobilenet": "MobileNet v1 and v2",
}  # fmt: skip
BEGIN, END = "<!-- parity: tools/onnx_parity.py -->\n", "<!-- end of parity -->"
TASKS = mxmtl.TaskSet([
    mxmtl.Multiclass("breed", ["beagle", "boxer", "pug"]), mxmtl.Binary("outdoors"),
    mxmtl.Multilabel("toys", ["ball", "rope", "bone"]), mxmtl.Regression("age"),
])  # fmt: skip


def drawn_model(name: str) -> Model:
    """Make a network whose every parameter matters, and whose activations keep their size."""
    own = {"small": mxmtl.small_trunk, "efficientnet_lite0": mxmtl.nets.efficientnet_lite_trunk}
    trunk = own[name]() if name in own else mxmtl.zoo_trunk(name)
    size = 299 if name == "inceptionv3" else 224
    symbol = mxmtl.training_symbol(mxmtl.MultiTaskNet(trunk, TASKS), TASKS)
    predicting, rng = mxmtl.prediction_symbol(symbol, TASKS), np.random.RandomState(5)
    shapes = predicting.infer_shape(data=(2, 3, size, size))

    def draw(names: list[str], shapes: Any) -> dict[str, mx.nd.NDArray]:
        drawn = {}
        for each, shape in zip(names, shapes):
            around = 1.0 if each.endswith(("gamma", "var")) else 0.0
            spread = np.sqrt(2 / np.prod(shape[1:])) if len(shape) > 1 else 0.2
            values = rng.standard_normal(shape).astype(np.float32) * np.float32(spread)
            drawn[each] = mx.nd.array(np.clip(values, -0.5, 0.5) + around)
        return drawn

    args = draw(predicting.list_arguments(), shapes[0])
    del args["data"]
    auxs = draw(predicting.list_auxiliary_states(), shapes[2])
    preprocessing = Preprocessing((3, size, size), (127.0,), (64.0,))
    model = Model(symbol, (args, auxs), ModelFile(TASKS, preprocessing), name)
    # Logits as those of a trained network: of huge ones any rounding would be a difference.
    planes = sample_images(preprocessing, count=2).planes(preprocessing)
    for task, logits in zip(TASKS, mxmtl.model.Network.of_model(model).logits(planes)):
        args[f"{task.name}_weight"] *= 2 / max(float(np.abs(logits).max()), 1e-6)
    return model


def elsewhere(python: str, *arguments: Any) -> str:
    command = [python, str(HERE / "_onnx_parity_run.py"), *map(str, arguments)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout


def arrays(python: str, model: Path, images: np.ndarray, folder: Path) -> dict[str, np.ndarray]:
    """Return what an exported model predicts in another environment."""
    np.save(folder / "in.npy", images)
    elsewhere(python, "arrays", model, folder / "in.npy", folder / "out.npz")
    with np.load(folder / "out.npz") as found:
        return dict(found)


def largest(expected: dict[str, np.ndarray], found: dict[str, np.ndarray]) -> float:
    parts = [
        np.abs(found[name] - right) / np.maximum(np.abs(right), 1)
        for name, right in expected.items()
    ]
    return float(max(part.max() for part in parts))


def trunk_row(name: str, pythons: list[str], count: int, folder: Path) -> list[str]:
    """Export a trunk, and compare it in every environment."""
    model, path = drawn_model(name), folder / "model.onnx"
    try:
        export_model(model, path, ExportOptions(images=count, force=True))
    except (UnsupportedOperatorError, ExportError) as error:
        return [name, "", f"refused: {error}", *("" for _ in pythons)]
    samples = sample_images(model.file.preprocessing, count=count)
    expected = mxnet_predictions(model, samples)
    cells = [largest(expected, arrays(p, path, samples.pixels, folder)) for p in pythons]
    return [name, f"{path.stat().st_size / 2**20:.0f}", *(f"{cell:.1e}" for cell in cells)]


def summary(rows: list[list[str]], heads: list[str]) -> str:
    """Make the table of docs/export.md: the largest difference of each family of trunks."""
    lines = []
    for prefix, family in FAMILIES.items():
        found = [row for row in rows if row[0].startswith(prefix)]
        refused = [row[0] for row in found if row[2].startswith("refused")]
        cells = [[float(cell) for cell in row[2:]] for row in found if row[0] not in refused]
        worst = [f"{max(column):.1e}" for column in zip(*cells)]
        lines.append([family, len(found), ", ".join(refused) or "none", *worst])
    return table(["trunks", "number", "refused", *heads], lines)


def put(path: Path, text: str) -> None:
    """Replace what stands between the marks of a document."""
    before, _, rest = path.read_text("utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"{path} has no {BEGIN.strip()} and {END}.")
    path.write_text(f"{before}{BEGIN}\n{text}\n\n{END}{after}", encoding="utf-8")


def of_records(model: Model, records: str) -> Any:
    """Read records as uint8 (N, height, width, channels), and their labels by task."""
    options = {**model.file.preprocessing.options(), "mean": None, "std": None, "dtype": "uint8"}
    pixels, labels = [], []
    with mxmtl.RecordIter(records, 64, tasks=model.tasks, **options) as batches:
        for batch in batches:
            rows = 64 - batch.pad
            pixels.append(batch.data[0].asnumpy()[:rows].transpose(0, 2, 3, 1))
            labels.append([label.asnumpy()[:rows] for label in batch.label])
    return np.concatenate(pixels), [np.concatenate(part) for part in zip(*labels)]


def measures(
    model: Model, labels: list[np.ndarray], found: dict[str, np.ndarray]
) -> dict[str, float]:
    metrics = model.tasks.metrics()
    metrics.update_dict(
        {t.label_name: mx.nd.array(label) for t, label in zip(model.tasks, labels)},
        {t.output_name: mx.nd.array(found[t.name]) for t in model.tasks},
    )
    return dict(metrics.get_name_value())


def is_accuracy(name: str) -> bool:
    return name.endswith("accuracy") and "baseline" not in name


def differing(model: Model, one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> int:
    """Count the rows of which any answer in words differs; values count from 1e-4."""
    tables = [
        model.tasks.describe([found[name] for name in model.tasks.names], model.file.thresholds)
        for found in (one, other)
    ]
    rows = np.zeros(len(next(iter(one.values()))), bool)
    for column in tables[0]:
        left, right = tables[0][column], tables[1][column]
        if left.dtype.kind == "f":
            rows |= ~np.isclose(left, right, rtol=1e-4, atol=1e-4)
        else:
            rows |= left != right
    return int(rows.sum())


def run_part(options: argparse.Namespace, heads: list[str], folder: Path) -> str:
    """Compare a trained run on all of its held-out records."""
    model, path = load_model(options.run), folder / "run.onnx"
    print(export_model(model, path, ExportOptions(records=options.records, force=True)))
    pixels, labels = of_records(model, options.records)
    expected = mxnet_predictions(model, Samples(pixels, options.records))
    right, rows = measures(model, labels, expected), []
    for python, head in zip(options.python, heads):
        found = arrays(python, path, pixels, folder)
        same = measures(model, labels, found)
        equal = [name for name in right if is_accuracy(name) and right[name] == same[name]]
        count = sum(is_accuracy(name) for name in right)
        differ = differing(model, expected, found)
        cells = [f"{largest(expected, found):.1e}", differ, f"{len(equal)} of {count}"]
        rows.append([head, *cells])
    shown = [[name, f"{value:.4f}"] for name, value in right.items() if is_accuracy(name)]
    return (
        f"## A trained run, {len(pixels)} held-out records\n\n"
        + table(["environment", "largest difference", "rows with another answer",
                 "accuracies equal to MXNet's"], rows)
        + "\n\n" + table(["MXNet", "value"], shown) + "\n"
    )  # fmt: skip


def images_part(options: argparse.Namespace, heads: list[str], folder: Path) -> str:
    """Compare onnx_predictor.py on image files with `mxmtl.Predictor` in MXNet."""
    paths = sorted(p for p in Path(options.images).rglob("*") if p.suffix in (".png", ".jpg"))
    paths = paths[:: max(1, len(paths) // 400)]
    model = load_model(options.run)
    export_model(model, folder / "run.onnx", ExportOptions(reader=True, force=True))
    expected = [answer.to_dict() for answer in mxmtl.model.Predictor(model)(paths)]
    rows = []
    for python, head in zip(options.python, heads):
        lines = elsewhere(python, "images", folder, folder / "run.onnx", *paths).splitlines()
        answers, worst, names = [json.loads(line) for line in lines], 0.0, 0
        for one, other in zip(expected, answers):
            for task, part in one.items():
                left, right = part.get("probabilities"), other[task].get("probabilities")
                pairs = zip(left.values(), right.values()) if left else ()
                worst = max([worst, *(abs(a - b) for a, b in pairs)])
                names += bool(left) and _names(part) != _names(other[task])
        rows.append([head, len(answers), names, f"{worst:.1e}"])
    return "## Image files, read by `onnx_predictor.py` alone\n\n" + table(
        ["environment", "files", "other names than `mxmtl.Predictor` in MXNet",
         "largest difference of a probability"], rows) + "\n"  # fmt: skip


def _names(part: dict[str, Any]) -> Any:
    return list(part["answer"]) if isinstance(part["answer"], list | tuple) else part["answer"]


def table(headers: list[str], rows: list[list[Any]]) -> str:
    return tabulate(rows, headers, tablefmt="github", disable_numparse=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--python", action="append", default=[], help="an environment; repeat it")
    parser.add_argument("--trunks", nargs="*", default=[*OWN, *ZOO], help="all by default")
    parser.add_argument("--count", type=int, default=4, help="images for each trunk")
    parser.add_argument("--run", help="a run folder")
    parser.add_argument("--records", help="its held-out records")
    parser.add_argument("--images", help="a folder of image files")
    parser.add_argument("--out", type=Path, help="Markdown file to write")
    parser.add_argument("--summary", type=Path, help="where to put the table of families")
    options = parser.parse_args()
    options.python = options.python or [sys.executable]

    versions = [json.loads(elsewhere(python, "versions")) for python in options.python]
    heads = [f"onnxruntime {v['onnxruntime']}" for v in versions]
    with tempfile.TemporaryDirectory() as name:
        folder, rows = Path(name), []
        for trunk in options.trunks:
            rows.append(trunk_row(trunk, options.python, options.count, folder))
            print(*rows[-1], flush=True)
        parts = [table(["trunk", "MiB", *heads], rows)]
        if options.run and options.records:
            parts.append(run_part(options, heads, folder))
        if options.run and options.images:
            parts.append(images_part(options, heads, folder))
    listed = [f"- {h}: " + ", ".join(f"{k} {x}" for k, x in v.items() if k != "onnxruntime")
              for h, v in zip(heads, versions)]  # fmt: skip
    text = INTRODUCTION.format(
        mxnet=mx.__version__, python=platform.python_version(), count=options.count,
        environments="\n".join(listed),
    ) + "\n\n".join(parts)  # fmt: skip
    print(text)
    if options.summary:
        put(options.summary, summary(rows, heads))
    if options.out:
        options.out.write_text(text.rstrip() + "\n", encoding="utf-8")


INTRODUCTION = """\
# Exported models in ONNX Runtime

`python tools/onnx_parity.py`, MXNet {mxnet}, Python {python}. Environments without MXNet:

{environments}

A difference is that of a prediction from MXNet's, relative where it is beyond 1; more than 1e-4 and
`mxmtl export` writes nothing. Files are ONNX opset 13 with the preprocessing inside.

## Trunks, {count} images of full size, weights drawn

"""

if __name__ == "__main__":
    main()
