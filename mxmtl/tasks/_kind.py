"""What a label says, and all that follows from it: no one else asks what kind a task is of.

Tables, records, samplers, metrics, tuning and reports treat a task type that they have never heard
of by its kind alone. So a kind is a promise: a task of kind ``"class"`` has one column of ids, and
predictions that are a distribution over its names. A promise that nobody checks is broken in
silence (a perfect predictor scored 0.0), so it is checked when a task is made, `Kind.check`, by
asking the task itself, and what is wrong is said with the way to mend it.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from .._options import one_of
from ._checks import percent
from ._counters import CellsCounter, ClassCounter, LabelCounter, Spread, ValueCounter
from ._operators import NumpyOperators

NEAR_ONE = 1e-3  # how far the probabilities of a class task may be from adding up to 1
STRATA = 4  # of real values, by their quantiles
ENDLESS = 1e30  # further than any turn


class Kind(str, metaclass=abc.ABCMeta):
    """Abstract: what a label says. It is its own name, ``"class"``, ``"cells"`` or ``"value"``.

    A kind from outside is an instance of a class derived from this one; it is known from then
    on. Metrics have a `mxmtl.metrics.Batch` for each kind.

    Attributes
    ----------
    known : dict of str to Kind
        All of them, by name.
    probabilities : bool
        Whether predictions are probabilities: there is a temperature, calibration and ranking.
    thresholds : bool
        Whether an answer is taken by a threshold for each column.
    exclusive : bool
        Whether one of several names holds, so that there is a likeliest and a second one.
    metrics : dict of str to type
        The metrics of one task that there are for it, by name; `mxmtl.metrics` fills it.
    """

    known: ClassVar[dict[str, Kind]] = {}
    probabilities: ClassVar[bool]
    thresholds: ClassVar[bool]
    exclusive: ClassVar[bool]
    metrics: dict[str, Any]

    def __new__(cls, name: str) -> Kind:
        kind = Kind.known.setdefault(name, super().__new__(cls, name))
        if type(kind) is not cls:
            raise ValueError(f"kind {name!r} is a {type(kind).__name__} already.")
        if not hasattr(kind, "metrics"):
            kind.metrics = {}
        return kind  # one object a name, also when it comes out of a pickle

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str(self),)

    @staticmethod
    def named(name: Any, owner: str) -> Kind:
        """Return the kind of this name; `TypeError` telling who asks where there is none."""
        if name not in Kind.known:
            raise TypeError(
                f"{owner}: kind {name!r} is not {one_of(str(name), sorted(Kind.known))}. It says "
                "what a label is: the id of a class, a row of 0/1 cells, or a real value."
            )
        return Kind.known[name]

    # -- the promise -----------------------------------------------------------------------------
    def check(self, task: Any) -> None:
        """Raise `TypeError` unless a task's widths and activation are those of its kind."""
        self._check_widths(task)
        logits = 4 * np.sin(np.arange(3.0 * task.num_logits)).reshape(3, task.num_logits)
        prediction = np.asarray(task.activate(NumpyOperators(), logits))
        if prediction.shape != (3, task.num_outputs):
            raise TypeError(
                f"{about(task)}: activate turns logits {logits.shape} into {prediction.shape}, but "
                f"predictions are (N, num_outputs), here (3, {task.num_outputs}). If the head is "
                "not as wide as the prediction, give its width as num_logits."
            )
        self._check_prediction(task, prediction)

    @abc.abstractmethod
    def _check_widths(self, task: Any) -> None:
        """Raise `TypeError` unless label, names and prediction are as wide as they must be."""

    def _check_prediction(self, task: Any, prediction: np.ndarray) -> None:
        if self.probabilities and not (prediction.min() >= 0 and prediction.max() <= 1):
            raise TypeError(
                f"{about(task)}: activate gives values from {prediction.min():.3g} to "
                f"{prediction.max():.3g}; predictions of kind {str(self)!r} are probabilities."
            )

    def units(self, task: Any) -> int:
        """Return how many units metrics tell apart: classes, labels or columns."""
        return int(task.num_outputs)

    # -- labels ----------------------------------------------------------------------------------
    @abc.abstractmethod
    def valid(self, task: Any, label: np.ndarray) -> np.ndarray:
        """Tell which entries of labels are missing or legal: bool, same shape."""

    def valid_or_soft(self, task: Any, label: np.ndarray) -> np.ndarray:
        """Tell which entries are valid, or soft: what a network may be given, and no table."""
        return np.asarray(task.valid(label))

    @abc.abstractmethod
    def legal(self, task: Any, soft: bool = False) -> str:
        """Say in words what a label may be."""

    @abc.abstractmethod
    def as_prediction(self, task: Any, label: np.ndarray) -> np.ndarray:
        """Return what labels want predicted: float64 (N, num_outputs), NaN where missing."""

    def constant(self, wanted: np.ndarray, weight: Any, rows: Any) -> np.ndarray:
        """Return the mean of what labels want predicted, (num_outputs,): the best constant answer.

        ``wanted`` is as `as_prediction` gives it; ``weight`` and ``rows``, how many there are of
        each, broadcast against it. nan where no label is known.
        """
        known = ~np.isnan(wanted)
        total = np.where(known, weight * rows, 0.0).sum(axis=0)
        summed = (np.nan_to_num(wanted) * weight * rows).sum(axis=0)
        mean: np.ndarray = summed / np.where(total > 0, total, np.nan)
        if not self.probabilities:
            return mean
        rare = 0.5 / ((known * rows).sum(axis=0) + 1)  # what was never seen may come yet
        return np.clip(np.nan_to_num(mean, nan=0.5), rare, 1 - rare)

    # -- counts ----------------------------------------------------------------------------------
    @abc.abstractmethod
    def counter(self, task: Any) -> LabelCounter:
        """Make what counts the labels of a task, as manifests and `mxmtl inspect` tell them."""

    @abc.abstractmethod
    def count_table(self, counts: Mapping[str, Any]) -> tuple[list[str], list[list[Any]]]:
        """Return header and rows of what a `counter` counted."""

    def frequencies(self, counts: Mapping[str, Any]) -> dict[str, Any]:
        """Return how often each class is labelled, or (no, yes) of each label, of such counts."""
        return {}

    def answers(self, task: Any, counts: Mapping[str, Any]) -> dict[str, dict[str, int]]:
        """Return what can be answered, and how often it is, of what a `counter` counted.

        ``{"": {class: rows}}``, or ``{label: {"yes": rows, "no": rows}}``; nothing of a kind that
        has no such answers.
        """
        return {}

    def far_outside(
        self, task: Any, learnt: Sequence[Mapping[str, Any]], held: Sequence[Mapping[str, Any]]
    ) -> str:
        """Name a held out value so far outside of those that are learnt that errors tell of it.

        Both are what a `counter` counted, of records with one purpose. '' where none is.
        """
        return ""

    # -- keys ------------------------------------------------------------------------------------
    def holding(self, task: Any) -> tuple[str, ...]:
        """Name what may hold of a record, one for each column of `as_prediction`."""
        return ()

    def balanced(self, task: Any, label: np.ndarray) -> np.ndarray | None:
        """Tell what each row says, for samplers: bool (N, keys); None where nothing is rare."""
        return None

    def joined(self, labels: np.ndarray, known: np.ndarray, missing: float) -> np.ndarray:
        """Return what labels (k, N, width) say of k images in one: what all say, or missing."""
        same = known.all(axis=0) & (labels == labels[0]).all(axis=0)
        return np.where(same, labels[0], missing)

    def strata(self, cells: np.ndarray, known: np.ndarray) -> np.ndarray:
        """Return which stratum each cell of a column (N,) is in, for stratified splits."""
        return cells

    # -- probabilities ---------------------------------------------------------------------------
    def log_likelihood(self, wanted: np.ndarray, prediction: np.ndarray) -> float:
        """Sum the log-probabilities of what labels want; NaN of ``wanted`` counts as nothing."""
        raise TypeError(f"predictions of kind {str(self)!r} are no probabilities.")


