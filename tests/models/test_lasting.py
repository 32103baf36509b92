import asyncio
import socket

import aiohttp
import pytest

from models.lasting import lasting_connector
from tests.models.scripted import Call, always, serving

pytestmark = pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="needs Linux")


async def test_a_connection_asks_its_peers_kernel_for_a_sign_of_life() -> None:
    async def opens(call: Call) -> None:
        await call.open_stream()
        await asked.wait()
        await call.end_stream()

    asked = asyncio.Event()
    async with serving(always(opens)) as server:
        connector = lasting_connector(30.0)
        async with aiohttp.ClientSession(connector=connector) as session, session.get(server.url) as response:
            assert response.connection is not None
            assert response.connection.transport is not None
            taken = response.connection.transport.get_extra_info("socket")
            options = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT, socket.TCP_USER_TIMEOUT)
            found = [taken.getsockopt(socket.IPPROTO_TCP, one) for one in options]
            kept = taken.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            asked.set()
            await response.read()
    assert (kept, found) == (1, [15, 5, 3, 30_000])
