"""Workers of MXNet's parameter server: see `_group` for what each of them checks."""

import subprocess
import sys
from pathlib import Path

from tests.distributed._launched import Launched, environment

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


def test_two_hosts_with_their_own_addresses(tmp_path):
    """Network namespaces, joined by a bridge; instead of ssh a command that enters one."""
    made = ["unshare", "--user", "--map-root-user", "--net", "--mount", "--pid", "--fork"]
    probe = [*made, "sh", str(HERE / "namespaces.sh"), str(tmp_path), "true"]
    try:
        tried = subprocess.run(probe, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("no unshare on this machine")
    if tried.returncode:
        pytest.skip(f"no right to make network namespaces: {tried.stderr.strip()}")
    hosts = tmp_path / "hosts"
    hosts.write_text("one address=10.77.0.2\ntwo address=10.77.0.3\n")
    launch = [sys.executable, "-m", "mxmtl", "launch", "-n", "2", "--hosts", str(hosts)]
    launch += ["--ssh", str(tmp_path / "enter"), "--", sys.executable, GROUP]
    done = subprocess.run(
        [*probe[:-1], *launch], capture_output=True, text=True, env=environment(), cwd=tmp_path
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "worker 0 of 2 is content at 10.77.0.2" in done.stdout
    assert "worker 1 of 2 is content at 10.77.0.3" in done.stdout
