"""Weights from the losses alone: uncertainty, geometric mean, logarithms, chance, and speed.

They weigh a task's loss for its head and for the trunk alike, and cost nothing.
"""

# ruff: noqa: RUF009 (option() makes a dataclass field)

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from .._options import option
from ._balance import TINY, Balance, Facts


@dataclass(frozen=True)
class OfLosses(Balance):
    """Abstract: weights that follow from the losses."""

    uses_gradients: ClassVar[bool] = False
    weighs_losses: ClassVar[bool] = True


@dataclass(frozen=True)
class Uncertainty(OfLosses):
    """Weights exp(-s), s trained with the network: large losses count less (Kendall 2018).

    ``s`` stands where exp(s) is twice the mean loss of the labelled cells, whatever their share.
    Weights are trained without decay. A loss that goes to 0, as of what is learnt by heart, gets
    a weight without limit as published; ``rescale`` holds the sum.
    """

    name: ClassVar[str] = "uncertainty"
    needs_positive: ClassVar[bool] = True
    trained: ClassVar[bool] = True

    def width(self, num_tasks: int) -> int:
        return 1

    def weigh(self, facts: Facts) -> Any:
        return facts.F.exp(-facts.state)

    def penalty(self, facts: Facts) -> Any:
        F = facts.F
        return facts.labels * (F.exp(-facts.state) * facts.losses + 0.5 * facts.state)


@dataclass(frozen=True)
class Geometric(OfLosses):
    """The geometric mean of the losses is trained: weights mean / (T * loss) (Chennupati 2019)."""

    name: ClassVar[str] = "geometric"
    needs_positive: ClassVar[bool] = True

    def weigh(self, facts: Facts) -> Any:
        F = facts.F
        logs = F.log(F.maximum(facts.losses, 1e-8))
        mean = F.exp(facts.total(logs * facts.mean))
        return F.broadcast_mul(F.broadcast_div(facts.mean, F.maximum(facts.losses, 1e-8)), mean)


@dataclass(frozen=True)
class LogSum(OfLosses):
    """The sum of the losses' logarithms is trained: weights 1 / loss."""

    name: ClassVar[str] = "log"
    needs_positive: ClassVar[bool] = True

    def weigh(self, facts: Facts) -> Any:
        return facts.present / facts.F.maximum(facts.losses, 1e-8)


@dataclass(frozen=True)
class RandomWeights(OfLosses):
    """Weights by chance, anew for each batch (Lin 2022): what any other method must beat."""

    draw: str = option(
        "normal",
        "how",
        choices={"normal": "softmax of N(0, 1)", "dirichlet": "even on the simplex"},
    )

    name: ClassVar[str] = "random"

    def weigh(self, facts: Facts) -> Any:
        F, shape = facts.F, (facts.num_tasks, 1)
        if self.draw == "normal":
            drawn = F.exp(F.random.normal(shape=shape))
        else:
            drawn = F.random.exponential(shape=shape)
        drawn = F.cast(drawn, dtype="float64") * facts.present
        return F.broadcast_div(drawn, F.maximum(facts.total(drawn), TINY))


def softmax(facts: Facts, scores: Any) -> Any:
    """Return the softmax of scores (T, 1) over the tasks that are present."""
    F = facts.F
    most = F.reshape(F.max(scores - (1.0 - facts.present) * 1e30), shape=(1, 1))
    powers = F.exp(F.minimum(F.broadcast_sub(scores, most), 0.0)) * facts.present
    return F.broadcast_div(powers, F.maximum(facts.total(powers), TINY))


@dataclass(frozen=True)
class DWA(OfLosses):
    """Dynamic weight average: tasks whose loss falls slowly count more (Liu 2019).

    The training loss of the last epoch is divided by that of the one before; weights are even in
    the first two epochs.
    """

    temperature: float = option(2.0, "the higher, the more even", low=1e-3)

    name: ClassVar[str] = "dwa"

    def width(self, num_tasks: int) -> int:
        return 4  # sum of losses and number of labels in this epoch; means of the two before

    def weigh(self, facts: Facts) -> Any:
        F = facts.F
        last, before = (F.slice_axis(facts.state, axis=1, begin=i, end=i + 1) for i in (2, 3))
        known = (last > 0) * (before > 0)
        ratio = F.where(known, last / F.maximum(before, TINY), F.ones_like(last))
        shares = softmax(facts, ratio / self.temperature)
        return F.broadcast_mul(shares, facts.total(facts.present))

    def weigh_and_remember(self, facts: Facts) -> tuple[Any, Any]:
        added = facts.F.concat(facts.losses * facts.labels, facts.labels, dim=1)
        nothing = facts.F.zeros_like(added)
        return self.weigh(facts), facts.state + facts.F.concat(added, nothing, dim=1)

    def end_epoch(self, state: np.ndarray) -> np.ndarray:
        total, count, last, _ = state.T
        mean = np.where(count > 0, total / np.maximum(count, 1e-12), last)
        return np.stack([0 * total, 0 * count, mean, last], axis=1).astype(state.dtype)


