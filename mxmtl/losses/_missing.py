"""What a missing label is taken for, in training alone: `missing_as` of 0/1 tasks.

Which of them is right depends on why labels are missing. Where they are missing at random, the
known ones are a fair sample, and leaving the others out (the default) is right. Where somebody
noted what he saw and nothing else, hardly any no is known: then leaving out the unknown teaches
that everything holds, and a missing label is best taken for a no, with some caution.

Metrics and validation never see any of this: there, a missing label is missing. Of a multi-label
task only rows are filled of which something is known; the others are unlabelled, as rows from a
table without this task are, and stay so.
"""

from __future__ import annotations

import contextlib
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from .._options import as_float
from ._focal import hardness
from ._loss import Declaration, softplus


@dataclass(frozen=True)
class MissingAs(Declaration, ABC):
    """Abstract: what missing cells cost.

    Attributes
    ----------
    fills : bool
        Whether missing cells cost something at all.
    is_negative : bool
        Whether what it costs can be below 0.
    by_epoch : bool
        Whether it depends on how many epochs are finished. `mxmtl.fit` tells it; a loop of your
        own writes the number into the variable ``<task>_epoch``.
    """

    word: ClassVar[str] = "missing_as"
    example: ClassVar[str] = "Negative(smoothing=0.1)"
    fills: ClassVar[bool] = True
    is_negative: ClassVar[bool] = False
    by_epoch: ClassVar[bool] = False

    @abstractmethod
    def cost(self, F: Any, logits: Any, missing: Any, costs: tuple[Any, Any], epoch: Any) -> Any:
        """Return what each missing cell costs: (N, labels); elsewhere it does not matter.

        ``missing`` is 1 where a cell is to be filled, ``costs`` are those of a yes and of a no
        by the task's own loss, ``epoch`` the number of finished epochs, (1, 1).
        """

    def row_weight(self, F: Any, known: Any) -> Any | None:
        """Return what known cells of a row weigh, (N, 1); None for 1."""
        return None

    def named(self, names: Sequence[str], owner: str) -> MissingAs:
        """Return it for a task with these labels, or raise `ValueError`."""
        return self


@dataclass(frozen=True)
class Negative(MissingAs):
    """A missing label is a no.

    For tables in which only what holds was noted. Not where labels are missing at random: a
    part of these are a yes, and are taught to be a no.

    Parameters
    ----------
    weight : float
        What such a no weighs beside a known one.
    smoothing : float
        Share by which it is drawn towards a yes, half of it: 0.1 is a no of 0.05, which punishes
        less what may be a yes.

    References
    ----------
    Cole, Mac Aodha et al. 2021, Multi-label learning from single positive labels (AN, AN-LS).
    """

    weight: float = 1.0
    smoothing: float = 0.0

    def __post_init__(self) -> None:
        self._check("weight", 0)
        self._check("smoothing", 0, 0.999)

    def cost(self, F: Any, logits: Any, missing: Any, costs: tuple[Any, Any], epoch: Any) -> Any:
        yes, no = costs
        share = 0.5 * self.smoothing
        cost = no if not share else share * yes + (1.0 - share) * no
        return cost * self.weight


@dataclass(frozen=True)
class WeakNegative(MissingAs):
    """A missing label is a no that weighs 1 / (labels - 1): all of a row as much as one yes.

    For data with a single known yes in each row.

    References
    ----------
    Cole, Mac Aodha et al. 2021, Multi-label learning from single positive labels (WAN).
    """

    def cost(self, F: Any, logits: Any, missing: Any, costs: tuple[Any, Any], epoch: Any) -> Any:
        labels = F.sum(F.ones_like(missing), axis=1, keepdims=True)
        return F.broadcast_div(costs[1], F.maximum(labels - 1.0, 1.0))


