"""Workers of MXNet's parameter server: see `_group` for what each of them checks."""

import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

from tests.distributed._launched import Launched, environment, free_port
from tests.distributed.test_nodes import LAUNCHER

import pytest

HERE = Path(__file__).parent
GROUP = str(HERE / "_group.py")


def test_three_workers_and_two_servers(tmp_path):
    """They agree in everything; then one fails, and nobody waits for it."""
    launched = Launched(tmp_path, "-n", "3", "-s", "2", "--", sys.executable, GROUP, "fail")
    assert launched.end() == 1, launched.text
    for rank in range(3):
        assert f"[worker {rank}] worker {rank} of 3 is content at 127.0.0.1" in launched.text
    last = launched.text.partition("its last lines:")[2]
    assert "ValueError: on purpose" in last
    assert "all 6 processes were ended" in last


def nodes(count, address="127.0.0.1"):
    """The options of each node's launcher."""
    words = f"--nnodes {count} --master-addr {address} --master-port {free_port()}"
    return [[*words.split(), "--node-rank", str(rank)] for rank in range(count)]


def test_two_machines_on_the_loopback(tmp_path):
    """Two launchers, with 2 workers each; the failure of a worker on node 1 ends both."""
    pair = [
        Launched(tmp_path, "-n", "2", *options, "--", sys.executable, GROUP, "fail",
                 name=f"node{rank}")
        for rank, options in enumerate(nodes(2))
    ]  # fmt: skip
    for rank, launched in enumerate(pair):
        assert launched.end() == 1, launched.text
        assert re.search(
            r"mxmtl launch: worker 3 \(process \d+ on node 1\) ended with exit code 1",
            launched.text,
        )
        assert "ValueError: on purpose" in launched.text.partition("its last lines:")[2]
        for worker in (0, 1) if rank == 0 else (2, 3):
            assert f"[worker {worker}] worker {worker} of 4 is content at" in launched.text
        assert (tmp_path / f"node{rank}-logs" / f"node-{rank}" / f"server-{rank}.log").exists()


def in_namespaces(tmp_path, *lines):
    """Run a line on each of two machines, as a cluster would; return what all printed."""
    made = ["unshare", "--user", "--map-root-user", "--net", "--mount", "--pid", "--fork"]
    probe = [*made, "sh", str(HERE / "namespaces.sh"), str(tmp_path)]
    try:
        tried = subprocess.run([*probe, "true"], capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("no unshare on this machine")
    if tried.returncode:
        pytest.skip(f"no right to make network namespaces: {tried.stderr.strip()}")
    script = "".join(f"{tmp_path}/enter {host} {shlex.quote(line)} &\n" for host, line in lines)
    return subprocess.run(
        [*probe, "sh", "-c", f"{script}wait"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment(),
        cwd=tmp_path,
    ).stdout


def test_two_machines_with_their_own_addresses(tmp_path):
    """Network namespaces, joined by a bridge, each of them a machine of the cluster."""
    launch = [sys.executable, "-m", "mxmtl", "launch", "-n", "1"]
    lines = [
        shlex.join([*launch, *options, "--", sys.executable, GROUP]) + "; echo code $?"
        for options in nodes(2, "10.77.0.2")
    ]
    text = in_namespaces(tmp_path, *zip(("one", "two"), lines))
    assert "worker 0 of 2 is content at 10.77.0.2" in text, text
    assert "worker 1 of 2 is content at 10.77.0.3" in text
    assert text.count("code 0\n") == 2


def test_a_machine_without_power_is_noticed(tmp_path):
    """Its network is gone without a farewell, and its launcher sees the other's gone."""
    command = "import subprocess, sys, time; print('here', flush=True); time.sleep(1)\n"
    cut = command + "subprocess.run('ip link set ethernet down', shell=True)\ntime.sleep(600)"
    programs = [command + "time.sleep(600)", cut]
    lines = []
    for rank, options in enumerate(nodes(2, "10.77.0.2")):
        program = LAUNCHER.replace("begun", "").replace(
            "nnodes, rank", "from mxmtl.distributed import _nodes; _nodes.SILENCE = 6; nnodes, rank"
        )
        address = ["2", str(rank), options[5], f"worker {rank}={programs[rank]}"]
        program = program.replace('"127.0.0.1"', '"10.77.0.2"')
        lines.append(shlex.join([sys.executable, "-c", program, *address]) + "; echo code $?")
    began = time.monotonic()
    text = in_namespaces(tmp_path, *zip(("one", "two"), lines))
    assert time.monotonic() - began < 40
    assert text.count("code 1\n") == 2, text
    assert "node 1 was lost: " in text
    assert "node 0 was lost: " in text