@dataclass(frozen=True)
class STCH(OfLosses):
    """Smooth Tchebycheff: the worst task counts most, measured by where it began (Lin 2024).

    In the first ``warmup`` epochs the sum of the losses' logarithms is trained; the losses of the
    last of them are what later ones are divided by; of a task that has its first labels later,
    those of its first epoch.
    """

    mu: float = option(1.0, "the smaller, the more the worst task counts", low=1e-3)
    warmup: int = option(4, "epochs after which losses are compared with their mean then", low=1)

    name: ClassVar[str] = "stch"
    needs_positive: ClassVar[bool] = True

    def width(self, num_tasks: int) -> int:
        return 4  # sum and number in this epoch; mean of the last epoch of warm-up; epochs

    def weigh(self, facts: Facts) -> Any:
        F = facts.F
        reference, epochs = (F.slice_axis(facts.state, axis=1, begin=i, end=i + 1) for i in (2, 3))
        losses = F.maximum(facts.losses, 1e-8)
        reference = F.where(reference > 0, reference, losses)  # of a task that appears late
        ratio = F.log(losses / F.maximum(reference, 1e-8)) / self.mu
        later = facts.total(facts.present) * 1.0
        compared = F.broadcast_mul(softmax(facts, ratio), later) / losses
        return F.where(epochs >= self.warmup, compared, facts.present / losses)

    weigh_and_remember = DWA.weigh_and_remember  # sums of an epoch are the same

    def end_epoch(self, state: np.ndarray) -> np.ndarray:
        total, count, reference, epochs = state.T
        epochs = epochs + 1
        mean = np.where(count > 0, total / np.maximum(count, 1e-12), reference)
        reference = np.where((epochs <= self.warmup) | (reference <= 0), mean, reference)
        return np.stack([0 * total, 0 * count, reference, epochs], axis=1).astype(state.dtype)


@dataclass(frozen=True)
class FAMO(OfLosses):
    """Fast adaptive: all losses fall at the same rate, by one more forward pass (Liu 2023).

    After each step the losses of the same batch are looked at again, and the task that gained
    least gets more. Its own weights learn by Adam.
    """

    rate: float = option(0.025, "learning rate of the weights", low=0)
    decay: float = option(1e-3, "weight decay of the weights", low=0)

    name: ClassVar[str] = "famo"
    needs_positive: ClassVar[bool] = True
    looks_again: ClassVar[bool] = True

    def width(self, num_tasks: int) -> int:
        return 4  # score; Adam's two means; its steps

    def weigh(self, facts: Facts) -> Any:
        scores = facts.F.slice_axis(facts.state, axis=1, begin=0, end=1)
        found = facts.divided(softmax(facts, scores), facts.losses + 1e-8)
        return facts.F.broadcast_div(found, facts.F.maximum(facts.total(found), TINY))

    def look_again(self, state: np.ndarray, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        score, first, second, steps, *more = state.T.astype(np.float64)
        there = before != 0
        powers = np.exp(score - score.max()) * there
        share = powers / max(powers.sum(), TINY)
        gain = np.where(there, np.log(before + 1e-8) - np.log(after + 1e-8), 0.0)
        slope = share * (gain - share @ gain) + self.decay * score
        steps = steps + there
        first = np.where(there, 0.9 * first + 0.1 * slope, first)
        second = np.where(there, 0.999 * second + 0.001 * slope**2, second)
        number = np.maximum(steps, 1)
        mean, square = first / (1 - 0.9**number), second / (1 - 0.999**number)
        score = score - self.rate * there * mean / (np.sqrt(square) + 1e-8)
        return np.stack([score, first, second, steps, *more], axis=1).astype(state.dtype)


@dataclass(frozen=True)
class GradNorm(Balance):
    """Gradients of equal length, longer for tasks that learn slowly (Chen 2018).

    As published a weight follows the sign of its gradient's distance from what is wanted, at a
    learning rate of its own. What a task's loss was at first is its mean in the first epoch.
    """

    alpha: float = option(1.5, "how much slower tasks are helped", low=0)
    rate: float = option(0.025, "learning rate of the weights", low=0)

    name: ClassVar[str] = "gradnorm"
    weighs_losses: ClassVar[bool] = True

    def width(self, num_tasks: int) -> int:
        return 4  # sum and number in the first epoch; its mean loss, 0 while unknown; weight - 1

    def weigh(self, facts: Facts) -> Any:
        return 1.0 + facts.F.slice_axis(facts.state, axis=1, begin=3, end=4)

    def weigh_and_remember(self, facts: Facts) -> tuple[Any, Any]:
        F = facts.F
        total, count, first = (
            F.slice_axis(facts.state, axis=1, begin=i, end=i + 1) for i in range(3)
        )
        weights = self.weigh(facts)
        known = (first > 0) * facts.present
        share = F.broadcast_div(known, F.maximum(facts.total(known), 1.0))
        slow = facts.divided(facts.losses, first) * known
        slow = facts.divided(slow, facts.total(slow * share))
        length = weights * facts.norms
        wanted = F.broadcast_mul(F.maximum(slow, TINY) ** self.alpha, facts.total(length * share))
        # Weights follow the sign, scaled by their gradient's share, and keep their sum.
        step = F.sign(length - wanted) * facts.divided(
            facts.norms, facts.total(facts.norms * share)
        )
        moved = F.maximum(weights - self.rate * step * known, 1e-3)
        mean = facts.divided(facts.total(moved * known), facts.total(known))
        moved = F.where(known, facts.divided(moved, mean + (mean <= 0)), weights)
        began = first <= 0
        sums = total + facts.losses * facts.labels * began, count + facts.labels * began
        return weights, F.concat(*sums, first, moved - 1.0, dim=1)

    def end_epoch(self, state: np.ndarray) -> np.ndarray:
        total, count, first, weight = state.T
        mean = np.where(count > 0, total / np.maximum(count, 1e-12), 0)
        first = np.where(first > 0, first, mean)
        return np.stack([0 * total, 0 * count, first, weight], axis=1).astype(state.dtype)
