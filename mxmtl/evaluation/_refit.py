"""The last layer fitted again, label by label, on features that are computed once.

A network is trained for as many epochs as are best for the mean of its labels: too few for some of
them, too many for others. But its last layer asks nothing of a picture but features, and of these
each label is a small convex problem of its own. So each is solved by itself, from where training
left it, and is held to that by a penalty whose strength validation records choose. A label for
which nothing is better there keeps what it has.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from typing import Any

import mxnet as mx
import numpy as np

from .._files import PathLike, atomic_write
from .._table import Table
from ..data.records import Prefixes
from ..metrics import average_precision, curve_of_scores
from ..model import Model, RunFolder, load_model, save_arrays
from ..nets import logits_symbol
from ..tasks import NumpyOperators, Task
from ._predictions import run_over_records

STRENGTHS = (1.0, 0.1, 0.01, 0.001)
STEPS, PRECISION = 50, 1e-6


@dataclass(frozen=True)
class RefitLabel:
    """One label: how many are known to learn from, and average precision before and after.

    ``strength`` is that of the penalty; nan where the label keeps what it has, and ``note`` why.
    """

    task: str
    name: str
    num_labels: int
    before: float
    after: float
    strength: float
    note: str = ""


@dataclass(frozen=True)
class Refit:
    """What `refit_labels` made. Prints as a table.

    Attributes
    ----------
    model : Model
        With the new weights; `evaluate`, `mxmtl.Predictor` and `mxmtl.export.export_model` take it.
    labels : list of RefitLabel
        Of all tasks that were fitted.
    """

    model: Model
    labels: list[RefitLabel]

    def __str__(self) -> str:
        header = ["task", "label", "labels", "average precision", "after", "strength", ""]
        return Table("", header, [list(astuple(label)) for label in self.labels]).text()

    def save(self, prefix: PathLike) -> None:
        """Write MXNet's files of this prefix, which everything takes that takes a model."""
        name = os.fspath(prefix)
        args, auxs = self.model.params
        kinds = {"arg": args, "aux": auxs}
        arrays = {f"{kind}:{key}": a for kind, part in kinds.items() for key, a in part.items()}
        with atomic_write(f"{name}-symbol.json") as stream:
            stream.write(self.model.symbol.tojson().encode("utf-8"))
        save_arrays(f"{name}-0000.params", arrays)
        self.model.file.save(f"{name}.json")


def refit_labels(
    model: PathLike | RunFolder | Model,
    train: Prefixes,
    val: Prefixes,
    *,
    strengths: Sequence[float] = STRENGTHS,
    ctx: mx.Context | None = None,
    **reading: Any,
) -> Refit:
    """Fit the last layer of each label of binary and multi-label tasks again, each by itself.

    Parameters
    ----------
    model : str, Path, Run or Model
        A run folder, or what else `mxmtl.model.load_model` takes. It stays as it is.
    train, val : str or sequence of str
        Prefixes of labelled records, to learn from and to choose by.
    strengths : sequence of float
        Of the penalty, half of its product with the squared distance from the trained weights,
        in units of the features' size: the higher, the nearer to these. Average precision on
        ``val`` chooses among them, and keeps what is there where none is better.
    ctx : mx.Context, optional
        Where features are computed; the CPU by default.
    **reading
        As in `evaluate`.

    Raises
    ------
    ValueError
        If no task has labels with a last layer of their own.

    Notes
    -----
    The loss is the cross-entropy of the known labels. Temperatures and thresholds that were tuned
    belong to the old weights, and are left out: tune again.

    References
    ----------
    mlcpl (https://github.com/maxium0526/mlcpl) fine-tunes the heads of labels so, by gradient.

    Examples
    --------
    ::

        refit = mxmtl.evaluation.refit_labels("runs/first", "data/train", "data/val")
        print(refit)
        refit.save("models/refit")       # mxmtl evaluate models/refit data/test
    """
    loaded = model if isinstance(model, Model) else load_model(model)
    layers = last_layers(loaded)
    if not layers:
        raise ValueError(
            f"{loaded.name}: no binary or multi-label task ends in a layer whose rows are labels."
        )
    parts = [features_and_labels(loaded, layers, part, ctx, **reading) for part in (train, val)]
    args, found = dict(loaded.params[0]), []
    for name in layers:
        task = loaded.tasks[name]
        keys = f"{name}_weight", f"{name}_bias"
        old = np.column_stack([args[keys[0]].asnumpy(), args[keys[1]].asnumpy()]).astype(float)
        new, told = refit_task(task, old, [part[name] for part in parts], strengths)
        found += told
        args |= {keys[0]: mx.nd.array(new[:, :-1]), keys[1]: mx.nd.array(new[:, -1])}
    kept: dict[str, Any] = {
        each: {k: v for k, v in getattr(loaded.file, each).items() if k not in layers}
        for each in ("thresholds", "temperature", "tuned")
    }
    file = replace(loaded.file, **kept)
    return Refit(replace(loaded, params=(args, loaded.params[1]), file=file), found)


