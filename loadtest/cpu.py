"""CPU time and memory of a process and all its descendants, from Linux's /proc.

Invariant: what a descendant used stays counted after it has been waited for.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class ProcessTicks:
    """One line of /proc/PID/stat: ``own`` user and system ticks, ``waited`` those of children that have ended."""

    pid: int
    parent: int
    own: int
    waited: int


def parse_stat(text: str) -> ProcessTicks:
    """Read the content of /proc/PID/stat; the name in it may hold spaces and brackets."""
    pid, _, rest = text.partition(" ")
    fields = rest.rpartition(")")[2].split()
    user, system, waited_user, waited_system = (int(fields[place]) for place in (11, 12, 13, 14))
    return ProcessTicks(int(pid), int(fields[1]), user + system, waited_user + waited_system)


def tree_ticks(root: int, processes: Iterable[ProcessTicks]) -> int:
    """Ticks of ``root`` and its descendants; 0 when ``root`` is not there."""
    by_pid = {process.pid: process for process in processes}
    children: dict[int, list[int]] = {}
    for process in by_pid.values():
        children.setdefault(process.parent, []).append(process.pid)
    total, waiting = 0, [root] if root in by_pid else []
    while waiting:
        pid = waiting.pop()
        total += by_pid[pid].own + by_pid[pid].waited
        waiting += children.get(pid, [])
    return total


def tree_cpu_seconds(root: int) -> float:
    """User and system time of a process and its descendants, exact to about a hundredth of a second."""
    return tree_ticks(root, _processes()) / os.sysconf("SC_CLK_TCK")


def resident_mib(pid: int) -> float:
    """Memory of one process that is not swapped out."""
    pages = int((PROC / str(pid) / "statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def open_sockets(pid: int) -> int:
    """How many sockets one process holds open."""
    found = 0
    for entry in (PROC / str(pid) / "fd").iterdir():
        try:
            found += str(entry.readlink()).startswith("socket:")
        except FileNotFoundError:
            continue
    return found


def _processes() -> list[ProcessTicks]:
    found = []
    for folder in PROC.iterdir():
        if folder.name.isdigit():
            try:
                found.append(parse_stat((folder / "stat").read_text(encoding="utf-8", errors="replace")))
            except (FileNotFoundError, ProcessLookupError):
                continue
    return found
