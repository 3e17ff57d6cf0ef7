"""The launcher with processes that are no workers of MXNet: quick, and they end as they like."""

import os
import signal
import subprocess
import sys
import threading
import time

from mxmtl.cli import main
from mxmtl.distributed import Host, Launch, _launch, launch
from mxmtl.distributed._plan import Node
from mxmtl.distributed._process import AGENT, agent_command, frames, json_line
from tests.distributed._launched import PROMISE, alive, descendants, environment

import pytest


@pytest.fixture
def play(monkeypatch, tmp_path, capfdbinary):
    """Return a function that launches Python programs by role; returns code, output, logs."""

    def run(*programs, **options):
        nodes = [
            Node(role, index, Host(), [sys.executable, "-c", code], {"WHO": f"{role} {index}"})
            for index, (role, code) in enumerate(programs)
        ]
        monkeypatch.setattr(_launch, "make_plan", lambda what: nodes)
        began = time.monotonic()
        code = launch(Launch(["x"], 1, **options), tmp_path / "logs")
        assert time.monotonic() - began < 2 * PROMISE
        out, err = capfdbinary.readouterr()
        return code, out.decode(), err.decode()

    return run


HANG = "import time; print('here', flush=True); time.sleep(600)"


def test_all_end_well(play, tmp_path):
    code, out, err = play(
        ("server", "print('serving')"), ("worker", "print('a\\nb'); print('c', end='')")
    )
    assert (code, err) == (0, "")
    assert sorted(out.splitlines()) == [
        "[server 0] serving", "[worker 1] a", "[worker 1] b", "[worker 1] c",
    ]  # fmt: skip
    assert (tmp_path / "logs" / "worker-1.log").read_text() == "a\nb\nc"


def test_a_traceback_ends_all(play):
    failing = "import time; time.sleep(0.3); raise ValueError('the reason')"
    code, out, err = play(("scheduler", HANG), ("worker", HANG), ("worker", failing))
    assert code == 1
    assert "[worker 2] ValueError: the reason" in err
    assert "mxmtl launch: worker 2 (process" in err
    assert "ended with exit code 1." in err
    assert "    ValueError: the reason" in err.partition("its last lines:")[2]
    assert "all 3 processes were ended. Logs: " in err


@pytest.mark.parametrize("role", ["scheduler", "server", "worker"])
def test_whoever_is_killed_all_end(play, role):
    die = "import os, signal, time; time.sleep(0.3); os.kill(os.getpid(), signal.SIGKILL)"
    code, out, err = play((role, die), ("worker", HANG))
    assert code == 137
    assert "was killed by SIGKILL." in err


def test_what_a_worker_has_started_ends_too(play, tmp_path):
    path = tmp_path / "child"
    start = (
        "import subprocess, sys, time\n"
        f"child = subprocess.Popen([sys.executable, '-c', {HANG!r}])\n"
        f"open({str(path)!r}, 'w').write(str(child.pid))\n"
    )
    failing = f"import os, time\nwhile not os.path.exists({str(path)!r}): time.sleep(0.01)\nexit(3)"
    assert play(("worker", start + "time.sleep(600)"), ("worker", failing))[0] == 3
    until = time.monotonic() + PROMISE
    while os.path.exists(f"/proc/{path.read_text()}") and time.monotonic() < until:
        time.sleep(0.02)
    assert not os.path.exists(f"/proc/{path.read_text()}")


def test_a_launcher_that_is_killed_leaves_nothing(tmp_path):
    program = (
        "import sys; from mxmtl.distributed import Host, Launch, _launch, launch\n"
        "from mxmtl.distributed._plan import Node\n"
        f"node = Node('worker', 0, Host(), [sys.executable, '-c', {HANG!r}], {{}})\n"
        "_launch.make_plan = lambda what: [node, node]\n"
        "launch(Launch(['x'], 1))\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, env=environment(), text=True
    ) as launcher:
        assert [launcher.stdout.readline() for _ in range(2)] == ["[worker 0] here\n"] * 2
        below = descendants(launcher.pid)
        assert len(below) == 4  # two agents, two programs
        launcher.kill()
    until = time.monotonic() + PROMISE
    while any(alive(pid) for pid in below) and time.monotonic() < until:
        time.sleep(0.02)
    assert not any(alive(pid) for pid in below)


def test_an_agent_that_is_killed_is_noticed(play):
    die = "import os, signal, time; time.sleep(0.3); os.kill(os.getppid(), signal.SIGKILL)"
    code, out, err = play(("worker", die + "; time.sleep(600)"), ("worker", HANG))
    assert code == 1
    assert "was lost: the connection to it has ended" in err


def test_an_agent_that_is_silent_is_given_up(play, monkeypatch):
    monkeypatch.setattr(_launch, "SILENCE", 5.0)  # more than two of its signs of life
    stop = "import os, signal, time; time.sleep(0.3); os.kill(os.getppid(), signal.SIGSTOP)"
    code, out, err = play(("worker", stop + "; time.sleep(600)"), ("worker", HANG))
    assert code == 1
    assert "worker 0 (process" in err
    assert "nothing came through it" in err


