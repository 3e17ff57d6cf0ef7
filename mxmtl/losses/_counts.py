"""Losses that know how often each class or label holds: for classes that are rare.

The counts are those of labelled training rows. `mxmtl.fit` fills them in from the training
records; elsewhere they are given, as `mxmtl.class_counts` tells them.
"""

from __future__ import annotations

import math
from abc import ABC
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from ._focal import Focal
from ._loss import Loss, log_softmax, scaled, shifted, softplus

Counts = Any  # a number for each class, or (no, yes) for each label; {name: one}
HALF = 0.5  # rows that a class without any counts as: its logarithm is finite


def effective_weights(counts: Any, beta: float = 0.9999) -> np.ndarray:
    """Return a weight for each class by its effective number of rows, which add up to the classes.

    For ``class_weight=``. The effective number of n rows is (1 - beta^n) / (1 - beta): 0 counts
    all classes the same, 1 by their number.

    References
    ----------
    Cui, Jia, Lin, Song, Belongie 2019, Class-balanced loss based on effective number of samples.

    Examples
    --------
    >>> effective_weights([900, 100], beta=0.99).round(3)
    array([0.776, 1.224])
    """
    rows = np.maximum(np.asarray(counts, np.float64), HALF)
    # -expm1(n log beta) is 1 - beta^n, without losing the digits of a beta near 1.
    number = rows if beta == 1 else -np.expm1(rows * math.log(beta)) if beta else np.ones_like(rows)
    weights = 1.0 / number
    return weights * weights.shape[-1] / weights.sum(axis=-1, keepdims=True)


@dataclass(frozen=True)
class CountedLoss(Loss, ABC):
    """Abstract: a loss that needs the counts of classes or labels.

    Parameters
    ----------
    counts : sequence or mapping, optional
        Of a multiclass task how often each class is labelled (or any numbers in these
        proportions); of binary and multi-label tasks for each label (no, yes). A mapping is by
        name. By default they are counted where records are written, or training begins. Two
        losses that differ in their counts alone are equal, because labels mean the same.
    """

    counts: Counts = field(default=None, compare=False)

    def named(self, names: Sequence[str], form: str, owner: str) -> Loss:
        super().named(names, form, owner)
        if self.counts is None:
            return self
        where = f"{owner}: {type(self).__name__}: counts={self.counts!r}"
        given = self.counts
        if isinstance(given, Mapping):
            if set(given) != set(names):
                raise ValueError(f"{where}; expected one for each of {list(names)}.")
            given = [given[name] for name in names]
        try:
            array = np.asarray(given, np.float64)
        except (TypeError, ValueError, OverflowError):
            raise ValueError(f"{where}; expected numbers.") from None
        expected = (len(names),) if form == "classes" else (len(names), 2)
        if array.shape != expected or not (np.isfinite(array).all() and (array >= 0).all()):
            what = "a number for each class" if form == "classes" else "(no, yes) for each label"
            raise ValueError(f"{where}; expected {what}, {len(names)} of them, 0 or more.")
        if not array.sum():
            raise ValueError(f"{where}: there is no labelled row to learn from.")
        return replace(self, counts=_tuples(array.tolist()))

    def _known(self) -> np.ndarray:
        if self.counts is None:
            raise ValueError(
                f"{type(self).__name__} needs the counts of the training rows: train with "
                "mxmtl.fit, which counts them, or give counts=mxmtl.class_counts(records)[task]."
            )
        return np.maximum(np.asarray(self.counts, np.float64), HALF)


def counted(loss: Loss | None, counts: Sequence[Any]) -> Loss | None:
    """Return a loss with these counts, if it, or one inside it, needs some and was given none."""
    inner = getattr(loss, "loss", None)
    if isinstance(inner, CountedLoss):
        loss = replace(loss, loss=counted(inner, counts))  # type: ignore[type-var]
    wanted = isinstance(loss, CountedLoss) and loss.counts is None
    if not wanted or not np.sum(counts):  # nothing is labelled, and nothing will be trained
        return loss
    return replace(loss, counts=_tuples(np.asarray(counts, np.float64).tolist()))  # type: ignore[type-var]


def _tuples(values: Any) -> Any:
    return tuple(map(_tuples, values)) if isinstance(values, list) else float(values)


def log_odds(counts: Any) -> np.ndarray:
    """Return the logits that a network has which knows the counts alone: (K,).

    Of classes (K,) the logarithm of their shares, of labels (K, 2) the logarithm of yes / no.

    >>> log_odds([3, 1]).round(3), log_odds([[3, 1], [2, 2]]).round(3)
    (array([-0.288, -1.386]), array([-1.099,  0.   ]))
    """
    rows = np.maximum(np.asarray(counts, np.float64), HALF)
    if rows.ndim == 1:
        return np.asarray(np.log(rows / rows.sum()))
    return np.asarray(np.log(rows[:, 1] / rows[:, 0]))