@dataclass(frozen=True)
class KnownFraction(MissingAs):
    """Missing labels stay missing, and the known ones of a row weigh more the fewer they are.

    A row weighs ``alpha share^gamma + beta``, with the share of its labels that is known: by
    default 5 where a tenth is known, and 1 where all are. For labels missing at random, much
    more in some rows than in others; not where rows are noisy.

    Parameters
    ----------
    alpha, beta, gamma : float
        Of the formula.

    References
    ----------
    Durand, Mehrasa, Mori 2019, Learning a deep ConvNet for multi-label classification with
    partial labels.
    """

    alpha: float = -4.45
    beta: float = 5.45
    gamma: float = 1.0

    fills: ClassVar[bool] = False

    def __post_init__(self) -> None:
        self._check("alpha", -math.inf)
        self._check("beta", -math.inf)
        self._check("gamma", -math.inf)

    def cost(self, F: Any, logits: Any, missing: Any, costs: tuple[Any, Any], epoch: Any) -> Any:
        return F.zeros_like(logits)

    def row_weight(self, F: Any, known: Any) -> Any:
        share = F.maximum(F.mean(known, axis=1, keepdims=True), 1e-6)
        return F.maximum(self.alpha * share**self.gamma + self.beta, 0.0)


@dataclass(frozen=True)
class MaximumEntropy(MissingAs):
    """A missing label is to stay undecided: its cost is -alpha times the entropy of p.

    For data with a single known yes in each row. The gradient is ``alpha z p (1 - p)``: it
    draws p to a half, softly where it is there already.

    Parameters
    ----------
    alpha : float
        0.2; its authors choose it for each data set.

    References
    ----------
    Zhou, Chen et al. 2022, Acknowledging the unknown for multi-label learning with single
    positive labels.
    """

    alpha: float = 0.2

    is_negative: ClassVar[bool] = True

    def __post_init__(self) -> None:
        self._check("alpha", 0)

    def cost(self, F: Any, logits: Any, missing: Any, costs: tuple[Any, Any], epoch: Any) -> Any:
        p, q = F.sigmoid(logits), F.sigmoid(-logits)
        return -self.alpha * (p * softplus(F, -logits) + q * softplus(F, logits))


@dataclass(frozen=True)
class Selective(MissingAs):
    """A missing label is a no, unless it is likely a yes: then it stays missing.

    Left missing are the cells of a batch that have the highest probabilities, ``top`` a row on
    average, and all of labels that hold often. For tables in which common labels were often left
    out; not without a sensible ``top``.

    Parameters
    ----------
    top : int
        Cells a row that stay missing: about as many as hold. They are chosen among all rows of
        the batch, on several devices of each device's share of it.
    prior : sequence or mapping, optional
        How often each label holds, {label: share}: as its authors do, the mean prediction of a
        network that was trained with missing labels left out.
    threshold : float
        Labels with a prior above it stay missing.
    gamma : float
        Of the cost of such a no, as `Focal` has it; 0 is cross-entropy.

    References
    ----------
    Ben-Baruch, Ridnik et al. 2022, Multi-label classification with partial annotations using
    class-aware selective loss.
    """

    top: int = 5
    prior: Any = None
    threshold: float = 0.05
    gamma: float = 4.0

    def __post_init__(self) -> None:
        self._check("top", 0)
        self._check("threshold", 0, 1)
        self._check("gamma", 0)

    def named(self, names: Sequence[str], owner: str) -> MissingAs:
        prior = self.prior
        if prior is None:
            return self
        if isinstance(prior, Mapping):
            prior = [prior.get(name, -1.0) for name in names]
        values: tuple[float, ...] = ()
        with contextlib.suppress(TypeError, ValueError):  # what is no list of numbers
            values = tuple(map(as_float, prior))
        if len(values) != len(names) or not all(0 <= value <= 1 for value in values):
            raise ValueError(
                f"{owner}: Selective: prior={self.prior!r}; expected a share in [0, 1] for each of "
                f"{list(names)}."
            )
        return replace(self, prior=values)

    def cost(self, F: Any, logits: Any, missing: Any, costs: tuple[Any, Any], epoch: Any) -> Any:
        cost = hardness(F, -logits, self.gamma) * softplus(F, logits)
        if self.prior is not None:
            rare = [float(share <= self.threshold) for share in self.prior]
            columns = [
                F.slice_axis(cost, axis=1, begin=k, end=k + 1) * keep for k, keep in enumerate(rare)
            ]
            cost = F.concat(*columns, dim=1)
        if not self.top:
            return cost
        rows = F.sum(F.ones_like(F.slice_axis(missing, axis=1, begin=0, end=1)))
        likely = among_highest(F, logits, missing, self.top * rows)
        return F.where(likely, F.zeros_like(cost), cost)


