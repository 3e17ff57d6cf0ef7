"""The launchers of several machines, here on one: how they meet, and that all end together."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from mxmtl.distributed import meet
from tests.distributed._launched import PROMISE, alive, descendants, environment, free_port

import pytest

# A launcher of plain programs: NAME=CODE, each of them one process. It needs no MXNet, which takes
# seconds to load.
LAUNCHER = """
import sys
from mxmtl.distributed import Launch
from tests.distributed._launched import launch_members
assert "mxnet" not in sys.modules
nnodes, rank, port, *programs = sys.argv[1:]
members = [(text.partition("=")[0], [sys.executable, "-c", text.partition("=")[2]], {})
           for text in programs]
print("begun", flush=True)
what = Launch(["x"], 1, 0, int(nnodes), int(rank), "127.0.0.1", int(port))
sys.exit(launch_members(what, members))
"""
HANG = "import time; print('here', flush=True); time.sleep(600)"


class Machines:
    """Launchers, each with its programs."""

    def __init__(self, folder, *programs):
        port = free_port()
        self.outputs = [folder / f"node-{rank}.txt" for rank in range(len(programs))]
        self.launchers = []
        for rank, mine in enumerate(programs):
            command = [sys.executable, "-c", LAUNCHER, str(len(programs)), str(rank), str(port)]
            with self.outputs[rank].open("wb") as stream:
                self.launchers.append(
                    subprocess.Popen(
                        [*command, *mine],
                        stdout=stream,
                        stderr=subprocess.STDOUT,
                        env=environment(),
                    )
                )

    def text(self, rank):
        return self.outputs[rank].read_text("utf-8", "replace")

    def wait_for(self, text, *ranks):
        until = time.monotonic() + 60
        while not all(text in self.text(rank) for rank in ranks):
            assert time.monotonic() < until, [self.text(rank) for rank in ranks]
            time.sleep(0.02)

    def end(self):
        """Wait for all, for a promise at most; nothing may be left. Return exit codes."""
        below = [pid for launcher in self.launchers for pid in descendants(launcher.pid)]
        until = time.monotonic() + PROMISE
        codes = [launcher.wait(max(0.1, until - time.monotonic())) for launcher in self.launchers]
        while any(alive(pid) for pid in below) and time.monotonic() < until:
            time.sleep(0.02)
        assert not any(alive(pid) for pid in below)
        return codes


@pytest.fixture
def machines(tmp_path):
    """Return a function that starts launchers; those that are left are killed."""
    made = []

    def start(*programs):
        made.append(Machines(tmp_path, *programs))
        return made[-1]

    yield start
    for launcher in made[0].launchers:
        launcher.kill()
        launcher.wait()


def everyone(*calls):
    """Call meet for several nodes at once; return results or errors."""
    with ThreadPoolExecutor() as pool:
        futures = [pool.submit(meet, *call) for call in calls]
        found = [future.exception() or future.result() for future in futures]
    for result in found:
        if isinstance(result, tuple):
            for link in result[-1].values():
                link.close()
    return found


def test_every_node_learns_where_the_scheduler_is():
    where = ("127.0.0.1", free_port())
    results = everyone(*((3, rank, where, (2, 1)) for rank in range(3)))
    scheduler = results[0][0]
    assert scheduler[0] == "127.0.0.1"
    assert scheduler[1] not in (0, where[1])
    assert [result[:2] for result in results] == [(scheduler, "127.0.0.1")] * 3
    assert [sorted(links) for *_, links in results] == [[1, 2], [0], [0]]


@pytest.mark.parametrize(
    ("others", "found"),
    [
        ([(3, 1, (1, 1)), (3, 1, (1, 1))], "1 of 3 has come with -n 1 -s 1"),
        ([(2, 1, (1, 1))], "1 of 2 has come with -n 1 -s 1"),
        ([(4, 3, (1, 1))], "3 of 4 has come with -n 1 -s 1"),
        ([(3, 2, (2, 1))], "2 of 3 has come with -n 2 -s 1"),
        ([(3, 1, (1, 4))], "1 of 3 has come with -n 1 -s 4"),
    ],
    ids=["twice", "fewer nodes", "more nodes", "more workers", "more servers"],
)
def test_a_node_that_does_not_fit_ends_all(others, found):
    where = ("127.0.0.1", free_port())
    calls = [(count, rank, where, size) for count, rank, size in others]
    first, *rest = map(str, everyone((3, 0, where, (1, 1)), *calls))
    assert first == f"node {found}; expected 1 to 2 of 3, each once, with -n 1 -s 1."
    for other in rest:
        assert "node 0 was lost before all nodes had come" in other


def test_strangers_are_turned_away():
    where = ("127.0.0.1", free_port())

    def knock():
        for data in (b"", b"GET / HTTP/1.1\r\n\r\n", b"[1, 2]\n", b'{"a": 1}\n', b"9" * (1 << 19),
                     b"[1e999, 2, 1, 1]\n", b"[" * (1 << 17) + b"\n"):  # fmt: skip
            until = time.monotonic() + PROMISE
            while time.monotonic() < until:
                try:
                    with socket.create_connection(where) as stranger:
                        stranger.sendall(data)
                    break
                except ConnectionRefusedError:
                    time.sleep(0.01)
                except OSError:  # sent away before all was said
                    break

    threading.Thread(target=knock, daemon=True).start()
    with ThreadPoolExecutor() as pool:
        node0 = pool.submit(meet, 2, 0, where, (1, 1))
        time.sleep(0.5)
        scheduler, _, links = meet(2, 1, where, (1, 1))
        assert scheduler == node0.result()[0]
        for link in (*links.values(), *node0.result()[-1].values()):
            link.close()


def test_nodes_that_do_not_come():
    where = ("127.0.0.1", free_port())
    with pytest.raises(OSError, match=r"nodes \[1, 2\] did not come in 0 seconds"):
        meet(3, 0, where, (1, 1), 0.5)
    with pytest.raises(OSError, match=r"no node 0 at 127.0.0.1:\d+ within 0 seconds \(.*refused"):
        meet(3, 1, where, (1, 1), 0.5)
    with socket.create_server(("", 0)) as taken, pytest.raises(OSError, match="in use"):
        meet(3, 0, ("127.0.0.1", taken.getsockname()[1]), (1, 1), 0.5)


FAIL = "import sys, time; time.sleep(1); sys.exit('the reason')"


@pytest.mark.parametrize("rank", [0, 1])
def test_a_process_that_fails_ends_all_nodes(machines, rank):
    """Every launcher says which process of which node it was, and its last lines."""
    programs = [[f"worker {node}={HANG}", f"server {node}={HANG}"] for node in range(3)]
    programs[rank][0] = f"worker {rank}={FAIL}"
    group = machines(*programs)
    group.wait_for("here", 0, 1, 2)
    assert group.end() == [1, 1, 1]
    for node in range(3):
        text = group.text(node)
        assert f"mxmtl launch: worker {rank} (process " in text
        assert f" on node {rank}) ended with exit code 1.\n" in text
        assert "    the reason\n" in text.partition("its last lines:")[2]
        assert f"mxmtl launch: all 2 processes of node {node} were ended.\n" in text


def test_a_process_that_is_killed_gives_its_code_to_all(machines):
    group = machines([f"worker 0={HANG}"], [f"server 1={HANG}", f"worker 1={HANG}"])
    group.wait_for("here", 0, 1)
    os.kill(descendants(group.launchers[1].pid)[-1], signal.SIGKILL)
    began = time.monotonic()
    assert group.end() == [137, 137]
    assert time.monotonic() - began < PROMISE
    assert " on node 1) was killed by SIGKILL.\n" in group.text(0)


@pytest.mark.parametrize("rank", [0, 1])
def test_a_launcher_that_is_killed_ends_all_nodes(machines, rank):
    """What it ran is killed by its guard, and the others by their launchers."""
    group = machines(*([f"worker {node}={HANG}"] for node in range(3)))
    group.wait_for("here", 0, 1, 2)
    below = descendants(group.launchers[rank].pid)
    group.launchers[rank].kill()
    codes = group.end()
    assert codes[rank] == -signal.SIGKILL
    assert codes[:rank] + codes[rank + 1 :] == [1, 1]
    assert f"node {rank} was lost: " in group.text(2)
    assert not any(alive(pid) for pid in below)


SAVE = """
import signal, sys, time
def save(*_):
    print("saved", flush=True)
    sys.exit(130)