def last_layers(model: Model) -> dict[str, mx.sym.Symbol]:
    """Return what the last layer of each task reads whose rows are labels."""
    found = {}
    for task, logits in zip(model.tasks, logits_symbol(model.symbol, model.tasks)):
        operator = json.loads(logits.tojson(remove_amp_cast=False))["nodes"][-1]["op"]
        below = list(logits.get_children())
        names = [one.name for one in below[1:]]
        own = [f"{task.name}_weight", f"{task.name}_bias"]
        if operator == "FullyConnected" and names == own and task.kind.thresholds:
            found[task.name] = below[0]
    return found


def features_and_labels(
    model: Model, layers: dict[str, mx.sym.Symbol], records: Prefixes, ctx: Any, **reading: Any
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return what the last layers read, (N, F), and the labels (N, K) of their tasks."""
    apart = {layer.name: layer for layer in layers.values()}
    wanted = mx.sym.Group(list(apart.values()))
    module = mx.mod.Module(wanted, label_names=None, context=ctx or mx.cpu())
    size = reading.setdefault("batch_size", 32)
    shape = (size, *model.file.preprocessing.data_shape)
    module.bind([("data", shape)], for_training=False)
    args, auxs = model.params
    module.init_params(None, arg_params=args, aux_params=auxs, allow_extra=True)

    def compute(images: mx.nd.NDArray) -> list[np.ndarray]:
        module.forward(mx.io.DataBatch([images]), is_train=False)
        return [output.asnumpy() for output in module.get_outputs()]

    _, labels, computed, *_ = run_over_records(
        compute, model.tasks, records, model.file.preprocessing, **reading
    )
    read = dict(zip(apart, computed.values()))  # one array each, whatever tasks they stand beside
    return {
        name: (read[layer.name], labels[name].reshape(len(labels[name]), -1))
        for name, layer in layers.items()
    }


def refit_task(
    task: Task,
    weights: np.ndarray,
    parts: Sequence[tuple[np.ndarray, np.ndarray]],
    strengths: Sequence[float],
) -> tuple[np.ndarray, list[RefitLabel]]:
    """Return the chosen weights (K, F + 1), the bias last, and what is told of each label."""
    made, told = weights.copy(), []
    (x, y), (x_val, y_val) = [(with_one(features), labels) for features, labels in parts]
    for index, name in enumerate(task.names or (task.name,)):
        known, shown = (np.asarray(task.labelled(each[:, index])) for each in (y, y_val))
        label, seen = y[known, index] == 1, y_val[shown, index] == 1
        number = int(known.sum())
        if any(one.all() or not one.any() for one in (label, seen)):
            note = "one answer alone is known"
            told.append(RefitLabel(task.name, name, number, np.nan, np.nan, np.nan, note))
            continue
        before = precision(x_val[shown] @ weights[index], seen)
        options = [fitted(x[known], label, weights[index], each) for each in strengths]
        scores = [precision(x_val[shown] @ each, seen) for each in options]
        best = int(np.argmax(scores))
        if scores[best] > before:
            made[index] = options[best]
            told.append(RefitLabel(task.name, name, number, before, scores[best], strengths[best]))
        else:
            told.append(
                RefitLabel(task.name, name, number, before, before, np.nan, "nothing is better")
            )
    return made, told


def with_one(features: np.ndarray) -> np.ndarray:
    """Return features in float64, with a 1 behind them for the bias."""
    return np.column_stack([features, np.ones(len(features))]).astype(np.float64)


def precision(logits: np.ndarray, label: np.ndarray) -> float:
    """Return the average precision."""
    return average_precision(curve_of_scores(logits, label))


def fitted(x: np.ndarray, label: np.ndarray, start: np.ndarray, strength: float) -> np.ndarray:
    """Return the weights (F + 1,) of the lowest cross-entropy and penalty, by Newton's steps.

    Each is solved for by conjugate gradients, because features are many, and halved until it leads
    down.
    """
    pull = np.full(x.shape[1], strength * max(float(np.square(x[:, :-1]).mean()), 1e-30))
    pull[-1] = 0.0  # a bias is free

    def cost(w: np.ndarray) -> float:
        z = x @ w
        loss = np.logaddexp(0.0, np.where(label, -z, z)).mean()
        return float(loss + 0.5 * pull @ np.square(w - start))

    w, lowest = start.copy(), cost(start)
    for _ in range(STEPS):
        p = NumpyOperators.sigmoid(x @ w)
        slope = (p - label) @ x / len(x) + pull * (w - start)
        if np.abs(slope).max() < PRECISION:
            break
        way = solved(lambda v, p=p: (p * (1 - p) * (x @ v)) @ x / len(x) + pull * v, -slope)
        length = 1.0
        while length > 1e-4 and cost(w + length * way) >= lowest:
            length /= 2
        if length <= 1e-4:
            break
        w = w + length * way
        lowest = cost(w)
    return w


def solved(product: Any, wanted: np.ndarray) -> np.ndarray:
    """Return v with ``product(v)`` near to what is wanted, by conjugate gradients."""
    found, rest = np.zeros_like(wanted), wanted.copy()
    way, size = rest.copy(), float(rest @ rest)
    least = 1e-6 * size
    for _ in range(2 * len(wanted)):
        along = product(way)
        bent = float(way @ along)
        if size <= least or bent <= 0:
            break
        length = size / bent
        found, rest = found + length * way, rest - length * along
        size, last = float(rest @ rest), size
        way = rest + (size / last) * way
    return found
