"""A reply that is passed through, from whichever replica begins to give it.

Invariant: status and headers do not change once a piece of the body has been handed out.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing

from models.engine import EngineError, Reply
from models.pool.moves import reason_of_status
from models.pool.replica import Call
from models.pool.route import Route
from models.wire import error_from


class PooledReply:
    """Opened by `open`, and read once by one of the other methods. ``settled`` hears when the answer has begun."""

    def __init__(self, route: Route, send: Callable[[], Awaitable[Reply]], settled: Callable[[], None]) -> None:
        self._route = route
        self._send = send
        self._settled = settled
        self._patience_s: float | None = None
        self._call: Call
        self._reply: Reply

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self._reply.status

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers that concern the body."""
        return self._reply.headers

    @property
    def engine(self) -> str:
        """The configured name of the replica whose reply it is."""
        return self._route.replica.name

    async def open(self, patience_s: float | None) -> None:
        """Send along the route until a reply comes that is the request's own. Raises `EngineError`."""
        self._patience_s = patience_s
        while True:
            self._call = self._route.call()
            try:
                async with self._call.first_byte(self._route.patience(patience_s)):
                    self._reply = await self._send()
            except EngineError as error:
                self._call.close(error)
                self._route.move_on(error)
                continue
            except BaseException:
                self._call.close()
                raise
            reason = reason_of_status(self._reply.status)
            if reason is None:
                return
            self._call.close(error_from(self._reply.status, b"", _retry_after(self._reply)))
            if self._route.alternative is None:
                return
            await self._reply.aclose()
            self._route.move(reason)

    async def read(self) -> bytes:
        """The whole body; cancelling closes the engine's call."""
        with self._call:
            content = await self._reply.read()
            self._begun()
            return content

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """The body as it arrives. One that breaks before its first piece is begun anew elsewhere."""
        while True:
            begun = False
            try:
                with self._call:
                    async with aclosing(self._reply.pieces()) as pieces:
                        async with self._call.first_byte(None):
                            piece = await anext(pieces, b"")
                        begun = True
                        self._begun()
                        yield piece
                        async for piece in pieces:
                            yield piece
                return
            except EngineError as error:
                if begun:
                    raise
                await self._open_alike(error)

    async def aclose(self) -> None:
        """Close the engine's call without reading on."""
        self._call.close()
        await self._reply.aclose()

    def _begun(self) -> None:
        self._call.answered()
        self._settled()

    async def _open_alike(self, error: EngineError) -> None:
        """Have another replica begin, under the head that the client has been sent. Raises ``error`` if none does."""
        head = self.status, self.headers.get("content-type")
        self._route.move_on(error)
        await self.open(self._patience_s)
        if (self.status, self.headers.get("content-type")) != head:
            await self.aclose()
            raise error


def _retry_after(reply: Reply) -> float | None:
    value = reply.headers.get("retry-after", "")
    return float(value) if value.isdigit() else None
