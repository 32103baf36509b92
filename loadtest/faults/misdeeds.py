"""What a sick engine does in the place of answering.

Invariant: a misdeed depends on the call alone, and is as an engine, a proxy before it or a network could do it.
"""

from enum import StrEnum

_EVENTS, _JSON, _HTML = b"text/event-stream", b"application/json", b"text/html"
_GARBAGE = b'}{"choices": [oops'
_PAGE = b"<html><body>Welcome to the proxy</body></html>"
RETRY_AFTER_SECONDS = 1


class Misdeed(StrEnum):
    """The ways to be sick. The last four are done with the connection and not by a reply of ours."""

    GARBAGE = "garbage"
    """A reply of the right type whose content is no JSON."""
    NOT_HTTP = "not_http"
    STATUS_500 = "status_500"
    STATUS_429 = "status_429"
    STATUS_429_RETRY_AFTER = "status_429_retry_after"
    WRONG_TYPE = "wrong_type"
    """A page of HTML with status 200."""
    HALF_THEN_CLOSE = "half_then_close"
    """The engine's own answer, cut in the middle of a chunk."""
    HALF_THEN_SILENCE = "half_then_silence"
    NEVER = "never"
    """The call is taken and nothing is said."""
    RESET = "reset"


def reply(misdeed: Misdeed, *, stream: bool) -> bytes:
    """The bytes of the misdeeds that are replies. Raises ``KeyError`` for the others."""
    if misdeed is Misdeed.NOT_HTTP:
        return b"\x16\x03\x01 this is not HTTP\r\n\r\n"
    garbage = b"data: " + _GARBAGE + b"\n\n" if stream else _GARBAGE
    status, kind, body, more = {
        Misdeed.GARBAGE: (b"200 OK", _EVENTS if stream else _JSON, garbage, b""),
        Misdeed.STATUS_500: (b"500 Internal Server Error", _JSON, _error(b"500"), b""),
        Misdeed.STATUS_429: (b"429 Too Many Requests", _JSON, _error(b"429"), b""),
        Misdeed.STATUS_429_RETRY_AFTER: (
            b"429 Too Many Requests",
            _JSON,
            _error(b"429"),
            b"retry-after: %d\r\n" % RETRY_AFTER_SECONDS,
        ),
        Misdeed.WRONG_TYPE: (b"200 OK", _HTML, _PAGE, b""),
    }[misdeed]
    length = b"content-length: %d\r\n" % len(body)
    return b"HTTP/1.1 " + status + b"\r\ncontent-type: " + kind + b"\r\n" + length + more + b"\r\n" + body


def _error(code: bytes) -> bytes:
    return b'{"error": {"message": "the engine is sick", "type": "engine_sick", "code": ' + code + b"}}"
