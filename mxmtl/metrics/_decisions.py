"""Metrics of right and wrong decisions: the likeliest class, or cells above a threshold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from ..tasks import Task, TaskSet
from . import _formulas as formulas
from ._batch import Batch
from ._formulas import Counts, counts_of, ratio
from ._made import DEFAULT
from ._metric import AbstractTaskMetric, Averages, Metric, Value, average_of, share
from ._statistic import Counted, Crossed, Matched, RowRates, Statistic, Summed
from ._value import ALL_TASKS

Threshold = float | Sequence[float]


class AbstractDecision(AbstractTaskMetric):
    """Abstract: a metric of decisions: the most probable class, or cells above a threshold.

    Parameters
    ----------
    task : Task
        What is measured.
    average : str, optional
        See `AbstractTaskMetric`.
    threshold : float or sequence of float, default 0.5
        Of a binary or multi-label task: a cell is predicted positive if its probability is
        above this; one number, or one a label. Compared in the precision of the prediction, in
        float32 if that is less.
    name : str, optional
        Name in logs instead of ``<task>/<metric>``.
    """

    def __init__(
        self,
        task: Task,
        *,
        average: str = DEFAULT,
        threshold: Threshold | None = None,
        name: str | None = None,
    ) -> None:
        self.threshold = checked_threshold(task, threshold)
        super().__init__(task, average=average, name=name)

    def statistics(self) -> list[Statistic]:
        return [Counted(self.task, options=self.threshold)]


class AbstractRate(AbstractDecision):
    """Abstract: a function of the counts of each class, label or (``"samples"``) row.

    Attributes
    ----------
    stat : function
        Turns `Counts` and ``parameters`` into values of the same shape.
    """

    averages: ClassVar[Averages] = {
        "class": ("macro", "micro", "weighted", "none"),
        "cells": ("macro", "micro", "weighted", "none", "samples"),
    }
    undefined = "0; a class that is neither labelled nor predicted: nan, left out of the mean"
    higher_is_better = True
    unit = "share"
    stat: ClassVar[Callable[..., np.ndarray]]
    parameters: tuple[float, ...] = ()
    at_once = True

    def statistics(self) -> list[Statistic]:
        if self.average == "samples":
            options = (self.threshold, type(self).stat, self.parameters)
            return [RowRates(self.task, options=options)]
        return super().statistics()

    def compute(self, *states: Any) -> Value:
        if self.average == "samples":
            return formulas.ratio(states[0][..., 0], states[0][..., 1], np.nan)
        c = counts_of(states[0])
        seen: np.ndarray = self.batch.seen(c)
        if self.average == "micro":
            c = Counts(*(part.sum(axis=-1, keepdims=True) for part in c))
            seen = np.any(seen, axis=-1, keepdims=True)
        values = np.where(seen, type(self).stat(c, *self.parameters), np.nan)
        return average_of(values, "macro" if self.average == "micro" else self.average, c.positive)


class Precision(AbstractRate):
    """Share of what was predicted positive that is."""

    formula = "tp / (tp + fp)"
    source = "`sklearn.metrics.precision_score`"
    stat = formulas.precision


class Recall(AbstractRate):
    """Share of what is positive that was predicted so."""

    formula = "tp / (tp + fn)"
    source = "`sklearn.metrics.recall_score`"
    stat = formulas.recall


class Specificity(AbstractRate):
    """Share of what is negative that was predicted so: the recall of the negatives."""

    formula = "tn / (tn + fp)"
    source = "`sklearn.metrics.recall_score` of the negatives"
    stat = formulas.specificity


class FBeta(AbstractRate):
    """Harmonic mean of precision and recall, of which recall counts ``beta`` times as much.

    Parameters
    ----------
    task, average, threshold, name
        See `F1`.
    beta : float, default 1.0
        Above 0.
    """

    formula = "(1 + b^2) tp / ((1 + b^2) tp + b^2 fn + fp)"
    source = "`sklearn.metrics.fbeta_score`"
    stat = formulas.f_beta

    def __init__(
        self,
        task: Task,
        *,
        beta: float = 1.0,
        average: str = DEFAULT,
        threshold: Threshold | None = None,
        name: str | None = None,
    ) -> None:
        if not 0 < beta < np.inf:
            raise ValueError(f"FBeta: beta={beta!r} must be finite and above 0.")
        self.parameters = (float(beta),)
        super().__init__(task, average=average, threshold=threshold, name=name)


class F1(AbstractRate):
    """Harmonic mean of precision and recall.

    Parameters
    ----------
    task : Task
        A multiclass, binary or multi-label task.
    average : {"macro", "micro", "weighted", "none", "samples"}, default "macro"
        Mean over classes or labels; over all cells at once; mean weighted by the number of
        positive labels; one value each; mean over rows (of a multi-label task).
    threshold : float or sequence of float, default 0.5
        Of a binary or multi-label task: what is predicted positive has a higher probability.
    name : str, optional
        Name in logs instead of ``<task>/f1``.

    Examples
    --------
    >>> import mxmtl, numpy as np
    >>> toys = mxmtl.Multilabel("toys", labels=["ball", "rope"])
    >>> f1 = mxmtl.metrics.F1(toys, average="none")
    >>> f1.update(np.array([[1, 0], [1, -1]]), np.array([[0.9, 0.6], [0.2, 0.7]]))
    >>> f1.get_name_value()
    [('toys/f1/ball', 0.666...), ('toys/f1/rope', 0.0)]
    """

    formula = "2 tp / (2 tp + fp + fn)"
    source = "`sklearn.metrics.f1_score`"
    stat = formulas.f_beta
    parameters = (1.0,)


class Jaccard(AbstractRate):
    """Share that is right of what was predicted positive or is: intersection over union."""

    formula = "tp / (tp + fp + fn)"
    source = "`sklearn.metrics.jaccard_score`"
    stat = formulas.jaccard


# -- how many were hit -----------------------------------------------------------------------------
class AbstractAgreement(AbstractDecision):
    """Abstract: how many labels were predicted right, of those that there are."""

    unit = "share"
    averages: ClassVar[Averages] = {
        "class": ("micro", "macro", "none"),
        "cells": ("micro", "macro", "none"),
    }

    def accuracy(self, state: np.ndarray) -> Value:
        """Return the share that was right, averaged as the metric says."""
        right, labelled = self.batch.agreement(counts_of(state))
        return share(right, labelled, self.average)


class Accuracy(AbstractAgreement):
    """Share of labels that were predicted right; of a class, of the rows labelled with it.

    Examples
    --------
    >>> import mxmtl, numpy as np
    >>> accuracy = mxmtl.metrics.Accuracy(mxmtl.Multiclass("breed", classes=["beagle", "pug"]))
    >>> accuracy.update(np.array([1, -1, 0]), np.array([[0.2, 0.8], [1, 0], [0.1, 0.9]]))
    >>> accuracy.get()
    ('breed/accuracy', 0.5)
    """

    higher_is_better = True
    formula = "right / labelled"
    source = "`sklearn.metrics.accuracy_score`"
    at_once = True

    def compute(self, *states: Any) -> Value:
        return self.accuracy(*states)


class HammingLoss(AbstractAgreement):
    """Share of labels that were predicted wrong: 1 - `Accuracy`."""

    higher_is_better = False
    formula = "wrong / labelled"
    source = "`sklearn.metrics.hamming_loss`"
    at_once = True

    def compute(self, *states: Any) -> Value:
        return 1.0 - self.accuracy(*states)


class TopKAccuracy(AbstractTaskMetric):
    """Share of rows whose class is among the ``k`` most probable ones.

    Of equal predictions the class that comes first ranks higher, as in `Accuracy`.

    Parameters
    ----------
    task : Task
        A multiclass task.
    k : int, default 5
        1 or more; more than there are classes counts as all of them.
    average : str, optional
        There is none to choose.
    name : str, optional
        Name in logs instead of ``<task>/top_k_accuracy``.
    """

    averages: ClassVar[Averages] = {"class": ()}
    higher_is_better = True
    unit = "share"
    formula = "rows whose class is among the k highest / labelled rows"
    source = "`sklearn.metrics.top_k_accuracy_score` (which ranks the last of equals higher)"
    at_once = True

    def __init__(
        self, task: Task, *, k: int = 5, average: str = DEFAULT, name: str | None = None
    ) -> None:
        if int(k) != k or k < 1:
            raise ValueError(f"TopKAccuracy: k={k!r} must be a whole number, 1 or more.")
        self.k = min(int(k), getattr(task, "num_outputs", int(k)))
        super().__init__(task, average=average, name=name)

    def statistics(self) -> list[Statistic]:
        return [Summed(self.task, options=(Batch.top, self.k))]

    def compute(self, *states: Any) -> Value:
        return ratio(states[0][..., 0, 0], states[0][..., 1, 0], np.nan)


class ExactMatch(Metric):
    """Share of rows of which every known label was predicted right.

    Parameters
    ----------
    tasks : Task or TaskSet
        One task, or all of a set but its regression tasks, in which nothing matches exactly.
        A row counts if it has a known label in any of them.
    threshold : float, sequence or mapping, optional
        As in `F1`; for several tasks a mapping {task name: threshold}, the others 0.5.
    name : str, optional
        Name in logs instead of ``<task>/exact_match`` or ``all_tasks/exact_match``.
    """

    higher_is_better = True
    unit = "share"
    kinds = ("class", "cells")
    formula = "rows with all known labels right / rows with a known label"
    undefined = "nan"
    source = "`sklearn.metrics.accuracy_score` of multi-label rows"
    at_once = True

    def __init__(
        self,
        tasks: Task | TaskSet,
        *,
        threshold: None | Threshold | Mapping[str, Threshold] = None,
        name: str | None = None,
    ) -> None:
        given: list[Task] = [tasks] if isinstance(tasks, Task) else list(tasks)
        chosen = [task for task in given if task.kind in self.kinds]
        if not chosen:
            raise ValueError(f"ExactMatch: regression has no exact match, in {tasks!r}.")
        if not isinstance(threshold, Mapping):
            threshold = {} if threshold is None else {task.name: threshold for task in chosen}
        unknown = sorted(set(threshold) - {task.name for task in chosen})
        if unknown:
            raise ValueError(f"ExactMatch: threshold names {unknown}, which are no such tasks.")
        self.thresholds = tuple(checked_threshold(t, threshold.get(t.name)) for t in chosen)
        self._alone = isinstance(tasks, Task)
        where = chosen[0].name if self._alone else ALL_TASKS
        super().__init__(chosen, name or f"{where}/exact_match")

    @property
    def of_one_task(self) -> bool:
        return self._alone

    def statistics(self) -> list[Statistic]:
        return [Matched(*self.tasks, options=self.thresholds)]

    def compute(self, *states: Any) -> Value:
        return ratio(states[0][..., 0], states[0][..., 1], np.nan)


# -- tables of classes -----------------------------------------------------------------------------
class AbstractTable(AbstractDecision):
    """Abstract: a function of a table of classes.

    Attributes
    ----------
    stat : function
        Turns tables (num_tables, num_classes) into values (num_tables,).
    """

    averages: ClassVar[Averages] = {"class": (), "cells": ("macro", "micro", "none")}
    higher_is_better = True
    stat: ClassVar[Callable[[Counts], np.ndarray]]
    at_once = True

    def compute(self, *states: Any) -> Value:
        tables = self.batch.tables(counts_of(states[0]))
        if self.average == "micro":
            tables = Counts(*(part.sum(axis=-2, keepdims=True) for part in tables))
        rows = tables.positive.sum(axis=-1)
        values = np.where(rows > 0, type(self).stat(tables), np.nan)
        return average_of(values, "none" if self.average == "none" else "macro", rows)


class BalancedAccuracy(AbstractTable):
    """Mean recall of the classes that are labelled; of a label, of its yes and its no."""

    unit = "share"
    formula = "mean over labelled classes of tp / (tp + fn)"
    undefined = "a class without a label is left out"
    source = "`sklearn.metrics.balanced_accuracy_score`"
    stat = formulas.balanced_accuracy


class MatthewsCorrCoef(AbstractTable):
    """Correlation between labelled and predicted class (phi, R_K for more than two)."""

    formula = "(c s - sum p_k t_k) / sqrt((s^2 - sum p_k^2) (s^2 - sum t_k^2))"
    undefined = "0 where labels or predictions are all of one class"
    source = "`sklearn.metrics.matthews_corrcoef`; Gorodkin 2004"
    stat = formulas.matthews


class CohenKappa(AbstractTable):
    """Agreement beyond chance."""

    formula = "(p_o - p_e) / (1 - p_e)"
    undefined = "nan where all labels and predictions are one class"
    source = "`sklearn.metrics.cohen_kappa_score`; Cohen 1960"
    stat = formulas.kappa


class ConfusionMatrix(AbstractDecision):
    """Number of rows for each labelled and predicted class.

    Values are named ``<task>/confusion_matrix/<labelled>/<predicted>``, and for a multi-label
    task ``<task>/confusion_matrix/<label>/<labelled>/<predicted>``, with ``0`` and ``1`` for no
    and yes. `matrix` has them in one array.

    Examples
    --------
    >>> import mxmtl, numpy as np
    >>> confusion = mxmtl.metrics.ConfusionMatrix(mxmtl.Multiclass("breed", classes=["pug", "lab"]))
    >>> confusion.update(np.array([1, -1, 0]), np.array([[0.2, 0.8], [1, 0], [0.1, 0.9]]))
    >>> confusion.matrix
    array([[0, 1],
           [0, 1]])
    """

    averages: ClassVar[Averages] = {"class": (), "cells": ()}
    higher_is_better = None
    unit = "count"
    formula = "rows labelled i and predicted j"
    undefined = "0"
    source = "`sklearn.metrics.confusion_matrix`, `multilabel_confusion_matrix`"

    def statistics(self) -> list[Statistic]:
        return [Crossed(self.task, options=self.threshold)]

    def compute(self, *states: Any) -> Value:
        return states[0].ravel()

    @property
    def matrix(self) -> np.ndarray:
        """Since `reset`: int64 (num_classes, num_classes), rows are labels.

        (2, 2) for a binary task, (num_labels, 2, 2) for a multi-label task.
        """
        self._feed.settle()
        state = self._statistics[0].state(whole=True)
        return state if self.batch.table_names(self.task)[0] else state[0]

    @property
    def classes(self) -> list[str]:
        tables, classes = self.batch.table_names(self.task)
        starts = [f"{table}/" for table in tables] or [""]
        return [f"{start}{i}/{j}" for start in starts for i in classes for j in classes]


def checked_threshold(task: Task, threshold: Threshold | None) -> Any:
    """Return a float or a tuple with one float a label; `ValueError` naming the task if neither."""
    if threshold is None:
        return 0.5
    if isinstance(task, Task) and not task.kind.thresholds:
        raise ValueError(
            f"task {task.name!r}: threshold={threshold!r}, but {type(task).__name__} has none "
            "to choose; it is for binary and multi-label tasks."
        )
    try:
        values = np.asarray(threshold, np.float64)
    except (TypeError, ValueError):  # {label: number}, words
        values = np.full(1, np.nan)
    if values.shape not in ((), (task.num_outputs,)) or not ((values >= 0) & (values <= 1)).all():
        raise ValueError(
            f"task {task.name!r}: threshold={threshold!r}; expected a number in [0, 1], or "
            f"{task.num_outputs} of them, one a label."
        )
    return float(values) if values.ndim == 0 else tuple(values.tolist())
