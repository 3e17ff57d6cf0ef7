"""What MXNet's files may hold: anything else is one line of error, before MXNet sees it."""

from __future__ import annotations

import io
import json

import mxmtl
from mxmtl import _foreign

import mxnet as mx
import numpy as np
import pytest


@pytest.fixture
def graph():
    tasks = mxmtl.TaskSet([mxmtl.Binary("outdoors"), mxmtl.Multiclass("breed", ["a", "b"])])
    net = mxmtl.MultiTaskNet(mxmtl.small_trunk((4,)), tasks)
    return json.loads(mxmtl.training_symbol(net, tasks).tojson())


def saved(graph, tmp_path):
    (tmp_path / "m-symbol.json").write_text(graph if isinstance(graph, str) else json.dumps(graph))
    return tmp_path / "m-symbol.json"


def test_our_own_networks_are_taken(graph, tmp_path):
    assert json.loads(_foreign.load_symbol(saved(graph, tmp_path)).tojson())["heads"]


@pytest.mark.parametrize("op", ["_Native", "Custom", "_foreach", "_sg_none", "nothing"])
def test_operators_come_from_a_list(graph, tmp_path, op):
    node = next(node for node in graph["nodes"] if node["op"] == "Activation")
    node.update(op=op, attrs={"info": "0x4141414141414141"})
    with pytest.raises(ValueError, match=rf"m-symbol.json: no network .*operator '{op}'"):
        _foreign.load_symbol(saved(graph, tmp_path))


@pytest.mark.parametrize("entry", [[0, 5, 0], [0, 2**31, 0], [10**6, 0, 0], [-1, 0], [0], ["0", 0]])
def test_outputs_that_are_not_there_are_refused(graph, tmp_path, entry):
    for place in (graph["heads"], graph["nodes"][-1]["inputs"]):
        changed = json.loads(json.dumps(graph))
        (changed["heads"] if place is graph["heads"] else changed["nodes"][-1]["inputs"])[0] = entry
        with pytest.raises(ValueError, match="output"):
            _foreign.load_symbol(saved(changed, tmp_path))


@pytest.mark.parametrize("text", ["[" * 100_000, "[]", "{}", '{"nodes": 3, "heads": []}', "\0"])
def test_what_is_no_network_is_one_line(tmp_path, text):
    with pytest.raises(ValueError, match="m-symbol.json: no network"):
        _foreign.load_symbol(saved(text, tmp_path))


def test_heads_of_arrays_are_walked_against_the_size(tmp_path):
    path = str(tmp_path / "a.params")
    mx.nd.save(path, {"arg:a": mx.nd.ones((3, 4)), "arg:b": mx.nd.ones((5,))})
    assert set(_foreign.load_arrays(path)) == {"arg:a", "arg:b"}
    whole = (tmp_path / "a.params").read_bytes()
    for at in range(16, len(whole)):
        if 56 <= at < 104:  # the values of the first array
            continue
        for value in (0, 255):
            changed = bytearray(whole)
            changed[at] = value
            try:
                _foreign.check_arrays(io.BytesIO(changed), len(changed))
            except (ValueError, _foreign.struct.error):
                continue
    for cut in range(0, len(whole), 7):
        (tmp_path / "b.params").write_bytes(whole[:cut])
        with pytest.raises(ValueError, match="no file of MXNet's arrays"):
            _foreign.load_arrays(tmp_path / "b.params")
    assert np.all(_foreign.load_arrays(path)["arg:b"].asnumpy() == 1)
