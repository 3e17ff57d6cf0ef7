"""Weights that solve a small optimization problem: MGDA, CAGrad, DualProj, UPGrad, Nash, FairGrad.

A graph cannot ask whether it is done, so each solver takes a fixed number of steps, chosen so that
more of them no longer change the result; each step is exact along its line. All are convex, in T
unknowns.
"""

# ruff: noqa: RUF009 (option() makes a dataclass field)

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from .._options import option
from ._balance import TINY, Balance, Facts

STEPS, SWEEPS, NEWTON = 20, 5, 20
SINGULAR = 1e-10  # gradients that are alike have no inverse
FAR = 1e30  # above all that is compared


def scaled_to_trace(facts: Facts, matrix: Any) -> Any:
    """Return a matrix divided by its trace."""
    return facts.divided(matrix, facts.total(matrix * facts.eye))


def lowest_on_simplex(facts: Facts, matrix: Any, slope: Any = None, factor: Any = None) -> Any:
    """Return w >= 0, sum 1, with the lowest ``w'Gw``, or ``slope'w + factor * sqrt(w'Gw)``: (T, 1).

    Frank-Wolfe in pairs: weight goes from the worst task that has some to the best one, as much as
    is best, which is a closed form. Of ``w'Gw`` the lowest point among the tasks that have weight
    is known as well, and each step is followed by one towards it (Wolfe 1976).
    """
    F = facts.F
    absent = (1.0 - facts.present) * FAR
    weights = facts.mean
    steps = 2 * facts.num_tasks + 4 if slope is None else STEPS + 3 * facts.num_tasks
    for _ in range(steps if facts.num_tasks > 2 else 1):
        product = F.dot(matrix, weights)
        value = F.maximum(facts.total(weights * product), TINY)
        ascent = product
        if slope is not None:
            ascent = slope + F.broadcast_mul(product, F.broadcast_div(factor, F.sqrt(value)))
        best = unit_at(facts, F.argmin(ascent + absent, axis=0))
        worst = unit_at(facts, F.argmax(ascent - (weights <= 0) * FAR, axis=0))
        way = best - worst
        q1 = facts.total(way * product)
        q2 = F.maximum(facts.total(way * F.dot(matrix, way)), TINY)
        length = -q1 / q2
        if slope is not None:
            length = _lowest_length(F, facts.total(slope * way), factor, value, q1, q2)
        length = F.broadcast_minimum(F.maximum(length, 0.0), facts.total(worst * weights))
        weights = weights + F.broadcast_mul(way, length)
        if slope is None:
            weights = _towards_support(facts, matrix, weights)
    return weights


def _lowest_length(F: Any, rise: Any, factor: Any, value: Any, q1: Any, q2: Any) -> Any:
    """Return s where ``rise * s + factor * sqrt(q2 s^2 + 2 q1 s + value)`` is lowest: (1, 1)."""
    rest = F.maximum(value - q1 * q1 / q2, 0.0)
    room = factor * factor * q2 - rise * rise
    inside = -rise * F.sqrt(rest / (q2 * F.maximum(room, TINY))) - q1 / q2
    return F.where(room > 0, inside, (rise < 0) * FAR)  # a slope that no curve stops


def _towards_support(facts: Facts, matrix: Any, weights: Any) -> Any:
    """Move weights to the lowest point among their tasks, or to where one of them is 0."""
    F = facts.F
    used = weights > 0
    system = matrix * F.dot(used, used, transpose_b=True)
    own = F.broadcast_mul(facts.eye, 1.0 - used + SINGULAR)
    lowest = F.dot(F.linalg.inverse(system + own), used) * used
    way = facts.divided(lowest, facts.total(lowest)) - weights
    falls = F.maximum(-way, TINY)
    room = F.where(way < 0, weights / falls, F.ones_like(way))
    length = F.minimum(F.reshape(F.min(room), shape=(1, 1)), 1.0)
    moved = weights + F.broadcast_mul(way, length)
    return moved * (moved > 1e-13)


def unit_at(facts: Facts, index: Any) -> Any:
    """Return a column that is 1 at the index, (1,): (T, 1)."""
    F = facts.F
    return facts.column(F.one_hot(index, depth=facts.num_tasks, dtype="float64"))


