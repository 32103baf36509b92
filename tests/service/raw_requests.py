"""Requests as bytes: valid ones, ones that are wrong in a known way, and seeded mutations of the valid ones."""

import gzip
import random
from collections.abc import Iterator

import orjson

from tests.service.api.scripted_engine import ENGINE_MODEL

ORDERS = (b"\r", b"\n", b"\r\n", b"\r\n\r\n", b"\x00", b" ", b"\t", b":", b"\xff\xfe", b"0\r\n\r\n", b"-1", b"9" * 30,
          b"chunked", b"HTTP/1.1", b"GET / HTTP/1.1\r\n\r\n", b"%00", b"../", b"{", b"]", b'"', b"\\ud800")  # fmt: skip
HEADERS = (
    b"content-length: 5", b"content-length: +5", b"content-length: 0x10", b"content-length: -1",
    b"content-length: 1, 2",
    b"content-length: 99999999999999999999", b"transfer-encoding: chunked", b"transfer-encoding: identity",
    b"transfer-encoding: gzip, chunked", b"Transfer-Encoding : chunked", b"transfer-encoding: xchunked",
    b"transfer-encoding: chunked\r\ncontent-length: 3", b"expect: 100-continue", b"expect: something",
    b"upgrade: websocket\r\nconnection: upgrade", b"upgrade: h2c\r\nconnection: upgrade, http2-settings",
    b"connection: keep-alive, close", b"x: a\r\n b: folded", b"x\x00y: z", b"x: \x00", b": empty", b"no colon",
    b"x: \xff",
    b"host: other", b"host:", b"content-type: text/plain", b"content-type: application/json; charset=utf-16",
    b"content-encoding: gzip", b"accept: nothing/at-all", b"accept-encoding: br;q=x", b"x: " + b"a" * 70_000,
    *(b"\r\n".join(b"h%d: v" % number for number in range(count)) for count in (99, 150)),
)  # fmt: skip
LINES = (
    b"GET", b"GET /", b"GET / HTTP/9.9", b"GET  /healthz  HTTP/1.1", b"get /healthz HTTP/1.1", b"GET /healthz HTTP/1.0",
    b"GET http://other/healthz HTTP/1.1", b"GET //healthz HTTP/1.1", b"GET /%00 HTTP/1.1", b"GET /\xff HTTP/1.1",
    b"GET /../../etc HTTP/1.1", b"CONNECT host:1 HTTP/1.1", b"OPTIONS * HTTP/1.1", b"TRACE / HTTP/1.1",
    b"BREW /healthz HTTP/1.1", b"PRI * HTTP/2.0", b"\x16\x03\x01\x02\x00\x01", b"\r\n\r\nGET /healthz HTTP/1.1",
    b"GET /" + b"a" * 70_000 + b" HTTP/1.1", b"GET /healthz?" + b"a=b&" * 5000 + b" HTTP/1.1", b"",
)  # fmt: skip
CHAT = "/v1/chat/completions"


def post(path: str, body: bytes, *headers: bytes, close: bool = True) -> bytes:
    """A whole POST request."""
    lines = [f"POST {path} HTTP/1.1".encode(), b"host: localhost", b"content-length: %d" % len(body), *headers]
    lines += [b"connection: close"] if close else []
    return b"\r\n".join([*lines, b"", b""]) + body


def conversation(canary: str, model: str = ENGINE_MODEL, **more: object) -> bytes:
    """A chat request's body."""
    question = f"My chest hurts since an hour. What now? {canary}"
    return orjson.dumps({"model": model, "messages": [{"role": "user", "content": question}], **more})