def test_a_launcher_that_is_silent_is_given_up():
    """What an agent does whose launcher's machine is gone: the pipe stays open."""
    command = agent_command(Node("worker", 0, Host(), [], {}), Launch(["x"], 1))
    agent = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    node = Node("worker", 0, Host(), [sys.executable, "-c", HANG], {})
    agent.stdin.write(AGENT + json_line({**node.spec(""), "silence": 1.0}))
    agent.stdin.flush()
    got = list(frames(agent.stdout))
    assert got[-1] == (b"x", b"-9")
    agent.stdin.close()
    agent.stdout.close()
    assert agent.wait(PROMISE) == 0


def test_a_command_that_is_not_there(monkeypatch, play):
    nodes = [Node("worker", 0, Host(), ["no-such-program"], {})]
    play(("worker", "pass"))
    monkeypatch.setattr(_launch, "make_plan", lambda what: nodes)
    assert launch(Launch(["x"], 1)) == 127


def interrupt(folder, workers, times=1):
    """Send Ctrl-C when so many workers have made a file."""

    def send():
        for _ in range(times):
            while len(list(folder.glob("ready-*"))) < workers:
                time.sleep(0.01)
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.5)

    threading.Thread(target=send, daemon=True).start()


READY = """
import os, signal, sys, time
def save(*_):
    print("saved", flush=True)
    sys.exit(130)
signal.signal(signal.SIGINT, {handler})
open(os.path.join({folder!r}, "ready-" + str(os.getpid())), "w").close()
time.sleep(600)
"""


def test_ctrl_c_lets_the_workers_save(play, tmp_path):
    interrupt(tmp_path, workers=2)
    program = READY.format(handler="save", folder=str(tmp_path))
    code, out, err = play(("server", HANG), ("worker", program), ("worker", program))
    assert code == 130
    assert out.count("saved") == 2
    assert "stopping: the workers save and end." in err


def test_ctrl_c_twice_does_not_wait(play, tmp_path):
    interrupt(tmp_path, workers=2, times=2)
    program = READY.format(handler="signal.SIG_IGN", folder=str(tmp_path))
    assert play(("worker", program), ("worker", program))[0] == 130


def test_over_ssh_as_given(monkeypatch, tmp_path, capfdbinary):
    """The command in ssh's place gets a host and a line for a shell, and nothing else is needed."""
    fake = tmp_path / "fake ssh"
    fake.write_text('#!/bin/sh\necho "$1" >> "$0.hosts"\nHOME=/ exec sh -c "$2"\n')
    fake.chmod(0o755)
    program = "import os; print(os.environ['WHO'], os.environ['HOME'])"
    nodes = [
        Node("worker", i, Host(f"h{i}"), [sys.executable, "-c", program], {"WHO": 'it\'s "me"'})
        for i in range(2)
    ]
    monkeypatch.setattr(_launch, "make_plan", lambda what: nodes)
    assert launch(Launch(["x"], 2, ssh=[str(fake)])) == 0
    out, _ = capfdbinary.readouterr()
    assert sorted(out.decode().splitlines()) == [f'[worker {i}] it\'s "me" /' for i in range(2)]
    assert sorted((tmp_path / "fake ssh.hosts").read_text().split()) == ["h0", "h1"]


def test_a_host_that_ssh_does_not_reach(monkeypatch, capfdbinary):
    nodes = [Node("worker", 0, Host("h0"), ["true"], {})]
    monkeypatch.setattr(_launch, "make_plan", lambda what: nodes)
    ssh = [sys.executable, "-c", "import sys; sys.exit('no route to ' + sys.argv[1])"]
    assert launch(Launch(["x"], 1, ssh=ssh)) == 1
    _, err = capfdbinary.readouterr()
    assert b"no route to h0" in err
    assert b"worker 0 (process ? on h0) was lost" in err


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        (["-n", "2"], 2, "expected a command after --."),
        (["-n", "0", "--", "true"], 1, "expected 1 or more workers"),
        (["-n", "1", "--hosts", "none", "--", "true"], 1, "none: No such file"),
        (["-n", "1", "--logs", ".", "--", "true"], 1, ". holds files."),
    ],
)
def test_wrong_command_lines(tmp_path, monkeypatch, capsys, line, code, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    assert main(["launch", *line]) == code
    assert message in capsys.readouterr().err


def test_the_last_worker_that_fails_is_not_missed(play):
    for _ in range(3):
        assert play(("worker", "pass"), ("worker", "import sys; sys.exit(5)"))[0] == 5


def test_a_worker_that_dies_while_it_stops_is_told(play, tmp_path):
    interrupt(tmp_path, workers=1)
    program = READY.format(handler="signal.SIG_DFL", folder=str(tmp_path))
    code, _, err = play(("worker", program))
    assert code == 130
    assert "worker 0 was killed by SIGINT." in err
