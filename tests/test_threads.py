"""Cores that the process may use, on made-up machines."""

import os

from mxmtl import _threads

import pytest


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Return a function that makes a machine of processors, given as their sibling lists."""

    def make(siblings, allowed=None, **limits):
        for cpu, shared in enumerate(siblings):
            folder = tmp_path / "cpu" / f"cpu{cpu}" / "topology"
            folder.mkdir(parents=True)
            (folder / "thread_siblings_list").write_text(shared + "\n")
        for name, text in limits.items():
            path = tmp_path / "cgroup" / name.replace("__", "/").replace("_max", ".max")
            path = path.with_name(path.name.replace("cpu_cfs", "cpu.cfs"))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text + "\n")
        cpus = set(range(len(siblings)) if allowed is None else allowed)
        monkeypatch.setattr(os, "sched_getaffinity", lambda pid: cpus)
        return _threads.usable_cores(tmp_path / "cpu", tmp_path / "cgroup")

    return make


def test_each_processor_a_core(machine):
    assert machine(["0", "1"]) == 2


def test_two_processors_share_a_core(machine):
    assert machine(["0,2", "1,3", "0,2", "1,3"]) == 2


def test_affinity_counts(machine):
    assert machine(["0", "1", "2", "3"], allowed=[1, 2]) == 2


@pytest.mark.parametrize(("quota", "cores"), [("max 100000", 4), ("150000 100000", 2), ("5 9", 1)])
def test_container_limit_version_2(machine, quota, cores):
    assert machine(["0", "1", "2", "3"], cpu_max=quota) == cores


@pytest.mark.parametrize(("quota", "cores"), [("-1", 4), ("200000", 2)])
def test_container_limit_version_1(machine, quota, cores):
    limits = {"cpu__cpu_cfs_quota_us": quota, "cpu__cpu_cfs_period_us": "100000"}
    assert machine(["0", "1", "2", "3"], **limits) == cores


def test_a_kernel_that_says_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 5})
    assert _threads.usable_cores(tmp_path / "none", tmp_path / "none") == 3


def test_processors_that_share_a_core_count_each(machine, tmp_path):
    assert machine(["0,2", "1,3", "0,2", "1,3"]) == 2
    assert _threads.usable_processors(tmp_path / "none") == 4
    (tmp_path / "cpu.max").write_text("250000 100000\n")
    assert _threads.usable_processors(tmp_path) == 3


def test_the_users_setting_wins(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    _threads.set_threads()
    assert os.environ["OMP_NUM_THREADS"] == "7"
