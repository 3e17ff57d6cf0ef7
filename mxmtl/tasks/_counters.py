"""What is counted of the labels of a task, block by block, and what lies far outside of it."""

from __future__ import annotations

import abc
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

FEW = 20  # labels: how far their values reach is not known from so few
FAR = 3.0  # from the values that are learnt, as a share of all the way from least to greatest
HEAVY = 0.25  # what a value adds to the mean square error, as a share of the learnt variance


class LabelCounter(abc.ABC):
    """Abstract: counts labels of one task, block by block."""

    def __init__(self, task: Any) -> None:
        self.task = task
        self.labelled = self.known_cells = 0

    def add(self, labels: np.ndarray) -> None:
        """Count labels of shape (N, label_width)."""
        known = np.asarray(self.task.labelled(labels))
        self.labelled += int(known.any(axis=1).sum())
        self.known_cells += int(known.sum())
        self._add(labels, known)

    def summary(self, rows: int) -> dict[str, Any]:
        """Return the counts as JSON-able data, given how many rows there were.

        ``labelled`` and ``missing`` count rows, with any label and with none; ``known`` counts
        the labels themselves, of ``cells``: of them are the shares that are told.
        """
        head = {"labelled": self.labelled, "missing": rows - self.labelled}
        head |= {"known": self.known_cells, "cells": rows * self.task.label_width}
        return {"type": type(self.task).__name__, **head, **self._counts()}

    @abc.abstractmethod
    def _add(self, labels: np.ndarray, known: np.ndarray) -> None:
        """Count labels (N, label_width) where they are known."""

    @abc.abstractmethod
    def _counts(self) -> dict[str, Any]:
        """Return what was counted."""


class ClassCounter(LabelCounter):
    """Counts rows by class."""

    def __init__(self, task: Any) -> None:
        super().__init__(task)
        self.rows = np.zeros(task.num_outputs, np.int64)

    def _add(self, labels: np.ndarray, known: np.ndarray) -> None:
        self.rows += np.bincount(labels[known].astype(np.int64), minlength=len(self.rows))

    def _counts(self) -> dict[str, Any]:
        return {"counts": dict(zip(self.task.names, self.rows.tolist()))}


class CellsCounter(LabelCounter):
    """Counts known and positive cells of each column."""

    def __init__(self, task: Any) -> None:
        super().__init__(task)
        self.known = np.zeros(task.label_width, np.int64)
        self.positive = np.zeros(task.label_width)

    def _add(self, labels: np.ndarray, known: np.ndarray) -> None:
        self.known += known.sum(axis=0)
        self.positive += np.where(known, labels, 0).astype(np.float64).sum(axis=0)

    def _counts(self) -> dict[str, Any]:
        keys = self.task.names or self.task.columns
        return {
            "positive": dict(zip(keys, self.positive.astype(int).tolist())),
            "labels": dict(zip(keys, self.known.tolist())),
        }


class ValueCounter(LabelCounter):
    """Counts the spread of the values of the first column, about their mean.

    Sums of squares would lose it: at 1e9 they are known to 128 only.
    """

    def __init__(self, task: Any) -> None:
        super().__init__(task)
        self.count, self.mean, self.squares = 0, 0.0, 0.0
        self.low, self.high = np.inf, -np.inf

    def _add(self, labels: np.ndarray, known: np.ndarray) -> None:
        values = labels[:, 0][known[:, 0]].astype(np.float64)
        if not len(values):
            return
        mean = float(values.mean())
        # Chan, Golub and LeVeque 1983: what two blocks make, each about a mean of its own.
        apart, count = mean - self.mean, self.count + len(values)
        share = len(values) / count
        self.squares += float(np.square(values - mean).sum()) + apart**2 * self.count * share
        self.mean, self.count = self.mean + apart * share, count
        self.low = min(self.low, float(values.min()))
        self.high = max(self.high, float(values.max()))

    def _counts(self) -> dict[str, Any]:
        if not self.count:
            return {}
        spread = float(np.sqrt(self.squares / self.count)) if self.low < self.high else 0.0
        return {"min": self.low, "max": self.high, "mean": self.mean, "std": spread}


class Spread(NamedTuple):
    """How many values there are, how far they reach, and their mean and variance."""

    values: int
    low: float
    high: float
    mean: float
    variance: float

    @staticmethod
    def of(counted: Iterable[Mapping[str, Any]]) -> Spread | None:
        """Return that of all values of such counts as a `ValueCounter` has; None of no values."""
        parts = [part for part in counted if part["labelled"] and "std" in part]
        count = sum(part["labelled"] for part in parts)
        if not count:
            return None
        mean = sum(part["labelled"] * part["mean"] for part in parts) / count
        squares = sum(
            part["labelled"] * float(np.square([part["std"], part["mean"] - mean]).sum())
            for part in parts
        )
        low, high = min(part["min"] for part in parts), max(part["max"] for part in parts)
        return Spread(count, low, high, mean, squares / count)

    def far_in(self, held: Spread) -> float | None:
        """Return the value of others that lies so far outside that their errors tell of it alone.

        >>> prices, others = Spread(80, 3, 60, 20, 15.0**2), Spread(20, 4, 1200, 80, 260.0**2)
        >>> prices.far_in(others), prices.far_in(others._replace(high=100))
        (1200, None)
        """
        above, below = held.high - self.high, self.low - held.low
        farthest = held.high if above > below else held.low
        heavy = (farthest - self.mean) ** 2 > HEAVY * self.variance * held.values
        far = max(above, below) > FAR * (self.high - self.low) > 0
        return farthest if far and heavy and self.values >= FEW else None
