"""What metrics of several processes have seen, put together.

Parts are matched by what they are of, not by their place: suites whose metrics stand in another
order give the same arrays in another order, which would add up to wrong values without a word.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from numbers import Number
from typing import Any

import numpy as np

from ..tasks import Task
from ._metric import Metric
from ._statistic import Feed, Statistic
from ._suite import Suite

DESCRIBED = "statistics"  # under this name stands what the others are of
METRICS = "metrics"


def arrays_of(metric: Suite | Metric) -> dict[str, np.ndarray]:
    """Return what a metric has seen since `reset`, as named arrays for `merge_arrays`.

    ``np.savez(file, **arrays)`` keeps them. Beside numbers there are the names of metrics, tasks
    and classes, by which `merge_arrays` finds what belongs together. Raises `TypeError` for a
    suite with metrics that are not of mxmtl: theirs cannot be merged.

    Examples
    --------
    >>> import mxmtl
    >>> accuracy = mxmtl.metrics.Accuracy(mxmtl.Binary("outdoors"))
    >>> accuracy.update(np.array([1, 0, -1]), np.array([[0.9], [0.8], [0.1]]))
    >>> arrays = arrays_of(accuracy)
    >>> arrays["0.0"].ravel()  # true positives, predicted, positive, known
    array([1, 2, 1, 2])
    """
    statistics = _statistics(metric)
    arrays = {
        f"{place}.{part}": array
        for place, statistic in enumerate(statistics)
        for part, array in enumerate(statistic.to_arrays(statistic.state(whole=True)))
    }
    names = [name for member in _members(metric) for name in member.names]
    described = [_described(statistic) for statistic in statistics]
    return {**arrays, DESCRIBED: np.array(described, str), METRICS: np.array(names, str)}


def merge_arrays(metric: Suite | Metric, parts: Sequence[Mapping[str, np.ndarray]]) -> None:
    """Let a metric have seen what others have, given what `arrays_of` returned of each.

    What it has seen itself is forgotten: its own arrays are among the parts. The order of the
    parts does not matter but for rounding, nor does that of the metrics in a suite; a part may
    have more metrics than this one. `get` and `get_global` give the value over all.

    Raises `ValueError`, and changes nothing, if a part is of other metrics, other tasks, or of
    tasks with other classes or labels, or the same in another order. Arrays of an
    earlier version, which have no names, are matched by their places, if number and shapes agree.

    Examples
    --------
    >>> import mxmtl
    >>> task = mxmtl.Binary("outdoors")
    >>> here, there = mxmtl.metrics.Accuracy(task), mxmtl.metrics.Accuracy(task)
    >>> here.update(np.array([1, 0]), np.array([[0.9], [0.1]]))
    >>> there.update(np.array([1, 0]), np.array([[0.2], [0.1]]))
    >>> merge_arrays(here, [arrays_of(here), arrays_of(there)])
    >>> here.get()
    ('outdoors/accuracy', 0.75)
    """
    statistics = _statistics(metric)
    wholes = [statistic.zero() for statistic in statistics]
    for number, part in enumerate(parts):
        where = f"merge_arrays: part {number}"
        places = _places(metric, statistics, part, where)
        for index, (statistic, place) in enumerate(zip(statistics, places)):
            state = _state(statistic, _arrays_at(part, place), where)
            wholes[index] = statistic.merge(wholes[index], state)
    for statistic, whole in zip(statistics, wholes):
        statistic.before, statistic.local = statistic.zero(), whole


def _members(metric: Suite | Metric) -> list[Metric]:
    return metric.metrics if isinstance(metric, Suite) else [metric]


def _statistics(metric: Suite | Metric) -> list[Statistic]:
    feeds: list[Feed] = metric.feeds if isinstance(metric, Suite) else [metric.stand_alone()]
    for feed in feeds:
        feed.settle()
    return [statistic for feed in feeds for statistic in feed.statistics]


def _arrays_at(part: Mapping[str, np.ndarray], place: int) -> list[np.ndarray]:
    arrays: list[np.ndarray] = []
    while f"{place}.{len(arrays)}" in part:
        arrays.append(part[f"{place}.{len(arrays)}"])
    return arrays


# -- what a statistic is of, in words that another process reads the same --------------------------
def _described(statistic: Statistic) -> str:
    """Return its class, tasks and options as JSON."""
    tasks = [_task(task) for task in statistic.tasks]
    what = [type(statistic).__qualname__, tasks, _option(statistic.options)]
    return json.dumps(what, ensure_ascii=False)


def _task(task: Task) -> list[Any]:
    return [task.name, type(task).__name__, list(task.names or task.columns)]


def _option(value: Any) -> Any:
    """Return an option as JSON holds it: of objects the name, for their address is no other's."""
    if isinstance(value, tuple | list):
        return [_option(each) for each in value]
    if isinstance(value, str | bool) or value is None:
        return value
    if isinstance(value, Number):
        return float(value) if isinstance(value, int | float | np.number) else str(value)
    if isinstance(value, Task):
        return _task(value)
    return getattr(value, "__qualname__", type(value).__qualname__)


