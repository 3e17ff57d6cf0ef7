"""A model as an ONNX file: written with all that it means, and computed by ONNX Runtime."""

from __future__ import annotations

import ast
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from .._version import __version__
from ..onnx import Graph, check_operators, convert, finished
from ..tasks import Task, TaskSet
from ._model_file import ModelFile, Preprocessing
from ._saved import Model

PACKAGE = Path(__file__).parents[1]
# What `mxmtl export --reader` puts beside such files, to read them without mxmtl: one file made of
# these modules, or of a few names in them, so that what it does is what mxmtl does.
ONNX_READER = "onnx_predictor.py"
READER_PARTS: dict[str, tuple[str, ...]] = {
    "_files.py": ("PathLike", "Bytes", "regular_handle", "open_regular"),
    "data/_errors.py": ("ImageError", "cut_short"),
    "augment/_view.py": (),
    "data/images/_bitmaps.py": (),
    "data/images/_jpeg.py": (),
    "data/images/_image_info.py": (),
    "data/images/_pixels.py": (),
    "onnx/_check.py": (),
    "model/onnx_predictor.py": (),
}
FORMAT = "1"  # of the metadata
INPUT = "images"


def reader_source() -> str:
    """Return the source of a program that reads such files alone."""
    imports: set[str] = set()
    bodies: list[str] = []
    head = ""
    for name, wanted in READER_PARTS.items():
        text = (PACKAGE / name).read_text(encoding="utf-8")
        lines, tree = text.splitlines(), ast.parse(text)
        head, last, kept = ast.get_docstring(tree, clean=False) or "", 1, []
        for node in tree.body:
            begin, last = last, (node.end_lineno or 0) + 1  # with the comments before it
            if isinstance(node, ast.Import | ast.ImportFrom):
                if getattr(node, "level", 0) == 0 and not wanted:
                    imports.add(ast.unparse(node))
            elif not isinstance(node, ast.Expr) and (not wanted or names_of(node) & set(wanted)):
                first = node.lineno if wanted else begin
                kept += ["", *lines[first - 1 : node.end_lineno]]
        bodies.append("\n".join(kept))
    imports |= {"import errno", "import stat", "from typing import IO"}  # of `open_regular`
    future = "from __future__ import annotations"
    found = "\n".join([future, *sorted(imports - {future})])
    words = f"{head.rstrip()}\n\nMade by mxmtl {__version__} from its own modules.\n"
    return f'"""{words}"""\n\n{found}\n' + "\n".join(bodies) + "\n"


def names_of(node: ast.stmt) -> set[str]:
    """Return what a statement of a module defines."""
    if isinstance(node, ast.Assign):
        return {target.id for target in node.targets if isinstance(target, ast.Name)}
    return {getattr(node, "name", "")}


def onnx_bytes(model: Model, *, inside: bool = True, metadata: Mapping[str, str] = {}) -> bytes:
    """Return the content of an ONNX file that predicts what the model predicts.

    Parameters
    ----------
    model : Model
        From `load_model`.
    inside : bool
        Whether the graph takes pixels, uint8 (N, height, width, channels), and scales them
        itself; else it takes what `Preprocessing` makes, float32 (N, channels, height, width).
    metadata : mapping of str
        More ``metadata_props`` for the file, such as ``license``; not ``mxmtl.*``.

    Raises
    ------
    UnsupportedOperatorError
        Naming what cannot be put into ONNX, before anything is computed.
    ValueError
        If the file would be larger than ONNX allows, or the checker refuses it; for metadata
        that mxmtl writes itself.
    """
    own = sorted(name for name in metadata if name.startswith("mxmtl."))
    if own:
        raise ValueError(f"metadata {own}: what begins with mxmtl. is written by mxmtl itself.")
    symbol = model.predicting()
    check_operators(symbol)
    shape: tuple[int, ...] = tuple(model.file.preprocessing.data_shape)
    name = INPUT if INPUT not in model.tasks.names else f"{INPUT}:0"  # a task may be called so
    graph = Graph([name, *model.tasks.names])
    data = _normalized(graph, name, model.file.preprocessing) if inside else name
    args, auxs = model.params
    made = convert(graph, symbol, {**args, **auxs}, data=data, data_shape=shape)
    for tensor, task in zip(made, model.tasks):
        graph.output(tensor, task.name)
    pixels, planes = ["N", *shape[1:], shape[0]], ["N", *shape]
    return finished(
        graph,
        (name, np.dtype(np.uint8), pixels) if inside else (name, np.dtype(np.float32), planes),
        [(task.name, task.num_outputs) for task in model.tasks],
        metadata={**facts_of(model, inside), **metadata},
        version=__version__,
    )


