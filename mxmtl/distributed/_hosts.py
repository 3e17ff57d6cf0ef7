"""The machines to run on: a file with one a line."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path
from typing import List

from .._files import PathLike


@dataclass(frozen=True)
class Host:
    """A machine.

    Attributes
    ----------
    name : str
        What ssh calls it; empty for this machine.
    address : str
        Where the other machines reach it.
    slots : int
        Most workers to run on it; 0 is no limit.
    """

    name: str = ""
    address: str = "127.0.0.1"
    slots: int = 0


def read_hosts(path: PathLike) -> List[Host]:
    """Read a file of lines ``HOST [slots=N] [address=A]``; ``#`` begins a comment.

    Raises `ValueError`, with the line, for one that cannot be read, and for a host whose address
    cannot be found.
    """
    hosts: List[Host] = []
    for number, line in enumerate(Path(path).read_text("utf-8").splitlines(), 1):
        words = line.partition("#")[0].split()
        if words:
            hosts.append(_host(words, f"{path} line {number}"))
    if not hosts:
        raise ValueError(f"{path}: no hosts; expected lines HOST [slots=N] [address=A].")
    names = [host.name for host in hosts]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{path}: {twice[0]!r} is there twice; give it slots=N instead.")
    return hosts


def _host(words: List[str], where: str) -> Host:
    name, *options = words
    given = dict(option.partition("=")[::2] for option in options)
    unknown = sorted(set(given) - {"slots", "address"})
    slots = given.get("slots", "0")
    if unknown or not slots.isdigit():
        raise ValueError(f"{where}: {' '.join(words)!r}: expected HOST [slots=N] [address=A].")
    return Host(name, given.get("address") or _address(name, where), int(slots))


def _address(name: str, where: str) -> str:
    machine = name.rpartition("@")[2]  # user@machine, as ssh takes it
    try:
        return socket.gethostbyname(machine)
    except OSError as error:
        raise ValueError(
            f"{where}: {machine!r} has no address that can be looked up ({error}). "
            "Add address=A, which the other machines reach it by."
        ) from error


def address_towards(host: Host) -> str:
    """Return the address that this machine has on its way to a host; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((host.address, 9))
        except OSError as error:
            raise ValueError(
                f"no way to host {host.name!r} at {host.address} ({error}). Is the address right?"
            ) from error
        return str(probe.getsockname()[0])
