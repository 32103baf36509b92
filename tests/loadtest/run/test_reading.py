import json

import pytest

from loadtest.run.reading import Reading
from loadtest.run.row import End, end_of


def chunk(**delta: object) -> bytes:
    return b"data: " + json.dumps({"choices": [{"index": 0, "delta": delta}]}).encode() + b"\n\n"


LAST = {
    "choices": [],
    "usage": {"completion_tokens": 9},
    "preceptor": {"outcome": "revised", "reason": None, "overhead_ms": 2.5},
}


def test_moments_and_gaps_of_a_stream() -> None:
    read = Reading()
    read.stream(chunk(role="assistant", content=""), 1.0)
    read.stream(chunk(reasoning="thinking", reasoning_content="thinking"), 2.0)
    read.stream(b": ping\n\n", 2.5)
    read.stream(chunk(content="One") + chunk(content=" two")[:20], 3.0)
    read.stream(chunk(content=" two")[20:], 3.25)
    read.stream(chunk(content=" three"), 4.0)
    read.stream(b"data: " + json.dumps(LAST).encode() + b"\n\ndata: [DONE]\n\n", 5.0)
    assert (read.first_reasoning, read.first_answer, read.last_answer) == (2.0, 3.0, 4.0)
    assert read.gaps_ms == [250.0, 750.0]
    assert (read.outcome, read.reason, read.overhead_ms, read.output_tokens) == ("revised", "", 2.5, 9)
    assert (read.pings, read.complete, end_of(200, read)) == (1, True, End.OK)


def test_headers_tell_the_outcome_of_a_whole_reply() -> None:
    read = Reading()
    for name, value in ((b"Outcome", b"accepted"), (b"Reason", b"r"), (b"Overhead-Ms", b"3.1")):
        read.header(b"X-Preceptor-" + name, value)
    read.whole(json.dumps({"choices": [{"message": {"content": "yes"}}]}).encode(), 7.0)
    assert (read.outcome, read.reason, read.overhead_ms, read.first_answer) == ("accepted", "r", 3.1, 7.0)
    assert end_of(200, read) is End.OK


@pytest.mark.parametrize(
    ("status", "data", "end"),
    [
        (200, chunk(content="a"), End.CUT_OFF),
        (200, b'data: {"error": {"message": "away"}}\n\ndata: [DONE]\n\n', End.STREAM_ERROR),
        (200, b"data: {nonsense\n\ndata: [DONE]\n\n", End.MALFORMED),
        (200, b"data: [1]\n\n", End.MALFORMED),
        (429, b"", End.REFUSED),
        (503, b"", End.UNAVAILABLE),
        (400, b"", End.CLIENT_ERROR),
        (502, b"", End.SERVER_ERROR),
    ],
)
def test_what_went_wrong_has_a_name(status: int, data: bytes, end: End) -> None:
    read = Reading()
    read.stream(data, 1.0)
    assert end_of(status, read) is end


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"choices": []}'])
def test_a_whole_reply_of_another_shape_is_malformed(body: bytes) -> None:
    read = Reading()
    read.whole(body, 1.0)
    assert end_of(200, read) is End.MALFORMED