signal.signal(signal.SIGINT, save)
print("here", flush=True)
time.sleep(600)
"""
DEAF = f"import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); {HANG}"


@pytest.mark.parametrize("ranks", [[0], [1], [0, 1, 2]], ids=str)
def test_ctrl_c_lets_the_workers_of_all_nodes_save(machines, ranks):
    """Also where the cluster sends it to each: that is not "once more"."""
    group = machines(*([f"server {node}={HANG}", f"worker {node}={SAVE}"] for node in range(3)))
    group.wait_for("[worker", 0, 1, 2)
    for rank in ranks:
        group.launchers[rank].send_signal(signal.SIGTERM)
    assert group.end() == [130, 130, 130]
    for node in range(3):
        assert "mxmtl launch: stopping: " in group.text(node)
        assert f"[worker {node}] saved\n" in group.text(node)


def test_ctrl_c_twice_ends_all_nodes_at_once(machines):
    group = machines([f"worker 0={DEAF}"], [f"worker 1={DEAF}"])
    group.wait_for("here", 0, 1)
    group.launchers[1].send_signal(signal.SIGINT)
    group.wait_for("stopping", 0, 1)
    group.launchers[1].send_signal(signal.SIGINT)
    assert group.end() == [130, 130]


def test_a_node_that_is_lost_while_all_stop_is_not_waited_for(machines):
    """The workers of the other may wait for its workers for ever."""
    group = machines([f"worker 0={DEAF}"], [f"worker 1={DEAF}"])
    group.wait_for("here", 0, 1)
    group.launchers[0].send_signal(signal.SIGINT)
    group.wait_for("stopping", 0, 1)
    group.launchers[1].kill()
    assert group.launchers[0].wait(40) == 130
    assert group.end() == [130, -signal.SIGKILL]


def test_servers_stay_until_the_workers_of_all_nodes_are_done(machines, tmp_path):
    """Node 1 is done first; its server is not killed before the worker of node 0 has ended."""
    wait = f"import os, time\nwhile not os.path.exists({str(tmp_path / 'go')!r}): time.sleep(0.01)"
    serve = wait.replace("go", "gone")
    group = machines([f"worker 0={wait}"], [f"worker 1={HANG.split(';')[0]}", f"server 1={serve}"])
    group.wait_for("begun", 0, 1)
    time.sleep(3)
    assert [launcher.poll() for launcher in group.launchers] == [None, None]
    (server,) = [pid for pid in descendants(group.launchers[1].pid) if "gone" in command_of(pid)]
    assert alive(server)
    (tmp_path / "go").touch()
    assert group.launchers[0].wait(PROMISE) == 0
    assert alive(server)  # it has some time to end by itself
    (tmp_path / "gone").touch()
    assert group.end() == [0, 0]


def command_of(pid):
    with open(f"/proc/{pid}/cmdline") as stream:
        return stream.read()
