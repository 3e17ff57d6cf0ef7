"""Statistics of rows drawn with replacement: of many draws at once, from one look at the rows.

To draw rows is to weigh each by how often it was drawn. What a statistic adds up over rows is then
a product of weights and rows, for all draws together, and a curve over thresholds is one order of
the scores for all of them, in which weights are added up. A statistic whose class is not in
`RULES`, or of a kind of batch that is not known here, is asked again for each draw.

Weights are small whole numbers: in a curve several draws share each number of 64 bits, and are
added up by one addition; a lane of it never overflows, because it holds no more than all rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from ..tasks import Task
from ._batch import Batch, CellsBatch, ClassBatch, make_batch
from ._formulas import ratio
from ._regression import ValueBatch
from ._statistic import (
    Counted,
    Known,
    Matched,
    Reliability,
    RowRates,
    Scored,
    Spread,
    Statistic,
    Summed,
    bin_of,
)

ROWS = 8192  # looked at together at most, so that their weights are exact in float32
CELLS = (
    1 << 21
)  # values of rows looked at together, and weights of a curve: what they need is small
LANES = 4  # draws that share a word
Arrays = Mapping[str, tuple[np.ndarray, np.ndarray]]


class Draws:
    """Rows drawn with replacement, as many as there are, several times.

    Parameters
    ----------
    arrays : dict of (ndarray, ndarray)
        Labels and predictions of all rows, by task.
    repeats, seed : int
        How many draws, and of which random numbers.

    Attributes
    ----------
    weights : ndarray of uint8 (rows, repeats)
        How often each row is in each draw; no row is drawn over 255 times.
    words : ndarray of uint32 (repeats / 4, rows)
        The same, four draws a word: what a curve takes in the order of its scores.
    """

    def __init__(self, arrays: Arrays, tasks: Sequence[Task], repeats: int, seed: int) -> None:
        self.arrays, self.repeats = arrays, repeats
        rows = len(next(iter(arrays.values()))[0])
        random = np.random.RandomState(seed)
        weights = np.zeros((-(-repeats // LANES), LANES, rows), np.uint8)
        for weight in weights.reshape(-1, rows)[:repeats]:
            weight[:] = np.bincount(random.randint(rows, size=rows), minlength=rows)
        self.weights = np.ascontiguousarray(weights.reshape(-1, rows)[:repeats].T)
        self.words = np.ascontiguousarray(weights.swapaxes(1, 2)).view(np.uint32)[..., 0]
        self.most = int(weights.max(initial=0))
        self.batches = {t.name: make_batch(t, *arrays[t.name]) for t in tasks}

    def states(self, statistic: Statistic) -> Sequence[Any]:
        """Return the statistic's state of each draw."""
        batches = [self.batches[task.name] for task in statistic.tasks]
        rule = RULES.get(type(statistic))
        if rule is None or any(type(batch) not in KNOWN for batch in batches):
            return OneByOne(self, statistic)
        return rule(self, statistic, *batches)

    def sums(
        self,
        values: np.ndarray | Callable[[slice], np.ndarray],
        rows: np.ndarray | None = None,
        shape: tuple[int, ...] | None = None,
    ) -> np.ndarray:
        """Return sums over the rows of each draw, float64 (repeats, ...), of values (n, ...).

        ``rows`` are those that the values are of; all of them by default. A function makes the
        values of a part of them, where all together would be too many; ``shape`` is then theirs.
        """
        if isinstance(values, np.ndarray):
            array, shape = values, values.shape
            values = array.__getitem__
        assert shape is not None
        size = math.prod(shape[1:])
        total = np.zeros((self.repeats, size))
        for part in chunks(shape[0], size):
            flat = values(part).reshape(-1, size)
            kind = np.float32 if flat.dtype == bool else np.float64
            weights = self.weights[part if rows is None else rows[part]]
            total += weights.T.astype(kind) @ flat.astype(kind)
        return total.reshape(self.repeats, *shape[1:])

    def counts(self, index: np.ndarray, size: int, rows: np.ndarray) -> np.ndarray:
        """Return how often each of ``size`` places is in each draw: float64 (repeats, size)."""
        total = np.zeros((size, self.repeats))
        for part in chunks(len(index)):
            order = np.argsort(index[part], kind="stable")
            places, starts = np.unique(index[part][order], return_index=True)
            weights = self.weights[rows[part][order]]
            total[places] += np.add.reduceat(weights, starts, axis=0, dtype=np.uint32)
        return total.T