# -- one id of several -----------------------------------------------------------------------------
class ClassKind(Kind):
    """One id of several classes: label (N,), predictions a distribution (N, len(names))."""

    probabilities, thresholds, exclusive = True, False, True

    def _check_widths(self, task: Any) -> None:
        classes, width = len(task.names), task.num_outputs
        _check_label(task, 1)
        if classes < 2:
            raise TypeError(f"{about(task)}: names has {classes} classes; kind 'class' wants two.")
        if width != classes:
            narrow = f" Is {width} the width of the head? Then num_logits is {width}." * (
                task.num_logits == width
            )
            raise TypeError(
                f"{about(task)}: num_outputs is {width}, but it has {classes} classes, and a task "
                f"of kind 'class' predicts a probability of each: num_outputs is {classes}, and "
                f"activate makes (N, {classes}) of the logits.{narrow}"
            )

    def _check_prediction(self, task: Any, prediction: np.ndarray) -> None:
        super()._check_prediction(task, prediction)
        total = prediction.sum(axis=1)
        worst = float(total[np.argmax(np.abs(total - 1))])
        if abs(worst - 1) > NEAR_ONE:
            raise TypeError(
                f"{about(task)}: activate gives rows that add up to {worst:.4g}; a task of kind "
                "'class' predicts the probability of each class, and they add up to 1."
            )

    def valid(self, task: Any, label: np.ndarray) -> np.ndarray:
        # The mark for missing is the whole number before the first class.
        return (label >= task.missing) & (label < task.num_outputs) & (label == np.floor(label))

    def legal(self, task: Any, soft: bool = False) -> str:
        return f"0 to {task.num_outputs - 1}"

    def as_prediction(self, task: Any, label: np.ndarray) -> np.ndarray:
        label = np.asarray(label).reshape(-1)
        known = task.labelled(label)
        rows = np.eye(task.num_outputs)[np.where(known, label, 0).astype(np.int64)]
        rows[~known] = np.nan
        return rows

    def constant(self, wanted: np.ndarray, weight: Any, rows: Any) -> np.ndarray:
        shares = super().constant(wanted, weight, rows)
        normal: np.ndarray = shares / shares.sum()
        return normal

    def counter(self, task: Any) -> LabelCounter:
        return ClassCounter(task)

    def count_table(self, counts: Mapping[str, Any]) -> tuple[list[str], list[list[Any]]]:
        rows = [[name, n, percent(n, counts["labelled"])] for name, n in counts["counts"].items()]
        return ["class", "records", "share"], rows

    def frequencies(self, counts: Mapping[str, Any]) -> dict[str, Any]:
        return dict(counts.get("counts", {}))

    def answers(self, task: Any, counts: Mapping[str, Any]) -> dict[str, dict[str, int]]:
        return {"": dict(counts["counts"])}

    def holding(self, task: Any) -> tuple[str, ...]:
        return tuple(f"{task.name}={name}" for name in task.names)

    def balanced(self, task: Any, label: np.ndarray) -> np.ndarray | None:
        says: np.ndarray = (label == np.arange(task.num_outputs)) & task.labelled(label)
        return says

    def log_likelihood(self, wanted: np.ndarray, prediction: np.ndarray) -> float:
        return float(np.nansum(wanted * log(prediction)))