def chunked(body: bytes, *, close: bool = True) -> bytes:
    """A chat request in three chunks, with an extension and a trailer."""
    third = len(body) // 3
    parts = (body[:third], body[third : 2 * third], body[2 * third :])
    framed = b"".join(b"%x;a=b\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\nx-trailer: t\r\n\r\n"
    lines = [f"POST {CHAT} HTTP/1.1".encode(), b"host: localhost", b"transfer-encoding: chunked"]
    return b"\r\n".join([*lines, *([b"connection: close"] if close else []), b"", b""]) + framed


def valid(canary: str) -> list[bytes]:
    """One of each kind of request."""
    draft = orjson.dumps({"messages": [{"role": "user", "content": "My chest hurts."}], "draft": canary})
    return [
        post(CHAT, conversation(canary)),
        post(CHAT, conversation(canary, stream=True)),
        post(CHAT, conversation(canary, "preceptor")),
        post(CHAT, conversation(canary, "preceptor", stream=True)),
        post("/v1/revisions", draft),
        post("/v1/principles/search", orjson.dumps({"query": canary})),
        chunked(conversation(canary)),
        b"GET /v1/models HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
    ]


def bodies(canary: str) -> list[bytes]:
    """JSON that is odd, broken or too much."""
    whole = conversation(canary)
    return [
        b"[" * 100_000, b'{"a":' * 100_000, b"[" * 100_000 + b"]" * 100_000, whole[:-1] + b"," + whole[1:],
        b'{"model":"preceptor","messages":' + b"[" * 300 + b"]" * 300 + b"}",
        b'{"model":"preceptor","seed":' + b"9" * 5000 + b',"messages":[{"role":"user","content":"x"}]}',
        b'{"model":"preceptor","temperature":1e999,"messages":[{"role":"user","content":"x"}]}',
        b'{"model":"preceptor","messages":[{"role":"user","content":"\\ud800"}]}', b"\xef\xbb\xbf" + whole,
        whole.decode().encode("utf-16"), whole.replace(b"chest", b"\xff\xfe"), b"null", b'"x"', b"", b"{}", b"NaN",
        b"0" * 99,
        gzip.compress(whole),
        b'{"model":"preceptor","messages":[{"role":"user","content":"' + b"x" * 5_000_000 + b'"}]}',
    ]  # fmt: skip


def known(canary: str) -> Iterator[bytes]:
    """Every request that is wrong in a known way."""
    for line in LINES:
        yield line + b"\r\nhost: localhost\r\nconnection: close\r\n\r\n"
    body = conversation(canary)
    for header in HEADERS:
        yield post(CHAT, body, header)
        yield (
            b"POST "
            + CHAT.encode()
            + b" HTTP/1.1\r\nhost: localhost\r\n"
            + header
            + b"\r\nconnection: close\r\n\r\n"
            + body
        )
    for odd in bodies(canary):
        for path in (CHAT, "/v1/revisions", "/v1/principles/search", "/v1/completions"):
            yield post(path, odd)
        yield post(CHAT, odd, b"content-encoding: gzip")
    whole = chunked(body)
    begin = whole.index(b"\r\n\r\n")
    yield from (whole[:cut] for cut in range(begin, len(whole)))
    yield from (whole[:cut] + b"zz" + whole[cut + 2 :] for cut in range(begin + 4, len(whole)))
    for smuggled in (b"GET /v1/models HTTP/1.1\r\nhost: localhost\r\n\r\n", b"GET /nowhere HTTP/1.1\r\n\r\n"):
        both = b"content-length: %d\r\ntransfer-encoding: chunked\r\n" % (len(smuggled) + 5)
        yield b"POST " + CHAT.encode() + b" HTTP/1.1\r\nhost: localhost\r\n" + both + b"\r\n0\r\n\r\n" + smuggled


def mutated(canary: str, rng: random.Random) -> bytes:
    """A valid request with one to four changes."""
    request = rng.choice(valid(canary))
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(request) + 1)
        end = min(len(request), at + rng.choice((1, 1, 2, 8, 40)))
        match rng.randrange(6):
            case 0:
                request = request[:at] + rng.choice(ORDERS) + request[at:]
            case 1:
                request = request[:at] + request[end:]
            case 2:
                request = request[:at] + request[at:end] * 2 + request[end:]
            case 3:
                request = request[:at] + bytes(rng.randrange(256) for _ in range(end - at)) + request[end:]
            case 4:
                head = request.find(b"\r\n") + 2
                request = request[:head] + rng.choice(HEADERS) + b"\r\n" + request[head:]
            case 5:
                request = request[: at or 1]
    return request