@dataclass(frozen=True)
class MGDA(Balance):
    """The shortest mixture of the gradients: no task loses by a small step (Désidéri 2012).

    Weights are 0 or more and sum to 1. It follows the task with the smallest gradient; see
    ``normalize``.
    """

    normalize: str = option(
        "none",
        "what gradients are divided by when weights are sought",
        choices={
            "none": "nothing", "l2": "their length", "loss": "the loss",
            "loss+": "both, as its users do",
        },
    )  # fmt: skip

    name: ClassVar[str] = "mgda"

    @property
    def needs_positive(self) -> bool:  # type: ignore[override]
        return self.normalize in ("loss", "loss+")

    def weigh(self, facts: Facts) -> Any:
        F = facts.F
        divisor = facts.present
        if self.normalize in ("l2", "loss+"):
            divisor = divisor * facts.norms
        if self.normalize in ("loss", "loss+"):
            divisor = divisor * facts.losses
        factor = facts.divided(facts.present, divisor)
        matrix = facts.gramian * F.dot(factor, factor, transpose_b=True)
        return lowest_on_simplex(facts, scaled_to_trace(facts, matrix))


@dataclass(frozen=True)
class CAGrad(Balance):
    """The mean, moved towards the task that gains least, by a share ``c`` of its length (Liu 2021).

    With ``c`` 0 it is the mean, with a large one MGDA.
    """

    c: float = option(0.5, "how far from the mean, as a share of its length", low=0)

    name: ClassVar[str] = "cagrad"

    def weigh(self, facts: Facts) -> Any:
        F = facts.F
        matrix = scaled_to_trace(facts, facts.gramian)
        slope = F.dot(matrix, facts.mean)
        factor = self.c * F.sqrt(F.maximum(facts.total(facts.mean * slope), 0.0))
        found = lowest_on_simplex(facts, matrix, slope, factor)
        length = F.sqrt(F.maximum(facts.total(found * F.dot(matrix, found)), 0.0))
        apart = F.broadcast_div(factor, F.maximum(length, TINY)) * (length > 1e-4)
        # A mixture of length 0: the tasks stand still against each other, and so does the network.
        return F.broadcast_mul(facts.mean, length > 1e-4) + F.broadcast_mul(found, apart)


def lowest_above(facts: Facts, matrix: Any, floors: Any) -> Any:
    """Return in each row v the one with the lowest ``v'Gv`` among those with v >= floor: (R, T).

    Gauss-Seidel finds which coordinates stay on their floor, slowly where gradients oppose each
    other; so the others are solved for exactly after each sweep, and kept where that is lower.
    """
    F = facts.F
    found = floors
    for _ in range(SWEEPS):
        for index in range(facts.num_tasks):
            unit = facts.unit(index)
            slopes = F.dot(matrix, unit)
            own = F.maximum(facts.total(slopes * unit), TINY)
            now = F.dot(found, unit)
            better = now - F.broadcast_div(F.dot(found, slopes), own)
            better = F.maximum(F.dot(floors, unit), better)
            found = found + F.broadcast_mul(better - now, F.transpose(unit))
        solved = F.maximum(_solved(facts, matrix, floors, found > floors), floors)
        lower = _value(F, solved, matrix) < _value(F, found, matrix)
        found = found + F.broadcast_mul(solved - found, lower)
    return found


def _value(F: Any, rows: Any, matrix: Any) -> Any:
    return F.sum(F.dot(rows, matrix) * rows, axis=1, keepdims=True)


def _solved(facts: Facts, matrix: Any, floors: Any, free: Any) -> Any:
    """Return rows that are lowest in their free coordinates, with the others on the floor."""
    F, T = facts.F, facts.num_tasks
    held = floors * (1.0 - free)
    wanted = held - F.dot(held, matrix) * free
    # No batch_dot: oneDNN's fails on float64 ("memory desc") in memory that a convolution had.
    both = F.broadcast_mul(F.reshape(free, (-1, T, 1)), F.reshape(free, (-1, 1, T)))
    system = F.broadcast_mul(both, F.reshape(matrix, (1, T, T)))
    own = F.broadcast_mul(F.reshape(1.0 - free, (-1, T, 1)), F.reshape(facts.eye, (1, T, T)))
    inverted = F.linalg.inverse(system + own)
    return F.sum(F.broadcast_mul(inverted, F.reshape(wanted, (-1, 1, T))), axis=2)