# -- independent 0/1 cells -------------------------------------------------------------------------
class CellsKind(Kind):
    """Independent cells, each 0 or 1: label and predictions (N, label_width), in [0, 1]."""

    probabilities, thresholds, exclusive = True, True, False

    def _check_widths(self, task: Any) -> None:
        _check_label(task, task.label_width)
        if task.num_outputs != task.label_width:
            raise TypeError(
                f"{about(task)}: num_outputs is {task.num_outputs}, but a task of kind 'cells' "
                f"predicts a probability of each of its {task.label_width} cells."
            )
        if task.names and len(task.names) != task.label_width:
            raise TypeError(
                f"{about(task)}: {len(task.names)} names for {task.label_width} cells; a task of "
                "kind 'cells' names each of them, or none."
            )

    def valid(self, task: Any, label: np.ndarray) -> np.ndarray:
        legal: np.ndarray = (label == 0) | (label == 1) | (label == task.missing)
        return legal if task.padding == task.missing else legal | (label == task.padding)

    def valid_or_soft(self, task: Any, label: np.ndarray) -> np.ndarray:
        soft: np.ndarray = np.asarray(task.valid(label)) | ((label > 0) & (label < 1))
        return soft

    def legal(self, task: Any, soft: bool = False) -> str:
        return "0 to 1" if soft else "0 or 1"

    def joined(self, labels: np.ndarray, known: np.ndarray, missing: float) -> np.ndarray:
        some, none = (known & (labels == 1)).any(axis=0), (known & (labels == 0)).all(axis=0)
        return np.where(some, 1.0, np.where(none, 0.0, missing))

    def as_prediction(self, task: Any, label: np.ndarray) -> np.ndarray:
        cells = np.asarray(label).reshape(-1, task.label_width)
        return np.where(task.labelled(cells), cells, np.nan).astype(np.float64)

    def counter(self, task: Any) -> LabelCounter:
        return CellsCounter(task)

    def count_table(self, counts: Mapping[str, Any]) -> tuple[list[str], list[list[Any]]]:
        labels = counts["labels"]
        rows = [
            [name, labels[name], n, percent(n, labels[name])]
            for name, n in counts["positive"].items()
        ]
        return ["label", "known", "holds", "share"], rows

    def frequencies(self, counts: Mapping[str, Any]) -> dict[str, Any]:
        known = counts.get("labels", {})
        return {name: (known[name] - n, n) for name, n in counts.get("positive", {}).items()}

    def answers(self, task: Any, counts: Mapping[str, Any]) -> dict[str, dict[str, int]]:
        labels = counts["labels"]
        return {
            name if task.names else "": {"yes": holds, "no": labels[name] - holds}
            for name, holds in counts["positive"].items()
        }

    def holding(self, task: Any) -> tuple[str, ...]:
        return tuple(task.columns)

    def balanced(self, task: Any, label: np.ndarray) -> np.ndarray | None:
        known = task.labelled(label)
        positive = known & (label > 0.5)
        return np.column_stack([positive, known.any(axis=1) & ~positive.any(axis=1)])

    def log_likelihood(self, wanted: np.ndarray, prediction: np.ndarray) -> float:
        return float(np.nansum(wanted * log(prediction) + (1 - wanted) * log(1 - prediction)))