# -- which is which --------------------------------------------------------------------------------
def _places(
    metric: Suite | Metric, statistics: list[Statistic], part: Mapping[str, np.ndarray], where: str
) -> list[int]:
    """Return at which place of a part each statistic stands, or raise `ValueError`."""
    if DESCRIBED not in part:  # written before names were
        numbers = {int(name.partition(".")[0]) for name in part}
        if numbers and max(numbers) >= len(statistics):
            raise ValueError(
                f"{where} has {max(numbers) + 1} arrays without names where "
                f"{_names(metric)} has {len(statistics)}: it is of other metrics."
            )
        return list(range(len(statistics)))
    theirs: dict[str, list[int]] = {}
    for place, described in enumerate(part[DESCRIBED].tolist()):
        theirs.setdefault(described, []).append(place)
    own = [_described(statistic) for statistic in statistics]
    wanted = Counter(own)
    for statistic, described in zip(statistics, own):
        if len(theirs.get(described, ())) != wanted[described]:
            raise _other(metric, statistic, part, where)
    rest = {described: iter(places) for described, places in theirs.items()}
    return [next(rest[described]) for described in own]


def _other(
    metric: Suite | Metric, statistic: Statistic, part: Mapping[str, np.ndarray], where: str
) -> ValueError:
    """Make the error for a part that has not what this statistic needs, or has it twice."""
    wanted = [m.name for m in _members(metric) if any(s is statistic for s in m._statistics)]
    said = f"{where}, of {_few(part[METRICS].tolist())}, cannot be merged into {_names(metric)}"
    there = {
        task[0]: task for described in part[DESCRIBED].tolist() for task in json.loads(described)[1]
    }
    for task in statistic.tasks:
        if task.name in there and there[task.name] != _task(task):
            _, kind, names = there[task.name]
            return ValueError(
                f"{said}: task {task.name!r} is {type(task).__name__} of "
                f"{_few(_task(task)[2])} here, and {kind} of {_few(names)} there. Names and "
                "their order must be the same."
            )
    if _described(statistic) in part[DESCRIBED].tolist():
        return ValueError(
            f"{said}: a metric of one of them was updated by itself and not with its suite, and "
            "has seen other rows. Reset the suites, and update them alone."
        )
    return ValueError(
        f"{said}: it has nothing for {_few(wanted)}. Make the same metrics, with the same "
        "options, of the same tasks everywhere."
    )


def _names(metric: Suite | Metric) -> str:
    return _few([name for member in _members(metric) for name in member.names])


def _few(names: Sequence[str]) -> str:
    more = f", ... ({len(names) - 5} more)" if len(names) > 5 else ""
    return f"[{', '.join(names[:5])}{more}]"


def _state(statistic: Statistic, arrays: list[np.ndarray], where: str) -> Any:
    """Return the state that arrays hold; `ValueError` if they are not like those of this one."""
    empty, shapes = statistic.to_arrays(statistic.zero()), [np.shape(array) for array in arrays]
    try:
        if not empty or shapes == [array.shape for array in empty]:
            return statistic.from_arrays(arrays)
    except (IndexError, TypeError, ValueError):
        pass  # not as many as it makes
    raise ValueError(
        f"{where} has arrays of shape {shapes} where {type(statistic).__name__} of "
        f"{[task.name for task in statistic.tasks]} has other ones: it is of other metrics, or "
        "of other tasks."
    )
