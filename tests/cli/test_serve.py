"""``mxmtl serve``: its example runs, a signal ends it well, and what goes wrong is one line."""

from __future__ import annotations

import contextlib
import http.client
import json
import shlex
import signal
import socket
import subprocess
import sys

from mxmtl.cli import example_of, main
from tests.model._world import here, world  # noqa: F401


@contextlib.contextmanager
def command(*arguments):
    """Run ``mxmtl serve``; give the process, and the port that it says."""
    line = [sys.executable, "-m", "mxmtl", "serve", *arguments]
    process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        said = process.stdout.readline()
        yield process, int(said.split(" (")[0].rsplit(":", 1)[1]), said
    finally:
        process.kill()
        process.communicate()


def predict(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("POST", "/predict", path.read_bytes())
    response = connection.getresponse()
    found = response.status, json.loads(response.read())
    connection.close()
    return found


def test_the_example_in_the_help_runs_until_a_signal(here, capsys):  # noqa: F811
    assert main(["serve", "--help"]) == 0
    assert example_of("serve") in capsys.readouterr().out
    verb, *arguments = shlex.split(example_of("serve"))[1:]
    with command(*arguments[:-1], "0") as (process, port, said):  # a port that is free
        assert (verb, said.split(" at ")[0]) == ("serve", "runs/first/model-0002")
        status, found = predict(port, here / "photos" / "0.jpg")
        assert (status, len(found["answers"])) == (200, 4)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert [line for line in err.splitlines() if "MKLDNN" not in line] == []


def test_what_goes_wrong_ends_in_one_line(here, capsys):  # noqa: F811
    with socket.create_server(("127.0.0.1", 0)) as taken:
        busy = f"runs/first --port {taken.getsockname()[1]}"
        for line, code, message in (
            (busy, 1, "(--port 0 takes a free one)"),
            ("runs/first --port 70000", 2, "--port: '70000': expected 0 or more, at most 65535"),
            ("runs/none", 1, "mxmtl serve: runs/none: no model."),
            ("none.onnx", 1, "mxmtl serve: none.onnx: no such file"),
            ("runs/first --max-bytes 0", 2, "--max-bytes: '0': expected 1 or more"),
            ("runs/first --max-batch 0 --port 0", 2, "--max-batch: '0': expected 1 or more"),
            ("runs/first --timeout 0", 2, "--timeout: '0': expected 0.001 or more"),
            (
                "runs/first --max-bytes 5X",
                2,
                "--max-bytes: '5X': expected a whole number, or one with K, M or G behind it",
            ),
        ):
            assert main(["serve", *shlex.split(line)]) == code
            lines = [t for t in capsys.readouterr().err.splitlines() if "usage" not in t]
            assert message in lines[-1]
            assert code == 2 or len(lines) == 1


def test_others_are_let_in_with_a_word_of_warning(here):  # noqa: F811
    with command("runs/first", "--host", "0.0.0.0", "--port", "0") as (process, port, _):
        assert predict(port, here / "photos" / "1.png")[0] == 200
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "0.0.0.0 can be reached by others, without a password" in err


STUCK = """
import sys, threading, time
from mxmtl.cli import main
from mxmtl.serving import Service
Service.run = lambda self: threading.Thread(target=time.sleep, args=(120,)).start()  # not ended
sys.exit(main(["serve", "runs/first", "--port", "0"]))
"""


def test_a_decoder_that_does_not_end_does_not_hold_the_process(here):  # noqa: F811
    line = [sys.executable, "-c", STUCK]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0
    assert "gave up an image that was still decoded" in done.stderr