def regular(facts: Facts, ridge: float) -> Any:
    """Return the Gramian as the two projections want it: of trace 1, and a ridge beside it."""
    return scaled_to_trace(facts, facts.gramian) + ridge * facts.eye


@dataclass(frozen=True)
class DualProj(Balance):
    """The mean, projected to where no task loses (Lopez-Paz 2017, as in GEM)."""

    ridge: float = option(1e-4, "added to the Gramian's diagonal, at trace 1", low=0)

    name: ClassVar[str] = "dualproj"

    def weigh(self, facts: Facts) -> Any:
        floors = facts.F.transpose(facts.mean)
        return facts.F.transpose(lowest_above(facts, regular(facts, self.ridge), floors))


@dataclass(frozen=True)
class UPGrad(Balance):
    """Each gradient projected to where no task loses, then their mean (Quinton 2024).

    Without a conflict it is the mean; a task with a small gradient keeps its share.
    """

    ridge: float = option(1e-4, "added to the Gramian's diagonal, at trace 1", low=0)

    name: ClassVar[str] = "upgrad"

    def weigh(self, facts: Facts) -> Any:
        F = facts.F
        floors = F.broadcast_mul(facts.eye, facts.mean)
        found = lowest_above(facts, regular(facts, self.ridge), floors)
        return facts.column(F.sum(found, axis=0))


def fair(facts: Facts, power: float) -> Any:
    """Return a > 0 with ``Ga = a^-power`` for the tasks that are present: (T, 1).

    Newton's steps on a convex function, shortened as its curvature asks, so that none leaves
    a > 0. G is scaled to a mean diagonal of 1 and the result scaled back.
    """
    F = facts.F
    mean = F.broadcast_div(
        facts.total(facts.gramian * facts.eye), F.maximum(facts.total(facts.present), 1.0)
    )
    absent = F.broadcast_mul(facts.eye, 1.0 - facts.present)
    matrix = facts.divided(facts.gramian, mean) + absent  # an equation of its own each: a = 1
    diagonal = F.maximum(facts.column(F.sum(matrix * facts.eye, axis=1)), 1e-12)
    found = diagonal ** (-1.0 / (1.0 + power))
    for _ in range(NEWTON):
        slope = F.dot(matrix, found) - found**-power
        curve = matrix + F.broadcast_mul(facts.eye, power * found ** (-power - 1.0))
        way = F.dot(F.linalg.inverse(curve), slope)
        decrement = F.sqrt(F.maximum(facts.total(way * slope), 0.0))
        lost = F.reshape(F.max(way / found), shape=(1, 1))  # of itself, by a whole step
        length = 1.0 / F.maximum(1.0 + decrement * (decrement > 0.25), lost * 1.25)
        found = found - F.broadcast_mul(way, length)
    return F.broadcast_mul(found, F.maximum(mean, TINY) ** (-1.0 / (1.0 + power)))


@dataclass(frozen=True)
class NashMTL(Balance):
    """The Nash bargaining solution: ``Ga = 1/a`` (Navon 2022).

    Weights do not depend on the size of the losses. As published the step is never longer than
    ``most``.
    """

    most: float = option(
        1.0, "greatest length of the mixture, where weights are not rescaled", low=0
    )

    name: ClassVar[str] = "nash_mtl"

    def weigh(self, facts: Facts) -> Any:
        F = facts.F
        found = fair(facts, 1.0) * facts.present
        length = F.sqrt(F.maximum(facts.total(found * F.dot(facts.gramian, found)), TINY))
        return F.broadcast_mul(found, F.minimum(self.most / length, 1.0))


@dataclass(frozen=True)
class FairGrad(Balance):
    """Fairness by choice: ``Ga = a^(-1/alpha)``; 1 is Nash's, more is fairer (Ban 2024)."""

    alpha: float = option(1.0, "how much the worst task counts", low=0.1, high=100)

    name: ClassVar[str] = "fairgrad"

    def weigh(self, facts: Facts) -> Any:
        return fair(facts, 1.0 / self.alpha)