def _normalized(graph: Graph, pixels: str, preprocessing: Preprocessing) -> str:
    # The same steps in the same order as Normalize takes, so that the bits agree.
    mean, std = (np.array(levels, np.float64) for levels in (preprocessing.mean, preprocessing.std))
    scale, shift = (part.astype(np.float32).reshape(1, -1, 1, 1) for part in (1 / std, mean / std))
    data = graph.add("Cast", [pixels], "pixels", to=1)  # 1 is float32
    data = graph.add("Transpose", [data], "planes", perm=[0, 3, 1, 2])
    data = graph.add("Mul", [data, graph.constant(scale)], "scaled")
    return graph.add("Sub", [data, graph.constant(shift)], "normalized")


def facts_of(model: Model, inside: bool) -> dict[str, str]:
    """Return the metadata by which a reader without mxmtl knows what goes in and comes out."""
    facts = {
        "mxmtl.outputs": [_output(task, model.file) for task in model.tasks],
        "mxmtl.preprocessing": {**asdict(model.file.preprocessing), "inside": inside},
        "mxmtl.tasks": model.tasks.to_dict(),
        "mxmtl.temperature": model.file.temperature,
    }
    texts = {name: json.dumps(fact, ensure_ascii=False) for name, fact in facts.items()}
    return {"mxmtl.format": FORMAT, "mxmtl.model": model.name, **texts}


def _output(task: Task, file: ModelFile) -> dict[str, Any]:
    # Thresholds as they are in force, also where none were tuned.
    answer = task.answer(np.zeros(task.num_outputs), file.thresholds.get(task.name))
    output = {"name": task.name, "kind": task.kind, "names": list(task.names)}
    median = {"median": True} if task.takes_median else {}
    return {**output, **median, "thresholds": list(answer.thresholds.values())}


def file_of(facts: Mapping[str, str], source: str) -> ModelFile:
    """Make the model file of an ONNX file's metadata; `ValueError` naming it if there is none."""
    try:
        tasks = TaskSet.from_dict(json.loads(facts["mxmtl.tasks"]), source)
        outputs: tuple[dict[str, Any], ...] = tuple(json.loads(facts["mxmtl.outputs"]))
        thresholds = {each["name"]: each["thresholds"] for each in outputs if each["thresholds"]}
        return ModelFile(
            tasks,
            Preprocessing.from_dict(json.loads(facts["mxmtl.preprocessing"])),
            thresholds,
            json.loads(facts["mxmtl.temperature"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise ValueError(f"{source}: no ONNX file of mxmtl ({error}).") from error


class OnnxBackend:
    """An ONNX file that ``mxmtl export`` wrote, in ONNX Runtime on the CPU; see `Backend`."""

    def __init__(self, path: str, name: str = "") -> None:
        from .onnx_predictor import OnnxPredictor

        threads = os.environ.get("OMP_NUM_THREADS", "")  # as many as MXNet would take
        self._predictor = OnnxPredictor(path, threads=int(threads) if threads.isdigit() else 0)
        facts = self._predictor.session.get_modelmeta().custom_metadata_map
        self.file, self.name = file_of(facts, path), name or path

    @staticmethod
    def of_model(model: Model) -> OnnxBackend:
        """Make the ONNX file of a model, and load that."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model.onnx")
            with open(path, "wb") as stream:
                stream.write(onnx_bytes(model))
            return OnnxBackend(path, model.name)

    def predict(self, crops: np.ndarray) -> list[np.ndarray]:
        """Compute; see `Backend`."""
        found = self._predictor.predict(crops)
        return [found[name] for name in self.file.tasks.names]
