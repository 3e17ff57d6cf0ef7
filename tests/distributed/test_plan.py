"""Who runs where, with which environment."""

import os
import socket

import mxmtl
from mxmtl import _devices, _threads, distributed
from mxmtl.distributed import Host, Launch, Place, _plan

import mxnet as mx
import pytest


def write(tmp_path, text):
    path = tmp_path / "hosts"
    path.write_text(text)
    return path


def test_a_file_of_hosts(tmp_path):
    text = "# ours\nme@localhost slots=2\n\nbig address=10.0.0.7  # the new one\n"
    assert distributed.read_hosts(write(tmp_path, text)) == [
        Host("me@localhost", "127.0.0.1", 2),
        Host("big", "10.0.0.7", 0),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no hosts; expected lines HOST"),
        ("localhost slots=many", r"line 1: 'localhost slots=many': expected HOST \[slots=N\]"),
        ("a address=1.2.3.4\nb port=22", "line 2: 'b port=22': expected HOST"),
        ("a address=1.2.3.4\na address=1.2.3.4", "'a' is there twice; give it slots=N"),
        ("no.such.host.invalid", "line 1: 'no.such.host.invalid' has no address .* Add address=A"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_with_its_line(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        distributed.read_hosts(write(tmp_path, text))


def test_workers_go_round_the_hosts_as_far_as_their_slots_go():
    hosts = [Host("a", slots=1), Host("b"), Host("c", slots=2)]
    names = [host.name for host in _plan.spread(6, hosts)]
    assert names == ["a", "b", "c", "b", "c", "b"]
    with pytest.raises(ValueError, match="4 workers, and the hosts have 3 slots"):
        _plan.spread(4, [Host("a", slots=1), Host("b", slots=2)])


def test_on_this_machine_everything_listens_on_the_loopback_alone():
    nodes = _plan.make_plan(Launch(["true"], workers=3))
    assert [node.name for node in nodes] == [
        "scheduler", "server 0", "worker 0", "worker 1", "worker 2",
    ]  # fmt: skip
    for node in nodes:
        assert node.environment["DMLC_ROLE"] == node.role
        assert node.environment["DMLC_PS_ROOT_URI"] == "127.0.0.1"
        assert node.environment["DMLC_NODE_HOST"] == "127.0.0.1"
        assert node.environment["DMLC_NUM_WORKER"] == "3"
        assert node.environment["DMLC_NUM_SERVER"] == "1"
    assert len({node.environment["DMLC_PS_ROOT_PORT"] for node in nodes}) == 1
    last = distributed.find_place(nodes[-1].environment)
    assert last == Place(rank=2, count=3, local_rank=2, local_count=3)


def test_on_hosts(monkeypatch):
    monkeypatch.setenv("MXNET_ENFORCE_DETERMINISM", "1")
    monkeypatch.setenv("MY_KEY", "7")
    monkeypatch.setenv("OTHER", "8")
    hosts = [Host("a", "10.0.0.1"), Host("b", "10.0.0.2")]
    what = Launch(["x"], 3, servers=2, hosts=hosts, address="127.0.0.1", environment=["MY_KEY"])
    nodes = {node.name: node for node in _plan.make_plan(what)}
    assert [nodes[name].host.name for name in ("scheduler", "server 0", "server 1")] == [
        "", "a", "b",
    ]  # fmt: skip
    place = distributed.find_place(nodes["worker 2"].environment)
    assert place == Place(rank=2, count=3, local_rank=1, local_count=2)
    sent = nodes["worker 1"].environment
    assert sent["DMLC_NODE_HOST"] == "10.0.0.2"
    assert (sent["MXNET_ENFORCE_DETERMINISM"], sent["MY_KEY"]) == ("1", "7")
    assert "OTHER" not in sent


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"command": []}, "expected a command"),
        ({"workers": 0}, "expected 1 or more workers"),
        ({"servers": -1}, "0 or more servers"),
        ({"address": "192.0.2.1"}, "'192.0.2.1' is none of this machine's"),
    ],
)
def test_what_cannot_be_launched(options, message):
    with pytest.raises(ValueError, match=message):
        _plan.make_plan(Launch(**{"command": ["x"], "workers": 1, **options}))


def test_the_way_to_a_host_tells_the_own_address():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM):
        assert distributed._hosts.address_towards(Host("x", "127.0.0.1")) == "127.0.0.1"


def test_cores_and_devices_are_shared_by_the_workers_of_a_machine(monkeypatch):
    gpus = [mx.gpu(i) for i in range(3)]
    assert _devices.share(gpus) == gpus
    for name, value in (("DMLC_ROLE", "worker"), ("DMLC_NUM_WORKER", "9"), ("DMLC_WORKER_ID", "5")):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))
    alone = _threads.usable_processors()
    monkeypatch.setenv("MXMTL_LOCAL_WORKERS", "2")
    monkeypatch.setenv("MXMTL_LOCAL_RANK", "1")
    assert _devices.share(gpus) == [mx.gpu(1)]
    assert _threads.usable_processors() == max(1, alone // 2)
    monkeypatch.setenv("MXMTL_LOCAL_WORKERS", "5")
    monkeypatch.setenv("MXMTL_LOCAL_RANK", "4")
    assert _devices.share(gpus) == [mx.gpu(1)]
    assert mxmtl.usable_cores() >= 1


def test_a_process_that_was_not_launched_is_alone(monkeypatch):
    monkeypatch.delenv("DMLC_ROLE", raising=False)
    workers = distributed.workers()
    assert (workers.rank, workers.count, workers.leads, workers.launched) == (0, 1, True, False)
    assert workers.store() is None
    distributed.leave(3)  # returns
