"""What is to run where, with which environment."""

from __future__ import annotations

import os
import socket
import sys
from dataclasses import dataclass, field
from itertools import cycle, islice
from typing import Any, Dict, List, Sequence

from .._threads import LOCAL_COUNT, THREADS, threads_asked_for
from ._hosts import Host, address_towards
from ._place import COUNT, LOCAL_RANK, RANK, ROLE

# MXNet runs a scheduler or a server inside its import, and ends the process after it. It takes
# scikit-learn along where that is installed, which a service has no use for.
SERVICE = "import sys; sys.modules['sklearn'] = None; import mxmtl"
# What of this environment goes along to other machines; a process on this one inherits all.
SENT = ("MXNET_", "KMP_", "PYTHON", "NVIDIA_", "CUDA_", "PS_")
SILENCE = 30.0  # seconds without a sign of life, after which the other side counts as dead


@dataclass(frozen=True)
class Launch:
    """What to launch.

    Parameters
    ----------
    command : sequence of str
        Program and arguments of a worker.
    workers, servers : int
        How many of each; 0 servers is one for each host.
    hosts : sequence of Host
        Where they run, in turn; none is this machine.
    address : str
        Where the hosts reach this machine, on which the scheduler runs; found by itself.
    port : int
        Of the scheduler; 0 is one that is free.
    ssh : sequence of str
        Command that takes a host and a line for its shell. Its input and output are the line's.
    python : str
        Python on the hosts, with mxmtl installed.
    environment : sequence of str
        Names of further variables that go along to the hosts.
    """

    command: Sequence[str]
    workers: int
    servers: int = 0
    hosts: Sequence[Host] = ()
    address: str = ""
    port: int = 0
    ssh: Sequence[str] = (
        "ssh", "-o", "BatchMode=yes", "-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=3",
    )  # fmt: skip
    python: str = sys.executable
    environment: Sequence[str] = ()

    def __post_init__(self) -> None:
        if not self.command:
            raise ValueError("expected a command for the workers, after --.")
        if self.workers < 1 or self.servers < 0:
            raise ValueError(
                f"{self.workers} workers and {self.servers} servers: expected 1 or more workers, "
                "and 0 or more servers."
            )


@dataclass(frozen=True)
class Node:
    """One process.

    Attributes
    ----------
    role : {"scheduler", "server", "worker"}
        What it is to ps-lite.
    index : int
        Which of its kind.
    host : Host
        Where it runs.
    command : list of str
        Program and arguments.
    environment : dict
        What its environment has beside its machine's.
    """

    role: str
    index: int
    host: Host
    command: List[str]
    environment: Dict[str, str] = field(repr=False)

    @property
    def name(self) -> str:
        """``worker 0``."""
        return self.role if self.role == "scheduler" else f"{self.role} {self.index}"

    def spec(self, path: str) -> Dict[str, Any]:
        """Return what its agent is told; ``path`` has commands installed beside Python."""
        return {
            "command": self.command,
            "environment": self.environment,
            "without": [RANK, ROLE, "DMLC_SERVER_ID", THREADS],
            "path": path,
            "folder": os.getcwd(),
            "silence": SILENCE,
        }


def make_plan(launch: Launch) -> List[Node]:
    """Return the scheduler, the servers and the workers, in this order."""
    hosts = list(launch.hosts) or [Host()]
    here = Host(address=launch.address or _own_address(hosts))
    servers = launch.servers or len(hosts)
    common = {
        "DMLC_PS_ROOT_URI": here.address,
        "DMLC_PS_ROOT_PORT": str(launch.port or free_port(here.address)),
        COUNT: str(launch.workers),
        "DMLC_NUM_SERVER": str(servers),
    }
    service = [launch.python, "-c", SERVICE]
    small = {THREADS: threads_asked_for() or "1"}
    nodes = [Node("scheduler", 0, here, [sys.executable, "-c", SERVICE], {**common, **small})]
    for index, host in enumerate(islice(cycle(hosts), servers)):
        environment = {**common, **small, "DMLC_SERVER_ID": str(index)}
        nodes.append(Node("server", index, host, service, environment))
    where = spread(launch.workers, hosts)
    for index, host in enumerate(where):
        environment = {
            **common,
            RANK: str(index),
            LOCAL_RANK: str(where[:index].count(host)),
            LOCAL_COUNT: str(where.count(host)),
        }
        nodes.append(Node("worker", index, host, list(launch.command), environment))
    return [_complete(node, launch) for node in nodes]


def spread(workers: int, hosts: Sequence[Host]) -> List[Host]:
    """Give each worker a host, in turn, as far as the slots go.

    >>> [host.name for host in spread(3, [Host("a", slots=1), Host("b")])]
    ['a', 'b', 'b']
    """
    chosen: List[Host] = []
    while len(chosen) < workers:
        free = [h for h in hosts if not h.slots or chosen.count(h) < h.slots]
        if not free:
            raise ValueError(f"{workers} workers, and the hosts have {len(chosen)} slots.")
        chosen += free[: workers - len(chosen)]
    return chosen


def free_port(address: str) -> int:
    """Return a port that nothing listens on; `ValueError` if the address is not this machine's."""
    with socket.socket() as probe:
        try:
            probe.bind((address, 0))
        except OSError as error:
            raise ValueError(f"address {address!r} is none of this machine's ({error}).") from error
        return int(probe.getsockname()[1])


def _own_address(hosts: Sequence[Host]) -> str:
    remote = [host for host in hosts if host.name]
    return address_towards(remote[0]) if remote else "127.0.0.1"


def _complete(node: Node, launch: Launch) -> Node:
    environment = {ROLE: node.role, "DMLC_NODE_HOST": node.host.address, **node.environment}
    threads = threads_asked_for()  # else a worker that imports mxmtl takes its share
    if threads is not None:
        environment.setdefault(THREADS, threads)
    if node.host.name:
        along = {
            name: value
            for name, value in os.environ.items()
            if name.startswith(SENT) or name in launch.environment
        }
        environment = {**along, **environment}
    return Node(node.role, node.index, node.host, node.command, environment)
