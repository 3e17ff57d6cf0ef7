"""The launcher with processes that are no workers of MXNet: quick, and they end as they like."""

import os
import signal
import subprocess
import sys
import threading
import time

from mxmtl.cli import main
from mxmtl.distributed import Launch
from tests.distributed._launched import (
    PROMISE,
    alive,
    descendants,
    environment,
    launch_members,
)

import pytest


@pytest.fixture
def play(tmp_path, capfdbinary):
    """Return a function that launches Python programs by role; returns code, output, logs."""

    def run(*programs, **options):
        members = [
            (f"{role} {index}", [sys.executable, "-c", code], {})
            for index, (role, code) in enumerate(programs)
        ]
        began = time.monotonic()
        code = launch_members(Launch(["x"], 1, **options), members, tmp_path / "logs")
        assert time.monotonic() - began < 2 * PROMISE
        out, err = capfdbinary.readouterr()
        return code, out.decode(), err.decode()

    return run


def read(path):
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except OSError:  # it has ended
        return b""


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
        "import sys; from mxmtl.distributed import Launch\n"
        "from tests.distributed._launched import launch_members\n"
        f"member = ('worker 0', [sys.executable, '-c', {HANG!r}], {{}})\n"
        "launch_members(Launch(['x'], 1), [member, member])\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, env=environment(), text=True
    ) as launcher:
        assert [launcher.stdout.readline() for _ in range(2)] == ["[worker 0] here\n"] * 2
        below = descendants(launcher.pid)
        assert len(below) == 3  # two programs, and the guard
        launcher.kill()
    until = time.monotonic() + PROMISE
    while any(alive(pid) for pid in below) and time.monotonic() < until:
        time.sleep(0.02)
    assert not any(alive(pid) for pid in below)


def test_a_guard_that_is_killed_is_noticed(play):
    """Nothing would end the others, should the launcher be killed next."""

    def kill():
        guards = []
        while not guards:
            below = [p for p in descendants(os.getpid()) if alive(p)]
            guards = [p for p in below if b"groups.discard" in read(f"/proc/{p}/cmdline")]
        os.kill(guards[0], signal.SIGKILL)

    threading.Thread(target=kill, daemon=True).start()
    code, _, err = play(("worker", HANG))
    assert code == 1
    assert "the launcher's guard on this machine was killed." in err


def test_a_command_that_is_not_there(play, capfdbinary):
    play(("worker", "pass"))
    members = [
        ("server 0", [sys.executable, "-c", HANG], {}),
        ("worker 0", ["no-such-program"], {}),
    ]
    assert launch_members(Launch(["x"], 1), members) == 127
    assert b"worker 0 cannot run on this machine: " in capfdbinary.readouterr().err


def test_lines_without_an_end_and_bytes_that_are_no_text(tmp_path, capfdbinary):
    printed = b"\xff" * 9 + b"\n" + b"\r" * 200_000
    program = f"import sys; sys.stdout.buffer.write({printed[:10]!r} + b'\\r' * 200_000)"
    members = [("worker 0", [sys.executable, "-c", program], {})]
    assert launch_members(Launch(["x"], 1), members, tmp_path) == 0
    assert (tmp_path / "worker-0.log").read_bytes() == printed
    out, _ = capfdbinary.readouterr()
    assert out.startswith(b"[worker 0] " + printed[:10])
    assert out.count(b"\r") == 200_000


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


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        (["-n", "2"], 2, "expected a command after --."),
        (["-n", "0", "--", "true"], 2, "'0': expected 1 or more"),
        (["-n", "1", "--nnodes", "two", "--", "true"], 2, "--nnodes: 'two': expected a whole"),
        (["-n", "1", "--nnodes", "2", "--", "true"], 1, "expected --master-addr, where"),
        (
            ["-n", "1", "--node-rank", "1", "--", "true"],
            1,
            "a --node-rank from 0 to --nnodes minus 1",
        ),
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
