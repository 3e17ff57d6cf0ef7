"""Errors come whole out of other processes: a pool whose worker raises one must not wait for it."""

from __future__ import annotations

import copy
import pickle

import mxmtl
from mxmtl import data, distributed, export, model, tasks, training
from mxmtl.data.tables import RowLabelError

import pytest

ARGUMENTS = {
    data.RowError: ("t.csv", 17, "1.jpg", "the cell is empty."),
    RowLabelError: ("t.csv", 17, "1.jpg", "'bull' is no label."),
    data.RecordError: ("the checksum is wrong.", "d.rec", 3, 4096),
}
ERRORS = {
    one
    for module in (mxmtl, data, distributed, export, model, tasks, training)
    for one in vars(module).values()
    if isinstance(one, type) and issubclass(one, BaseException)
}


@pytest.mark.parametrize("kind", sorted(ERRORS | {RowLabelError}, key=lambda kind: kind.__name__))
@pytest.mark.parametrize("again", [lambda error: pickle.loads(pickle.dumps(error)), copy.copy])
def test_an_error_is_the_same_in_another_process(kind, again):
    error = kind(*ARGUMENTS.get(kind, ("what happened.",)))
    found = again(error)
    assert type(found) is kind
    assert (str(found), vars(found)) == (str(error), vars(error))
    for argument in ARGUMENTS.get(kind, ("what happened.",)):
        assert str(argument) in str(found) or argument in vars(found).values()
