import socket

import aiohttp
import pytest

from models.lasting import lasting_connector
from tests.models.scripted import always, connected, well

pytestmark = pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="needs Linux")


async def test_a_connection_asks_its_peers_kernel_for_a_sign_of_life() -> None:
    async with connected(always(well)) as (_, server):
        connector = lasting_connector(30.0)
        async with aiohttp.ClientSession(connector=connector) as session, session.get(server.url) as response:
            assert response.connection is not None
            assert response.connection.transport is not None
            taken = response.connection.transport.get_extra_info("socket")
            assert taken.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            options = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT, socket.TCP_USER_TIMEOUT)
            assert [taken.getsockopt(socket.IPPROTO_TCP, one) for one in options] == [15, 5, 3, 30_000]
