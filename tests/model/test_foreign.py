"""What MXNet's files may hold: anything else is one line of error, before MXNet sees it."""

from __future__ import annotations

import io
import json
import struct

import mxmtl
from mxmtl import _foreign
from mxmtl.model import CheckpointError, ModelFile, Preprocessing, RunFolder, newest_good

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


def test_an_array_that_holds_nothing_is_refused(tmp_path):
    head, none = struct.pack("<QQQ", 0x112, 0, 1), struct.pack("<Iii", 0xF993FAC9, 0, 0)
    name = struct.pack("<QQ", 1, 5) + b"arg:a"
    (tmp_path / "a.params").write_bytes(head + none + name)
    with pytest.raises(ValueError, match=r"a.params: no file of MXNet's arrays \(array 0 holds no"):
        _foreign.load_arrays(tmp_path / "a.params")


def test_half_a_character_is_no_name(graph, tmp_path):
    graph["nodes"][0]["name"] = "\ud800"
    with pytest.raises(ValueError, match="m-symbol.json: no network that is taken"):
        _foreign.load_symbol(saved(graph, tmp_path))


@pytest.mark.parametrize("version", [10**7, -1, 1.5, "10901"])
def test_versions_that_no_mxnet_has_are_refused(graph, tmp_path, version):
    graph["attrs"]["mxnet_version"] = ["int", version]  # of 10,901,000 get_internals fails
    with pytest.raises(ValueError, match="it is of MXNet"):
        _foreign.load_symbol(saved(graph, tmp_path))


def test_what_was_checked_is_what_mxnet_reads(graph, tmp_path):
    # Of two entries of one name JSON's readers may take either.
    text = json.dumps(graph)
    twice = text.replace('"op": "Activation"', '"op": "_Native", "op": "Activation"')
    assert twice != text
    assert "_Native" not in _foreign.load_symbol(saved(twice, tmp_path)).tojson()
    graph["nodes"][1]["control_deps"] = [5]
    with pytest.raises(ValueError, match="waits for one that does not stand before it"):
        _foreign.load_symbol(saved(graph, tmp_path))


TASKS = mxmtl.TaskSet([mxmtl.Binary("outdoors")])
WRONG = {
    "data_shape": [True, 8, 8], "mean": {"a": 1}, "std": [None], "crop": "all", "bits": 12.5,
    "background": [[1, 2, 3]],
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_model_files_say_which_entry_is_of_another_type(tmp_path, name):
    path = tmp_path / "model.json"
    ModelFile(TASKS, Preprocessing((3, 8, 8))).save(path)
    data = json.loads(path.read_text())
    data["preprocessing"][name] = WRONG[name]
    path.write_text(json.dumps(data))
    with pytest.raises(ValueError, match=rf"model.json: preprocessing: {name}.* is .*; expected"):
        ModelFile.load(path)


@pytest.mark.parametrize(
    ("entry", "value", "said"),
    [("thresholds", {"outdoors": 0.5}, "thresholds.outdoors is 0.5; expected list"),
     ("temperature", {"outdoors": "1"}, "temperature.outdoors is '1'; expected float"),
     ("tuned", {"outdoors": {"checkpoint": 3}}, "tuned.outdoors.checkpoint is 3; expected str"),
     ("tuned", {"outdoors": {"files": [{"sha256": 5}]}}, r"tuned.outdoors.files\[0\].sha256 is 5"),
     ("constants", [], r"constants is \[\]; expected dict"),
     ("constants", {"outdoors": []}, r"task 'outdoors': constants \[\]; expected one an output"),
     ("tasks", None, "no mxmtl tasks")],
)  # fmt: skip
def test_what_was_tuned_has_its_types(tmp_path, entry, value, said):
    path = tmp_path / "model.json"
    ModelFile(TASKS, Preprocessing((3, 8, 8))).save(path)
    path.write_text(json.dumps({**json.loads(path.read_text()), entry: value}))
    with pytest.raises(ValueError, match=f"model.json: {said}"):
        ModelFile.load(path)


def test_checkpoints_have_their_types_and_those_of_runs_a_history(tmp_path, caplog):
    state = {"format": "mxmtl.checkpoint", "version": 1, "epoch": 1, "batch": 0, "files": {}}
    (tmp_path / "settings.json").write_text("{}")

    def write(**more):
        (tmp_path / "model-0001.json").write_text(json.dumps({**state, **more}))

    write()
    with pytest.raises(CheckpointError, match="model-0001.json: it has no history"):
        RunFolder(tmp_path).best  # noqa: B018
    numbers = {"name": "sgd", "trees": [], "numbers": {"update": "x"}}
    for wrong in ({"history": [{"epoch": "1"}]}, {"history": 3}, {"files": []},
                  {"files": {"a": {"name": 3, "sha256": ""}}}, {"optimizer": numbers},
                  {"history": [{"epoch": 10**400}]}):  # fmt: skip
        write(**wrong)
        assert newest_good(tmp_path) is None
    assert "model-0001.json: history[0].epoch is '1'; expected int" in caplog.text
    assert "optimizer.numbers.update is 'x'" in caplog.text


def test_a_checkpoint_that_is_meant_to_harm_is_not_passed_over(tmp_path):
    (tmp_path / "settings.json").write_text("{}")
    (tmp_path / "model-0001.json").write_text("[" * 100_000)
    with pytest.raises(ValueError, match="model-0001.json: no JSON of ours .it is nested too deep"):
        RunFolder(tmp_path).best  # noqa: B018
