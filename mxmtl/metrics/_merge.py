"""Metrics of several processes as those of one: what each has seen, put together."""

from __future__ import annotations

from typing import Dict, List, Mapping, Sequence, Union

import numpy as np

from ._feed import Feed
from ._metric import Metric
from ._statistic import Statistic
from ._suite import Suite


def arrays_of(metric: Union[Suite, Metric]) -> Dict[str, np.ndarray]:
    """Return what a metric has seen since `reset`, as named arrays for `merge_arrays`.

    Raises `TypeError` for a suite with metrics that are not of mxmtl: theirs cannot be merged.
    """
    return {
        f"{place}.{part}": array
        for place, statistic in enumerate(_statistics(metric))
        for part, array in enumerate(statistic.to_arrays(statistic.state(whole=True)))
    }


def merge_arrays(metric: Union[Suite, Metric], parts: Sequence[Mapping[str, np.ndarray]]) -> None:
    """Let a metric have seen what others have, given what `arrays_of` returned of each.

    What it has seen itself is forgotten: its own arrays are among the parts. The order of the
    parts does not matter but for rounding, and `get_global` gives the value over all.
    """
    for place, statistic in enumerate(_statistics(metric)):
        whole = statistic.zero()
        for part in parts:
            arrays: List[np.ndarray] = []
            while f"{place}.{len(arrays)}" in part:
                arrays.append(part[f"{place}.{len(arrays)}"])
            whole = statistic.merge(whole, statistic.from_arrays(arrays))
        statistic.before, statistic.local = statistic.zero(), whole


def _statistics(metric: Union[Suite, Metric]) -> List[Statistic]:
    feeds: List[Feed] = metric.feeds if isinstance(metric, Suite) else [metric.stand_alone()]
    for feed in feeds:
        feed.settle()
    return [statistic for feed in feeds for statistic in feed.statistics]
