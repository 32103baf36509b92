"""Reads a server-sent event stream from bytes that arrive cut anywhere.

Invariant: what is returned does not depend on where the bytes were cut, and memory is bounded by `MAX_EVENT_BYTES`.
"""

MAX_EVENT_BYTES = 8 * 1024 * 1024


class EventTooLong(ValueError):
    """A line or an event exceeds `MAX_EVENT_BYTES`."""


class EventDecoder:
    """Turns pieces of a body into the data of its events; comments and other fields are dropped."""

    def __init__(self) -> None:
        self._rest: list[bytes] = []
        self._rest_bytes = 0
        self._data: list[bytes] = []
        self._data_bytes = 0

    def feed(self, piece: bytes) -> list[bytes]:
        """Return the data of every event that `piece` completes. Raises `EventTooLong`."""
        first, *further = piece.split(b"\n")
        self._hold(first)
        events: list[bytes] = []
        for start in further:
            self._take(b"".join(self._rest).removesuffix(b"\r"), events)
            self._rest, self._rest_bytes = [], 0
            self._hold(start)
        return events

    def flush(self) -> list[bytes]:
        """Return the event that the end of the body cut off before its blank line, if there is one."""
        events = self.feed(b"\n")
        self._take(b"", events)
        return events

    def _hold(self, part: bytes) -> None:
        """Keep part of a line; parts are joined at its end, so that cutting a line costs nothing."""
        self._rest_bytes += len(part)
        if self._rest_bytes > MAX_EVENT_BYTES:
            raise EventTooLong("line without end")
        if part:
            self._rest.append(part)

    def _take(self, line: bytes, events: list[bytes]) -> None:
        if not line:
            if self._data:
                events.append(b"\n".join(self._data))
                self._data, self._data_bytes = [], 0
            return
        if line.startswith(b"data:"):
            value = line[5:].removeprefix(b" ")
            self._data_bytes += len(value) + 1
            if self._data_bytes > MAX_EVENT_BYTES:
                raise EventTooLong("event without end")
            self._data.append(value)
