"""An operator's wish that files be read again now (SIGHUP).

Invariant: a wish may be uttered at any time, from a signal handler or a thread, and is never lost or an error; several
that nobody has heard yet are one.
"""

import asyncio


class Rereading:
    """Heard by one listener."""

    def __init__(self) -> None:
        self._wished = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def ask(self) -> None:
        """Utter the wish."""
        if self._loop is None:
            self._wished.set()
        elif not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wished.set)

    async def asked(self, within_s: float | None) -> bool:
        """Wait for a wish, for so many seconds, or for ever; say whether there was one."""
        self._loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(within_s):
                await self._wished.wait()
        except TimeoutError:
            return False
        self._wished.clear()
        return True
