"""Workers of MXNet's parameter server: see `_group` for what each of them checks."""

import sys
from pathlib import Path

from tests.distributed._launched import Launched

GROUP = str(Path(__file__).with_name("_group.py"))


def test_three_workers_and_two_servers(tmp_path):
    """They agree in everything; then one fails, and nobody waits for it."""
    launched = Launched(tmp_path, "-n", "3", "-s", "2", "--", sys.executable, GROUP, "fail")
    assert launched.end() == 1, launched.text
    for rank in range(3):
        assert f"[worker {rank}] worker {rank} of 3 is content" in launched.text
    last = launched.text.partition("its last lines:")[2]
    assert "ValueError: on purpose" in last
    assert "all 6 processes were ended" in last
