"""Ends the work of a request whose client has left; frameworks do so for streams only.

Invariant: when ``until_disconnect`` returns or raises, its work has ended, and so has every engine call below it.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.types import Receive

from service.errors import ClientLeft

Result = TypeVar("Result")


async def disconnected(receive: Receive) -> None:
    """Return when the client has gone. The body must have been read before."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def stopped(*tasks: asyncio.Task[Any]) -> None:
    """Cancel the tasks and wait until they have ended."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def until_disconnect(request: Request, work: Coroutine[Any, Any, Result]) -> Result:
    """Await ``work``, or cancel it and raise ``ClientLeft`` when the client goes first."""
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(disconnected(request.receive))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientLeft
        return working.result()
    finally:
        await stopped(working, leaving)