# -- a real value ----------------------------------------------------------------------------------
class ValueKind(Kind):
    """Real numbers, as wide as the label; after them the ends of their intervals, or none."""

    probabilities, thresholds, exclusive = False, False, False

    def _check_widths(self, task: Any) -> None:
        _check_label(task, task.label_width)
        if task.num_outputs not in (task.label_width, 3 * task.label_width):
            raise TypeError(
                f"{about(task)}: num_outputs is {task.num_outputs}, but a task of kind 'value' "
                f"predicts each of its {task.label_width} numbers, and after them the lower and "
                "the upper ends of their intervals or nothing."
            )

    def units(self, task: Any) -> int:
        return int(task.label_width)

    def valid(self, task: Any, label: np.ndarray) -> np.ndarray:
        return ~np.isinf(label)

    def legal(self, task: Any, soft: bool = False) -> str:
        return "a finite number"

    def as_prediction(self, task: Any, label: np.ndarray) -> np.ndarray:
        values = np.asarray(label, np.float64).reshape(-1, task.label_width)
        return np.where(task.labelled(values), values, np.nan)

    def counter(self, task: Any) -> LabelCounter:
        return ValueCounter(task)

    def count_table(self, counts: Mapping[str, Any]) -> tuple[list[str], list[list[Any]]]:
        header = ["min", "mean", "max", "std"]
        return header, [[counts.get(name, float("nan")) for name in header]]

    def answers(self, task: Any, counts: Mapping[str, Any]) -> dict[str, dict[str, int]]:
        ends = [counts[end] for end in ("min", "max") if end in counts]  # one, if they are equal
        return {"": {f"{end:.7g}": counts["labelled"] for end in ends}}

    def far_outside(
        self, task: Any, learnt: Sequence[Mapping[str, Any]], held: Sequence[Mapping[str, Any]]
    ) -> str:
        ours, theirs = Spread.of(learnt), Spread.of(held)
        value = None if ours is None or theirs is None else ours.far_in(theirs)
        again = np.any(task.nearest(np.zeros(1), np.full(1, ENDLESS)) != ENDLESS)
        if ours is None or value is None or again:  # what begins again is nowhere far outside
            return ""
        return f"{value:.7g}, where the others are {ours.low:.7g} to {ours.high:.7g}"

    def strata(self, cells: np.ndarray, known: np.ndarray) -> np.ndarray:
        shares = np.linspace(0, 1, STRATA + 1)[1:-1]
        edges = np.quantile(cells[known], shares) if known.any() else []
        return np.searchsorted(edges, cells, side="right")


CLASS, CELLS, VALUE = ClassKind("class"), CellsKind("cells"), ValueKind("value")


def log(probability: np.ndarray) -> np.ndarray:
    """Return the logarithm; of less than float32 holds, that of the least that it holds."""
    return np.log(np.maximum(probability, np.finfo(np.float32).tiny))


def about(task: Any) -> str:
    """Name a task and its type, as messages begin."""
    return f"task {task.name!r} ({type(task).__name__})"


def _check_label(task: Any, width: int) -> None:
    if task.label_width != width:
        raise TypeError(
            f"{about(task)}: label_width is {task.label_width}; a task of kind {str(task.kind)!r} "
            f"stores {width} number{'s' * (width != 1)} a record."
        )
    shapes = ((2,), (2, 1)) if width == 1 else ((2, width),)
    if len(task.columns) != width or tuple(task.label_shape(2)) not in shapes:
        raise TypeError(
            f"{about(task)}: label_width {width} goes with {len(task.columns)} columns and "
            f"labels {task.label_shape(2)} of two rows; expected {width}, and {shapes[-1]}."
        )
