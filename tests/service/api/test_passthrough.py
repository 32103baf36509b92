"""What is passed through is closed, also where not even its head could be sent."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import ExitStack
from types import MappingProxyType

from starlette.types import Message

from service.api.passthrough import RelayedReply
from service.observe import Record
from service.revision.tracing import UNTRACED


class OpenReply:
    """A stream that has more to say."""

    engine = "0"
    status = 200
    headers: Mapping[str, str] = MappingProxyType({"content-type": "text/event-stream"})

    def __init__(self) -> None:
        self.closed = 0

    async def read(self) -> bytes:
        return b""

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        yield b"data: 1\n\n"

    async def aclose(self) -> None:
        self.closed += 1


def relayed(reply: OpenReply, record: Record) -> RelayedReply:
    span = ExitStack()
    return RelayedReply(reply, record, span.enter_context(UNTRACED.call("plain", stream=True)), span)


async def test_a_client_that_leaves_before_the_head_is_sent_leaves_no_call_open() -> None:
    async def stuck(_: Message) -> None:
        await asyncio.Event().wait()

    async def gone() -> Message:
        return {"type": "http.disconnect"}

    reply, record = OpenReply(), Record("r")
    await relayed(reply, record)({"type": "http"}, gone, stuck)
    assert (reply.closed, record.cancelled) == (1, True)


async def test_a_whole_stream_is_sent_and_closed() -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def silent() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    reply, record = OpenReply(), Record("r")
    await relayed(reply, record)({"type": "http"}, silent, send)
    assert [message.get("body") for message in sent] == [None, b"data: 1\n\n", b""]
    assert dict(sent[0]["headers"])[b"content-type"] == b"text/event-stream"
    assert (reply.closed, record.cancelled) == (1, False)