@dataclass(frozen=True)
class LargeLoss(MissingAs):
    """A missing label is a no; those of a batch that cost most are let go, or are a yes.

    Networks learn what is right before they learn what is wrong. So a no that still costs much
    is likely a yes, and from epoch to epoch more of them are taken for that. For tables in which
    only what holds was noted. Too large a ``step`` eats the true negatives, so choose it on
    validation records.

    Parameters
    ----------
    correct : bool
        Take them for a yes (LL-Ct), instead of leaving them missing (LL-R).
    step : float
        Share of a batch's cells by which there are more of them each epoch, from 0 in the first;
        its authors choose among 0.001 to 0.05.

    References
    ----------
    Kim, Kim et al. 2022, Large loss matters in weakly supervised multi-label classification.
    """

    correct: bool = False
    step: float = 0.002

    by_epoch: ClassVar[bool] = True

    def __post_init__(self) -> None:
        self._check_flag("correct")
        self._check("step", 0, 1)

    def cost(self, F: Any, logits: Any, missing: Any, costs: tuple[Any, Any], epoch: Any) -> Any:
        yes, no = costs
        number = F.broadcast_mul(F.reshape(F.sum(F.ones_like(missing)), shape=(1, 1)), epoch)
        large = among_highest(F, no, missing, F.floor(self.step * number + 1e-4))
        return F.where(large, yes if self.correct else F.zeros_like(no), no)


@dataclass(frozen=True)
class SelfPaced(MissingAs):
    """A missing label is a no, and a yes once the network is sure that it is one.

    For tables in which only what holds was noted; its authors train it with
    ``loss=FocalMargin()`` and ``gamma=2``. A yes that was found so has no margin.

    Parameters
    ----------
    threshold : float
        From which probability on; 0.6 as in the paper.
    after : int
        Epochs in which missing labels are all a no.
    gamma : float
        Of the cost of such a yes, as `Focal` has it; 0 is cross-entropy.

    References
    ----------
    Zhang, Cheng et al. 2021, Simple and robust loss design for multi-label learning with missing
    labels (SPLC).
    """

    threshold: float = 0.6
    after: int = 1
    gamma: float = 0.0

    by_epoch: ClassVar[bool] = True

    def __post_init__(self) -> None:
        self._check("threshold", 0, 1)
        self._check("after", 0)
        self._check("gamma", 0)

    def cost(self, F: Any, logits: Any, missing: Any, costs: tuple[Any, Any], epoch: Any) -> Any:
        sure = F.broadcast_mul(F.sigmoid(logits) > self.threshold, epoch >= self.after)
        yes = hardness(F, logits, self.gamma) * softplus(F, -logits)
        return F.where(F.BlockGrad(sure), yes, costs[1])


def among_highest(F: Any, values: Any, where: Any, number: Any) -> Any:
    """Tell which of the cells (N, K) ``where`` it is 1 are among the highest of them: 0 or 1.

    ``number`` is how many are; equal ones are told apart by their place, so that it is exact.
    """
    # Cells that do not count come last. The rank of each cell is its place among the places.
    lowest = F.zeros_like(values) - 1e30
    flat = F.reshape(F.BlockGrad(F.where(where, values, lowest)), shape=(1, -1))
    order = F.argsort(flat, axis=1, is_ascend=False)
    rank = F.reshape_like(F.argsort(order, axis=1, is_ascend=True), values)
    chosen = F.broadcast_lesser(rank, F.reshape(number, shape=(1, 1)))
    return chosen * where
