"""Weights from the Gramian in closed form: IMTL-G, Aligned-MTL, ConFIG, PCGrad, GradVac.

In all of them ``G[s, t]`` is the product of the gradients of the tasks s and t, at the features
that they share, and the weights say in which mixture the trunk follows them. Formulas are those of
the papers; tests hold them to published values.
"""

# ruff: noqa: RUF009 (option() makes a dataclass field)

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from .._options import option
from ._balance import TINY, Balance, Facts

Wanted = Callable[[Any, Any], tuple[Any, Any]]
HUGE = 1e300
ROUNDING = float(np.finfo(np.float32).eps)  # the Gramian's: it is computed in float32


def eigen(facts: Facts, matrix: Any) -> tuple[Any, Any, Any]:
    """Return eigenvectors in rows (T, T), eigenvalues (1, T), and which of these are not 0."""
    F = facts.F
    # LAPACK has no answer to nan, and MXNet ends the process: the losses shall tell what happened.
    finite = F.where(F.abs(matrix) < HUGE, matrix, F.zeros_like(matrix))
    vectors, values = F.linalg.syevd(finite)
    values = F.reshape(values, shape=(1, facts.num_tasks))
    least = F.reshape(F.max(values), shape=(1, 1)) * (facts.num_tasks * ROUNDING)
    return vectors, values, F.broadcast_greater(values, F.maximum(least, TINY))


def inverse(facts: Facts, matrix: Any, power: float = 1.0) -> Any:
    """Return the pseudoinverse of a symmetric matrix, or its root for ``power`` 0.5: (T, T)."""
    F = facts.F
    vectors, values, used = eigen(facts, matrix)
    inverted = F.where(used, F.maximum(values, TINY) ** -power, F.zeros_like(values))
    return F.dot(vectors, F.broadcast_mul(vectors, F.transpose(inverted)), transpose_a=True)


def unit_products(facts: Facts) -> tuple[Any, Any]:
    """Return 1 / length of each gradient, (T, 1), and the Gramian of unit vectors, (T, T)."""
    shorter = facts.divided(facts.present, facts.norms)
    return shorter, facts.gramian * facts.F.dot(shorter, shorter, transpose_b=True)


@dataclass(frozen=True)
class IMTLG(Balance):
    """The way on which all tasks gain alike: equal projections on their gradients (Liu 2021).

    Weights sum to 1 and may be negative. A task with small gradients counts as much as one with
    large ones.
    """

    name: ClassVar[str] = "imtl_g"

    def weigh(self, facts: Facts) -> Any:
        # By unit vectors, so that small gradients are not taken for none beside large ones.
        shorter, units = unit_products(facts)
        found = shorter * facts.F.dot(inverse(facts, units), facts.present)
        total = facts.total(found)
        return facts.F.broadcast_div(found, total + (facts.F.abs(total) < 1e-12))


@dataclass(frozen=True)
class AlignedMTL(Balance):
    """Gradients made orthogonal and equally long before they are added (Senushkin 2023)."""

    name: ClassVar[str] = "aligned_mtl"

    def weigh(self, facts: Facts) -> Any:
        F = facts.F
        _, values, used = eigen(facts, facts.gramian)
        smallest = F.min(F.where(used, values, F.ones_like(values) / TINY))
        least = F.reshape(F.sqrt(smallest), shape=(1, 1))
        found = F.dot(inverse(facts, facts.gramian, power=0.5), facts.mean)
        return F.broadcast_mul(found, least * (least < 1e12))


@dataclass(frozen=True)
class ConFIG(Balance):
    """The way at the same angle to each gradient, as long as their shares in it (Liu 2024)."""

    name: ClassVar[str] = "config"

    def weigh(self, facts: Facts) -> Any:
        F = facts.F
        shorter, units = unit_products(facts)
        found = shorter * F.dot(inverse(facts, units), facts.present)
        products = F.dot(facts.gramian, found)
        squared = facts.total(found * products)
        return F.broadcast_mul(found, facts.divided(facts.total(products), squared))


@dataclass(frozen=True)
class PCGrad(Balance):
    """Of each gradient what opposes another is taken away, one after the other (Yu 2020).

    In random order, drawn anew for each batch. Without a conflict it is the sum.
    """

    name: ClassVar[str] = "pcgrad"

    def weigh(self, facts: Facts) -> Any:
        return self.mixed(facts, lambda other, cosine: (cosine < 0, 0.0 * cosine))[0]

    def mixed(self, facts: Facts, wanted: Wanted) -> tuple[Any, list[tuple[Any, Any]]]:
        """Return the weights (T, 1), and of each turn whom each task met and at what cosine.

        In a turn each task meets another one, (T, T) with one 1 a row. ``wanted`` says of whom it
        met, and the cosine (T, 1), which gradients are turned and what cosine they get.
        """
        F, T = facts.F, facts.num_tasks
        order = F.cast(F.argsort(F.random.uniform(shape=(T, T)), axis=1), dtype="float64")
        norms, eye = F.maximum(facts.norms, TINY), facts.eye
        mixture, met = eye, []
        for turn in range(T):
            place = F.reshape(F.slice_axis(order, axis=1, begin=turn, end=turn + 1), shape=(T,))
            other = F.one_hot(place, depth=T, dtype="float64")
            products = F.dot(mixture, facts.gramian)
            along = F.sum(products * other, axis=1, keepdims=True)
            length = F.sqrt(F.maximum(F.sum(products * mixture, axis=1, keepdims=True), 0.0))
            theirs = F.dot(other, norms)
            cosine = facts.divided(along, length * theirs)
            turned, aim = wanted(other, cosine)
            itself = F.sum(other * eye, axis=1, keepdims=True)
            turned = turned * (1.0 - itself) * F.dot(other, facts.present)
            sine = F.sqrt(F.maximum(1.0 - cosine * cosine, 0.0))
            level = F.sqrt(F.maximum(1.0 - aim * aim, TINY))
            more = length * (aim * sine - cosine * level) / (theirs * level)
            mixture = mixture + F.broadcast_mul(other, more * turned)
            met.append((F.broadcast_mul(other, 1.0 - itself), cosine))
        return facts.column(F.sum(F.broadcast_mul(mixture, facts.present), axis=0)), met


@dataclass(frozen=True)
class GradVac(Balance):
    """As PCGrad, towards the cosine that two tasks usually have, not only to 0 (Wang 2021).

    What is usual is an average over batches, and is remembered for each pair of tasks.
    """

    rate: float = option(0.5, "share of the newest batch in what is usual", low=0, high=1)

    name: ClassVar[str] = "gradvac"

    def width(self, num_tasks: int) -> int:
        return num_tasks

    def weigh(self, facts: Facts) -> Any:
        return self._both(facts)[0]

    def weigh_and_remember(self, facts: Facts) -> tuple[Any, Any]:
        return self._both(facts)

    def _both(self, facts: Facts) -> tuple[Any, Any]:
        F, usual = facts.F, facts.state

        def wanted(other: Any, cosine: Any) -> tuple[Any, Any]:
            aim = F.sum(usual * other, axis=1, keepdims=True)
            return cosine < aim, aim

        weights, met = PCGrad().mixed(facts, wanted)
        both = F.dot(facts.present, facts.present, transpose_b=True)
        for other, cosine in met:
            step = F.broadcast_sub(cosine, usual) * self.rate
            usual = usual + other * step * both
        return weights, usual
