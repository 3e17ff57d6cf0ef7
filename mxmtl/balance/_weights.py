"""The weights of a method as a function of arrays, outside of any network."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from ._balance import Balance, Facts, balance_of


def weights(
    name: str | Balance,
    gramian: np.ndarray,
    *,
    losses: np.ndarray | None = None,
    present: np.ndarray | None = None,
    state: np.ndarray | None = None,
    **options: Any,
) -> np.ndarray:
    """Return the weights of the tasks, as published: float64 (T,).

    Parameters
    ----------
    name : str or Balance
        A method, such as ``"upgrad"``.
    gramian : array (T, T)
        Products of the tasks' gradients: of a Jacobian J, one row a task, ``J @ J.T``.
    losses : array (T,), optional
        The tasks' losses, for methods that ask for them; 1 by default.
    present : array (T,) of bool, optional
        Which tasks have labels; all by default. The others get 0, and take no part.
    state : array, optional
        What the method remembers; as before the first batch by default.
    **options
        Options of the method; ``rescale=True`` makes weights sum to the number of tasks.

    Notes
    -----
    Raises `ValueError` for what is no square matrix, and for a name that is none.

    Examples
    --------
    >>> import numpy as np, mxmtl
    >>> J = np.array([[-4.0, 1, 1], [6, 1, 1]])
    >>> mxmtl.balance.weights("upgrad", J @ J.T).round(4)
    array([1.1109, 0.7894])
    """
    import mxnet as mx

    G = np.asarray(gramian, np.float64)
    if G.ndim != 2 or G.shape[0] != G.shape[1] or not len(G):
        raise ValueError(f"gramian has shape {G.shape}; expected (T, T), one row a task.")
    count = len(G)
    if not isinstance(name, Balance):
        options = {"rescale": False, **options}
        method = balance_of(name)
        if method is None:
            return np.ones(count)
        method = dataclasses.replace(method, **options)
    else:
        method = dataclasses.replace(name, **options) if options else name
    there = np.ones(count, bool) if present is None else np.asarray(present, bool)
    G = G * np.outer(there, there)
    known = np.ones(count) if losses is None else np.asarray(losses, np.float64)
    first = np.zeros((count, method.state_width(count))) if state is None else np.asarray(state)

    def column(values: np.ndarray) -> Any:
        return mx.nd.array(np.asarray(values, np.float64).reshape(count, -1), dtype="float64")

    facts = Facts(
        mx.nd, count, column(there), column(known * there), column(G), column(there),
        column(first) if first.size else None,
    )  # fmt: skip
    found: np.ndarray = method.step(facts)[0].asnumpy().ravel()
    return found
