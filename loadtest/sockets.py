"""What a process holds open: descriptors, and connections by who is at the other end, from Linux's /proc.

Invariant: the kernel's word, not the process's own; listening sockets are descriptors and no connections.
"""

from collections.abc import Iterable, Set
from dataclasses import dataclass

from loadtest.cpu import PROC

_LISTENING = "0A"
_TABLES = ("tcp", "tcp6")


@dataclass(frozen=True, slots=True)
class Connection:
    """One line of /proc/PID/net/tcp."""

    local_port: int
    remote_port: int
    state: str
    inode: str


@dataclass(frozen=True, slots=True)
class Held:
    """Open descriptors of any kind, and connections: from clients, to engines, others. Closing ones count."""

    descriptors: int
    client_connections: int
    engine_connections: int
    other_connections: int


def held(pid: int, own_port: int, engine_ports: Set[int]) -> Held:
    """What a process that listens at ``own_port`` holds now."""
    targets = _targets(pid)
    mine = {target[8:-1] for target in targets if target.startswith("socket:[")}
    lines = [
        line for table in _TABLES for line in (PROC / str(pid) / "net" / table).read_text("ascii").splitlines()[1:]
    ]
    return counted(len(targets), [one for one in map(parse, lines) if one.inode in mine], own_port, engine_ports)


def parse(line: str) -> Connection:
    """Read one line of /proc/PID/net/tcp or tcp6."""
    fields = line.split()
    local, remote = (int(fields[place].rpartition(":")[2], 16) for place in (1, 2))
    return Connection(local, remote, fields[3], fields[9])


def counted(descriptors: int, connections: Iterable[Connection], own_port: int, engine_ports: Set[int]) -> Held:
    """Count a process's own connections by kind."""
    clients = engines = others = 0
    for connection in connections:
        if connection.state == _LISTENING:
            continue
        if connection.local_port == own_port:
            clients += 1
        elif connection.remote_port in engine_ports:
            engines += 1
        else:
            others += 1
    return Held(descriptors, clients, engines, others)


def _targets(pid: int) -> list[str]:
    found = []
    for entry in (PROC / str(pid) / "fd").iterdir():
        try:
            found.append(str(entry.readlink()))
        except FileNotFoundError:
            continue
    return found
