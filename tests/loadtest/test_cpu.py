import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from loadtest.cpu import ProcessTicks, open_sockets, parse_stat, resident_mib, tree_cpu_seconds, tree_ticks

STAT = (
    "4711 (a (nasty) name) S 42 4711 4711 0 -1 4194560 98 0 0 0 120 30 7 5 20 0 3 0 318977 3133440 413 "
    "18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0\n"
)


def test_a_line_of_proc_is_read_past_brackets_in_the_name() -> None:
    assert parse_stat(STAT) == ProcessTicks(pid=4711, parent=42, own=150, waited=12)


def test_a_tree_counts_all_descendants_and_nothing_else() -> None:
    processes = [
        ProcessTicks(1, 0, 1000, 1000),
        ProcessTicks(10, 1, 5, 2),
        ProcessTicks(11, 10, 30, 0),
        ProcessTicks(12, 11, 400, 1),
        ProcessTicks(20, 1, 7000, 0),
    ]
    assert tree_ticks(10, processes) == 5 + 2 + 30 + 400 + 1
    assert tree_ticks(99, processes) == 0


def test_what_a_child_used_stays_counted_after_it_has_ended() -> None:
    before = tree_cpu_seconds(os.getpid())
    burn = "import time\nwhile time.process_time() < 0.3: pass"
    subprocess.run([sys.executable, "-c", burn], check=True)
    assert tree_cpu_seconds(os.getpid()) - before >= 0.29


def test_a_socket_is_counted_while_it_is_open() -> None:
    before = open_sockets(os.getpid())
    with socket.socket(), socket.socket():
        assert open_sockets(os.getpid()) == before + 2
    assert open_sockets(os.getpid()) == before


def test_memory_is_told_in_mebibytes() -> None:
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    kib = next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
    assert resident_mib(os.getpid()) == pytest.approx(kib / 1024, rel=0.2)