def chunks(count: int, size: int = 1) -> list[slice]:
    """Cut rows of ``size`` values into parts that are looked at together."""
    step = min(max(CELLS // max(size, 1), 1), ROWS)
    return [slice(start, start + step) for start in range(0, count, step)]


class OneByOne(Sequence[Any]):
    """The states of a statistic that has no rule: each made of its draw's rows when asked for."""

    def __init__(self, draws: Draws, statistic: Statistic) -> None:
        self._draws, self._statistic = draws, statistic

    def __len__(self) -> int:
        return self._draws.repeats

    def __getitem__(self, draw: Any) -> Any:
        weight = self._draws.weights[:, draw]
        rows = np.repeat(np.arange(len(weight)), weight)
        arrays = self._draws.arrays
        batches = [
            make_batch(task, *(array[rows] for array in arrays[task.name]))
            for task in self._statistic.tasks
        ]
        return self._statistic.totals(*batches)


# -- what adds up over rows ------------------------------------------------------------------------
def rows_of(batch: Any) -> np.ndarray | None:
    """Return which rows a batch's arrays are of; None for all of them."""
    return None if isinstance(batch, CellsBatch) else np.flatnonzero(batch.rows)


def mask_of(batch: Any) -> np.ndarray:
    """Return which stored cells are known, in the batch's own rows: bool (n, label_width)."""
    return np.ones((len(batch.label), 1), bool) if isinstance(batch, ClassBatch) else batch.mask


def known(draws: Draws, statistic: Statistic, batch: Any) -> np.ndarray:
    """Return the states of `Known`."""
    if isinstance(batch, ClassBatch):
        rows = np.flatnonzero(batch.rows)
        return draws.counts(batch.label, batch.task.num_outputs, rows)
    return draws.sums(batch.mask, rows_of(batch))


def counted(draws: Draws, statistic: Statistic, batch: Any) -> np.ndarray:
    """Return the states of `Counted`."""
    threshold: Any = statistic.options
    if isinstance(batch, CellsBatch):
        above = batch.above(threshold)
        parts = [above & batch.positive, above, batch.positive, batch.mask]
        return draws.sums(np.stack(parts, axis=1))
    units, rows = batch.task.num_outputs, np.flatnonzero(batch.rows)
    right = np.flatnonzero(batch.label == batch.predicted)
    positive = draws.counts(batch.label, units, rows)
    return np.stack(
        [
            draws.counts(batch.label[right], units, rows[right]),
            draws.counts(batch.predicted, units, rows),
            positive,
            np.repeat(positive.sum(axis=1, keepdims=True), units, axis=1),
        ],
        axis=1,
    )


def summed(draws: Draws, statistic: Statistic, batch: Any) -> np.ndarray:
    """Return the states of `Summed`."""
    options: Any = statistic.options
    method, *arguments = options
    values = getattr(batch, method.__name__)(*arguments)
    return draws.sums(np.stack([values, mask_of(batch)], axis=1), rows_of(batch))


def row_rates(draws: Draws, statistic: Statistic, batch: Any) -> np.ndarray:
    """Return the states of `RowRates`."""
    options: Any = statistic.options
    threshold, function, parameters = options
    values = function(batch.row_counts(threshold), *parameters)
    return draws.sums(np.stack([values, np.ones(len(values))], axis=1), np.flatnonzero(batch.rows))


def matched(draws: Draws, statistic: Statistic, *batches: Any) -> np.ndarray:
    """Return the states of `Matched`."""
    thresholds: Any = statistic.options
    wrong = np.any([b.wrong(threshold) for b, threshold in zip(batches, thresholds)], axis=0)
    labelled = np.any([batch.rows for batch in batches], axis=0)
    return draws.sums(np.stack([labelled & ~wrong, labelled], axis=1))


def reliability(draws: Draws, statistic: Statistic, batch: Any) -> np.ndarray:
    """Return the states of `Reliability`, but for what no value depends on.

    A bin's sum of probabilities is 0, and its number of true the distance between the two.
    """
    probability, true, is_known = batch.confidence()
    rows, bins = rows_of(batch), int(statistic.options)  # type: ignore[call-overload]
    gap = np.where(is_known, true - probability.astype(np.float64), 0.0)
    bin_ = bin_of(np.where(is_known, probability, 0.0), bins)
    shape = len(gap), bins, gap.shape[1]

    def by_bin(values: np.ndarray) -> np.ndarray:
        def apart(part: slice) -> np.ndarray:
            each = np.zeros((len(gap[part]), *shape[1:]), values.dtype)
            np.put_along_axis(each, bin_[part, np.newaxis], values[part, np.newaxis], axis=1)
            return each

        return draws.sums(apart, rows, shape).swapaxes(1, 2)

    number = by_bin(np.broadcast_to(is_known, gap.shape))
    return np.stack([number, np.zeros_like(number), by_bin(gap)], axis=1)


def spread(draws: Draws, statistic: Statistic, batch: Any) -> np.ndarray:
    """Return the states of `Spread`: about the means of all rows first, then of the draw's."""
    number, rows = batch.mask.sum(axis=0), np.flatnonzero(batch.rows)
    label = np.where(batch.mask, batch.label, 0.0)
    y, p = ratio(label.sum(axis=0), number), ratio(batch.prediction.sum(axis=0), number)
    dy, dp = (label - y) * batch.mask, (batch.prediction - p) * batch.mask
    parts = [batch.mask, dy, dp, dy * dy, dp * dp, dy * dp, batch.squared_errors()]
    n, sy, sp, yy, pp, yp, error = draws.sums(np.stack(parts, axis=1) * 1.0, rows).swapaxes(0, 1)
    my, mp = ratio(sy, n), ratio(sp, n)
    squares = [np.maximum(yy - sy * my, 0.0), np.maximum(pp - sp * mp, 0.0), yp - sy * mp]
    return np.stack([n, y + my, p + mp, *squares, error], axis=1)


# -- curves ----------------------------------------------------------------------------------------
class DrawnScores(Sequence[Any]):
    """The states of `Scored`; and areas under the curves of all draws, from one order a unit."""

    def __init__(self, draws: Draws, statistic: Statistic, batch: Any) -> None:
        self._draws, self._one = draws, OneByOne(draws, statistic)
        self._batch = batch

    def __len__(self) -> int:
        return self._draws.repeats

    def __getitem__(self, draw: Any) -> Any:
        return self._one[draw]

    @cached_property
    def areas(self) -> np.ndarray:
        """Under ROC, mean precision, and positives: float64 (3, repeats, units)."""
        probability, true, is_known = self._batch.outcomes()
        rows, found = rows_of(self._batch), []
        for unit in range(probability.shape[1]):
            there = np.flatnonzero(is_known[:, unit])
            order = there[np.argsort(probability[there, unit])[::-1]]
            found.append(
                self._areas(
                    probability[order, unit], true[order, unit],
                    order if rows is None else rows[order],
                )
            )  # fmt: skip
        return np.stack(found, axis=2)

    @cached_property
    def areas_together(self) -> np.ndarray:
        """The same of all units' cells together: float64 (3, repeats, 1)."""
        probability, true, is_known = self._batch.outcomes()
        row, unit = np.nonzero(is_known)
        order = np.argsort(probability[row, unit])[::-1]
        row, unit = row[order], unit[order]
        rows = rows_of(self._batch)
        found = self._areas(
            probability[row, unit], true[row, unit], row if rows is None else rows[row]
        )
        return found[:, :, np.newaxis]

    def _areas(self, score: np.ndarray, true: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return the areas of one curve, of scores from the highest down: (3, repeats)."""
        words, curve = self._draws.words, DrawnCurve(score, true, self._draws.most)
        step = max(1, CELLS // (LANES * max(len(score), 1)))
        parts = range(0, len(words), step)
        found = [curve.areas(words[start : start + step].take(rows, axis=1)) for start in parts]
        return np.concatenate(found, axis=1)[:, : self._draws.repeats]


class DrawnCurve:
    """Where the positives of one curve stand among its scores, from the highest down.

    Of equal scores all count at once: ``last`` and ``before`` are the ends of their group. No
    score is drawn more than ``most`` times.
    """

    def __init__(self, score: np.ndarray, true: np.ndarray, most: int) -> None:
        self.places = np.flatnonzero(true)
        new = np.append(True, score[1:] != score[:-1])[: len(score)]
        starts = np.flatnonzero(new)
        group = (np.cumsum(new) - 1)[self.places]
        self.before, self.last = starts[group], np.append(starts[1:], len(score))[group]
        positives = np.append(0, np.cumsum(true, dtype=np.int64))
        self.tp_before, self.tp_last = positives[self.before], positives[self.last]
        self.ties = bool((self.last - self.before > 1).any())
        self.lane: Any = np.uint16 if len(score) * most < 1 << 16 else np.uint32

    def areas(self, words: np.ndarray) -> np.ndarray:
        """Return under ROC, mean precision and positives of words (n, scores): (3, 4 n)."""
        weights = np.ascontiguousarray(words).view(np.uint8).reshape(*words.shape, LANES)
        summed_up = added_up(weights, self.lane)
        w = weights[:, self.places].astype(np.float64)
        tp = np.zeros((len(w), w.shape[1] + 1, LANES))
        np.cumsum(w, axis=1, out=tp[:, 1:])
        last, tp_last = summed_up[:, self.last].astype(np.float64), tp[:, self.tp_last]
        positives, known_ = tp[:, -1], summed_up[:, -1]
        above = last - tp_last  # negatives that score as high, of which equal ones are half above
        if self.ties:
            above = (above + summed_up[:, self.before] - tp[:, self.tp_before]) / 2
        negatives = known_ - positives
        beaten = positives * negatives - np.einsum("npk,npk->nk", w, above)
        roc = ratio(beaten, positives * negatives, np.nan)
        np.divide(tp_last, np.maximum(last, 1.0, out=last), out=tp_last)  # precision
        mean = ratio(np.einsum("npk,npk->nk", w, tp_last), positives, 0.0)
        # No curve without a known label; 0 without a positive one, as `average_precision` has it.
        mean = np.where(known_ > 0, mean, np.nan)
        return np.stack([roc, mean, positives]).reshape(3, -1)


def added_up(weights: np.ndarray, lane: Any) -> np.ndarray:
    """Return sums of weights (n, scores, 4) over the scores before: (n, scores + 1, 4)."""
    count, scores, _ = weights.shape
    lanes = np.zeros((count, scores + 1, LANES), lane)
    lanes[:, 1:] = weights
    words = lanes.view(np.uint64)
    np.cumsum(words, axis=1, out=words)
    return lanes


Rule = Callable[..., Any]
KNOWN: tuple[type[Batch], ...] = (ClassBatch, CellsBatch, ValueBatch)
RULES: dict[type[Statistic], Rule] = {
    Known: known,
    Counted: counted,
    Summed: summed,
    RowRates: row_rates,
    Matched: matched,
    Reliability: reliability,
    Spread: spread,
    Scored: DrawnScores,
}
