"""Who runs where, with which environment."""

import os

import mxmtl
from mxmtl import _devices, _threads, distributed
from mxmtl.distributed import Launch, WorkerRank, make_members, meet

import mxnet as mx
import pytest


def test_on_this_machine_everything_listens_on_the_loopback_alone():
    scheduler, address, links = meet(1, 0, ("", 0), (3, 1))
    assert not links
    members = make_members(Launch(["true"], workers=3), scheduler, address)
    assert [name for name, _, _ in members] == [
        "scheduler", "server 0", "worker 0", "worker 1", "worker 2",
    ]  # fmt: skip
    for name, _, environment in members:
        assert environment["DMLC_ROLE"] == name.partition(" ")[0]
        assert environment["DMLC_PS_ROOT_URI"] == "127.0.0.1"
        assert environment["DMLC_NODE_HOST"] == "127.0.0.1"
        assert environment["DMLC_NUM_WORKER"] == "3"
        assert environment["DMLC_NUM_SERVER"] == "1"
    assert len({environment["DMLC_PS_ROOT_PORT"] for _, _, environment in members}) == 1
    last = distributed.find_worker_rank(members[-1][2])
    assert last == WorkerRank(rank=2, count=3, local_rank=2, local_count=3)


def test_on_the_second_of_two_machines(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    what = Launch(["x"], 2, servers=3, nnodes=2, node_rank=1, master_addr="a")
    made = make_members(what, ("10.0.0.1", 9000), "10.0.0.2")
    members = {name: environment for name, _, environment in made}
    assert list(members) == ["server 3", "server 4", "server 5", "worker 2", "worker 3"]
    place = distributed.find_worker_rank(members["worker 3"])
    assert place == WorkerRank(rank=3, count=4, local_rank=1, local_count=2)
    assert members["server 4"]["DMLC_SERVER_ID"] == "4"
    for environment in members.values():
        assert environment["DMLC_PS_ROOT_URI"] == "10.0.0.1"
        assert environment["DMLC_PS_ROOT_PORT"] == "9000"
        assert environment["DMLC_NODE_HOST"] == "10.0.0.2"
        assert environment["DMLC_NUM_WORKER"] == "4"
        assert environment["DMLC_NUM_SERVER"] == "6"
        assert environment["OMP_NUM_THREADS"] == "3"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"command": []}, "expected a command"),
        ({"workers": 0}, "workers=0: expected 1 or more"),
        ({"servers": -1}, "servers=-1: expected 0 or more"),
        ({"nnodes": 0}, "nnodes=0: expected 1 or more"),
        ({"nnodes": 2, "node_rank": 2}, "a --node-rank from 0 to --nnodes minus 1"),
        ({"nnodes": 2}, "expected --master-addr, where"),
        (
            {"nnodes": 2, "master_addr": "a", "master_port": 0},
            "master_port=0: expected 1 or more, at most 65535",
        ),
    ],
)
def test_what_cannot_be_launched(options, message):
    with pytest.raises(ValueError, match=message):
        Launch(**{"command": ["x"], "workers": 1, **options})


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
    distributed.exit_worker(3)  # returns
