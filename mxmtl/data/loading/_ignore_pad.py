"""Any other iterator of MXNet's, whose pad rows have no labels then."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import mxnet as mx
import numpy as np

from ..._options import meant
from ...tasks import TaskSet
from ._iter import AdvancingIter


class IgnorePadIter(AdvancingIter):
    """Batches of another iterator; the rows that only fill its last batch lose their labels.

    MXNet's iterators fill the last batch with rows that were seen before. ``Module.fit`` and
    ``score`` tell no metric which these are, so they are counted twice, whatever the metric.
    Here their labels are ``tasks.padding_label``, which metrics and losses of mxmtl leave out.
    `RecordIter` does so by itself.

    Parameters
    ----------
    data_iter : mx.io.DataIter
        ``NDArrayIter``, ``ResizeIter``, ``PrefetchingIter``, or your own whose batches have
        ``pad``. Of an ``ImageRecordIter`` the first epoch is exact: the next one leaves out the
        rows that filled this one, and with ``round_batch=False`` it does not say how many there
        are. `RecordIter` reads the same records without either.
    tasks : TaskSet
        Of which the labels are. They are found by name (``<task>_label``); labels of other names
        stay as they are. A single label of all tasks side by side, ``tasks.label_width`` wide, may
        have any name.

    Attributes
    ----------
    data_iter : mx.io.DataIter
        The other iterator.
    provide_data, provide_label : list of mx.io.DataDesc
        As the other iterator has them.

    Raises
    ------
    ValueError
        If it has no label of one of the tasks, or labels of a type that holds no missing label.

    Warns
    -----
    UserWarning
        Once, at the second epoch of an iterator that leaves rows out of it.

    Notes
    -----
    ``batch.pad`` stays, for ``Module.predict`` leaves these rows out by it. Full batches are
    passed on as they are, and the other iterator's arrays are not written to. An ``NDArrayIter``
    with ``last_batch_handle="roll_over"`` has no pad rows, though it says so: nothing is changed.

    Examples
    --------
    >>> import mxmtl
    >>> tasks = mxmtl.TaskSet([mxmtl.Binary("outdoors"), mxmtl.Regression("age")])
    >>> labels = {"age_label": np.float32([3, 4, 5]), "outdoors_label": np.float32([1, 0, 1])}
    >>> stock = mx.io.NDArrayIter(np.zeros((3, 8)), labels, batch_size=2)
    >>> for batch in mxmtl.IgnorePadIter(stock, tasks):
    ...     print(batch.pad, [label.asnumpy().tolist() for label in batch.label])
    0 [[3.0, 4.0], [1.0, 0.0]]
    1 [[5.0, nan], [1.0, -1.0]]
    """

    def __init__(self, data_iter: mx.io.DataIter, tasks: TaskSet) -> None:
        super().__init__(data_iter.batch_size)
        self.data_iter, self.tasks = data_iter, tasks
        self._padding = _paddings(data_iter.provide_label, tasks)
        self._rolls = _any_in(data_iter, _rolls_over)
        self._native = _any_in(data_iter, lambda one: isinstance(one, mx.io.MXDataIter))
        self._skips = False  # whether its next epoch begins behind the rows that fill this one
        self._warned = False

    @property
    def provide_data(self) -> list[mx.io.DataDesc]:
        """What the data of a batch are, as the other iterator tells."""
        return list(self.data_iter.provide_data)

    @property
    def provide_label(self) -> list[mx.io.DataDesc]:
        """What the labels of a batch are, as the other iterator tells."""
        return list(self.data_iter.provide_label)

    def __iter__(self) -> IgnorePadIter:
        iter(self.data_iter)  # some begin anew then
        return self

    def reset(self) -> None:
        """Begin the next epoch."""
        self._current = None
        self.data_iter.reset()
        if self._skips and not self._warned:
            self._warned = True
            warnings.warn(
                "this iterator of MXNet's leaves the rows that filled the last batch out of the "
                "next epoch. mxmtl.RecordIter reads the same records, each once in every epoch.",
                stacklevel=2,
            )

    def _advance(self) -> mx.io.DataBatch:
        batch = self.data_iter.next()
        pad = 0 if self._rolls else int(batch.pad or 0)
        if not pad:
            return batch
        self._skips = self._native
        own = copy.copy(batch)
        own.label = [
            label if value is None else _unlabelled(label, pad, value)
            for label, value in zip(batch.label, self._padding)
        ]
        return own


def _paddings(provided: Sequence[Any], tasks: TaskSet) -> list[np.ndarray | None]:
    """Return what pad rows have instead of each label, (cells,); None for what is of no task."""
    by_name = {each.name: each for each in map(_described, provided or ())}
    parts = dict(zip(tasks.label_names, tasks.slices))
    if len(by_name) == 1 and not parts.keys() & by_name.keys():
        (only,) = by_name.values()
        if int(np.prod(only.shape[1:])) == tasks.label_width:
            parts = {only.name: slice(None)}
    for name in parts:
        if name not in by_name:
            raise ValueError(
                f"IgnorePadIter: the iterator has no label {name!r} but {list(by_name)}"
                f"{meant(name, sorted(by_name.keys() - parts.keys()))}. Give labels by name: "
                f"mx.io.NDArrayIter(images, {{{name!r}: array, ...}}, batch_size)."
            )
        padding = tasks.padding_label[parts[name]]
        held = np.dtype(by_name[name].dtype)
        if held.kind != "f" and (held.kind == "u" or np.isnan(padding).any()):
            raise ValueError(
                f"IgnorePadIter: {name!r} is of type {held.name}, which has no {padding[0]:g} for "
                "labels that are missing. Give the labels as float32."
            )
    return [tasks.padding_label[parts[name]] if name in parts else None for name in by_name]


def _described(given: Any) -> mx.io.DataDesc:
    """Return a description of a label: old iterators give pairs of name and shape."""
    return given if isinstance(given, mx.io.DataDesc) else mx.io.DataDesc(*given)


def _any_in(data_iter: Any, test: Callable[[Any], bool]) -> bool:
    """Tell whether something holds for an iterator or one of those that it reads."""
    inner = [getattr(data_iter, "data_iter", None), *getattr(data_iter, "iters", ())]
    return test(data_iter) or any(_any_in(one, test) for one in inner if one is not None)


def _rolls_over(data_iter: Any) -> bool:
    """Tell whether what it calls pad are rows that the last epoch left for this one."""
    return getattr(data_iter, "last_batch_handle", "") == "roll_over"


def _unlabelled(label: mx.nd.NDArray, pad: int, value: np.ndarray) -> mx.nd.NDArray:
    """Return a copy of labels whose last rows are this one; nothing waits for the device."""
    own = label.copy()
    if len(set(value.tolist())) == 1 or np.isnan(value).all():
        own[-pad:] = float(value[0])
    else:
        own[-pad:] = np.broadcast_to(value, (pad, len(value)))
    return own