@dataclass(frozen=True)
class LogitAdjusted(CountedLoss):
    """Cross-entropy of logits to which tau times the log-share of each class is added.

    For a long tail that is to be answered as if all classes were as frequent: it minimizes the
    balanced error. Predictions are made without what was added, so that their probabilities are
    those of balanced data. Not where rows to come are as unbalanced as those of training, and
    each counts the same.

    Parameters
    ----------
    counts : sequence or mapping, optional
        See `CountedLoss`.
    tau : float
        1 as in the paper; 0 is cross-entropy.

    Notes
    -----
    The gradient by the logits is softmax(z + tau log share) - one-hot(label); it has not always
    the sign of p - label.

    References
    ----------
    Menon, Jayasumana et al. 2021, Long-tail learning via logit adjustment.
    """

    tau: float = 1.0

    adjusts: ClassVar[bool] = True

    def __post_init__(self) -> None:
        self._check("tau", 0, 100)

    def _adjusted(self, F: Any, logits: Any) -> Any:
        return shifted(F, logits, (self.tau * log_odds(self._known())).tolist())

    def cells(self, F: Any, logits: Any) -> tuple[Any, Any]:
        z = self._adjusted(F, logits)
        return softplus(F, -z), softplus(F, z)

    def classes(self, F: Any, logits: Any) -> Any:
        return -log_softmax(F, self._adjusted(F, logits))


@dataclass(frozen=True)
class BalancedSoftmax(CountedLoss):
    """Cross-entropy of a softmax whose terms are multiplied by the count of their class.

    The same as ``LogitAdjusted(tau=1)``, with its gradient, under another name. Not where rows to
    come are as unbalanced as those of training, and each counts the same.

    Parameters
    ----------
    counts : sequence or mapping, optional
        See `CountedLoss`.

    References
    ----------
    Ren, Yu, Sheng, Ma et al. 2020, Balanced meta-softmax for long-tailed visual recognition.
    """

    adjusts: ClassVar[bool] = True

    def classes(self, F: Any, logits: Any) -> Any:
        return LogitAdjusted(counts=self.counts).classes(F, logits)


@dataclass(frozen=True)
class ClassBalanced(CountedLoss):
    """A loss whose classes weigh by the inverse of their effective number of rows.

    For a long tail. A weight of its own (``class_weight=``, ``pos_weight=``) is multiplied with
    it. Not for classes of a handful of rows: a large weight on few rows is noise.

    Parameters
    ----------
    counts : sequence or mapping, optional
        See `CountedLoss`.
    beta : float
        In [0, 1]: 0.9999 as its authors take for large data, 0.9 to 0.999 for smaller; see
        `effective_weights`. Of a label its yes and its no are the two classes.
    loss : Loss, optional
        What is weighed, also as text (``"Focal(gamma=1)"``); cross-entropy by default.

    Raises
    ------
    ValueError
        If an option is out of bounds, or ``loss`` is class-balanced itself.

    Notes
    -----
    The gradient is that of ``loss`` times the weight, and keeps its sign.

    References
    ----------
    Cui, Jia, Lin, Song, Belongie 2019, Class-balanced loss based on effective number of samples.
    """

    beta: float = 0.9999
    loss: Loss | None = None

    def __post_init__(self) -> None:
        self._check("beta", 0, 1)
        if self.loss is None:
            return
        loss: Any = self.loss
        name = loss.get("type") if isinstance(loss, Mapping) else str(loss).partition("(")[0]
        if name == type(self).__name__:  # before it is made: a file may nest them without end
            raise ValueError(f"{name}: loss={name} would weigh the classes twice; give one beta.")
        object.__setattr__(self, "loss", Loss.of(loss, type(self).__name__))

    def named(self, names: Sequence[str], form: str, owner: str) -> Loss:
        made = super().named(names, form, owner)
        if self.loss is None:
            return made
        inner = self.loss.named(names, form, f"{owner}: {type(self).__name__}")
        return replace(made, loss=inner)  # type: ignore[call-arg]

    @property
    def adjusts(self) -> bool:  # type: ignore[override]
        return self.loss is not None and self.loss.adjusts

    def cells(self, F: Any, logits: Any) -> tuple[Any, Any]:
        negative, positive = effective_weights(self._known(), self.beta).T.tolist()
        yes, no = (self.loss or Focal(gamma=0)).cells(F, logits)
        return scaled(F, yes, positive), scaled(F, no, negative)

    def classes(self, F: Any, logits: Any) -> Any:
        weights = effective_weights(self._known(), self.beta).tolist()
        return scaled(F, (self.loss or Focal(gamma=0)).classes(F, logits), weights)
