"""What a process holds, by the kernel's word: lines of its tables, and this very process."""

import os
import socket

import pytest

from loadtest.sockets import Connection, Held, counted, held, parse

LINE = (
    "   1: 0100007F:1F40 0100007F:C350 01 00000000:00000000 00:00000000 00000000  1000        0 424242 1 "
    "0000000000000000 20 4 30 10 -1"
)


def test_a_line_of_the_kernels_table_is_read() -> None:
    assert parse(LINE) == Connection(8000, 50000, "01", "424242")


def test_connections_count_by_who_is_at_the_other_end() -> None:
    connections = [
        Connection(8000, 0, "0A", "1"),
        Connection(8000, 50000, "01", "2"),
        Connection(8000, 50001, "08", "3"),
        Connection(50002, 8001, "01", "4"),
        Connection(50003, 443, "01", "5"),
    ]
    assert counted(30, connections, 8000, {8001}) == Held(30, 2, 1, 1)


@pytest.mark.parametrize("ends", [1, 3])
def test_connections_of_this_process_are_seen(ends: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        before = held(os.getpid(), port, set())
        callers = [socket.create_connection(("127.0.0.1", port)) for _ in range(ends)]
        taken = [server.accept()[0] for _ in range(ends)]
        after = held(os.getpid(), port, {port})
        for one in (*callers, *taken):
            one.close()
    assert before.client_connections == 0
    assert (after.client_connections, after.engine_connections) == (ends, ends)
    assert after.descriptors - before.descriptors == 2 * ends
