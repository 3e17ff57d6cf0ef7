"""One of several classes that have an order: to be off by one is less wrong than by three.

Three ways to say so, each with a head of its own width, and all with class probabilities for a
prediction. `corn` and `coral` turn K classes into K - 1 questions, whether the class lies above k:
CORN asks each only of rows that reached it, and multiplies; CORAL asks all of them of all rows,
along one direction of the features, with K - 1 thresholds. `soft` keeps the softmax, and gives a
part of the label to classes near by.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from .._options import one_of
from ..losses import cross_entropy, log_softmax
from ._checks import check_number
from ._kind import log
from ._multiclass import ClassTask
from ._operators import complement


class Method(ABC):
    """Abstract: how an order is learned; of classes 0 to K - 1."""

    takes_median: ClassVar[bool] = False

    def __init__(self, classes: int, sharpness: float) -> None:
        self.classes, self.sharpness = classes, sharpness

    def num_logits(self) -> int:
        """Width of the head."""
        return self.classes - 1

    def thresholds(self) -> tuple[float, ...]:
        """Return where the thresholds of one direction begin; nothing where logits have no such."""
        return ()

    def above(self, F: Any, label: Any) -> Any:
        """Tell of labels (N, 1) whether they lie above each class but the last: (N, K - 1)."""
        return F.concat(*(label > k for k in range(self.classes - 1)), dim=1)

    @abstractmethod
    def activate(self, F: Any, logits: Any) -> Any:
        """Turn logits into class probabilities (N, K)."""

    @abstractmethod
    def loss(self, F: Any, logits: Any, label: Any) -> Any:
        """Loss (N, 1) of labels (N, 1)."""

    @abstractmethod
    def gradient(self, F: Any, logits: Any, label: Any) -> Any:
        """Gradient of the loss at the logits, (N, num_logits)."""

    @abstractmethod
    def loss_of_prediction(self, label: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        """Return the same from class probabilities."""


class Corn(Method):
    """The loss is the negative log-probability of the class."""

    def activate(self, F: Any, logits: Any) -> Any:
        above, below = F.sigmoid(logits), F.sigmoid(-logits)
        reached, columns = None, []
        for k in range(self.classes - 1):
            yes, no = (F.slice_axis(x, axis=1, begin=k, end=k + 1) for x in (above, below))
            columns.append(no if reached is None else reached * no)
            reached = yes if reached is None else reached * yes
        return F.concat(*columns, reached, dim=1)

    def loss(self, F: Any, logits: Any, label: Any) -> Any:
        above, below = cross_entropy(F, logits)
        loss = 0.0
        for k in range(self.classes - 1):  # class y is above all k < y, not above y, and no more
            yes, no = (F.slice_axis(x, axis=1, begin=k, end=k + 1) for x in (above, below))
            loss = loss + (label > k) * yes + (label == k) * no
        return loss

    def gradient(self, F: Any, logits: Any, label: Any) -> Any:
        reached = F.concat(*(label >= k for k in range(self.classes - 1)), dim=1)
        return reached * (F.sigmoid(logits) - self.above(F, label))

    def loss_of_prediction(self, label: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        return -log(np.take_along_axis(prediction, label.astype(np.int64), axis=1))


class Coral(Method):
    """The loss is the sum of the cross-entropies of all K - 1 questions."""

    # Its answer is how many questions have a yes. The likeliest class is no use before thresholds
    # have moved apart: what lies between two that are near to each other is never likely.
    takes_median: ClassVar[bool] = True

    def thresholds(self) -> tuple[float, ...]:
        return tuple(1.0 - k / (self.classes - 1) for k in range(self.classes - 1))

    def activate(self, F: Any, logits: Any) -> Any:
        above, last = F.sigmoid(logits), self.classes - 2
        steps = [1.0 - F.slice_axis(above, axis=1, begin=0, end=1)]
        if last:  # relu, because thresholds are in order only once they are trained
            lower = F.slice_axis(above, axis=1, begin=0, end=last)
            steps.append(F.relu(lower - F.slice_axis(above, axis=1, begin=1, end=last + 1)))
        steps.append(F.slice_axis(above, axis=1, begin=last, end=last + 1))
        parts = F.concat(*steps, dim=1)
        return F.broadcast_div(parts, F.sum(parts, axis=1, keepdims=True))

    def loss(self, F: Any, logits: Any, label: Any) -> Any:
        above, below = cross_entropy(F, logits)
        loss = 0.0
        for k in range(self.classes - 1):
            yes, no = (F.slice_axis(x, axis=1, begin=k, end=k + 1) for x in (above, below))
            loss = loss + (label > k) * yes + (label <= k) * no
        return loss

    def gradient(self, F: Any, logits: Any, label: Any) -> Any:
        return F.sigmoid(logits) - self.above(F, label)

    def loss_of_prediction(self, label: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        above = np.cumsum(prediction[:, :0:-1], axis=1)[:, ::-1]  # of class k + 1 and up
        is_above = label > np.arange(self.classes - 1)
        chosen = np.where(is_above, above, complement(above))
        return -log(chosen).sum(axis=1, keepdims=True)


class Soft(Method):
    """The loss is the cross-entropy to exp(-sharpness * distance), scaled to add up to 1."""

    def num_logits(self) -> int:
        return self.classes

    def activate(self, F: Any, logits: Any) -> Any:
        return F.softmax(logits, axis=1)

    def loss(self, F: Any, logits: Any, label: Any) -> Any:
        return -F.sum(self._shares(F, label) * log_softmax(F, logits), axis=1, keepdims=True)

    def _shares(self, F: Any, label: Any) -> Any:
        distances = F.concat(*(F.abs(label - k) for k in range(self.classes)), dim=1)
        return F.softmax(-self.sharpness * distances, axis=1)

    def gradient(self, F: Any, logits: Any, label: Any) -> Any:
        return F.softmax(logits, axis=1) - self._shares(F, label)

    def loss_of_prediction(self, label: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        shares = np.exp(-self.sharpness * np.abs(label - np.arange(self.classes)))
        shares /= shares.sum(axis=1, keepdims=True)
        return -np.sum(shares * log(prediction), axis=1, keepdims=True)


METHODS: dict[str, type[Method]] = {"corn": Corn, "coral": Coral, "soft": Soft}


@dataclass(frozen=True)
class Ordinal(ClassTask):
    """Predict one of several classes that have an order: sizes, grades, stages.

    Predictions are class probabilities, as those of `Multiclass`; its default metrics know the
    order. Not for counts without an upper end, nor for classes that are only numbered.

    Parameters
    ----------
    name : str
        Name of the task and of its table column.
    classes : sequence of str
        Class names in their order, lowest first, two or more. A cell holds one of them; the
        label is its position, float32, shape (N,).
    weight : float
        What the loss is multiplied by.
    method : {"corn", "coral", "soft"}
        How the order is learned. ``"corn"``: K - 1 logits, each whether a row that reached class
        k lies above it. ``"coral"``: one direction of the features and K - 1 thresholds, the
        fewest parameters; weak where no one direction orders the classes. Its answer is the median
        of the class probabilities, the rank of its authors; that of the others the likeliest class.
        ``"soft"``: a softmax whose labels give a part to near classes.
    sharpness : float
        Of ``"soft"``: a class at distance d gets a part in proportion to exp(-sharpness d).

    References
    ----------
    Shi, Cao, Raschka 2023, Deep neural networks for rank-consistent ordinal regression based on
    conditional probabilities (CORN). Cao, Mirjalili, Raschka 2020, Rank consistent ordinal
    regression (CORAL). Diaz and Marathe 2019, Soft labels for ordinal regression.

    Examples
    --------
    >>> size = Ordinal("size", classes=["S", "M", "L"])
    >>> size.encode({"size": "L"}), size.num_logits, size.num_outputs
    (array([2.], dtype=float32), 2, 3)
    >>> size.prediction_loss(np.array([2]), np.array([[0.2, 0.3, 0.5]])).round(4)
    array([[0.6931]])
    """

    method: str = "corn"
    sharpness: float = 2.0

    ordered: ClassVar[bool] = True
    default_metrics: ClassVar[tuple[str, ...]] = (
        "num_labels",
        "baseline_accuracy",
        "accuracy",
        "accuracy_within_one",
        "class_mae",
        "quadratic_kappa",
        "task_loss",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.method not in METHODS:
            raise ValueError(
                f"task {self.name!r}: method={self.method!r} is not "
                f"{one_of(str(self.method), list(METHODS))}."
            )
        check_number(self.name, "sharpness", self.sharpness, low=1e-3, high=1e3)

    @property
    def _method(self) -> Method:
        return METHODS[self.method](self.num_classes, self.sharpness)

    @property
    def num_logits(self) -> int:
        return self._method.num_logits()

    @property
    def takes_median(self) -> bool:
        return self._method.takes_median

    @property
    def thresholds_at_start(self) -> tuple[float, ...]:
        return self._method.thresholds()

    def activate(self, F: Any, logits: Any, **name: str) -> Any:
        return self._method.activate(F, logits)

    def cell_loss(self, F: Any, logits: Any, label: Any) -> Any:
        return self._method.loss(F, logits, label)

    def cell_gradient(self, F: Any, logits: Any, label: Any) -> Any:
        return self._method.gradient(F, logits, label)

    def cell_loss_of_prediction(self, label: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        return self._method.loss_of_prediction(label, prediction)
