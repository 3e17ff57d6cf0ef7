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
from collections.abc import Callable, Iterator, Mapping, Sequence
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
CELLS = 1 << 21  # values of rows looked at together, and weights of a curve: that is little memory
LANES = 4  # draws that share a word, or two: weights come in so many
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
    most : int
        How often a row is in a draw at most.
    """

    def __init__(self, arrays: Arrays, tasks: Sequence[Task], repeats: int, seed: int) -> None:
        self.arrays, self.repeats = arrays, repeats
        rows = len(next(iter(arrays.values()))[0])
        random = np.random.RandomState(seed)
        weights = np.zeros((repeats, rows), np.uint8)
        for weight in weights:
            weight[:] = np.bincount(random.randint(rows, size=rows), minlength=rows)
        self.weights = np.ascontiguousarray(weights.T)
        self.most = int(weights.max(initial=0))
        self._known: dict[int, np.ndarray] = {}
        self._lanes: dict[Any, np.ndarray] = {}
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

    def known(self, batch: Any) -> np.ndarray:
        """Return how many labels of a batch each draw knows: float64 (repeats, label_width)."""
        if id(batch) not in self._known:
            self._known[id(batch)] = self.sums(mask_of(batch), rows_of(batch))
        return self._known[id(batch)]

    def lanes(self, kind: Any, scores: int) -> Iterator[np.ndarray]:
        """Give the weights of some draws after the other, (rows, a multiple of `LANES`).

        There are so many of them that those of ``scores`` rows are no more than `CELLS`.
        """
        step = max(CELLS // max(scores, 1), 1) // LANES * LANES or LANES
        if step >= self.repeats:
            if kind not in self._lanes:
                self._lanes[kind] = self._in_lanes(slice(None), kind)
            yield self._lanes[kind]
        else:
            for start in range(0, self.repeats, step):
                yield self._in_lanes(slice(start, start + step), kind)

    def _in_lanes(self, draws: slice, kind: Any) -> np.ndarray:
        weights = self.weights[:, draws]
        return np.pad(weights, ((0, 0), (0, -weights.shape[1] % LANES))).astype(kind)

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
    return draws.known(batch)


def counted(draws: Draws, statistic: Statistic, batch: Any) -> np.ndarray:
    """Return the states of `Counted`."""
    threshold: Any = statistic.options
    if isinstance(batch, CellsBatch):
        above = batch.above(threshold)
        sums = draws.sums(np.stack([above & batch.positive, above, batch.positive], axis=1))
        return beside(sums, draws.known(batch))
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
    return beside(draws.sums(values[:, np.newaxis], rows_of(batch)), draws.known(batch))


def beside(sums: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Put sums (repeats, parts, units) and numbers of known labels (repeats, units) together."""
    return np.concatenate([sums, known[:, np.newaxis]], axis=1)


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
    bins = int(statistic.options)  # type: ignore[call-overload]
    gap = np.where(is_known, true - probability.astype(np.float64), 0.0)
    bin_ = bin_of(np.where(is_known, probability, 0.0), bins)
    # Most bins of most units are empty: only the others have a column.
    places = bin_ * gap.shape[1] + np.arange(gap.shape[1])
    there, column = np.zeros(bins * gap.shape[1], bool), np.arange(bins * gap.shape[1])
    there[places[is_known]] = True
    column[there] = np.arange(np.count_nonzero(there))
    column = np.where(is_known, column[places], -1)  # a column that is thrown away

    def by_bin(values: np.ndarray) -> np.ndarray:
        def apart(part: slice) -> np.ndarray:
            each = np.zeros((len(gap[part]), np.count_nonzero(there) + 1), values.dtype)
            np.put_along_axis(each, column[part], values[part], axis=1)
            return each

        total = np.zeros((draws.repeats, there.size))
        shape = len(gap), np.count_nonzero(there) + 1
        total[:, there] = draws.sums(apart, rows_of(batch), shape)[:, :-1]
        return total.reshape(draws.repeats, bins, gap.shape[1]).swapaxes(1, 2)

    number = by_bin(is_known)
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
        curve = DrawnCurve(score, true, self._draws.most)
        lanes = self._draws.lanes(curve.lane, len(score))
        found = [curve.areas(weights.take(rows, axis=0)) for weights in lanes]
        return np.concatenate(found, axis=1)[:, : self._draws.repeats]


class DrawnCurve:
    """Where the positives of one curve stand among its scores, from the highest down.

    Of equal scores all count at once: ``last`` and ``before`` are the ends of their group. No
    score is drawn more than ``most`` times, so that sums of several draws fit in one word.
    """

    def __init__(self, score: np.ndarray, true: np.ndarray, most: int) -> None:
        self.places = np.flatnonzero(true)
        new = np.append(True, score[1:] != score[:-1])[: len(score)]
        self.ties = not new.all()
        self.lane: Any = np.uint16 if len(score) * most < 1 << 16 else np.uint32
        if self.ties:
            starts = np.flatnonzero(new)
            group = (np.cumsum(new) - 1)[self.places]
            self.before, self.last = starts[group], np.append(starts[1:], len(score))[group]
            positives = np.append(0, np.cumsum(true, dtype=np.int64))
            self.tp_before, self.tp_last = positives[self.before], positives[self.last]

    def areas(self, weights: np.ndarray) -> np.ndarray:
        """Return under ROC, mean precision and positives of weights (scores, draws): (3, draws).

        The weights are added up in place.
        """
        if not len(weights):
            return np.stack([np.full(weights.shape[1], v) for v in (np.nan, np.nan, 0.0)])
        positive = weights.take(self.places, axis=0)
        w, known_ = positive.astype(np.float64), weights.sum(axis=0, dtype=np.float64)
        tp, last = added_up(positive), added_up(weights)
        positives, above = w.sum(axis=0), self._above(tp, last)
        if self.ties:
            tp, last = upto(tp, self.tp_last), upto(last, self.last)
        else:
            last = last.take(self.places, axis=0)
        pairs = positives * (known_ - positives)
        precision = tp / np.maximum(last, 1, dtype=np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):  # 0 / 0: nan, as it is undefined
            roc = (pairs - np.einsum("pk,pk->k", w, above)) / pairs
            mean = np.einsum("pk,pk->k", w, precision) / positives
        # No curve without a known label; 0 without a positive one, as `average_precision` has it.
        mean = np.where(positives > 0, mean, np.where(known_ > 0, 0.0, np.nan))
        return np.stack([roc, mean, positives])

    def _above(self, tp: np.ndarray, all_: np.ndarray) -> np.ndarray:
        """Return how many negatives score as high as each positive; equal ones are half above."""
        if not self.ties:
            return (all_.take(self.places, axis=0) - tp).astype(np.float64)
        last = upto(all_, self.last) - upto(tp, self.tp_last)
        before = upto(all_, self.before) - upto(tp, self.tp_before)
        return (last + before.astype(np.float64)) / 2


def upto(sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return what `added_up` has for the first so many rows; 0 for none."""
    return np.where(counts[:, np.newaxis] > 0, sums.take(counts - 1, axis=0), 0)


def added_up(weights: np.ndarray) -> np.ndarray:
    """Add weights (n, draws) to those before them, in place, several draws by one addition."""
    words = weights.view(np.uint64)
    np.cumsum(words, axis=0, out=words)
    return weights


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
